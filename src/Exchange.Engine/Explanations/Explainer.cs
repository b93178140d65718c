using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Pricing;
using Exchange.Engine.Values;

namespace Exchange.Engine.Explanations;

/// <summary>
/// Explains a ping after the fact by walking it again with the same judge. State is never read: what it decided stands in the record's notes, turns,
/// shares and bids. Not for the hot path.
/// </summary>
public static class Explainer
{
    /// <param name="model">The catalog version of the record: another one would explain another ping.</param>
    /// <param name="today">The catalog as it is now: values that it hides are not told either. Null: what the record's own catalog hides alone.</param>
    public static Explanation Explain(CatalogModel model, PingRecord record, CatalogModel? today = null)
    {
        Invariant.Require(model.Version == record.CatalogVersion);
        // A vertical that is gone hides all it had.
        var shown = today is null ? null : today.Verticals.GetValueOrDefault(record.Vertical)?.Fields ?? new FieldSet([]);
        var told = new Explanation
        {
            Ping = record.Id, CatalogVersion = record.CatalogVersion, Seed = record.Seed, Tree = record.Tree, Outcome = record.Outcome,
            Campaigns = [], Bids = record.Bids, PublisherLimit = PublisherLimit(record, shown),
        };
        if (!model.Publishers.TryGetValue(record.Publisher, out var publisher) || !publisher.Verticals.TryGetValue(record.Vertical, out var rules)) return told;
        var vertical = model.Verticals[record.Vertical];
        var ping = InputOf(record);
        var state = new RecordedState(record);
        var walk = new TreeWalk();
        walk.Begin(model, rules.Payout, ping, state, state);
        var subject = walk.Judge.Subject;
        subject.Today = shown;
        if (record.Outcome == Reason.PublisherFilter) told = told with { PublisherMiss = rules.Filter.Explain(subject) };
        if (record.Tree is not null || record.Outcome == Reason.NoTree) told = told with { Trees = ChosenTree.Of(vertical, subject, record.Seed) };
        if (record.Tree is null || !model.Trees.TryGetValue(record.Tree, out var tree)) return told with { WouldHaveSold = OfThePing(told, vertical, record) };
        // Its auction came later, with its post: there is nothing of it in the ping's record.
        if (record.IsUnasked) return told;
        var none = walk.Walk(vertical, tree, model.PriceStep);
        // A record keeps as many bids as a post can get to; the walk repeated knows all.
        record = record with { Bids = [.. walk.Bids] };
        var sale = new SaleReplay(model, tree, record.Bids, record.MaxCopies);
        var teller = new CampaignTeller(model, record, tree, rules.Payout, ping, walk, sale);
        var campaigns = new List<CampaignExplanation>();
        foreach (var tier in tree.Tiers)
            foreach (var campaign in tier.Campaigns) campaigns.Add(teller.Tell(tier, campaign));
        told = told with { Bids = record.Bids, Campaigns = campaigns };
        if (record.Outcome == Reason.None) return told;
        if (none != Reason.None) return told with { WouldHaveSold = Nearest(campaigns) };
        return told with { WouldHaveSold = record.Outcome == Reason.MinPayout ? AskLess(walk.MakeOffers()) : OfThePing(told, vertical, record) };
    }

    private static NearestSale? Nearest(List<CampaignExplanation> campaigns)
    {
        CampaignExplanation? nearest = null;
        foreach (var campaign in campaigns)
            if (campaign.Changes.Count > 0 && (nearest is null || Changing.Compare(campaign.Changes, nearest.Changes) < 0)) nearest = campaign;
        return nearest is null ? null : new(nearest.Campaign, nearest.Changes);
    }

    private static NearestSale AskLess(Money payout) => new(null, [new(ChangeNeeded.MinPayout, $"a min_payout of at most {payout}") { Amount = payout }]);

    /// <summary>What refused the ping before (or after) its campaigns were asked.</summary>
    private static NearestSale? OfThePing(Explanation told, VerticalModel vertical, PingRecord record)
    {
        switch (record.Outcome)
        {
            case Reason.PublisherFilter when told.PublisherMiss is { } miss: return new(null, [new(ChangeNeeded.Condition, miss.ToString()) { Miss = miss }]);
            case Reason.PublisherCap when PublisherNote(record) is { At: { } limit }: return new(null, [told.PublisherLimit!.ToFit(limit)]);
            case Reason.Duplicate when vertical.Duplicate is { } rule:
                return new(null, [new(ChangeNeeded.Lead, $"a person that did not come within {ShareNumbers.Words(rule.Window)}")]);
            case Reason.NoTree:
                var near = told.Trees.FirstOrDefault(tree => tree.Miss is not null) ?? told.Trees.FirstOrDefault(tree => tree.Text == ChosenTree.Paused);
                if (near is null) return null;
                return new(null, [near.Miss is { } leaf
                    ? new(ChangeNeeded.Condition, $"{leaf}, as the tree {near.Tree} wants it") { Miss = leaf }
                    : new(ChangeNeeded.Pause, $"the tree {near.Tree} active")]);
            default: return null;
        }
    }

    private static LimitNumbers? PublisherLimit(PingRecord record, FieldSet? today) =>
        PublisherNote(record) is { At: { } limit } note ? LimitNumbers.Of(limit, note, record.AtMs, today) : null;

    private static StateNote? PublisherNote(PingRecord record)
    {
        foreach (var note in record.Notes) if (note.Of is null) return note;
        return null;
    }

    private static PingInput InputOf(PingRecord record) => new()
    {
        Publisher = record.Publisher, Vertical = record.Vertical, SubId = record.SubId, Channel = record.Channel, Values = record.Values,
        Now = DateTimeOffset.FromUnixTimeMilliseconds(record.AtMs), Seed = record.Seed, MinPayout = record.MinPayout, MaxCopies = record.MaxCopies,
        SoldElsewhereCopies = record.SoldElsewhereCopies, SoldElsewhereSellers = record.SoldElsewhereSellers, Persons = record.Persons, LiveBids = record.LiveBids, Test = record.Id.IsTest,
        NamedSellers = record.NamedSellers.Length == 0 ? null : record.NamedSellers,
    };
}
