using System.Text;
using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Exchange.Engine.Explanations;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Tests.Catalog;
using Exchange.Engine.Tests.PingTrees;
using Exchange.Engine.Values;
using Shouldly;

namespace Exchange.Engine.Tests.Explanations;

/// <summary>
/// Reasons are told in one order: where two apply to a campaign, the earlier one. Each reason here has a way to bring it about that leaves the others
/// their way, so every pair of them is tried, not only neighbours.
/// </summary>
public sealed class ReasonOrderTests
{
    /// <summary>One way to bring a reason about: a change of the catalog, of the ping, of what is left of limits.</summary>
    private sealed record Cause(Reason Reason, string Patch = "{}")
    {
        public Func<PingInput, PingInput> Ping { get; init; } = ping => ping;
        /// <summary>
        /// What cannot be beside it: without a price no money is needed, no price is above a maximum; the least payout is told to who would have won.
        /// </summary>
        public Reason[] NotWith { get; init; } = [];
    }

    private const string Base = """
        {
          "exchange": { "currency": "USD" },
          "verticals": { "v": { "fields": {
            "state": { "type": "us_state", "ping": "optional" }, "phone": { "type": "phone", "pii": true, "ping": "hashed", "post": "optional" }
          } } },
          "publishers": { "p": { "verticals": ["v"], "payout": { "share": "80%" } } },
          "buyers": { "a": { "credit_limit": "100.00", "seller": { "name": "A" } }, "b": { "credit_limit": "unlimited" } },
          "campaigns": {
            "it": {
              "buyer": "a", "vertical": "v", "bid": "10.00", "duplicate": { "window": "30d", "of": "buyer", "keys": ["phone"] },
              "caps": [
                { "per": "hour", "leads": 9 }, { "per": "day", "leads": 99, "pace": "even" }, { "per": "week", "leads": 999 }, { "per": "month", "leads": 9999 },
                { "per": "total", "leads": 99999 }, { "per": "hour", "pings": 500 }
              ]
            },
            "rival": { "buyer": "b", "vertical": "v", "bid": "5.00" }
          },
          "ping_trees": { "main": { "vertical": "v", "tiers": [{ "name": "t", "method": "auction", "campaigns": ["it", "rival"] }] } }
        }
        """;

    /// <summary>In the contract's order.</summary>
    private static readonly Cause[] Causes =
    [
        new(Reason.CampaignPaused, """{ "campaigns": { "it": { "status": "paused" } } }"""),
        new(Reason.BuyerPaused, """{ "buyers": { "a": { "status": "paused" } } }"""),
        new(Reason.PublisherNotAllowed, """{ "publishers": { "q": { "verticals": ["v"], "payout": { "share": "80%" } } }, "campaigns": { "it": { "publishers": ["q"] } } }"""),
        new(Reason.Filter, """{ "campaigns": { "it": { "filter": { "field": "state", "is": "CA" } } } }"""),
        new(Reason.ScheduleClosed, """{ "campaigns": { "it": { "schedule": { "open": { "sun": "00:00-24:00" } } } } }"""),
        new(Reason.CapHour),
        new(Reason.CapDay),
        new(Reason.CapWeek),
        new(Reason.CapMonth),
        new(Reason.CapTotal),
        new(Reason.PingCap),
        new(Reason.Balance),
        new(Reason.Pacing),
        new(Reason.BuyerHasLead) { Ping = ping => ping with { Persons = [new PersonHash(1, new byte[32])] } },
        new(Reason.SoldElsewhere) { Ping = ping => ping with { SoldElsewhereSellers = ["A"] } },
        new(Reason.SharingMismatch) { Ping = ping => ping with { SoldElsewhereCopies = 1 } },
        new(Reason.NoBid, """{ "campaigns": { "it": { "bid": { "rules": [{ "when": { "field": "state", "is": "CA" }, "price": "10.00" }] } } } }""") { NotWith = [Reason.Balance] },
        new(Reason.InvalidPrice, """{ "campaigns": { "it": { "bid": { "fixed": "10.00", "max": "9.99", "over_max": "decline" } } } }""") { NotWith = [Reason.Balance, Reason.NoBid] },
        new(Reason.BelowFloor, """{ "ping_trees": { "main": { "tiers": [{ "name": "t", "method": "auction", "floor": "10.01", "campaigns": ["it", "rival"] }] } } }"""),
        new(Reason.BelowMargin, """{ "publishers": { "p": { "payout": { "share": null, "fixed": "10.01" } } } }"""),
        new(Reason.MinPayout) { Ping = ping => ping with { MinPayout = Money.Parse("1000.00") } },
        new(Reason.Outbid, """{ "campaigns": { "rival": { "bid": "20.00" } } }""") { NotWith = [Reason.MinPayout] },
    ];

    /// <summary>Not to be brought about by what a ping, a catalog and state can be, or not beside others: see the tests below.</summary>
    private static readonly Reason[] Elsewhere =
    [
        Reason.PostFilter, // only the post can tell
        Reason.ConsentNotNamed, // a catalog refuses such a campaign: see ConsentNotNamed_IsToldBeforeSharing
        Reason.BreakerOpen, Reason.Timeout, Reason.Unreachable, Reason.BadResponse, Reason.InvalidCurrency, Reason.Late, // of live bids
        Reason.Rotation, Reason.TierFilled, // see WayOfLosing_IsThatOfItsTier
    ];

    public static TheoryData<Reason, Reason> Pairs
    {
        get
        {
            var pairs = new TheoryData<Reason, Reason>();
            for (var i = 0; i < Causes.Length; i++)
                for (var j = i + 1; j < Causes.Length; j++)
                    if (!Causes[j].NotWith.Contains(Causes[i].Reason)) pairs.Add(Causes[i].Reason, Causes[j].Reason);
            return pairs;
        }
    }

    [Fact]
    public void Table_HasEveryReasonOfItsRangesInTheContractsOrder()
    {
        Causes.Select(cause => cause.Reason).ShouldBeInOrder();
        Enum.GetValues<Reason>().Where(reason => (int)reason is >= 200 and < 500).Except(Elsewhere).ShouldBe(Causes.Select(cause => cause.Reason));
    }

    [Fact]
    public void Campaign_WithNothingInItsWay_Wins() => Told([]).Verdict.ShouldBe(Verdict.Won);

    public static TheoryData<Reason> Singles => [.. Causes.Select(cause => cause.Reason)];

    [Theory]
    [MemberData(nameof(Singles))]
    public void Campaign_WithOneReason_IsToldIt(Reason reason) => Told([reason]).Reason.ShouldBe(reason);

    [Theory]
    [MemberData(nameof(Pairs))]
    public void Campaign_WithTwoReasons_IsToldTheEarlier(Reason earlier, Reason later) => Told([earlier, later]).Reason.ShouldBe(earlier);

    /// <summary>All at once, then the first taken away one by one.</summary>
    [Fact]
    public void Campaign_WithAllReasonsFromOneOn_IsToldThatOne()
    {
        for (var i = 0; i < Causes.Length; i++)
        {
            var all = new List<Cause>();
            foreach (var cause in Causes[i..]) if (!all.Exists(other => cause.NotWith.Contains(other.Reason))) all.Add(cause);
            Told([.. all.Select(cause => cause.Reason)]).Reason.ShouldBe(Causes[i].Reason);
        }
    }

    [Fact]
    public void ConsentNotNamed_IsToldBeforeSharing()
    {
        var market = new Market
        {
            Campaigns = [new("a", "9.00") { Consent = ConsentLevel.Named }], Tiers = [new(TierMethod.Auction, "a")],
        };
        var ping = Market.Ping() with { SoldElsewhereCopies = 1 };
        Explainer.Explain(market.Model, Market.Record(ping, market.Run(ping))).Campaigns.Single().Reason.ShouldBe(Reason.ConsentNotNamed);
    }

    /// <summary>A bid that cleared loses to a better one of its tier, to somebody's turn, or because an earlier tier sold: which, is its tier's.</summary>
    [Theory]
    [InlineData("""[{ "name": "t", "method": "auction", "campaigns": ["rival", "it"] }]""", "20.00", Reason.Outbid)]
    [InlineData("""[{ "name": "t", "method": "priority", "campaigns": ["rival", "it"] }]""", "5.00", Reason.Outbid)]
    [InlineData("""[{ "name": "t", "method": "weighted", "campaigns": ["rival", "it"] }]""", "5.00", Reason.Rotation)]
    [InlineData("""[{ "name": "t", "method": "round_robin", "campaigns": ["rival", "it"] }]""", "5.00", Reason.Rotation)]
    [InlineData("""[{ "name": "t", "method": "even", "campaigns": ["it", "rival"] }]""", "5.00", Reason.Rotation)]
    [InlineData("""[{ "name": "t", "method": "percent", "campaigns": ["it", "rival"], "weights": { "it": 1, "rival": 9 } }]""", "5.00", Reason.Rotation)]
    [InlineData("""[{ "name": "t", "method": "auction", "campaigns": ["rival"] }, { "name": "u", "method": "auction", "campaigns": ["it"] }]""", "5.00", Reason.TierFilled)]
    [InlineData("""[{ "name": "t", "method": "auction", "campaigns": ["rival"] }, { "name": "u", "method": "weighted", "campaigns": ["it"] }]""", "5.00", Reason.TierFilled)]
    public void WayOfLosing_IsThatOfItsTier(string tiers, string rival, Reason reason)
    {
        var root = ConfigPatch.Merge(Node(Base), Node($$"""{ "campaigns": { "rival": { "bid": "{{rival}}" } }, "ping_trees": { "main": { "tiers": {{tiers}} } } }"""));
        Told(Catalogs.Model(root), Ping(), []).Reason.ShouldBe(reason);
    }

    private static CampaignExplanation Told(Reason[] reasons)
    {
        var (root, ping) = (Node(Base), Ping());
        foreach (var cause in Causes.Where(cause => reasons.Contains(cause.Reason)))
        {
            root = ConfigPatch.Merge(root, Node(cause.Patch));
            ping = cause.Ping(ping);
        }
        // A floor and a bid by rule stand where a plain one stood.
        return Told(Catalogs.Model(root), ping, reasons);
    }

    private static CampaignExplanation Told(CatalogModel model, PingInput ping, Reason[] full)
    {
        var outcome = PingWalk.Run(model, ping, new Full(full), new TierRotations());
        var told = Explainer.Explain(model, Market.Record(ping, outcome) with { CatalogVersion = model.Version }).Campaigns.Single(campaign => campaign.Campaign == "it");
        outcome.Offers.Any(offer => outcome.Bids[offer.BidIndex].Campaign == "it").ShouldBe(told.Verdict == Verdict.Won);
        ((int)told.Reason / 100).ShouldBe(told.Verdict switch { Verdict.Excluded => 2, Verdict.Declined => 3, Verdict.Lost => 4, _ => 0 });
        return told;
    }

    // A Monday; the campaign's state is not given.
    private static PingInput Ping() => new()
    {
        Publisher = "p", Vertical = "v", Values = [default, default], Now = new DateTimeOffset(2026, 11, 23, 12, 0, 0, TimeSpan.Zero), Seed = 7,
    };

    private static ConfigNode Node(string json) => Catalogs.Json(json);

    /// <summary>Limits of these reasons are used up, the others untouched.</summary>
    private sealed class Full(Reason[] reasons) : ILiveView
    {
        /// <summary>Shares: it has sold before, its rival has not.</summary>
        public long SoldBy(TierModel tier, CampaignModel campaign, long nowMs) => campaign.Id == "it" ? 5 : 0;

        public long PacedUntilMs(LimitModel limit, string? value, long nowMs) => reasons.Contains(Reason.Pacing) ? nowMs + 60_000 : 0;

        public bool HasPerson(string scope, ReadOnlySpan<byte> hmac, long sinceMs) => reasons.Contains(Reason.BuyerHasLead) && scope == "b:a";

        public LimitReading Read(LimitModel limit, long unixSeconds, string? value = null) => new(limit.Limit, reasons.Contains(limit.Reason) ? limit.Limit : 0, 0);
    }
}
