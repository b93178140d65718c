using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;

namespace Exchange.Engine.PingTrees;

/// <summary>
/// Answers as the live view answered then, from a ping's record: the walk repeated with it comes to the same bids and copies, bit for bit.
/// A limit refused everything that needed at least as much as the noted amount: so a campaign that bids twice, and of whose bids one did not
/// fit, is told apart.
/// </summary>
internal sealed class RecordedState(PingRecord record) : IWalkState, IRotations
{
    public bool AllFit(CampaignModel campaign, long bidMicros)
    {
        foreach (var note in record.Notes) if (ReferenceEquals(note.Of, campaign)) return false;
        return true;
    }

    public LimitAnswer Ask(CampaignModel of, LimitModel limit, string? value, long amount)
    {
        foreach (var note in record.Notes)
        {
            if (!ReferenceEquals(note.Of, of) || !ReferenceEquals(note.At, limit) || note.Value != value || amount < note.Needed) continue;
            return new(note.Reason, new(note.Limit, note.Used, note.Held), note.UntilMs);
        }
        return LimitAnswer.Fits;
    }

    public bool HasPerson(CampaignModel of, CampaignDuplicate rule, PersonHash[] persons)
    {
        foreach (var note in record.Notes) if (ReferenceEquals(note.Of, of) && note.Reason == Reason.BuyerHasLead) return true;
        return false;
    }

    public long SoldBy(TierModel tier, CampaignModel campaign)
    {
        foreach (var share in record.Shares) if (share.Tier == tier.Index && ReferenceEquals(share.Of, campaign)) return share.Sold;
        return 0;
    }

    /// <summary>Whose turns they were stands in the order of the recorded bids.</summary>
    public ITurns Enter(TierModel tier) => new RecordedTurns(record.Bids);

    public void GiveBack(IReadOnlyList<TakenTurns> taken) { }

    private sealed class RecordedTurns(RankedBid[] bids) : ITurns
    {
        public string Draft(TierModel tier, IReadOnlyList<(string Id, int Weight)> open, IReadOnlyList<string> served) => First(tier, open, served);
        public string Peek(TierModel tier, IReadOnlyList<(string Id, int Weight)> open) => First(tier, open, []);
        public void Keep() { }
        public TakenTurns? Taken() => null;
        public void Dispose() { }

        // Those before it that cannot have this copy come later in the same order, as they did then.
        private string First(TierModel tier, IReadOnlyList<(string Id, int Weight)> open, IReadOnlyList<string> served)
        {
            foreach (var bid in bids)
                foreach (var (id, _) in open)
                    if (bid.Tier == tier.Index && id == bid.Campaign && !served.Contains(id)) return id;
            // Beyond what a record keeps the catalog's order holds.
            foreach (var (id, _) in open) if (!served.Contains(id)) return id;
            throw new InvariantException("a turn that nobody can have");
        }
    }
}
