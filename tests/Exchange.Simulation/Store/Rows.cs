using Exchange.Engine.Deliveries;
using Exchange.Engine;
using Exchange.Engine.Leads;
using Exchange.Engine.Ledger;
using Exchange.Engine.Postbacks;
using Exchange.Engine.Values;
using Exchange.Storage;

namespace Exchange.Simulation.Store;

/// <summary>A copy's row. Immutable: a state is another record.</summary>
internal sealed record CopyEntry(
    int No, string OfferId, string Campaign, string Company, bool Exclusive, CopyState State, bool IsCalled, string Tier, long AtMs)
    : JudgedCopy(No, OfferId, Campaign, Company, Exclusive, State, IsCalled, Tier, AtMs)
{
    public required string Buyer { get; init; }
    public required Money Price { get; init; }
    public required Money Payout { get; init; }
    public required string[] Trees { get; init; }
    /// <summary>What it took, in the windows it was taken in; gates are left out.</summary>
    public required IReadOnlyList<(CounterEntry Counter, long Amount)> Takes { get; init; }
    public Reason Reason { get; init; }
    public string? BuyerRef { get; init; }
    public string? RedirectUrl { get; init; }
}

/// <summary>A delivery's row.</summary>
internal sealed class DeliveryEntry(CopyId copy, string endpoint)
{
    public CopyId Copy => copy;
    public string Endpoint => endpoint;
    public DeliveryStatus Status { get; set; } = DeliveryStatus.Waiting;
    public required bool Pulled { get; init; }
    public required long DueAtMs { get; set; }
    public string? Owner { get; set; }
    public long LeaseUntilMs { get; set { field = value; LastLeaseMs = Math.Max(LastLeaseMs, value); } }
    /// <summary>The end of the last lease, also if a sale ended it sooner.</summary>
    public long LastLeaseMs { get; private set; }
    public long Fence { get; set; }
    public int Attempts { get; set; }
    public required long CreatedMs { get; init; }
    public string? Error { get; set; }
    public DeliveryWait Wait { get; set; }
    public long WaitUntilMs { get; init; }

    /// <summary>Attempts that had begun when its person was erased; more never begin.</summary>
    public int? AttemptsBefore { get; set; }
    /// <summary>Its copy was sold when its person was erased.</summary>
    public bool WasSold { get; set; }

    public void Unlease() => (Owner, LeaseUntilMs) = (null, 0);

    /// <summary>What it waits for may be there: whoever is asking by what was there before has asked in vain.</summary>
    public void Look(long nowMs)
    {
        DueAtMs = nowMs;
        Fence++;
    }
}

/// <summary>A lead's wait before a tree; over when nothing is due any more.</summary>
internal sealed class WaitEntry(LeadWait wait, long begunMs, long fence)
{
    public LeadWait For => wait;
    public long BegunMs => begunMs;
    public long Fence { get; set; } = fence;
    public long? DueAtMs { get; set; } = wait.Until.UntilMs;

    /// <summary>What it waits for may be there: a decision on what was known before is void.</summary>
    public void Look(long nowMs)
    {
        if (DueAtMs is null) return;
        DueAtMs = nowMs;
        Fence++;
    }
}

/// <summary>A counter's row.</summary>
internal sealed class CounterEntry(int id, string key, string limitId, long windowStart, long limit)
{
    public int Id => id;
    public string Key => key;
    public string LimitId => limitId;
    public long WindowStart => windowStart;
    /// <summary>As the fence moves it; another after a change of the limit.</summary>
    public Counter Row { get; private set; } = new(key, limitId, limit, 0, 0);
    public long Taken => Row.Used + Row.Held;
    /// <summary>What stood when the limit was lowered below it, until there is room again.</summary>
    public long Over { get; private set; }
    /// <summary>Used by copies that were sold before the cap was in force.</summary>
    public long Seeded { get; set; }

    public void Limit(long limit)
    {
        if (Taken > limit && limit >= 0) Over = Math.Max(Over, Taken);
        Row = new(key, limitId, limit, Row.Used, Row.Held);
    }

    /// <summary>Taken of or given back.</summary>
    public void Moved()
    {
        if (Taken <= Row.Limit) Over = 0;
    }

    public CounterValue Value => new(key, limitId, Row.Limit, Row.Used, Row.Held);
}

/// <summary>A lead's row with all that hangs on it.</summary>
internal sealed class LeadEntry(LeadId id, NewLead made, long atMs)
{
    public LeadId Id => id;
    public string Publisher => made.Publisher;
    public string Vertical => made.Vertical;
    public string? SubId => made.SubId;
    public string? Channel => made.Channel;
    public long CatalogVersion => made.CatalogVersion;
    public long AtMs { get; set; } = atMs;
    public LeadState State { get; set; }
    public Reason Reason { get; set; }
    public int MaxCopies { get; set; } = made.MaxCopies;
    public byte[] PostHash { get; set; } = made.PostHash;
    public byte[] Sealed { get; set; } = made.Sealed;
    public byte[]? Answer { get; set; }
    public long OfferUntilMs { get; set; } = made.OfferUntilMs;
    public Money? Promised { get; set; } = made.Promised;
    public int OpenCopies { get; set; }
    public bool OpenExclusive { get; set; }
    public List<CopyEntry> Copies { get; } = [];
    public List<DeliveryEntry> Deliveries { get; } = [];
    public List<(int CopyNo, Transfer Transfer)> Transfers { get; } = [];
    public List<NewPostback> Postbacks { get; } = [];

    public WaitEntry? Wait { get; set; }
    /// <summary>How often fields were added to it.</summary>
    public int Additions { get; set; }

    /// <summary>True time of its erasure, once it was posted; null: not erased.</summary>
    public long? ErasedMs { get; private set; }
    /// <summary>What was sealed before, for those who count again.</summary>
    public byte[] Known { get => field.Length > 0 && ErasedMs is not null ? field : Sealed; private set; } = [];

    public void Forget(long trueMs)
    {
        if (OfferUntilMs == 0 && ErasedMs is null)
        {
            Known = Sealed;
            ErasedMs = trueMs;
            foreach (var delivery in Deliveries) (delivery.AttemptsBefore, delivery.WasSold) = (delivery.Attempts, Copies.Exists(copy => copy.No == delivery.Copy.No && copy.State == CopyState.Captured));
        }
        Sealed = [];
        for (var i = 0; i < Copies.Count; i++) Copies[i] = Copies[i] with { BuyerRef = null, RedirectUrl = null };
    }

    public JudgedLead Judged => new(id, State, Reason, Publisher, MaxCopies, PostHash, Answer, OfferUntilMs == 0) { WaitFence = Wait is { DueAtMs: not null } wait ? wait.Fence : null, IsErased = Sealed.Length == 0 };

    public LeadRow ToRow() => new(
        id, Publisher, Vertical, SubId, id.IsTest, State, Reason, MaxCopies, PostHash, Sealed, Answer, CatalogVersion, AtMs,
        [.. Copies.Select(copy => new CopyRow(
            new(id, copy.No), copy.OfferId, copy.Campaign, copy.Buyer, copy.Company, copy.Exclusive, copy.State, copy.Price, copy.Payout, copy.AtMs, copy.Reason,
            copy.BuyerRef, copy.RedirectUrl)
        {
            Tier = copy.Tier, Trees = copy.Trees, Called = copy.IsCalled,
        })])
    {
        Channel = Channel, Promised = Promised, OfferUntilMs = OfferUntilMs,
        Wait = Wait is { } wait ? new(wait.For, wait.BegunMs, wait.Fence, wait.DueAtMs is null) : null,
    };
}
