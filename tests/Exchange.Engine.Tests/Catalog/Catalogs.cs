using System.Text;
using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Shouldly;

namespace Exchange.Engine.Tests.Catalog;

/// <summary>A small right catalog, and ways to change one thing in it.</summary>
internal static class Catalogs
{
    /// <summary>Two verticals, one publisher of each kind, a buyer with an endpoint, three campaigns, a tree each.</summary>
    public const string Basic = """
        {
          "exchange": { "currency": "USD", "time_zone": "America/New_York" },
          "lists": {
            "zips": { "type": "us_zip", "values": ["02139", "90210"] },
            "blocked": { "type": "phone", "values": ["+12025550101"] },
            "holidays": { "type": "date", "values": ["2026-12-25"] }
          },
          "verticals": {
            "auto": {
              "duplicate": { "keys": ["phone", "email"] },
              "suppress": ["blocked"],
              "fields": {
                "zip": { "type": "us_zip", "ping": "required" },
                "state": { "type": "us_state", "ping": "required" },
                "age": { "type": "integer", "min": 16, "max": 110, "ping": "optional" },
                "cover": { "type": "choice", "values": ["minimum", "standard"], "ping": "optional" },
                "start": { "type": "date", "min": "today", "max": "today+370d", "ping": "optional" },
                "notes": { "type": "text", "post": "optional" },
                "phone": { "type": "phone", "region": "US", "pii": true, "post": "required" },
                "email": { "type": "email", "pii": true, "post": "required" }
              }
            },
            "solar": { "payout": { "share": "70%" }, "fields": { "zip": { "type": "us_zip", "ping": "required" }, "roof": { "type": "text", "ping": "optional" } } }
          },
          "publishers": {
            "search": { "verticals": ["auto"], "payout": { "share": "80%" }, "caps": [{ "per": "day", "leads": 100 }] },
            "social": { "verticals": ["auto", "solar"], "payout": { "fixed": "4.00" } }
          },
          "buyers": {
            "acme": {
              "credit_limit": "500.00",
              "seller": { "name": "Acme Insurance" },
              "caps": [{ "per": "day", "spend": "900.00" }],
              "endpoints": { "crm": { "connector": "native", "with": { "url": "https://crm.acme.example/copies", "secret": { "secret": "acme-key" } } },
                             "hook": { "connector": "webhook", "with": { "url": "https://hook.acme.example/", "secret": { "secret": "acme-key" } } } }
            },
            "zenith": { "credit_limit": "unlimited" }
          },
          "campaigns": {
            "acme-a": { "buyer": "acme", "vertical": "auto", "bid": { "fixed": "12.50" }, "caps": [{ "per": "day", "leads": 20 }, { "per": "hour", "leads": 5 }, { "per": "month", "spend": "2000.00" }] },
            "acme-b": { "buyer": "acme", "vertical": "auto", "bid": "3.00", "weight": 5, "delivery": { "sold": "on_accept", "to": ["crm"] } },
            "zenith-sun": { "buyer": "zenith", "vertical": "solar", "bid": "20.00", "sharing": "either" }
          },
          "ping_trees": {
            "auto-main": {
              "vertical": "auto",
              "tiers": [
                { "name": "market", "method": "auction", "pricing": "second_price", "floor": "5.00", "campaigns": ["acme-a"] },
                { "name": "overflow", "method": "weighted", "campaigns": "all" }
              ]
            },
            "solar-main": { "vertical": "solar", "publishers": ["social"], "tiers": [{ "name": "only", "method": "priority", "copies": 2, "campaigns": ["zenith-sun"] }] }
          }
        }
        """;

    /// <summary>Plain enough for tests: a phone number is what starts with +, an address what has a dot or colon.</summary>
    public static CompileOptions Options { get; } = new()
    {
        Parsers = new((text, _) => text.StartsWith('+') ? text : null, text => text.Contains('.', StringComparison.Ordinal) ? text : null),
        Today = new DateOnly(2026, 11, 22).DayNumber,
        KnownSecrets = new HashSet<string> { "acme-key" },
        ParseTemplate = Connectors.PlainTemplate.Parse,
        CheckUrl = url => url.IsLoopback ? "This address is the machine itself." : null,
    };

    public static ConfigNode Json(string json)
    {
        var errors = new ConfigErrors();
        var node = ConfigJson.Parse(Encoding.UTF8.GetBytes(json), errors);
        errors.Errors.ShouldBeEmpty();
        return node.ShouldNotBeNull();
    }

    /// <summary>The basic catalog with the value at these keys (separated by blanks) replaced, or taken away where it is "-".</summary>
    public static ConfigNode With(string keys, string json) => ConfigPatch.Set(Json(Basic), keys.Split(' '), json == "-" ? null : Json(json));

    public static CompileResult Compile(ConfigNode node) => CatalogCompiler.Compile(node, 7, Options);

    public static CatalogModel Model(ConfigNode node)
    {
        var result = Compile(node);
        result.Errors.Errors.ShouldBeEmpty();
        return result.Model.ShouldNotBeNull();
    }
}
