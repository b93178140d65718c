using System.Globalization;

namespace Exchange.LoadTests.Crash;

/// <summary>
/// Small markets, one vertical each, that together pass every boundary a crash can fall on: buyers that are asked, buyers that are told, inboxes, shared
/// copies, a cap that runs full, a buyer that runs dry, offers that are held at the ping.
/// </summary>
internal static class CrashMarket
{
    public const string Publisher = "search";
    /// <summary>The buyer whose inbox is read, acknowledged and partly returned.</summary>
    public const string Reader = "reader";
    /// <summary>The market whose offers are held at their pings.</summary>
    public const string Firm = "firm";
    /// <summary>The campaign whose bid is changed now and then.</summary>
    public const string Repriced = "told-two";
    /// <summary>The campaign whose cap is always nearly full.</summary>
    public const string Capped = "capped-one";
    /// <summary>Leads that it may buy, ever, until the cap is raised; and by how much it is each time.</summary>
    public const int Cap = 40, CapRaise = 10;
    /// <summary>The buyer that runs dry, and its campaign; who is behind it bids more, so nothing that it cannot pay stays unsold.</summary>
    public const string Tight = "tight-one";
    /// <summary>Its credit, its bid, and what it pays in when it has run dry.</summary>
    public const decimal TightCredit = 50m, TightBid = 7m, TightPayment = 60m;
    /// <summary>Of every buyer with a server.</summary>
    public const string Endpoint = "crm";

    /// <summary>Signs what buyers' servers get.</summary>
    public const string SecretName = "signing", Secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

    /// <summary>Where the publisher is called.</summary>
    public const string PublisherPath = "publisher/postback";
    private const string PostbackQuery = "?id={{ postback_id }}&lead={{ lead_id }}&status={{ status }}&change={{ change }}";

    public static string[] Markets { get; } = ["asked", "told", "read", "shared", "capped", Firm];

    /// <summary>Buyers with a server of their own, and whether their answer makes the sale.</summary>
    public static IReadOnlyDictionary<string, bool> Sinks { get; } = new Dictionary<string, bool>
    {
        ["asked-one"] = true, ["asked-two"] = true, ["told-one"] = false, ["told-two"] = false, ["shared-one"] = true, ["shared-two"] = false,
        [Tight] = false,
    };

    private static readonly TimeSpan FirmLife = TimeSpan.FromSeconds(20), UsualLife = TimeSpan.FromMinutes(10);

    /// <summary>How long an offer lasts.</summary>
    public static TimeSpan OfferLife(string market) => market == Firm ? FirmLife : UsualLife;

    private static string CreditOf(string buyer) => (buyer == Tight ? TightCredit : 90_000_000m).ToString("0.00", CultureInfo.InvariantCulture);

    /// <summary>The catalog as YAML.</summary>
    /// <param name="sinks">Where the buyers' servers listen; each under its own name.</param>
    public static string Catalog(Uri sinks) => $$"""
        exchange: { currency: USD, time_zone: UTC }
        verticals:
        {{Lines(Markets, market => $$"""  {{market}}: { ping_ttl: {{(int)OfferLife(market).TotalSeconds}}s, duplicate: { keys: [email], window: 30d }, fields: { state: { type: us_state, ping: required }, email: { type: email, pii: true, post: required } } }""")}}
        publishers:
          {{Publisher}}: { verticals: [{{string.Join(", ", Markets)}}], payout: { share: 80% }, postback: { url: "{{new Uri(sinks, PublisherPath)}}{{PostbackQuery}}" } }
        buyers:
        {{Lines(Sinks, sink => $$"""  {{sink.Key}}: { credit_limit: "{{CreditOf(sink.Key)}}", endpoints: { {{Endpoint}}: { connector: {{(sink.Value ? "native" : "webhook")}}, with: { url: "{{new Uri(sinks, sink.Key)}}", secret: { secret: signing } }, timeout: { post: 1s } } } }""")}}
          {{Reader}}: { credit_limit: "90000000.00", returns: { within: 10d, reasons: [invalid_phone] } }
        campaigns:
          asked-one: { buyer: asked-one, vertical: asked, bid: { fixed: "12.50" }, caps: [ { per: day, leads: 100000 } ], delivery: { sold: on_accept, to: [crm] } }
          asked-two: { buyer: asked-two, vertical: asked, bid: { fixed: "11.00" }, delivery: { sold: on_accept, to: [crm] } }
          asked-rest: { buyer: {{Reader}}, vertical: asked, bid: { fixed: "9.50" } }
          told-one: { buyer: told-one, vertical: told, bid: { fixed: "10.00" }, weight: 50, delivery: { to: [crm] } }
          told-two: { buyer: told-two, vertical: told, bid: { fixed: "10.00" }, weight: 50, delivery: { to: [crm] } }
          {{Tight}}: { buyer: {{Tight}}, vertical: read, bid: { fixed: "{{TightBid.ToString("0.00", CultureInfo.InvariantCulture)}}" }, delivery: { to: [{{Endpoint}}] } }
          read-one: { buyer: {{Reader}}, vertical: read, bid: { fixed: "8.00" }, caps: [ { per: day, leads: 100000 } ] }
          shared-one: { buyer: shared-one, vertical: shared, sharing: shared, bid: { fixed: "6.00" }, delivery: { sold: on_accept, to: [crm] } }
          shared-two: { buyer: shared-two, vertical: shared, sharing: shared, bid: { fixed: "5.00" }, delivery: { to: [crm] } }
          shared-rest: { buyer: {{Reader}}, vertical: shared, sharing: shared, bid: { fixed: "4.00" } }
          {{Capped}}: { buyer: {{Reader}}, vertical: capped, bid: { fixed: "15.00" }, caps: [ { per: total, leads: {{Cap}} } ] }
          capped-rest: { buyer: {{Reader}}, vertical: capped, bid: { fixed: "3.00" } }
          firm-one: { buyer: {{Reader}}, vertical: firm, bid: { fixed: "7.00" }, caps: [ { per: day, leads: 100000 } ] }
        ping_trees:
          asked: { vertical: asked, tiers: [ { name: market, method: auction, pricing: second_price, floor: "5.00", campaigns: [asked-one, asked-two, asked-rest] } ] }
          told: { vertical: told, tiers: [ { name: market, method: weighted, campaigns: [told-one, told-two] } ] }
          read: { vertical: read, tiers: [ { name: market, method: priority, campaigns: [{{Tight}}, read-one] } ] }
          shared: { vertical: shared, tiers: [ { name: market, method: auction, copies: 2, campaigns: [shared-one, shared-two, shared-rest] } ] }
          capped: { vertical: capped, tiers: [ { name: market, method: priority, campaigns: [{{Capped}}, capped-rest] } ] }
          firm: { vertical: firm, firm: true, tiers: [ { name: market, method: priority, campaigns: [firm-one] } ] }
        """;

    private static string Lines<T>(IEnumerable<T> items, Func<T, string> line) => string.Join(Environment.NewLine, items.Select(line));
}
