using System.Text;
using Exchange.Delivery.Templates;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.Leads;
using Exchange.Engine.Ledger;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;
using Exchange.Grains.Bidding;
using Exchange.Grains.Cluster;
using Exchange.System.Tests.Delivery;
using Microsoft.Extensions.Time.Testing;
using Shouldly;

namespace Exchange.System.Tests.Bidding;

/// <summary>A standing bid of 10.00 with room for one sale, and leads whose items do not become durable.</summary>
public sealed class StandingBidsTests
{
    private const int OfferMs = 60_000;
    private static readonly FieldParsers Parsers = new((text, _) => text, text => text);
    private static readonly CatalogModel Model = Compile();

    private readonly FakeTimeProvider time = new(Samples.Now);
    private readonly StandingBids bids;
    private readonly long since;

    public StandingBidsTests()
    {
        var silos = Stub.Of<ISilos>((name, _) => name switch
        {
            "get_" + nameof(ISilos.Self) => new SiloIdentity(1, "one"),
            nameof(ISilos.IsAlive) => true,
            _ => throw new NotSupportedException(name),
        });
        bids = new(Parsers, silos, time);
        bids.Set(Model, "standing", "line", "second", "\"10.00\"", Money.Parse("15.00"), null).ShouldBeEmpty();
        since = bids.SetHere().ShouldHaveSingleItem().SetAtTicks;
    }

    [Fact]
    public void LowerRank_ThatWasNotHeld_LeavesItsRoomToTheNextLead()
    {
        var item = Holds(1, isOffer: false);
        bids.TryHold(item).ShouldBeTrue();
        bids.TryHold(Holds(2, isOffer: false)).ShouldBeFalse();

        bids.NotHeld(item);
        bids.TryHold(Holds(2, isOffer: false)).ShouldBeTrue();
    }

    /// <summary>Held it would count for an hour.</summary>
    [Fact]
    public void BestOffer_ThatWasNotHeld_CountsUntilItsEnd()
    {
        var item = Holds(1, isOffer: true);
        bids.Offered(item.Plan.Record);
        bids.TryHold(item).ShouldBeTrue();
        bids.NotHeld(item);

        time.Advance(TimeSpan.FromMilliseconds(OfferMs));
        bids.TryHold(Holds(2, isOffer: false)).ShouldBeFalse();
        time.Advance(TimeSpan.FromMilliseconds(1));
        bids.TryHold(Holds(2, isOffer: false)).ShouldBeTrue();
    }

    /// <summary>An item that holds a copy for the standing bid.</summary>
    /// <param name="isOffer">Its ping offered it; else it comes after one that refused.</param>
    private InFlight Holds(int lead, bool isOffer)
    {
        var nowMs = time.GetUtcNow().ToUnixTimeMilliseconds();
        var (price, payout) = (Money.Parse("10.00"), Money.Parse("8.00"));
        var record = new PingRecord
        {
            Id = LeadId.Create(Samples.Now.ToUnixTimeMilliseconds(), 1, false, (ulong)lead), AtMs = nowMs, Publisher = "pub", Vertical = "auto", Tree = "main", CatalogVersion = 1, Seed = 1,
            MinPayout = Money.Zero, MaxCopies = 1, Values = [], Bids = [Bid("first", "12.50", 0), Bid("second", "10.00", since)],
            Offers = [new("1", isOffer ? 1 : 0, Sharing.Exclusive, price, payout, null, true)], Notes = [], Turns = [], ExpiresAtMs = nowMs + OfferMs, Outcome = Reason.None,
        };
        var slot = new Slot("1", Sharing.Exclusive, payout, 1, price, 0, SlotState.Proposed);
        var plan = new LeadSale
        {
            Rounds = [new SaleRound { Model = Model, Record = record, Subject = new() { Vertical = "auto", Publisher = "pub", Values = [], Now = time.GetUtcNow() } }], Slots = [slot], MaxCopies = 1,
        };
        return new(new JournalItem { Lead = record.Id, AtMs = nowMs, State = LeadState.Open }, plan, [], plan with { Slots = [slot with { CopyNo = 1, State = SlotState.Held }] });
    }

    private static RankedBid Bid(string campaign, string price, long standingSince)
    {
        var of = Model.Campaigns[campaign];
        return new(0, of, Sharing.Exclusive, Money.Parse(price), Money.Zero, false)
        {
            Live = new(of, Sharing.Exclusive, Reason.None) { Price = Money.Parse(price), StandingSince = standingSince },
        };
    }

    private static CatalogModel Compile()
    {
        const string buyer = """{ "credit_limit": "unlimited", "endpoints": { "line": { "connector": "grpc", "timeout": { "ping": "5s", "post": "5s" } } } }""";
        const string json = $$"""
            {
              "exchange": { "currency": "USD", "time_zone": "UTC" },
              "verticals": { "auto": { "fields": { "state": { "type": "us_state", "ping": "optional" } } } },
              "publishers": { "pub": { "verticals": ["auto"], "payout": { "share": "80%" } } },
              "buyers": { "asked": {{buyer}}, "standing": {{buyer}} },
              "campaigns": { "first": { "buyer": "asked", "vertical": "auto", "bid": { "live": "line" } }, "second": { "buyer": "standing", "vertical": "auto", "bid": { "live": "line" } } },
              "ping_trees": { "main": { "vertical": "auto", "tiers": [{ "name": "market", "campaigns": "all", "method": "auction" }] } }
            }
            """;
        var errors = new ConfigErrors();
        var result = CatalogCompiler.Compile(ConfigJson.Parse(Encoding.UTF8.GetBytes(json), errors).ShouldNotBeNull(), 1, new() { Parsers = Parsers, ParseTemplate = Liquid.Parse }, errors);
        result.Errors.Errors.ShouldBeEmpty();
        return result.Model.ShouldNotBeNull();
    }
}
