using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;

namespace Exchange.Engine.PingTrees;

/// <summary>Reads the live view. One object serves one walk after another.</summary>
internal sealed class LiveState : IWalkState
{
    private ILiveView live = null!;
    private Room[]? rooms;
    private long nowMs;

    public void Begin(ILiveView view, CatalogModel model, long unixMs)
    {
        live = view;
        rooms = view.RoomsOf(model);
        nowMs = unixMs;
    }

    /// <summary>Holds on to nothing between walks.</summary>
    public void End()
    {
        live = null!;
        rooms = null;
    }

    public bool AllFit(CampaignModel campaign, long bidMicros)
    {
        if (rooms is null) return false;
        var seconds = nowMs / 1000;
        foreach (var unit in campaign.Units)
        {
            var room = rooms[unit.Ordinal];
            if (room.Left < (unit.CountsMoney ? bidMicros : 1) || seconds >= room.Until) return false;
        }
        return true;
    }

    public LimitAnswer Ask(CampaignModel of, LimitModel limit, string? value, long amount)
    {
        var reading = live.Read(limit, nowMs / 1000, value);
        if (reading.Left < amount) return new(limit.Reason, reading, 0);
        if (limit.Paced && live.PacedUntilMs(limit, value, nowMs) is var until && until > nowMs) return new(Reason.Pacing, reading, until);
        return LimitAnswer.Fits;
    }

    public bool HasPerson(CampaignModel of, CampaignDuplicate rule, PersonHash[] persons) =>
        PersonScopes.Know(live, of.PersonScope, rule.Keys, persons, nowMs - (long)rule.Window.TotalMilliseconds);

    public long SoldBy(TierModel tier, CampaignModel campaign) => live.SoldBy(tier, campaign, nowMs);
}
