using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Exchange.Engine.Pricing;
using Exchange.Engine.Values;

namespace Exchange.Engine.PingTrees;

/// <summary>
/// The walk of a ping: the publisher's own rules, the choice of a tree, the tree's walk, the offers. Reasons of campaigns that the catalog excludes
/// are not computed here (see the explainer); what state excluded is noted. The same model, ping, state and turns give the same outcome, bit for bit.
/// </summary>
public static class PingWalk
{
    // A walk neither waits nor calls out, so a thread needs one of these and no more.
    [ThreadStatic] private static TreeWalk? ofThread;

    /// <param name="asksLive">Whether it stops at a tier whose live bids are not known (<see cref="PingOutcome.Wanted"/>). False: it goes on without them.</param>
    public static PingOutcome Run(CatalogModel model, PingInput ping, ILiveView live, IRotations rotations, bool asksLive = false)
    {
        var walk = ofThread ??= new();
        try
        {
            var outcome = Decide(model, ping, live, rotations, asksLive, walk, out var tree);
            return Outcome(walk, outcome, tree);
        }
        finally
        {
            walk.End();
        }
    }

    /// <summary>The decision alone, without its record: allocates nothing once this thread has walked before. None = an offer would be made.</summary>
    public static Reason Decide(CatalogModel model, PingInput ping, ILiveView live, IRotations rotations)
    {
        var walk = ofThread ??= new();
        try
        {
            return Decide(model, ping, live, rotations, asksLive: false, walk, out _);
        }
        finally
        {
            walk.End();
        }
    }

    private static Reason Decide(CatalogModel model, PingInput ping, ILiveView live, IRotations rotations, bool asksLive, TreeWalk walk, out TreeModel? tree)
    {
        tree = null;
        if (!model.Verticals.TryGetValue(ping.Vertical, out var vertical)) return Reason.VerticalUnknown;
        var publisher = model.Publishers[ping.Publisher];
        var rules = publisher.Verticals[ping.Vertical];
        var nowMs = ping.Now.ToUnixTimeMilliseconds();
        walk.Live.Begin(live, model, nowMs);
        walk.Begin(model, rules.Payout, ping, walk.Live, rotations, asksLive);
        var subject = walk.Judge.Subject;
        if (publisher.Status == EntryStatus.Paused || publisher.Status == EntryStatus.Test && !ping.Test) return Reason.PublisherPaused;
        if (!rules.Filter.Holds(subject)) return Reason.PublisherFilter;
        var room = new PublisherRoom(publisher, live, nowMs / 1000, ping.Test);
        if (room.Refusal(new Money(1), subject) is { } full) return Noted(walk, full);
        if (IsDuplicate(vertical, ping, live, nowMs)) return Reason.Duplicate;
        tree = ping.Tree is { } named ? TreeChoice.Named(model, vertical, named) : TreeChoice.For(vertical, subject, ping.Seed);
        if (tree is null) return Reason.NoTree;
        if (ping.WaitsBefore(tree, nowMs)) return Reason.None;
        var none = walk.Walk(vertical, tree, model.PriceStep);
        if (none != Reason.None || walk.Wanted.Count > 0) return none;
        var payout = walk.MakeOffers();
        if (payout < ping.MinPayout) return Reason.MinPayout;
        if (room.Refusal(payout, subject) is { } over) return Noted(walk, over);
        if (!ping.Test) walk.KeepTurns();
        return Reason.None;
    }

    /// <summary>The person is known by the hashes that came with the ping.</summary>
    private static bool IsDuplicate(VerticalModel vertical, PingInput ping, ILiveView live, long nowMs)
    {
        if (ping.Persons.Length == 0 || vertical.Duplicate is not { } rule || ping.Test) return false;
        var scope = PersonScopes.Of(vertical.Id, rule, ping.Publisher);
        return PersonScopes.Know(live, scope, rule, ping.Persons, nowMs - (long)rule.Window.TotalMilliseconds);
    }

    private static Reason Noted(TreeWalk walk, StateNote note)
    {
        walk.Notes.Add(note);
        return note.Reason;
    }

    private static PingOutcome Outcome(TreeWalk walk, Reason outcome, TreeModel? tree)
    {
        if (walk.Wanted.Count > 0) return new(outcome, tree?.Id, [], [], [], []) { Wanted = [.. walk.Wanted] };
        var offered = outcome == Reason.None;
        var kept = Math.Min(walk.Bids.Count, Limits.BidsInRecord);
        if (offered) foreach (var offer in walk.Offers) kept = Math.Max(kept, offer.BidIndex + 1);
        var offers = new Offer[offered ? walk.Offers.Count : 0];
        for (var i = 0; i < offers.Length; i++)
        {
            var draft = walk.Offers[i];
            var bid = walk.Bids[draft.BidIndex];
            offers[i] = new(OfferIds[i], draft.BidIndex, bid.Sharing, draft.Price, draft.Payout, bid.Seller, draft.Best);
        }
        var bids = new RankedBid[kept];
        walk.Bids.CopyTo(0, bids, 0, kept);
        return new(outcome, tree?.Id, bids, offers, [.. walk.Notes], offered && !walk.IsTest ? [.. walk.Turns] : [])
        {
            Shares = [.. walk.Shares], Asked = [.. walk.Asked], Taken = offered && !walk.IsTest ? walk.Taken() : [],
        };
    }

    private static readonly string[] OfferIds =
        [.. Enumerable.Range(1, Math.Max(Limits.OffersPerAnswer, Limits.CopiesPerLead)).Select(number => number.ToString(System.Globalization.CultureInfo.InvariantCulture))];
}
