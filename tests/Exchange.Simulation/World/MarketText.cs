using System.Globalization;
using Exchange.Simulation.Scheduling;

namespace Exchange.Simulation.World;

/// <summary>A catalog in a few choices, written as JSON.</summary>
internal sealed record MarketText
{
    private static readonly string[] Bids = ["12.50", "11.00", "9.50", "9.50", "7.00", "4.00"];

    public required Wish[] Wishes { get; init; }
    /// <summary>Credit of buyers a, b, c.</summary>
    public required string[] Credit { get; init; }
    public required string Pricing { get; init; }
    public required int Copies { get; init; }
    public bool OneOwner { get; init; }
    public bool Firm { get; init; }
    public bool Reauction { get; init; }
    public bool Unsold { get; init; }
    /// <summary>Of the tree that pings come to, as JSON.</summary>
    public string? TreeWait { get; init; }
    /// <summary>Of the way to the tree for what is unsold.</summary>
    public string? UnsoldWait { get; init; }
    public bool Duplicates { get; init; }
    public bool Received { get; init; }
    public int? PublisherLeads { get; init; }
    public int? TreeLeads { get; init; }
    public bool PublisherPaused { get; init; }

    /// <summary>One campaign.</summary>
    internal sealed record Wish(string Id, string Buyer, string Bid, string Sharing, string Delivery)
    {
        public int? Leads { get; init; }
        public string? Spend { get; init; }
        public int? EachState { get; init; }
        public bool Paused { get; init; }
        public bool Person { get; init; }
        /// <summary>Its caps count what was not given back.</summary>
        public bool Kept { get; init; }
        /// <summary>Its buyer is asked what it bids.</summary>
        public bool Live { get; init; }
    }

    public static MarketText Draw(SimRandom random)
    {
        var shared = random.Chance(400);
        return new()
        {
            Wishes =
            [
                .. new[] { ("a1", "a"), ("b1", "b"), ("c1", "c"), ("a2", "a") }.Select(of => new Wish(
                    of.Item1, of.Item2, random.Pick(Bids), shared ? random.Pick(["shared", "either", "exclusive"]) : "exclusive", random.Pick(["asked", "asked", "asked", "told", "inbox", "both"]))
                {
                    Leads = random.Chance(400) ? random.Between(1, 3) : null, Spend = random.Chance(250) ? random.Pick(["12.50", "20.00", "30.00"]) : null,
                    EachState = random.Chance(200) ? random.Between(1, 2) : null, Person = random.Chance(250),
                }),
            ],
            Credit = [.. Enumerable.Range(0, 3).Select(_ => random.Pick(["25.00", "40.00", "500.00", "500.00"]))],
            Pricing = random.Pick(["first_price", "second_price"]), Copies = shared ? random.Between(2, 3) : 1, OneOwner = random.Chance(200), Firm = random.Chance(300),
            Reauction = random.Chance(250), Unsold = random.Chance(300), Duplicates = random.Chance(500), Received = random.Chance(150),
            PublisherLeads = random.Chance(200) ? random.Between(1, 4) : null, TreeLeads = random.Chance(200) ? random.Between(1, 4) : null,
        };
    }

    private static readonly string[] Waits = ["""{ "for": "3s" }""", """{ "for": "20s" }""", """{ "until": { "field": "email", "exists": true }, "at_most": "4s", "then": "drop" }"""];

    /// <summary>The same market, where campaigns wait before they hand leads over, and trees before they are asked.</summary>
    public MarketText WithWaits(SimRandom random) => this with
    {
        Wishes = [.. Wishes.Select(wish => wish with { Delivery = random.Pick<string>(wish.Delivery == "asked" ? ["asked", "asked later", "asked if", "asked there if"] : ["told", "told later", "told if"]) })],
        TreeWait = !Firm && random.Chance(400) ? random.Pick(Waits) : null, UnsoldWait = Unsold && random.Chance(600) ? random.Pick(Waits) : null,
    };

    /// <summary>The same market, whose leads wait before their tree for a field that may be added, and are unsold without it.</summary>
    public MarketText WithFieldWait() => this with { Firm = false, TreeWait = Waits[2] };

    /// <summary>The same market, where buyers are asked what they bid.</summary>
    public MarketText WithLiveBids(SimRandom random) => this with { Wishes = [.. Wishes.Select(wish => wish with { Live = random.Chance(600) })] };

    /// <summary>The same market, where some places come back with what is returned.</summary>
    public MarketText WithKeptCaps(SimRandom random) => this with { Wishes = [.. Wishes.Select(wish => wish with { Kept = random.Chance(500) })] };

    /// <summary>As an admin changes it, perhaps twice.</summary>
    public MarketText Changed(SimRandom random)
    {
        var next = this;
        for (var left = random.Between(1, 2); left > 0; left--)
        {
            var i = random.Next(Wishes.Length);
            var wish = next.Wishes[i];
            Wish With(Wish changed) => changed;
            Wish[] Put(Wish changed) => [.. next.Wishes.Select((each, at) => at == i ? changed : each)];
            next = random.Next(8) switch
            {
                0 => next with { Wishes = Put(With(wish with { Leads = wish.Leads is { } leads ? Math.Max(0, leads - 1) : random.Between(1, 2) })) },
                1 => next with { Wishes = Put(wish with { Paused = !wish.Paused }) },
                2 => next with { Wishes = Put(wish with { Spend = wish.Spend is null ? "15.00" : null }) },
                3 => next with { Wishes = Put(wish with { Bid = random.Pick(Bids) }) },
                4 => next with { Wishes = Put(wish with { EachState = wish.EachState is null ? 1 : null }) },
                5 => next with { Credit = [.. next.Credit.Select(credit => random.Chance(500) ? "10.00" : credit)] },
                6 => next with { TreeLeads = next.TreeLeads is null ? random.Between(1, 3) : null },
                _ => next with { PublisherLeads = random.Between(1, 3) },
            };
        }
        return next;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $$"""
        {
          "exchange": { "currency": "USD", "time_zone": "America/New_York" },
          "verticals": { "auto": {
            {{(Duplicates ? $$""" "duplicate": { "keys": ["phone"], "among": "{{(Received ? "received" : "sold")}}" }, """ : "")}}
            "ping_ttl": "12s", "post_deadline": "2s", "payout": { "share": "80%" },
            "fields": {
              "zip": { "type": "us_zip", "ping": "required" }, "state": { "type": "us_state", "ping": "required" },
              "phone": { "type": "phone", "region": "US", "pii": true, "post": "required" }, "email": { "type": "email", "pii": true, "post": "optional" }, "note": { "type": "text", "post": "optional" } } } },
          "publishers": { "p": { "verticals": ["auto"]{{Caps(PublisherLeads, null, null)}}, {{Postback}} }, "q": { "verticals": ["auto"], "payout": { "share": "70%", "on_return": "keep" }, {{Postback}} } },
          "buyers": { {{string.Join(", ", new[] { "a", "b", "c" }.Select((id, i) => BuyerOf(id, Credit[i])))}} },
          "campaigns": { {{string.Join(", ", Wishes.Select(CampaignOf))}} },
          "ping_trees": {
            "main": { "vertical": "auto", "copies": {{Copies}}, "firm": {{Word(Firm)}}, "reauction": {{Word(Reauction)}}{{(TreeWait is null ? "" : $$""", "wait": {{TreeWait}}""")}}{{(Unsold ? $$""", "unsold": { "tree": "rest"{{(UnsoldWait is null ? "" : $$""", "wait": {{UnsoldWait}}""")}} }""" : "")}}{{Caps(TreeLeads, null, null)}},
              "tiers": [
                { "name": "market", "method": "auction", "pricing": "{{Pricing}}", "floor": "3.00", "copies": {{Copies}}, "campaigns": ["a1", "b1", "c1"] },
                { "name": "last", "method": "priority", "copies": {{Copies}}, "campaigns": ["a2"] } ] }{{(Unsold ? """
            ,
            "rest": { "vertical": "auto", "publishers": ["q"], "tiers": [ { "name": "any", "method": "weighted", "campaigns": ["c1", "a2", "b1"] } ] }
            """ : "")}}
          }
        }
        """);

    private const string Postback = """ "postback": { "url": "https://publishers.example.com/pb?lead={{ lead_id }}" } """;

    private string BuyerOf(string id, string credit) => $$"""
        "{{id}}": { "credit_limit": "{{credit}}"{{(OneOwner && id != "a" ? """, "company": "owner" """ : "")}}, "returns": {{id switch
        {
            "a" => """{ "within": "2d" }""",
            "b" => """{ "within": "25s", "at_most": "50%" }""",
            _ => """{ "within": "9d", "review": true }""",
        }}},
          "endpoints": { "crm": { "connector": "native", "with": { "url": "https://{{id}}.example.com/leads", "secret": { "secret": "signing" } }, "timeout": { "post": "1s", "ping": "300ms" } },
                         "hook": { "connector": "webhook", "with": { "url": "https://{{id}}.example.com/hook", "secret": { "secret": "signing" } }, "timeout": { "post": "1s" } } } }
        """;

    private static string CampaignOf(Wish wish) => $$"""
        "{{wish.Id}}": { "buyer": "{{wish.Buyer}}", "vertical": "auto", "bid": {{(wish.Live ? """{ "live": "crm" }""" : "\"" + wish.Bid + "\"")}}, "sharing": "{{wish.Sharing}}", "status": "{{(wish.Paused ? "paused" : "active")}}",
          "delivery": {{wish.Delivery switch
          {
              "asked" => """{ "sold": "on_accept", "retry_for": "20s", "to": ["crm"] }""",
              "asked later" => """{ "sold": "on_accept", "retry_for": "20s", "wait": { "for": "3s" }, "to": ["crm"] }""",
              "told later" => """{ "retry_for": "20s", "send": "all", "to": [{ "endpoint": "hook", "wait": { "for": "2s" } }, { "endpoint": "inbox", "when": { "field": "state", "is": "CA" } }] }""",
              "told if" => """{ "retry_for": "20s", "wait": { "until": { "field": "email", "exists": true }, "at_most": "4s", "then": "drop" }, "to": [{ "endpoint": "hook", "when": { "field": "state", "is": "NY" } }, "inbox"] }""",
              "asked if" => """{ "sold": "on_accept", "retry_for": "20s", "wait": { "until": { "field": "email", "exists": true }, "at_most": "4s", "then": "drop" }, "to": ["crm"] }""",
              "asked there if" => """{ "sold": "on_accept", "retry_for": "20s", "to": [{ "endpoint": "crm", "wait": { "until": { "field": "email", "exists": true }, "at_most": "4s", "then": "drop" } }] }""",
              "told" => """{ "sold": "on_post", "retry_for": "20s", "to": ["hook"] }""",
              "both" => """{ "sold": "on_post", "retry_for": "20s", "send": "all", "to": ["hook", "inbox"] }""",
              _ => """{ "sold": "on_post", "to": ["inbox"] }""",
          }}}{{(wish.Person ? """, "duplicate": { "window": "30d", "of": "buyer", "keys": ["phone"] }""" : "")}}{{Caps(wish.Leads, wish.Spend, wish.EachState, wish.Kept)}} }
        """;

    private static string Caps(int? leads, string? spend, int? eachState, bool kept = false)
    {
        var counts = kept ? """, "count": "kept" """ : "";
        List<string> caps = [];
        if (leads is { } number) caps.Add(string.Create(CultureInfo.InvariantCulture, $$"""{ "per": "day", "leads": {{number}}{{counts}} }"""));
        if (spend is not null) caps.Add($$"""{ "per": "total", "spend": "{{spend}}"{{counts}} }""");
        if (eachState is { } each) caps.Add(string.Create(CultureInfo.InvariantCulture, $$"""{ "per": "week", "leads": {{each}}, "each": "state" }"""));
        return caps.Count == 0 ? "" : $$""", "caps": [{{string.Join(", ", caps)}}]""";
    }

    private static string Word(bool value) => value ? "true" : "false";
}
