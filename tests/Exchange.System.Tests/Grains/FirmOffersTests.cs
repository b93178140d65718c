using System.Text;
using Exchange.Delivery.Templates;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;
using Exchange.Grains.Firm;
using Exchange.Grains.Limits;
using Exchange.Storage;
using Exchange.Storage.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;

namespace Exchange.System.Tests.Grains;

/// <summary>Offers of a firm tree whose hold the rows refuse: another walk's are held, and end when those do.</summary>
public sealed class FirmOffersTests : IAsyncLifetime
{
    private const long Usual = 300_000, Short = 30_000;

    private static readonly DateTimeOffset Now = CapMarket.Noon;

    private readonly string folder = Directory.CreateTempSubdirectory("exchange-firm-").FullName;
    private SqliteStore store = null!;

    public async Task InitializeAsync() => store = await SqliteStore.OpenAsync(new SqliteStoreOptions { Folder = folder });

    public async Task DisposeAsync()
    {
        await store.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    [Theory]
    // The first has one place, which another silo has given away; who bids live says for how long.
    [InlineData("second", Usual, Short)]
    [InlineData("first", Short, Usual)]
    public async Task Offer_OfAnotherWalk_EndsWithTheLiveBidsItStandsOn(string live, long firstEnds, long secondEnds)
    {
        var model = Compile(live);
        await store.Catalog.ApplyAsync(new CatalogApply("{}"u8.ToArray(), "tests", null, model.Limits), Now.ToUnixTimeMilliseconds(), default);
        var time = new SetTime { Now = Now };
        var view = new LiveView(new CapAlerts(time));
        view.Install(model);
        var rotations = new TierRotations();
        var firm = new FirmOffers(store, view, rotations, time, NullLogger<FirmOffers>.Instance);

        (await HeldAsync(1)).ShouldBe(("first", firstEnds));
        // The view was not told of it: only the rows refuse the second.
        (await HeldAsync(2)).ShouldBe(("second", secondEnds));

        async Task<(string Campaign, long Ends)> HeldAsync(ulong n)
        {
            var input = new PingInput
            {
                Publisher = "pub", Vertical = "auto", Values = [default], Now = Now, Seed = n,
                LiveBids = [new(model.Campaigns[live], Sharing.Exclusive, Reason.None) { Price = Money.Parse(live == "first" ? "12.00" : "11.00"), UntilMs = Now.ToUnixTimeMilliseconds() + Short }],
            };
            var outcome = PingWalk.Run(model, input, view, rotations);
            var record = new PingRecord
            {
                Id = LeadId.Create(Now.ToUnixTimeMilliseconds(), 1, false, n), AtMs = Now.ToUnixTimeMilliseconds(), Publisher = "pub", Vertical = "auto", Tree = outcome.Tree, SubId = null,
                Channel = null, CatalogVersion = model.Version, Seed = n, MinPayout = Money.Zero, MaxCopies = 1, Values = input.Values, Bids = outcome.Bids, Offers = outcome.Offers,
                Notes = outcome.Notes, Turns = outcome.Turns, LiveBids = input.LiveBids, ExpiresAtMs = outcome.ExpiresAtMs(Now.AddMilliseconds(Usual)), Outcome = outcome.Outcome,
            };
            var held = await firm.HoldAsync(model, input, record, outcome.Taken);
            var row = (await store.Leads.FindAsync(held.Id, default))!;
            // What is held is what is promised, and as long.
            row.OfferUntilMs.ShouldBe(held.ExpiresAtMs);
            return (row.Copies.ShouldHaveSingleItem().Campaign, held.ExpiresAtMs - Now.ToUnixTimeMilliseconds());
        }
    }

    private static CatalogModel Compile(string live)
    {
        string Bid(string campaign, string price) => campaign == live ? """{ "live": "crm" }""" : $"\"{price}\"";
        var json = $$"""
            {
              "exchange": { "currency": "USD", "time_zone": "UTC" },
              "verticals": { "auto": { "ping_ttl": "5m", "fields": { "zip": { "type": "us_zip", "ping": "optional" } } } },
              "publishers": { "pub": { "verticals": ["auto"], "payout": { "share": "50%" } } },
              "buyers": {
                "one": { "credit_limit": "unlimited", "endpoints": { "crm": { "connector": "native", "with": { "url": "https://one.example/", "secret": { "secret": "key" } } } } },
                "two": { "credit_limit": "unlimited", "endpoints": { "crm": { "connector": "native", "with": { "url": "https://two.example/", "secret": { "secret": "key" } } } } }
              },
              "campaigns": {
                "first": { "buyer": "one", "vertical": "auto", "bid": {{Bid("first", "12.00")}}, "caps": [{ "per": "day", "leads": 1 }] },
                "second": { "buyer": "two", "vertical": "auto", "bid": {{Bid("second", "11.00")}} }
              },
              "ping_trees": { "main": { "vertical": "auto", "firm": true, "tiers": [{ "name": "market", "method": "auction", "campaigns": "all" }] } }
            }
            """;
        var errors = new ConfigErrors();
        var result = CatalogCompiler.Compile(ConfigJson.Parse(Encoding.UTF8.GetBytes(json), errors).ShouldNotBeNull(), 1,
            new() { Parsers = new((text, _) => text, text => text), ParseTemplate = Liquid.Parse }, errors);
        result.Errors.Errors.ShouldBeEmpty();
        return result.Model.ShouldNotBeNull();
    }
}
