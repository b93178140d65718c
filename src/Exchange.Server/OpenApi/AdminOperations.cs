using System.Text.Json.Nodes;
using Microsoft.OpenApi;
using static Exchange.Server.OpenApi.Schemas;

namespace Exchange.Server.OpenApi;

/// <summary>What admins read of caps, in the OpenAPI document.</summary>
internal static class AdminOperations
{
    private const string Campaign = "Campaign", Alerts = "Alerts";

    private const string CampaignExample = """
        { "id": "acme-west", "buyer": "acme", "vertical": "auto-insurance", "bid": "12.50",
          "state": { "open": true, "reason": null,
            "caps": [
              { "cap": "day.leads", "per": "day", "leads": 40, "by_weekday": { "mon": 40, "tue": 40, "wed": 40, "thu": 40, "fri": 40, "sat": 15, "sun": 0 }, "used": 12, "held": 1, "left": 27,
                "pace": { "every_seconds": 1240, "next_at": "2026-11-23T15:04:05.000Z", "throttle": "35%" }, "resets_at": "2026-11-24T05:00:00.000Z", "time_zone": "America/New_York" },
              { "cap": "month.spend.by.state", "per": "month", "spend": "900.00", "resets_at": "2026-12-01T05:00:00.000Z", "time_zone": "America/New_York", "soft": true, "each": "state",
                "values": [ { "value": "CA", "used": "912.50", "held": "0.00", "left": "-12.50", "reached": true } ] } ],
            "buyer_caps": [], "balance": { "buyer": "acme", "credit_limit": "500.00", "used": "150.00", "held": "12.50", "left": "337.50" } } }
        """;

    private const string AlertsExample = """
        { "alerts": [ { "at": "2026-11-23T14:59:01.120Z", "level": "reached", "of": "campaign", "id": "acme-west", "cap": "month.spend.by.state", "value": "CA", "spend": "900.00", "used": "900.00",
          "since": "2026-11-01T04:00:00.000Z", "resets_at": "2026-12-01T05:00:00.000Z" } ] }
        """;

    public static void Describe(OpenApiDocument document)
    {
        document.AddComponent(Campaign, CampaignSchema());
        document.AddComponent(Alerts, AlertsSchema());
        Answer(document, "/v1/admin/campaigns/{id}", Campaign, CampaignExample);
        Answer(document, "/v1/admin/alerts", Alerts, AlertsExample);
    }

    private static OpenApiSchema CampaignSchema()
    {
        var campaign = Object("A campaign as the catalog has it, with its live state.", ["id", "state"], ("id", Text("")), ("state", Object("", ["open", "reason", "caps", "buyer_caps"],
            ("open", Flag("Whether it can buy right now.")), ("reason", OptionalText("If not, the first reason.")),
            ("caps", List("Its own.", Cap())), ("buyer_caps", List("Over all campaigns of its buyer.", Cap())),
            ("balance", Object("What the buyer may still spend.", [], ("buyer", Text("")), ("credit_limit", Money("")), ("used", Money("")), ("held", Money("")), ("left", Money("")))))));
        // Beside these the catalog's own keys.
        campaign.AdditionalPropertiesAllowed = true;
        return campaign;
    }

    private static OpenApiSchema Cap() => Object("A cap with its numbers; what it counts is the key of its limit: leads, spend, offers or pings.", ["cap", "per", "resets_at", "time_zone"],
        [("cap", Text("Its name in PATCH …/caps/{cap}.")), ("per", Word("", "minute", "hour", "day", "week", "month", "total")), .. Limits(),
            ("by_weekday", Map("A limit by weekday.", Amount(""), 7)), .. Counts(), ("resets_at", OptionalText("Null: never.")), ("time_zone", Text("")),
            ("when", Text("It has a condition, known by this.")), ("soft", Flag("It stops nothing.")), ("warn_at", Text("A percent.")),
            ("each", Text("Every value of this has a count of its own.")), ("values", List("The most used.", Object("", ["value"], [("value", Text("Empty: not given.")), .. Counts()]), 50))]);

    private static (string, IOpenApiSchema)[] Limits() => [("leads", Count("", 0)), ("spend", Money("")), ("offers", Count("", 0)), ("pings", Count("", 0))];

    private static (string, IOpenApiSchema)[] Counts() =>
    [
        ("used", Amount("")), ("held", Amount("Of sales that are not settled, and of offers near the end of the cap.")), ("left", Amount("Below zero where a soft cap was passed.")),
        ("warned", Flag("warn_at was passed in this window.")), ("reached", Flag("A soft cap was reached in this window.")),
        ("pace", Object("How it is spread.", ["every_seconds", "next_at", "throttle"], ("every_seconds", Count("Open time from one sale to the next, at what is left.", 0)),
            ("next_at", OptionalText("The next turn; null: now.")), ("throttle", Text("Share of the pings it could have had that were turned away lately.")))),
    ];

    private static OpenApiSchema AlertsSchema() => Object("Newest first.", ["alerts"], ("alerts", List("", Object("", ["at", "level", "of", "id", "cap", "used", "since", "resets_at"],
        [("at", Text("", "date-time")), ("level", Word("", "warned", "reached")), ("of", Word("", "campaign", "buyer", "publisher", "ping_tree")), ("id", Text("")), ("cap", Text("")),
            ("value", Text("Of a cap with a count for each value.")), .. Limits(), ("used", Amount("")), ("since", Text("", "date-time")), ("resets_at", OptionalText(""))]))));

    private static OpenApiSchema Amount(string description) => new() { Type = JsonSchemaType.String | JsonSchemaType.Integer, Description = description };

    internal static void Answer(OpenApiDocument document, string path, string schema, string example)
    {
        if (!document.Paths.TryGetValue(path, out var item) || item.Operations?.GetValueOrDefault(HttpMethod.Get) is not { Responses: { } responses }) return;
        responses["200"] = new OpenApiResponse
        {
            Description = "Answered.",
            Content = new Dictionary<string, OpenApiMediaType> { ["application/json"] = new() { Schema = new OpenApiSchemaReference(schema, document), Example = JsonNode.Parse(example) } },
        };
    }
}
