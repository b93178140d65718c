using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.Values;

namespace Exchange.Engine.PingTrees;

/// <summary>
/// What a live bidder said of one ping for one campaign and sharing, or why it said nothing: kept with the ping, so that its walk can be repeated and its
/// offers posted.
/// </summary>
/// <param name="Sharing"><c>Either</c>: both were asked for and neither was bid.</param>
/// <param name="Reason">None: a bid. Else 3xx: it declined or faulted; <c>BreakerOpen</c>: it was not called.</param>
public sealed record LiveBid(CampaignModel Of, Sharing Sharing, Reason Reason)
{
    /// <summary>As the bidder wrote it; null: a yes without a price, the campaign's own counts.</summary>
    public Money? Price { get; init; }
    /// <summary>The end seller of a bidder that buys for several; null: its buyer's.</summary>
    public string? Seller { get; init; }
    /// <summary>Unix milliseconds until which it stands; 0: as long as our offers.</summary>
    public long UntilMs { get; init; }
    /// <summary>What the post brings back to the bidder, by name.</summary>
    public KeyValuePair<string, string>[] Carry { get; init; } = [];
    /// <summary>The bidder's own words with a decline.</summary>
    public string? Said { get; init; }
    /// <summary>How long the answer took, milliseconds.</summary>
    public int TookMs { get; init; }
    /// <summary>Which standing bid said it (the ticks at which that was set); 0: it was asked for.</summary>
    public long StandingSince { get; init; }

    /// <summary>Whether its bidder was sent a bid request: not while it rests or has had its share of calls, nor where no time was left for one, which took none.</summary>
    public bool WasCalled => Reason is not (Reason.BreakerOpen or Reason.PingCap) && (Reason != Reason.Timeout || TookMs > 0);

    /// <summary>Whether it answers for this sharing.</summary>
    public bool IsFor(Sharing sharing) => Sharing == sharing || Sharing == Sharing.Either;

    public bool IsOver(long nowMs) => UntilMs != 0 && nowMs > UntilMs;
}

/// <summary>A campaign whose live bid the walk needs to go on.</summary>
/// <param name="Sharings">What it may bid for.</param>
/// <param name="Copies">How many copies its tier may still sell.</param>
/// <param name="Deadline">The longest that its tier waits; null: as long as there is time.</param>
public sealed record LiveAsk(CampaignModel Campaign, Sharing[] Sharings, int Copies, TimeSpan? Deadline);
