using Exchange.Engine.Catalog;
using Exchange.Storage;

namespace Exchange.Grains.Catalog;

/// <summary>Which stored rows the catalog that serves has no more use for.</summary>
public static class OldRows
{
    /// <summary>So many rows of a kind at once hold up no sale; the rest goes in further runs.</summary>
    public const int RowsPerRun = 1_000;

    /// <summary>A window may be made longer again up to this, and still finds whom it looks for.</summary>
    private static readonly TimeSpan ShortestMemory = TimeSpan.FromDays(30);

    /// <summary>A post that comes too late still finds that its offer was held and ran out; one that may still be sold finds its lead, however long it is on its way.</summary>
    private static readonly TimeSpan OffersAreKept = TimeSpan.FromHours(Engine.Limits.ReauctionHours + 1);

    public static UpkeepRun At(CatalogModel model, long nowMs)
    {
        var memory = ShortestMemory;
        foreach (var vertical in model.Verticals.Values) if (vertical.Duplicate is { } rule && rule.Window > memory) memory = rule.Window;
        foreach (var campaign in model.Campaigns.Values) if (campaign.Duplicate is { } rule && rule.Window > memory) memory = rule.Window;
        return new(nowMs, nowMs - (long)memory.TotalMilliseconds, nowMs - (long)OffersAreKept.TotalMilliseconds, RowsPerRun);
    }
}
