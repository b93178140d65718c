using Exchange.Engine.Caps;
using Exchange.Engine.Ledger;
using Exchange.Engine.Postbacks;
using Exchange.Engine.Values;

namespace Exchange.Engine.Audit;

/// <summary>One row that counts against a limit.</summary>
/// <param name="Id">What the takes of copies name it by.</param>
/// <param name="LimitId">As <see cref="LimitModel.Id"/>.</param>
/// <param name="WindowStart">Unix seconds; 0 for gates, balances and caps for ever.</param>
public sealed record CounterFact(long Id, LimitKind Kind, string LimitId, long WindowStart, long Limit, long Used, long Held)
{
    /// <summary>Offers and pings, counted as they happen: no copy takes of it and it may go beyond the limit.</summary>
    public bool IsCounted { get; init; }

    /// <summary>What the catalog says: the limits that the row may have (several where days differ); of a balance its credit. Null: not in the catalog any more, or not yet.</summary>
    public IReadOnlyList<long>? Catalog { get; init; }

    /// <summary>Used and held together when the limit was last lowered below them, or when a cap began above it; 0: never, or they were within it again since.</summary>
    public long Over { get; init; }

    /// <summary>
    /// Used by copies that were sold before the cap was in force and so keep no take of it. Null: not known, the row is older than the record of it.
    /// </summary>
    public long? Seeded { get; init; } = 0;

    /// <summary>How a finding names it: without the value of a cap that counts for each, which may be somebody's.</summary>
    public string Name => Kind == LimitKind.Cap ? $"{LimitId}@{WindowStart}" : LimitId;
}

/// <summary>A gate or a balance of the newest catalog. No cap: the row of a window is made by the first that takes of it.</summary>
/// <param name="HasCounter">Its row is there.</param>
public readonly record struct LimitFact(LimitKind Kind, string LimitId, bool HasCounter);

/// <summary>What one copy takes of a counter now: of held where it is held or in doubt, of used where it is captured.</summary>
/// <param name="Counter">Of a counter that is not there a number that none has.</param>
public readonly record struct TakeFact(long Counter, long Amount);

/// <summary>One copy.</summary>
/// <param name="Called">False: held at its ping, its buyer was never told.</param>
/// <param name="AtMs">When it was held.</param>
/// <param name="Takes">What it still takes; takes of nothing (gates) are left out. Of ended copies they are not looked at.</param>
public sealed record CopyFact(
    int No, string Campaign, string Buyer, string Company, bool Exclusive, CopyState State, Money Price, Money Payout, bool Called, long AtMs,
    IReadOnlyList<TakeFact> Takes)
{
    /// <summary>Has a place among the lead's copies. One that came back keeps it: its buyer has the lead.</summary>
    public bool IsOpen => IsHold || IsSold;

    /// <summary>Its end is still to come.</summary>
    public bool IsHold => State is CopyState.Held or CopyState.InDoubt;

    /// <summary>It was sold, given back later or not.</summary>
    public bool IsSold => State is CopyState.Captured or CopyState.Reversed;
}

/// <summary>One booking. <see cref="CopyNo"/> is 0 where no copy is meant.</summary>
/// <param name="Kind">fund, payout, margin, …</param>
public readonly record struct TransferFact(int CopyNo, string Kind, string Debit, string Credit, Money Amount);

/// <summary>What an account is said to have: its closing row, and what was booked after it.</summary>
public readonly record struct AccountFact(string Account, Money Balance);

public enum DeliveryFactState : byte { Waiting = 1, Delivered = 2, Failed = 3, Dead = 4, Cancelled = 5 }

/// <summary>One delivery of one copy.</summary>
/// <param name="Pulled">The buyer fetches it from its inbox; nobody calls.</param>
/// <param name="IsDue">Waiting with a moment at which somebody takes it up; false: only a sale or an operator wakes it.</param>
public readonly record struct DeliveryFact(int CopyNo, DeliveryFactState State, bool Pulled, bool IsDue)
{
    /// <summary>A wait stands before it, or stood there when it was cancelled: nobody was to have it yet.</summary>
    public bool Waits { get; init; }
}

/// <summary>A place in the list of what a buyer bought.</summary>
public readonly record struct ListedFact(int CopyNo, string Buyer);

public enum ReturnFactState : byte { Requested = 1, Accepted = 2, Refused = 3 }

/// <summary>A buyer's wish to give a copy back.</summary>
/// <param name="IsBooked">Noted as booked; false says only that nobody noted it yet.</param>
/// <param name="DecidedAtMs">When it was accepted or refused; 0: it waits.</param>
public readonly record struct ReturnFact(int CopyNo, ReturnFactState State, bool IsBooked, long DecidedAtMs);

/// <summary>One thing that a publisher is told. <see cref="CopyNo"/> is 0 where no copy is meant.</summary>
public readonly record struct PostbackFact(PostbackEvent Event, int CopyNo, DeliveryFactState State);

/// <summary>What the recorded answer of a lead says. <see cref="State"/> null: it cannot be read.</summary>
public sealed record AnswerFact(LeadState? State, Money Payout, Money Pending);

/// <summary>The lead's own row.</summary>
/// <param name="Posted">False: held at its ping and not posted.</param>
/// <param name="Answer">Null: none is recorded.</param>
public sealed record LeadFact(string Publisher, LeadState State, int MaxCopies, int OpenCopies, bool OpenExclusive, bool Posted, AnswerFact? Answer)
{
    /// <summary>It waits before a tree is asked, with a moment at which somebody takes it up.</summary>
    public bool Waits { get; init; }
}

/// <summary>One lead with all that hangs on it.</summary>
/// <param name="Lead">Null: rows name a lead that is not there.</param>
/// <param name="Persons">How many person rows name it.</param>
public sealed record LeadFacts(
    LeadId Id, LeadFact? Lead, IReadOnlyList<CopyFact> Copies, IReadOnlyList<TransferFact> Transfers, IReadOnlyList<DeliveryFact> Deliveries, int Persons)
{
    /// <summary>What its publisher was told or is to be told.</summary>
    public IReadOnlyList<PostbackFact> Postbacks { get; init; } = [];

    /// <summary>Where its copies stand in buyers' lists; null: no lists are kept.</summary>
    public IReadOnlyList<ListedFact>? Listed { get; init; }

    /// <summary>At most one of a copy.</summary>
    public IReadOnlyList<ReturnFact> Returns { get; init; } = [];

    public CopyId CopyId(int no) => new(Id, no);
}

/// <summary>An idempotency key that made a lead. The key itself is not told: it may hold anything.</summary>
public readonly record struct RequestFact(string Publisher, LeadId Lead);

/// <summary>Numbers of rows that are only ever inserted, or given once.</summary>
/// <param name="Name">Of the table or number.</param>
/// <param name="Gapless">The store hands out every number; a gap is a row that went.</param>
public sealed record SequenceFact(string Name, long Rows, long Distinct, long First, long Last, bool Gapless)
{
    /// <summary>The highest number that was given so far, without gaps the last row's; null: not kept.</summary>
    public long? Given { get; init; }
}
