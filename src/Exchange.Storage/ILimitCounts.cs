namespace Exchange.Storage;

/// <summary>A copy that a tier sold or holds (+1), or that was voided or expired (-1). <see cref="AtMs"/>: when it was held.</summary>
public readonly record struct SoldCount(string Tier, string Campaign, long AtMs, int Count);

/// <summary>A person that a scope has since then. <see cref="AtMs"/> = 0: it has not any more.</summary>
public readonly record struct KnownPerson(string Scope, byte[] Hmac, long AtMs);

/// <summary>What one commit changed besides counters, in the order in which it happened.</summary>
public sealed record SoldNews(IReadOnlyList<SoldCount> Copies, IReadOnlyList<KnownPerson> Persons);

/// <summary>So much more of a window's counter. <see cref="Weekday"/> as in a take.</summary>
public readonly record struct LimitCount(string Key, string LimitId, long Amount, int Weekday = 0);

/// <summary>Counts beside the journal's takes, and what the live view starts with.</summary>
public interface ILimitCounts
{
    /// <summary>
    /// Adds to what was used, also beyond the limit: offers and pings happened. Told to <see cref="IJournal.Committed"/> like any commit. A limit
    /// that is not in the catalog and has no row is passed over. Adding is not idempotent: after an unknown end the counts are lost, not doubled.
    /// </summary>
    Task AddAsync(IReadOnlyList<LimitCount> counts, CancellationToken cancel);

    /// <summary>Copies that tiers sold or hold since then, oldest first, summed by tier, campaign and second. No tests.</summary>
    Task<IReadOnlyList<SoldCount>> SoldSinceAsync(long sinceMs, CancellationToken cancel);

    /// <summary>The newest persons, newest first, at most so many.</summary>
    Task<IReadOnlyList<KnownPerson>> RecentPersonsAsync(int atMost, CancellationToken cancel);
}

/// <summary>What may go by now.</summary>
/// <param name="PersonsBeforeMs">Persons known since before this are outside every window of the catalog.</param>
/// <param name="OffersBeforeMs">Offers that ran out before this and were never posted.</param>
/// <param name="Rows">Of each kind at most so many in one run: none of them stands before another.</param>
public sealed record UpkeepRun(long NowMs, long PersonsBeforeMs, long OffersBeforeMs, int Rows);

/// <summary>How many rows of each kind went in one run.</summary>
public readonly record struct UpkeepDone(int Counters, int Persons, int Offers)
{
    public int Rows => Counters + Persons + Offers;

    /// <summary>Of some kind there may be more: as many went as were asked for.</summary>
    public bool IsCut(UpkeepRun run) => Math.Max(Counters, Math.Max(Persons, Offers)) >= run.Rows;
}

/// <summary>Old rows that nothing reads any more, removed a few at a time.</summary>
public interface IUpkeep
{
    /// <summary>Counter rows of windows that ended more than this many days ago are removed, unless something is still held in them.</summary>
    const int CounterDays = Engine.Limits.CounterDays;

    /// <summary>The same of counted offers and pings: no copy names them.</summary>
    const int CountedDays = 2;

    Task<UpkeepDone> RunAsync(UpkeepRun run, CancellationToken cancel);
}
