using Exchange.Engine.Catalog;
using Exchange.Engine.Explanations;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;
using Exchange.Grains.Catalog;
using Exchange.Storage;

namespace Exchange.Grains.Bidding;

/// <summary>
/// What a buyer is told of its losses, whether it asks or hears of them: of its campaigns that tell losses, once the ping's hour is over and rounded up, so that
/// it is no meter of single bids.
/// </summary>
public static class ToldLosses
{
    public const long HourMs = 3_600_000;
    /// <summary>A ping that began in an hour is recorded a little later: so long after its end an hour is over for good.</summary>
    private const long RecordedWithinMs = 60_000;
    private static readonly Money Rounding = new(500_000);

    /// <summary>Pings before this id may be told of.</summary>
    public static LeadId OverAt(long nowMs) => LeadId.Create((nowMs - RecordedWithinMs) / HourMs * HourMs, 0, false, 0);

    /// <summary>As it is told.</summary>
    public static Money? MinimumOf(Loss loss) => loss.MinimumToWin?.RaiseTo(Rounding);

    /// <summary>A buyer's losses at one ping, by the catalog of the ping and of today: in both the campaign is the buyer's and tells losses.</summary>
    /// <param name="only">One of its campaigns; null: all.</param>
    public static async Task<IReadOnlyList<Loss>> OfAsync(IExchangeStore store, ICatalogHost catalog, PingRecord record, string buyer, string? only, CancellationToken cancel)
    {
        if (record.Id.IsTest) return [];
        var version = await catalog.ModelAsync(record.CatalogVersion, cancel);
        var told = new List<Loss>();
        LeadRow? lead = null;
        foreach (var loss in Losses.Of(version, record, buyer))
        {
            if (!loss.Campaign.TellLosses || only is not null && only != loss.Campaign.Id || !IsTold(catalog.Current, loss.Campaign.Id, buyer)) continue;
            // At the post it may have come into the place of a winner that fell out: then it lost nothing.
            lead ??= await store.Leads.FindAsync(record.Id, cancel);
            if (lead?.Copies.Any(copy => copy.Campaign == loss.Campaign.Id) != true) told.Add(loss);
        }
        return told;
    }

    public static bool IsTold(CatalogModel now, string campaign, string buyer) => now.Campaigns.TryGetValue(campaign, out var known) && known.Buyer.Id == buyer && known.TellLosses;
}
