using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;

namespace Exchange.Engine.PingTrees;

/// <summary>How a limit answered: it has room, or the reason why not with its numbers.</summary>
internal readonly record struct LimitAnswer(Reason Reason, LimitReading Reading, long UntilMs)
{
    public static LimitAnswer Fits => default;
}

/// <summary>
/// Where a walk reads what is not in the catalog: the live view while a ping is walked, the ping's record when the walk is repeated. Whatever it
/// answers with a no is noted, since it cannot be known later.
/// </summary>
internal interface IWalkState
{
    /// <summary>True: all plain limits of a campaign have room for a bid of this much, surely. False says nothing: ask each.</summary>
    bool AllFit(CampaignModel campaign, long bidMicros);

    /// <summary>Whether so much more fits. <paramref name="of"/>: the campaign that asks.</summary>
    LimitAnswer Ask(CampaignModel of, LimitModel limit, string? value, long amount);

    /// <summary>Whether the campaign (or its buyer, as its rule says) has this person already.</summary>
    bool HasPerson(CampaignModel of, CampaignDuplicate rule, PersonHash[] persons);

    /// <summary>Copies that an even or percent tier sold to this campaign within its look-back.</summary>
    long SoldBy(TierModel tier, CampaignModel campaign);
}
