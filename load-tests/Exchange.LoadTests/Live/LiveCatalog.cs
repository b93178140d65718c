using System.Globalization;
using System.Text;

namespace Exchange.LoadTests.Live;

/// <summary>One vertical for each way the bidders behave, with as many live campaigns as there are bidders; every campaign with caps and its buyer with money.</summary>
internal static class LiveCatalog
{
    public const string Publisher = "search", Fast = "fast", Slow = "slow", Hung = "hung", Secret = "signing";

    /// <param name="at">Where bid-server listens.</param>
    public static string Json(Uri at, int bidders, int thinkMs)
    {
        (string Vertical, string Query)[] verticals = [(Fast, ""), (Slow, string.Create(CultureInfo.InvariantCulture, $"?think={thinkMs}")), (Hung, "?hang=true")];
        var (buyers, campaigns) = (new StringBuilder(), new StringBuilder());
        foreach (var (vertical, query) in verticals)
        {
            for (var number = 0; number < bidders; number++)
            {
                var id = string.Create(CultureInfo.InvariantCulture, $"{vertical}-{number}");
                buyers.Append(CultureInfo.InvariantCulture,
                    $$"""{{(buyers.Length > 0 ? "," : "")}}"{{id}}": { "credit_limit": "unlimited", "endpoints": { "crm": { "connector": "native", "with": { "url": "{{at.GetLeftPart(UriPartial.Authority)}}/bid/{{number}}{{query}}", "secret": { "secret": "{{Secret}}" } } } } }""");
                campaigns.Append(CultureInfo.InvariantCulture,
                    $$"""{{(campaigns.Length > 0 ? "," : "")}}"{{id}}": { "buyer": "{{id}}", "vertical": "{{vertical}}", "bid": { "live": "crm", "max": "60.00" }, "caps": [ { "per": "day", "leads": 1000000 }, { "per": "month", "spend": "90000000.00" } ] }""");
            }
        }
        var fields = """{ "state": { "type": "us_state", "ping": "required" }, "age": { "type": "integer", "min": 16, "max": 110, "ping": "optional" } }""";
        return $$"""
            { "exchange": { "currency": "USD" },
              "verticals": { {{string.Join(",", verticals.Select(each => $$"""  "{{each.Vertical}}": { "fields": {{fields}} } """))}} },
              "publishers": { "{{Publisher}}": { "verticals": ["{{Fast}}", "{{Slow}}", "{{Hung}}"], "payout": { "share": "80%" } } },
              "buyers": { {{buyers}} }, "campaigns": { {{campaigns}} },
              "ping_trees": { {{string.Join(",", verticals.Select(each =>
                  $$"""  "{{each.Vertical}}": { "vertical": "{{each.Vertical}}", "tiers": [ { "name": "market", "method": "auction", "pricing": "second_price", "floor": "0.50", "campaigns": "all" } ] } """))}} } }
            """;
    }
}
