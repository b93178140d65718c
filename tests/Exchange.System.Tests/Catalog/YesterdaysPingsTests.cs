extern alias server;

using System.Text;
using Exchange.Delivery.Templates;
using Exchange.Engine.Catalog;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;
using Exchange.Grains.Catalog;
using server::Exchange.Server.Hosting;
using Exchange.Storage.Sqlite;
using Exchange.System.Tests.Storage;
using Shouldly;

namespace Exchange.System.Tests.Catalog;

/// <summary>A plan tells of campaigns that nothing of yesterday would have reached. Yesterday is that of the exchange's zone.</summary>
public sealed class YesterdaysPingsTests : IAsyncLifetime
{
    private readonly string folder = Directory.CreateTempSubdirectory("exchange-plan-").FullName;
    private SqliteStore store = null!;

    public async Task InitializeAsync() => store = await SqliteStore.OpenAsync(new SqliteStoreOptions { Folder = folder });

    public async Task DisposeAsync()
    {
        await store.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    // The pings are from CA, aged 34, zip 90210; the planned catalog reads the same fields in another order.
    [Theory]
    [InlineData("2026-11-22T15:00:00Z", """ "filter": { "field": "age", "at_least": "30" } """, null)]
    [InlineData("2026-11-22T15:00:00Z", """ "filter": { "field": "age", "at_least": "50" } """, "None of yesterday's 3 pings")]
    [InlineData("2026-11-22T15:00:00Z", """ "filter": { "field": "state", "is": "NV" } """, "None of yesterday's 3 pings")]
    [InlineData("2026-11-22T15:00:00Z", """ "filter": { "field": "zip", "matches": "^902" } """, null)]
    [InlineData("2026-11-22T15:00:00Z", """ "filter": { "field": "zip", "matches": "^303" } """, "None of yesterday's 3 pings")]
    [InlineData("2026-11-22T15:00:00Z", """ "publishers": { "except": ["search-partner-west"] } """, "None of yesterday's 3 pings")]
    [InlineData("2026-11-22T15:00:00Z", """ "status": "paused", "filter": { "field": "age", "at_least": "50" } """, null)]
    // Half past midnight in New York is yesterday there; an hour before is the day before that.
    [InlineData("2026-11-22T05:30:00Z", """ "filter": { "field": "age", "at_least": "50" } """, "None of yesterday's 3 pings")]
    [InlineData("2026-11-22T04:30:00Z", """ "filter": { "field": "age", "at_least": "50" } """, null)]
    [InlineData("2026-11-23T05:30:00Z", """ "filter": { "field": "age", "at_least": "50" } """, null)]
    public async Task Plan_OfACampaignThatNothingReached_Warns(string pinged, string campaign, string? warned)
    {
        var at = DateTimeOffset.Parse(pinged, null);
        for (var i = 0; i < 3; i++) store.Pings.TryAppend(At(PingMarket.Record(i), at.AddMilliseconds(i)), PingMarket.Fields, out _).ShouldBeTrue();
        var errors = new ConfigErrors();
        var now = DateTimeOffset.Parse("2026-11-23T17:00:00Z", null);

        await new YesterdaysPings(store.Pings, Parsers.All).WarnAsync(Planned(campaign), now, (_, _) => new(PingMarket.Model), errors, default);

        errors.Any.ShouldBeFalse();
        if (warned is null)
        {
            errors.Warnings.ShouldBeEmpty();
            return;
        }
        var warning = errors.Warnings.ShouldHaveSingleItem();
        (warning.Pointer, warning.Code).ShouldBe(("campaigns.mine", "no_pings"));
        warning.Message.ShouldStartWith(warned);
    }

    private static PingRecord At(PingRecord record, DateTimeOffset at) =>
        record with { Id = LeadId.Create(at.ToUnixTimeMilliseconds(), 1, false, record.Id.Low >> 1), AtMs = at.ToUnixTimeMilliseconds() };

    private static CatalogModel Planned(string campaign)
    {
        var written = $$"""
            { "exchange": { "currency": "USD", "time_zone": "America/New_York" },
              "verticals": { "auto-insurance": { "payout": { "share": "80%" }, "fields": {
                "age": { "type": "integer", "ping": "optional" }, "state": { "type": "us_state", "ping": "optional" }, "zip": { "type": "us_zip", "ping": "required" } } } },
              "publishers": { "search-partner-west": { "verticals": ["auto-insurance"] } }, "buyers": { "buyer": { "credit_limit": "unlimited" } },
              "campaigns": { "mine": { "buyer": "buyer", "vertical": "auto-insurance", "bid": "10.00", {{campaign}} } } }
            """;
        var errors = new ConfigErrors();
        var compiled = CatalogCompiler.Compile(ConfigJson.Parse(Encoding.UTF8.GetBytes(written), errors)!, 5, new CompileOptions { Parsers = Parsers.All, ParseTemplate = Liquid.Parse }, errors);
        return compiled.Model ?? throw new InvalidOperationException(string.Join("; ", errors.Errors.Select(error => error.Pointer + " " + error.Message)));
    }
}
