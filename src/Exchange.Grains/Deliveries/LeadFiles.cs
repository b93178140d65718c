using System.Runtime.CompilerServices;
using Exchange.Delivery;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Connectors;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Ledger;
using Exchange.Grains.Catalog;
using Exchange.Storage;
using Microsoft.Extensions.Logging;

namespace Exchange.Grains.Deliveries;

/// <summary>Deliveries that go out together, each under its own lease: of one endpoint and one moment of its schedule, in the order of their copies' ids.</summary>
internal sealed record LeadBatch(string Buyer, string Endpoint, long MomentMs, IReadOnlyList<LeasedDelivery> Deliveries);

/// <summary>
/// Collects the deliveries of endpoints that take files. What became due for one moment is one file, and comes again as the same file after a doubt: the moment is
/// that of each delivery's making, and copies that went together wait together.
/// </summary>
internal sealed class LeadFiles(IExchangeStore store, ICatalogHost catalog, BuyerCalls calls, Handover handover, ILogger log)
{
    /// <summary>Of which one file consists at most.</summary>
    public const int CopiesPerFile = 1_000;

    /// <summary>Claimed at once: two files for each call that may be under way at an endpoint.</summary>
    private const int CopiesPerClaim = 4 * CopiesPerFile;

    private readonly Lock gate = new();
    private readonly Dictionary<(string Buyer, string Endpoint), UnderWay> underWay = [];

    /// <summary>Long enough that what waits has been looked at before the first of it is due again.</summary>
    private const long LaterMs = 2_000;

    /// <summary>Files of one endpoint that are not over yet, and when what came meanwhile is asked about again.</summary>
    private sealed class UnderWay
    {
        public int Files;
        public long LaterMs;
    }

    private SftpModel? FilesOf(string buyer, string endpoint) => catalog.Current.Buyers.GetValueOrDefault(buyer)?.Endpoints.GetValueOrDefault(endpoint)?.Sftp;

    /// <summary>Whether what is due there is to be taken: null, it is, in any number; else when it is asked about again. Not asked: it takes no files.</summary>
    public bool Asks(string buyer, string endpoint, long nowMs, out long? later)
    {
        later = null;
        if (FilesOf(buyer, endpoint) is null) return false;
        // Its files of just now are not on the server yet: what is due meanwhile is in the next ones, all of it together, since copies that went together go together again.
        lock (gate) if (underWay.TryGetValue((buyer, endpoint), out var now)) later = now.LaterMs = now.LaterMs > nowMs ? now.LaterMs : nowMs + LaterMs;
        return true;
    }

    /// <summary>
    /// What was claimed, with all else that is due at the same endpoints, as files, endpoint by endpoint. Whoever takes one says <see cref="Left"/> when it is over. Where
    /// the rows cannot be had it ends with their exception: that endpoint and those after it are not under way, and what was claimed for them is set back, or, where the store does
    /// not take that either, comes again when its lease runs out.
    /// </summary>
    public async IAsyncEnumerable<LeadBatch> CollectAsync(IEnumerable<LeasedDelivery> claimed, long nowMs, long leaseUntilMs, [EnumeratorCancellation] CancellationToken cancel)
    {
        var places = claimed.GroupBy(delivery => (delivery.Buyer, delivery.Endpoint)).ToArray();
        for (var i = 0; i < places.Length; i++)
        {
            var place = places[i];
            var (buyer, endpoint) = place.Key;
            IReadOnlyList<LeasedDelivery> more;
            try
            {
                more = await store.Deliveries.ClaimDueAtAsync(buyer, endpoint, nowMs, leaseUntilMs, Math.Max(1, CopiesPerClaim - place.Count()), cancel);
            }
            catch (Exception fault) when (fault is not OutOfMemoryException)
            {
                // Due at once, with what was due there and not claimed: whatever came later than the rest would be a file of its own.
                await handover.SetBackAllAsync(places[i..].SelectMany(static rest => rest), 0);
                throw;
            }
            var files = FilesOf(buyer, endpoint);
            var made = place.Concat(more).GroupBy(delivery => files?.NextFileMs(delivery.CreatedAtMs) ?? 0)
                .SelectMany(moment => moment.OrderBy(delivery => delivery.Copy.Lead).ThenBy(delivery => delivery.Copy.No).Chunk(CopiesPerFile).Select(chunk => new LeadBatch(buyer, endpoint, moment.Key, chunk)))
                .ToArray();
            lock (gate)
            {
                if (!underWay.TryGetValue(place.Key, out var now)) underWay.Add(place.Key, now = new());
                now.Files += made.Length;
            }
            foreach (var batch in made) yield return batch;
        }
    }

    /// <summary>Whether it goes out in a file.</summary>
    public bool Takes(LeasedDelivery delivery) =>
        delivery.Wait == DeliveryWait.None && delivery.CopyState == CopyState.Captured && FilesOf(delivery.Buyer, delivery.Endpoint) is not null;

    /// <summary>Whatever became of it.</summary>
    public void Left(LeadBatch batch)
    {
        lock (gate) if (--underWay[(batch.Buyer, batch.Endpoint)].Files == 0) underWay.Remove((batch.Buyer, batch.Endpoint));
    }

    /// <summary>False: the rows could not be read, nobody was called.</summary>
    public async Task<bool> DeliverAsync(LeadBatch batch, long deadlineMs)
    {
        var (going, messages) = (new List<LeasedDelivery>(batch.Deliveries.Count), new List<CopyMessage>(batch.Deliveries.Count));
        EndpointModel? endpoint = null;
        try
        {
            foreach (var delivery in batch.Deliveries)
            {
                var outgoing = await handover.PrepareAsync(delivery);
                if (outgoing.Ended is { } ended) await handover.RecordAsync(delivery, ended);
                // One that was changed in between is taken as it is now, for all of the file.
                else
                {
                    endpoint ??= outgoing.Endpoint;
                    going.Add(delivery);
                    messages.Add(outgoing.Message!);
                }
            }
        }
        catch (StorageBusyException)
        {
            return false;
        }
        if (endpoint is null) return true;
        var result = await calls.SendAsync(endpoint, new CopyBatch(DateTimeOffset.FromUnixTimeMilliseconds(batch.MomentMs), ColumnsOf(messages), messages), deadlineMs).OrUnknownAsync(going[0].Copy, log);
        FaultPoints.AfterSent.Pass();
        // All at once: what a crash left of it would be another file, with leads that were in this one.
        await handover.RecordAllAsync([.. going.Select(delivery => (delivery, handover.After(delivery, endpoint, result, going[0].Copy)))]);
        return true;
    }

    /// <summary>Every field of every vertical in the file, so that its columns do not depend on what its leads happen to have.</summary>
    private string[] ColumnsOf(List<CopyMessage> messages)
    {
        var model = catalog.Current;
        return [.. messages.Select(message => message.Vertical).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)
            .SelectMany(vertical => model.Verticals.GetValueOrDefault(vertical)?.Fields.All.Select(field => field.Name) ?? []).Distinct(StringComparer.Ordinal)];
    }
}
