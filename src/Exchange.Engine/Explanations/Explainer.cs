using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;

namespace Exchange.Engine.Explanations;

/// <summary>
/// Explains a ping after the fact by walking it again with the same judge. State is never read: what it decided stands in the record's notes, turns
/// and bids. Not for the hot path.
/// </summary>
public static class Explainer
{
    /// <param name="model">The catalog version of the record: another one would explain another ping.</param>
    public static Explanation Explain(CatalogModel model, PingRecord record)
    {
        Invariant.Require(model.Version == record.CatalogVersion);
        var told = new Explanation
        {
            Ping = record.Id, CatalogVersion = record.CatalogVersion, Seed = record.Seed, Tree = record.Tree, Outcome = record.Outcome,
            Campaigns = [], Bids = record.Bids, PublisherLimit = PublisherLimit(record),
        };
        if (!model.Publishers.TryGetValue(record.Publisher, out var publisher) || !publisher.Verticals.TryGetValue(record.Vertical, out var rules)) return told;
        var ping = InputOf(record);
        var state = new RecordedState(record);
        var walk = new TreeWalk();
        walk.Begin(model, rules.Payout, ping, state, state);
        var judge = walk.Judge;
        if (record.Outcome == Reason.PublisherFilter) told = told with { PublisherMiss = rules.Filter.Explain(judge.Subject) };
        if (record.Tree is null || !model.Trees.TryGetValue(record.Tree, out var tree)) return told;
        walk.Walk(model.Verticals[record.Vertical], tree, model.PriceStep);
        // A record keeps as many bids as a post can get to; the walk repeated knows all.
        record = record with { Bids = [.. walk.Bids] };
        told = told with { Bids = record.Bids };
        var sale = new SaleReplay(model, tree, record.Bids, record.MaxCopies);
        var campaigns = new List<CampaignExplanation>();
        foreach (var tier in tree.Tiers)
            foreach (var campaign in tier.Campaigns) campaigns.Add(Of(model, record, tier, campaign, judge, sale));
        return told with { Campaigns = campaigns };
    }

    private static CampaignExplanation Of(
        CatalogModel model, PingRecord record, TierModel tier, CampaignModel campaign, CampaignJudge judge, SaleReplay sale)
    {
        var told = new CampaignExplanation
        {
            Tier = tier.Index, TierName = tier.Name, Campaign = campaign.Id, Buyer = campaign.Buyer.Id, Verdict = Verdict.Excluded,
            Reason = judge.Config(campaign), Text = "",
        };
        if (told.Reason != Reason.None) return ByConfig(told, campaign, judge.Subject);

        Judgement? furthest = null;
        var place = -1;
        foreach (var sharing in TreeWalk.SharingsOf(campaign))
        {
            var said = judge.Bid(tier, campaign, sharing);
            if (said.Clears)
            {
                var index = Array.FindIndex(record.Bids, bid => bid.Tier == tier.Index && bid.Campaign == campaign.Id && bid.Sharing == sharing);
                // The winning one of two bids is told, else the one that stood before the other.
                if (furthest is { Clears: true } && !sale.IsSold(index) && (sale.IsSold(place) || index > place)) continue;
                (furthest, place) = (said, index);
            }
            else if (furthest is not { } other || !other.Clears && said.Reason > other.Reason) furthest = said;
        }
        var judged = furthest!.Value;
        told = told with { Sharing = judged.Sharing, Bid = judged.Bid, Reason = judged.Reason };
        if (judged.Clears) return ByAuction(told with { Floor = judged.Ranked.HasFloor ? judged.Ranked.Floor : null }, tier, place, model, record, sale);
        return judged.Reason switch
        {
            Reason.NoBid => told with { Verdict = Verdict.Declined, Text = "a price for this lead" },
            Reason.InvalidPrice => told with { Verdict = Verdict.Declined, Text = $"a price of at most {campaign.Bid.Max}" },
            Reason.BelowFloor or Reason.BelowMargin => BelowFloor(told, judged),
            _ => ByState(told, judged),
        };
    }

    private static CampaignExplanation ByConfig(CampaignExplanation told, CampaignModel campaign, Subject subject)
    {
        switch (told.Reason)
        {
            case Reason.CampaignPaused: return told with { Text = "the campaign active" };
            case Reason.BuyerPaused: return told with { Text = "the buyer active" };
            case Reason.PublisherNotAllowed: return told with { Text = "the publisher among those that the campaign takes" };
            case Reason.ScheduleClosed:
                var state = campaign.Schedule!.At(subject.Now);
                var opens = new Opening(state.NextChange, state.Zone.Id, state.Describe());
                return told with { Opens = opens, Text = opens.Text };
            default:
                var miss = campaign.Filter.Explain(subject);
                return told with { Miss = miss, Text = miss is null ? "the filter met" : miss.ToString() };
        }
    }

    private static CampaignExplanation ByState(CampaignExplanation told, Judgement judged)
    {
        if (judged.Limit is not { } limit)
        {
            return told with
            {
                Text = judged.Reason switch
                {
                    Reason.SoldElsewhere => "not sold to this seller elsewhere",
                    Reason.ConsentNotNamed => "a seller of its buyer whom a consent can name",
                    _ => "a shared bid",
                },
            };
        }
        var numbers = new LimitNumbers(limit.Id, judged.Reading.Limit, judged.Reading.Used, judged.Reading.Held, judged.Needed, IsMoney(limit), limit.Zone?.Id);
        var more = judged.Needed - numbers.Left;
        return told with
        {
            Limit = limit.Kind == LimitKind.Gate ? null : numbers,
            Text = limit.Kind == LimitKind.Gate ? "open again" : $"{(numbers.IsMoney ? new Money(more) : more)} more left of {limit.Id}",
        };
    }

    private static CampaignExplanation BelowFloor(CampaignExplanation told, Judgement judged)
    {
        var more = judged.Floor > judged.Bid!.Value ? judged.Floor - judged.Bid.Value : (Money?)null;
        return told with
        {
            Verdict = Verdict.Lost, Floor = judged.Floor, BidMore = more, Text = more is null ? "a payout that leaves the margin" : $"bid +{more}",
        };
    }

    private static CampaignExplanation ByAuction(
        CampaignExplanation told, TierModel tier, int place, CatalogModel model, PingRecord record, SaleReplay sale)
    {
        if (place < 0) return told with { Verdict = Verdict.Lost, Reason = Reason.Rotation, Text = "a weight above 0" };
        if (sale.IsSold(place))
        {
            if (record.Outcome == Reason.None)
            {
                var offer = Array.Find(record.Offers, offer => offer.BidIndex == place)!;
                return told with { Verdict = Verdict.Won, Price = offer.Price, Payout = offer.Payout, Text = PriceSentence.Of(tier, place, offer, record) };
            }
            var text = record.Outcome == Reason.MinPayout ? $"a payout of {record.MinPayout} in all" : "room in the publisher's cap";
            return told with { Verdict = Verdict.Lost, Reason = record.Outcome, Text = text };
        }
        told = told with { Verdict = Verdict.Lost };
        if (!sale.CouldSell(place)) return told with { Reason = Reason.TierFilled, Text = "no copy sold by an earlier tier" };
        if (tier.IsByTurn) return told with { Reason = Reason.Rotation, Text = "its turn" };
        if (tier.IsByShare) return told with { Reason = Reason.Rotation, Text = "a smaller part of its share sold" };
        if (tier.Method == TierMethod.Priority) return told with { Reason = Reason.Outbid, Text = "a place before those that bought" };
        var more = sale.BidMore(tier, place, model.PriceStep);
        return told with { Reason = Reason.Outbid, BidMore = more, Text = more is null ? "no other bid of its company" : $"bid +{more}" };
    }

    private static LimitNumbers? PublisherLimit(PingRecord record)
    {
        foreach (var note in record.Notes)
        {
            if (note.Campaign.Length > 0) continue;
            var limit = note.At;
            return new(note.LimitId, note.Limit, note.Used, note.Held, note.Needed, limit is not null && IsMoney(limit), limit?.Zone?.Id);
        }
        return null;
    }

    private static bool IsMoney(LimitModel limit) => limit.Kind == LimitKind.Balance || limit.Kind == LimitKind.Cap && limit.Metric == CapMetric.Spend;

    private static PingInput InputOf(PingRecord record) => new()
    {
        Publisher = record.Publisher, Vertical = record.Vertical, SubId = record.SubId, Channel = record.Channel, Values = record.Values,
        Now = DateTimeOffset.FromUnixTimeMilliseconds(record.AtMs), Seed = record.Seed, MinPayout = record.MinPayout, MaxCopies = record.MaxCopies,
        SoldElsewhereCopies = record.SoldElsewhereCopies, SoldElsewhereSellers = record.SoldElsewhereSellers, Persons = record.Persons, Test = record.Id.IsTest,
    };
}
