using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;

namespace Exchange.Engine.PingTrees;

/// <summary>Where a judgement reads its limits: the live view while a ping is walked, the ping's notes when it is explained.</summary>
internal interface ILimitState
{
    /// <summary>Whether so much more fits, as known at the ping.</summary>
    bool Fits(CampaignModel campaign, LimitModel limit, long amount, out LimitReading reading);

    /// <summary>True: all of a campaign's limits have room for a bid of this much, surely. False says nothing: ask each.</summary>
    bool AllFit(CampaignModel campaign, long bidMicros) => false;
}

/// <summary>Reads the live view and notes every refusal with its numbers: they cannot be known later.</summary>
internal sealed class LiveLimits(ILiveView live, CatalogModel model, long unixSeconds) : ILimitState
{
    private readonly Room[]? rooms = live.RoomsOf(model);

    public bool AllFit(CampaignModel campaign, long bidMicros)
    {
        if (rooms is null) return false;
        foreach (var unit in campaign.Units)
        {
            var room = rooms[unit.Ordinal];
            if (room.Left < (unit.CountsMoney ? bidMicros : 1) || unixSeconds >= room.Until) return false;
        }
        return true;
    }

    public List<StateNote> Notes { get; } = [];

    public bool Fits(CampaignModel campaign, LimitModel limit, long amount, out LimitReading reading)
    {
        reading = live.Read(limit, unixSeconds);
        if (reading.Left >= amount) return true;
        var note = new StateNote(campaign, limit.Reason, limit, reading.Limit, reading.Used, reading.Held, amount);
        if (Notes.Count == 0 || Notes[^1] != note) Notes.Add(note);
        return false;
    }
}

/// <summary>
/// Repeats what was noted. A limit refused everything that needed at least as much as the noted amount: so a campaign that bids twice, and of
/// whose bids one did not fit, is told apart.
/// </summary>
internal sealed class NotedLimits(StateNote[] notes) : ILimitState
{
    public bool Fits(CampaignModel campaign, LimitModel limit, long amount, out LimitReading reading)
    {
        foreach (var note in notes)
        {
            if (note.Campaign != campaign.Id || note.LimitId != limit.Id || amount < note.Needed) continue;
            reading = new(note.Limit, note.Used, note.Held);
            return false;
        }
        reading = default;
        return true;
    }
}
