using System.Text;
using Exchange.Delivery.Templates;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.Ledger;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;
using Exchange.Grains.Firm;
using Exchange.Grains.Limits;
using Exchange.Storage;
using Exchange.Storage.Sqlite;
using Exchange.System.Tests.BlackBox;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
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
            var held = await HoldAsync(firm, model, view, rotations, live, n);
            var row = (await store.Leads.FindAsync(held.Id, default))!;
            // What is held is what is promised, and as long.
            row.OfferUntilMs.ShouldBe(held.ExpiresAtMs);
            return (row.Copies.ShouldHaveSingleItem().Campaign, held.ExpiresAtMs - Now.ToUnixTimeMilliseconds());
        }
    }

    /// <summary>As with a database that is away for a while: what a lane has taken is made durable when it is back.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Hold_ThatNobodyWaitsForAnyMore_IsNotMadeLate_OrGivesItsPlaceBack(bool callerLeaves)
    {
        var model = Compile("second");
        await store.Catalog.ApplyAsync(new CatalogApply("{}"u8.ToArray(), "tests", null, model.Limits), Now.ToUnixTimeMilliseconds(), default);
        var time = new FakeTimeProvider(Now);
        var view = new LiveView(new CapAlerts(time));
        view.Install(model);
        var rotations = new TierRotations();
        var back = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var items = new List<JournalItem>();
        var journal = Stub.Of<IJournal>((member, args) => member == nameof(IJournal.SubmitAsync) ? SubmitAsync((JournalItem)args[0]!) : throw new NotSupportedException(member));
        var slow = Stub.Of<IExchangeStore>((member, _) => member switch
        {
            "get_Journal" => journal, "get_Leads" => store.Leads, "get_Vault" => store.Vault, _ => throw new NotSupportedException(member),
        });
        var firm = new FirmOffers(slow, view, rotations, time, NullLogger<FirmOffers>.Instance);
        using var left = new CancellationTokenSource();

        var holding = HoldAsync(firm, model, view, rotations, "second", 1, left.Token);
        if (callerLeaves) await left.CancelAsync();
        else time.Advance(TimeSpan.FromSeconds(10));
        if (callerLeaves) await Should.ThrowAsync<OperationCanceledException>(holding);
        else await Should.ThrowAsync<StorageBusyException>(holding);
        var hold = items.ShouldHaveSingleItem();
        hold.NotAfterMs.ShouldBe(Now.ToUnixTimeMilliseconds() + 10_000);

        back.SetResult();
        await MarketCalls.Until(async () => (await store.Leads.FindAsync(hold.Lead, default))?.Copies[0].State == CopyState.Expired, "it was held after all, and is given back");
        // The one place that there is.
        var next = await HoldAsync(firm, model, view, rotations, "second", 2);
        (await store.Leads.FindAsync(next.Id, default))!.Copies.ShouldHaveSingleItem().Campaign.ShouldBe("first");

        async Task<Verdict> SubmitAsync(JournalItem item)
        {
            items.Add(item);
            await back.Task;
            return await store.Journal.SubmitAsync(item, default);
        }
    }

    private static async Task<PingRecord> HoldAsync(FirmOffers firm, CatalogModel model, LiveView view, TierRotations rotations, string live, ulong n, CancellationToken callerLeft = default)
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
        return await firm.HoldAsync(model, input, record, outcome.Taken, callerLeft);
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
