using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;
using Exchange.Grains.Catalog;
using Exchange.Grains.Limits;
using Exchange.Grains.Pings;
using Exchange.Grains.SoftHolds;
using Exchange.Storage;
using Microsoft.Extensions.Logging;

namespace Exchange.Grains.Cluster;

/// <summary>
/// Where a post finds its ping: in this silo's book, else with the silo that made it (its number is in the id). Whoever has no answer in time reads
/// the ping record.
/// </summary>
public sealed partial class OfferHomes(
    OfferBook book, ISilos silos, IExchangeStore store, ICatalogHost catalog, PostRates rates, SoftHoldDesk softHolds, TimeProvider time, ILogger<OfferHomes> log)
{
    /// <summary>How long a killed silo's pings count as lost if nobody finds them; an offer lives hardly longer.</summary>
    private const long OfferAgeMs = 3_600_000;
    /// <summary>
    /// A ping as young as this may be an offer that only its silo knows: its record is not written yet, and its silo is not seen yet, was lost, or stands still and
    /// may wake. Whatever a post there was about to make of it is durable by then, or never will be (<see cref="PostHoldsMs"/>).
    /// </summary>
    public const long RecordSettlesMs = 20_000;
    /// <summary>A silo that is there and does not answer: one that hangs is declared dead sooner.</summary>
    private const long SiloSettlesMs = 30_000;
    /// <summary>
    /// For how long after its arrival a post may make its lead durable. With what the database grants a transaction that was begun (a second of idleness, three for
    /// a lock) this is less than <see cref="RecordSettlesMs"/>.
    /// </summary>
    public const long PostHoldsMs = 10_000;

    /// <summary>The same of a direct post, whose bidders are asked meanwhile.</summary>
    public const long DirectPostHoldsMs = Engine.Limits.DeadlineMs;
    private long lost;

    /// <summary>Posts of pings whose silo is gone and left no record: made in the last 100 ms of one that was killed.</summary>
    public long Lost => Interlocked.Read(ref lost);

    /// <summary>Null: neither here nor at home; the record in the store may have it.</summary>
    public async ValueTask<PingRecord?> FindAsync(LeadId id) => (await LookAsync(id)).Record;

    /// <summary>The same, and whether a ping that the records do not have either may exist nevertheless.</summary>
    public async ValueTask<(PingRecord? Record, bool Unsure)> LookAsync(LeadId id)
    {
        if (book.Find(id) is { } here) return (await ReadAsync(id, here), false);
        if (silos.Find(id.Silo) is not { } home) return (null, IsUnsure(id, answered: false));
        try
        {
            if (await home.FindOffer(id.ToGuid()) is not { } found) return (null, IsUnsure(id, answered: true));
            var record = await ReadAsync(id, found.Record);
            book.Add(id, found.Record, record.ExpiresAtMs);
            if (found.TestResult is { } forced) book.ForceTest(id, forced);
            return (record, false);
        }
        catch (Exception fault) when (fault is not OutOfMemoryException)
        {
            NoAnswer(id.Silo, fault);
            return (null, IsUnsure(id, answered: false));
        }
    }

    /// <summary>
    /// Whether nobody can say yet that there is no such ping, although neither a book nor the records have it: the ping is young, and its home does not
    /// answer or is not known here. Who asked comes again.
    /// </summary>
    /// <param name="answered">Whether its home was asked and answered.</param>
    private bool IsUnsure(LeadId id, bool answered) =>
        !answered && id.Silo != silos.Self.Number
        && Math.Abs(time.GetUtcNow().ToUnixTimeMilliseconds() - id.UnixMilliseconds) < (silos.IsAlive(id.Silo) ? SiloSettlesMs : RecordSettlesMs);

    /// <summary>Another silo asks for a ping that was made here.</summary>
    public FoundOffer? FindForAnother(LeadId id) => book.Find(id) is { } record ? new(record, book.TestResultOf(id)) : null;

    private async ValueTask<PingRecord> ReadAsync(LeadId id, byte[] record)
    {
        var model = await catalog.ModelAsync(PingCodec.CatalogVersionOf(record), CancellationToken.None);
        return PingCodec.Decode(id, record, store.Vault, model);
    }

    /// <summary>The offer was posted: told to the silo that counts it as out.</summary>
    /// <param name="publisher">Null: of a direct post. It was offered nothing, and says nothing of how many of its publisher's offers are posted.</param>
    public void Posted(LeadId id, string? publisher)
    {
        if (silos.Find(id.Silo) is { } home) _ = home.Posted(id.ToGuid(), publisher ?? "");
        else PostedHere(id, publisher);
    }

    public void PostedHere(LeadId id, string? publisher)
    {
        // No name as null: a server of the build before would not come to the rest.
        if (publisher is { Length: > 0 }) rates.Posted(publisher);
        softHolds.Release(id);
    }

    /// <summary>A post came for a ping that is nowhere. Counted where its silo is gone and it could have been an offer yet.</summary>
    public void NotFound(LeadId id)
    {
        var age = time.GetUtcNow().ToUnixTimeMilliseconds() - id.UnixMilliseconds;
        if (age is >= 0 and < OfferAgeMs && id.Silo < silos.Self.Number && !silos.IsAlive(id.Silo)) Interlocked.Increment(ref lost);
    }

    [LoggerMessage(LogLevel.Warning, "Silo {Number} did not tell of its offer; the record is read instead")]
    private partial void NoAnswer(ushort number, Exception fault);
}
