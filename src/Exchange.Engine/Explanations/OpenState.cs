using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Exchange.Engine.PingTrees;

namespace Exchange.Engine.Explanations;

/// <summary>A state in which everything has room: what a bid would be judged by if no limit were in its way.</summary>
internal sealed class OpenState : IWalkState
{
    public bool AllFit(CampaignModel campaign, long bidMicros) => true;
    public LimitAnswer Ask(CampaignModel of, LimitModel limit, string? value, long amount) => LimitAnswer.Fits;
    public bool HasPerson(CampaignModel of, CampaignDuplicate rule, PersonHash[] persons) => false;
    public long SoldBy(TierModel tier, CampaignModel campaign) => 0;
}
