using System.Globalization;
using System.Text;
using Exchange.Delivery.Templates;
using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;

namespace Exchange.System.Tests.Storage;

/// <summary>
/// Pings as an exchange of some size sees them, walked by the engine: 24 campaigns with names of a usual length, 20 of which bid and three of
/// which have no place left today; six fields, a tag, a sub id.
/// </summary>
internal static class PingMarket
{
    public const int Bids = 20;

    public static CatalogModel Model { get; } = Compile();

    public static FieldSet Fields => Model.Verticals["auto-insurance"].Fields;

    public static PingRecord Record(int n)
    {
        var at = DateTimeOffset.FromUnixTimeMilliseconds(Sample.Now + n / 10);
        var id = LeadId.Create(at.ToUnixTimeMilliseconds(), 1, false, unchecked((ulong)n * 0x9E37_79B9_7F4A_7C15) >> 1);
        var input = new PingInput
        {
            Publisher = "search-partner-west", Vertical = "auto-insurance", SubId = "kw-" + (170_000 + n % 1000).ToString(CultureInfo.InvariantCulture), Channel = "search", Now = at,
            Seed = unchecked((ulong)n * 0xD134_2543_DE82_EF95), MinPayout = Money.Parse("4.00"), MaxCopies = 3,
            Values =
            [
                new("90210", 90210), new("ca", 0), new("34", 34), new("own", 1), new("true", 1), new("state-farm", 4),
            ],
        };
        var outcome = PingWalk.Run(Model, input, new Full(), new TierRotations());
        return new PingRecord
        {
            Id = id, AtMs = at.ToUnixTimeMilliseconds(), Publisher = input.Publisher, Vertical = input.Vertical, Tree = outcome.Tree, SubId = input.SubId, Channel = input.Channel,
            Tags = [new("click_id", "Cj0KCQiA-oqdBhDfARIsAO0TrG" + n.ToString("x8", CultureInfo.InvariantCulture))], CatalogVersion = Model.Version, Seed = input.Seed,
            MinPayout = input.MinPayout, MaxCopies = input.MaxCopies, Values = input.Values, Bids = outcome.Bids, Offers = outcome.Offers, Notes = outcome.Notes, Turns = outcome.Turns,
            Shares = outcome.Shares, ExpiresAtMs = at.ToUnixTimeMilliseconds() + 300_000, Outcome = outcome.Outcome,
        };
    }

    private sealed class Full : ILiveView
    {
        public LimitReading Read(LimitModel limit, long unixSeconds, string? value = null) =>
            limit.Kind == LimitKind.Cap && limit.Limit == 200 ? new(200, 187, 13) : new(long.MaxValue / 8, 0, 0);
    }

    private static CatalogModel Compile()
    {
        var campaigns = new StringBuilder();
        var buyers = new StringBuilder();
        for (var i = 0; i < 24; i++)
        {
            buyers.Append(CultureInfo.InvariantCulture, $"""{(i == 0 ? "" : ",")}"national-insurer-{i}": {"{"} "credit_limit": "unlimited" {"}"}""");
            campaigns.Append(CultureInfo.InvariantCulture, $$"""
                {{(i == 0 ? "" : ",")}}"national-insurer-{{i}}-west": { "buyer": "national-insurer-{{i}}", "vertical": "auto-insurance", "sharing": "shared", "bid": "{{9 + i / 4}}.{{i % 4}}7",
                  "caps": [ { "per": "day", "leads": "{{(i is 5 or 11 or 17 ? 200 : 500)}}" } ] {{(i == 23 ? """, "filter": { "field": "age", "at_least": "50" }""" : "")}} }
                """);
        }
        var written = $$"""
            { "exchange": { "currency": "USD", "time_zone": "America/New_York" },
              "verticals": { "auto-insurance": { "payout": { "share": "80%" }, "fields": {
                "zip": { "type": "us_zip", "ping": "required" }, "state": { "type": "us_state", "ping": "optional" }, "age": { "type": "integer", "ping": "optional" },
                "homeowner": { "type": "choice", "values": ["rent", "own"], "ping": "optional" }, "insured": { "type": "boolean", "ping": "optional" },
                "insurer": { "type": "text", "ping": "optional" } } } },
              "publishers": { "search-partner-west": { "verticals": ["auto-insurance"] } },
              "buyers": { {{buyers}} }, "campaigns": { {{campaigns}} },
              "ping_trees": { "auto-insurance-main": { "vertical": "auto-insurance", "copies": "3", "tiers": [ { "name": "everybody", "method": "auction", "campaigns": "all", "copies": "3", "floor": "5.00" } ] } } }
            """;
        var errors = new ConfigErrors();
        var root = ConfigJson.Parse(Encoding.UTF8.GetBytes(written), errors);
        var compiled = root is null ? null : CatalogCompiler.Compile(root, 4711, new CompileOptions { Parsers = new((text, _) => text, text => text), ParseTemplate = Liquid.Parse }, errors);
        return compiled?.Model ?? throw new InvalidOperationException(string.Join("; ", errors.Errors.Select(error => error.Pointer + " " + error.Message)));
    }
}
