using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.Values;

namespace Exchange.Engine.PingTrees;

/// <summary>
/// One bid that cleared, as an offer may be sold by it. Its campaign is that of the ping's catalog version, so that what was promised stands
/// whatever the catalog says later.
/// </summary>
/// <param name="Tier">Index of its tier in the walk.</param>
/// <param name="Bid">After the cut to the price step.</param>
/// <param name="Floor">The higher of the tier's floor and what the payout and the margin need; zero if none.</param>
/// <param name="HasFloor">False: a lone second-price bid pays itself.</param>
public readonly record struct RankedBid(int Tier, CampaignModel Of, Sharing Sharing, Money Bid, Money Floor, bool HasFloor)
{
    /// <summary>Where it came from outside: what its bidder said.</summary>
    public LiveBid? Live { get; init; }
    public string Campaign => Of.Id;
    public string Buyer => Of.Buyer.Id;
    public string Company => Of.Buyer.Company;
    /// <summary>Shown to the publisher only where the consumer's consent must name it; null elsewhere.</summary>
    public string? Seller => Of.Consent == ConsentLevel.Named ? Live?.Seller ?? Of.Buyer.Seller?.Name : null;
    /// <summary>Ranks lower by this, pays the same.</summary>
    public Percent Handicap => Of.Handicap;
}
