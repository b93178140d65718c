using System.Collections.ObjectModel;
using Exchange.Delivery;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Explanations;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;
using Exchange.Grains.Catalog;
using Exchange.Grains.Cluster;
using Exchange.Grains.Deliveries;
using Exchange.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Exchange.Grains.Bidding;

/// <summary>
/// Tells live bidders what they lost, where their campaign tells losses and their connector has a <c>lost</c>: an hour's losses once it is over, each once if
/// nothing goes wrong. It is a courtesy: nothing is sent again, a bidder that does not answer is left in peace until the next round, and what cannot be told is counted and passed over,
/// so that it keeps no other loss from being told. One silo tells for all.
/// </summary>
public sealed class LossTeller(IExchangeStore store, ICatalogHost catalog, BuyerCalls calls, ISilos silos, TimeProvider time, ILogger<LossTeller> log) : BackgroundService
{
    private const string Cursor = "losses.told";
    private const int RecordsPerRead = 500;
    private const int AtOnce = 8;
    /// <summary>So many failures of one endpoint in one round, and it hears no more of that round.</summary>
    private const int Patience = 3;
    private const string NotAsked = "";
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                if (silos.OwnerOf(Cursor) is null) await TellAsync(stoppingToken);
            }
            catch (Exception fault) when (fault is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
            {
                log.LogWarning(fault, "Losses could not be told; trying again");
            }
        }
    }

    /// <summary>Everything that may be told by now. How many were told.</summary>
    public async Task<int> TellAsync(CancellationToken cancel)
    {
        var over = ToldLosses.OverAt(time.GetUtcNow().ToUnixTimeMilliseconds());
        // What was before the first look is old news.
        if (!LeadId.TryParse(await store.Access.FindSettingAsync(Cursor, cancel), out var from))
        {
            await store.Access.PutSettingAsync(Cursor, over.ToString(), cancel);
            return 0;
        }
        var (told, unread) = (0, 0);
        var failures = new Dictionary<EndpointModel, int>();
        while (from.CompareTo(over) < 0)
        {
            IReadOnlyList<PingRecord> records = [];
            if (catalog.Current.Campaigns.Values.Any(campaign => TellsTo(campaign) is not null)) records = await store.Pings.ReadAsync(from, over, RecordsPerRead, catalog.ModelAsync, cancel);
            var due = new List<(EndpointModel Endpoint, LossCall Call)>();
            foreach (var record in records)
                if (!await TryAddAsync(record, due, cancel)) unread++;
            foreach (var some in due.Where(each => failures.GetValueOrDefault(each.Endpoint) < Patience).Chunk(AtOnce))
                foreach (var (endpoint, error) in await Task.WhenAll(some.Select(TellAsync)))
                    if (error is null) told++;
                    else if (error != NotAsked) failures[endpoint] = failures.GetValueOrDefault(endpoint) + 1;
            from = records.Count < RecordsPerRead ? over : records[^1].Id.Next;
            // After it was told: who dies here tells a little of it twice.
            await store.Access.PutSettingAsync(Cursor, from.ToString(), cancel);
        }
        if (unread > 0) log.LogWarning("Losses at {Count} pings could not be told: what they were cannot be read", unread);
        foreach (var (endpoint, count) in failures) log.LogInformation("{Buyer}/{Endpoint} could not be told of losses: {Count} failures", endpoint.Buyer, endpoint.Name, count);
        return told;
    }

    /// <summary>The endpoint that hears of this campaign's losses; null: none does.</summary>
    private static EndpointModel? TellsTo(CampaignModel campaign) =>
        campaign.TellLosses && campaign.Bid.Live is { CanHearOfLosses: true } endpoint ? endpoint : null;

    /// <summary>False: what was lost at this ping cannot be made out, and is not to be asked for again and again. A store that is away ends the round, before anybody of this page was told.</summary>
    private async Task<bool> TryAddAsync(PingRecord record, List<(EndpointModel, LossCall)> due, CancellationToken cancel)
    {
        try
        {
            await AddAsync(record, due, cancel);
            return true;
        }
        catch (Exception fault) when (fault is not (OutOfMemoryException or OperationCanceledException or StorageBusyException or StorageFailedException))
        {
            log.LogError(fault, "What was lost at ping {Ping} cannot be read", record.Id);
            return false;
        }
    }

    private async Task AddAsync(PingRecord record, List<(EndpointModel, LossCall)> due, CancellationToken cancel)
    {
        if (record.LiveBids.Length == 0) return;
        foreach (var buyer in record.LiveBids.Where(bid => bid.Reason == Reason.None).Select(bid => bid.Of.Buyer.Id).Distinct(StringComparer.Ordinal))
            foreach (var loss in await ToldLosses.OfAsync(store, catalog, record, buyer, null, cancel))
                if (catalog.Current.Campaigns.TryGetValue(loss.Campaign.Id, out var campaign) && TellsTo(campaign) is { } endpoint
                    && Array.Find(record.LiveBids, bid => bid.Of.Id == campaign.Id && bid.Reason == Reason.None) is { } bid)
                    due.Add((endpoint, CallOf(record, campaign, loss, bid, (await catalog.ModelAsync(record.CatalogVersion, cancel)).Verticals[record.Vertical])));
    }

    private LossCall CallOf(PingRecord record, CampaignModel campaign, Loss loss, LiveBid bid, VerticalModel vertical) => new()
    {
        RequestId = store.Vault.BidRequest(record.Id, campaign.Id), Campaign = campaign.Id, Vertical = record.Vertical, Reason = Reason.Outbid, MinimumToWin = ToldLosses.MinimumOf(loss),
        Source = store.Vault.Alias(campaign.Buyer.Id, record.Publisher, null), SubSource = record.SubId is null ? null : store.Vault.Alias(campaign.Buyer.Id, record.Publisher, record.SubId),
        Carried = bid.Carry.Length == 0 ? ReadOnlyDictionary<string, string>.Empty : new Dictionary<string, string>(bid.Carry, StringComparer.Ordinal),
        Fields = LiveBidding.FieldsOf(vertical, record.Values),
    };

    private async Task<(EndpointModel, string?)> TellAsync((EndpointModel Endpoint, LossCall Call) loss)
    {
        try
        {
            return (loss.Endpoint, await calls.TellAsync(loss.Endpoint, loss.Call, time.GetUtcNow().ToUnixTimeMilliseconds() + (long)CallTimeout.TotalMilliseconds));
        }
        // No fault of the bidder's: this one is not told, and those after it are tried.
        catch (Exception away) when (away is StorageBusyException or StorageFailedException)
        {
            return (loss.Endpoint, NotAsked);
        }
        // Others of this page were told by now: told again, they would hear it twice.
        catch (Exception fault) when (fault is not OutOfMemoryException)
        {
            log.LogError(fault, "A loss of {Buyer}/{Endpoint} could not be told", loss.Endpoint.Buyer, loss.Endpoint.Name);
            return (loss.Endpoint, "call_failed");
        }
    }
}
