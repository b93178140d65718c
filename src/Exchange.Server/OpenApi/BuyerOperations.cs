using System.Text.Json.Nodes;
using Microsoft.OpenApi;
using static Exchange.Server.OpenApi.Schemas;

namespace Exchange.Server.OpenApi;

/// <summary>What buyers say of copies they bought, and what admins see of it, in the OpenAPI document.</summary>
internal static class BuyerOperations
{
    private const string Json = "application/json";

    private const string ReturnExample = """{ "reason": "invalid_phone", "note": "The number rings nowhere.", "evidence_url": "https://example.com/calls/17.mp3" }""";

    private const string ReturnAnswerExample = """{ "copy_id": "01k9x2m4p6r8t0v2w4y6z8a0c2.1", "status": "accepted" }""";

    private const string DispositionExample = """{ "disposition": "won", "value": "1250.00", "note": "Signs on Friday." }""";

    private const string DispositionAnswerExample = """{ "copy_id": "01k9x2m4p6r8t0v2w4y6z8a0c2.1", "disposition": "won", "value": "1250.00" }""";

    private const string ReturnsExample = """
        { "returns": [ { "copy_id": "01k9x2m4p6r8t0v2w4y6z8a0c2.1", "lead_id": "01k9x2m4p6r8t0v2w4y6z8a0c2", "buyer": "acme", "campaign": "acme-west", "publisher": "search-partner",
          "vertical": "auto-insurance", "status": "requested", "reason": "invalid_phone", "price": "11.00", "payout": "8.80", "sold_at": "2026-11-23T15:04:05.000Z",
          "at": "2026-11-24T09:00:00.000Z", "decided_at": null } ], "next": null }
        """;

    public static void Describe(OpenApiDocument document)
    {
        Takes(document, "/v1/buyer/copies/{copy_id}/return", ReturnExample, Object("Why it comes back.", ["reason"],
            ("reason", Text("A word of lower-case letters, digits, underscores or hyphens; one of the terms', where they name any.", longest: 63)),
            ("note", Text("Free text, for the exchange alone.", longest: Buyers.ReturnRoutes.NoteChars)), ("evidence_url", Text("An absolute address.", "uri", Buyers.ReturnRoutes.UrlChars))));
        Gives(document, HttpMethod.Post, "/v1/buyer/copies/{copy_id}/return", ReturnAnswerExample, Object("", ["copy_id", "status"],
            ("copy_id", Text("")), ("status", Word("accepted: the price is back. requested: an admin decides.", "requested", "accepted"))));
        Takes(document, "/v1/buyer/copies/{copy_id}/disposition", DispositionExample, Object("What became of it.", ["disposition"],
            ("disposition", Word("", "contacted", "quoted", "won", "lost", "unreachable")), ("value", Money("What it came to.")), ("note", Text("Free text, for the exchange alone.", longest: Buyers.ReturnRoutes.NoteChars))));
        Gives(document, HttpMethod.Post, "/v1/buyer/copies/{copy_id}/disposition", DispositionAnswerExample, Object("", ["copy_id", "disposition", "value"],
            ("copy_id", Text("")), ("disposition", Text("")), ("value", OptionalText(""))));
        Gives(document, HttpMethod.Get, "/v1/admin/returns", ReturnsExample, Object("Newest first.", ["returns", "next"], ("returns", List("", Return())), ("next", OptionalText("The cursor of the next page."))));
    }

    private static OpenApiSchema Return() => Object("", ["copy_id", "lead_id", "buyer", "campaign", "publisher", "vertical", "status", "reason", "price", "payout", "sold_at", "at", "decided_at"],
        ("copy_id", Text("")), ("lead_id", Text("")), ("buyer", Text("")), ("campaign", Text("")), ("publisher", Text("")), ("vertical", Text("")),
        ("status", Word("", "requested", "accepted", "refused")), ("reason", Text("")), ("price", Money("")), ("payout", Money("")), ("sold_at", Text("", "date-time")), ("at", Text("", "date-time")),
        ("decided_at", OptionalText("")));

    private static void Takes(OpenApiDocument document, string path, string example, OpenApiSchema schema)
    {
        if (Find(document, HttpMethod.Post, path) is not { } operation) return;
        operation.RequestBody = new OpenApiRequestBody { Required = true, Content = Content(example, schema) };
    }

    private static void Gives(OpenApiDocument document, HttpMethod method, string path, string example, OpenApiSchema schema)
    {
        if (Find(document, method, path)?.Responses is not { } responses) return;
        responses["200"] = new OpenApiResponse { Description = "Answered.", Content = Content(example, schema) };
    }

    private static OpenApiOperation? Find(OpenApiDocument document, HttpMethod method, string path) =>
        document.Paths.TryGetValue(path, out var item) ? item.Operations?.GetValueOrDefault(method) : null;

    private static Dictionary<string, OpenApiMediaType> Content(string example, OpenApiSchema schema) =>
        new() { [Json] = new() { Schema = schema, Example = JsonNode.Parse(example) } };
}
