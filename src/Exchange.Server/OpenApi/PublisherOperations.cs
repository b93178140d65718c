using System.Text.Json.Nodes;
using Microsoft.OpenApi;

namespace Exchange.Server.OpenApi;

/// <summary>The publishers' endpoints in the OpenAPI document: bodies, answers and examples, which handlers over raw requests cannot tell by themselves.</summary>
internal static class PublisherOperations
{
    private const string Json = "application/json", Form = "application/x-www-form-urlencoded", Xml = "application/xml";

    private const string PingExample = """
        { "vertical": "auto-insurance", "sub_id": "kw-17", "tags": { "click_id": "Cj0K9" }, "channel": "web", "min_payout": "4.00", "max_copies": 3, "deadline_ms": 500,
          "fields": { "zip": "90210", "state": "CA", "age": 35, "currently_insured": true } }
        """;

    private const string PingAnswerExample = """
        { "ping_id": "01k9x2m4p6r8t0v2w4y6z8a0c2", "status": "offered", "payout": "8.80", "best": ["1"], "currency": "USD", "expires_at": "2026-11-22T12:05:00Z", "test": false,
          "offers": [ { "offer_id": "1", "payout": "8.80", "sharing": "exclusive", "seller": null } ], "warnings": [] }
        """;

    private const string PostExample = """
        { "ping_id": "01k9x2m4p6r8t0v2w4y6z8a0c2", "offer_ids": ["1"], "fields": { "first_name": "…", "last_name": "…", "email": "…", "phone": "…" },
          "consent": { "page": "https://example.com/auto", "text": "…" } }
        """;

    private const string DirectPostExample = """
        { "vertical": "auto-insurance", "fields": { "zip": "90210", "state": "CA", "age": 35, "currently_insured": true, "first_name": "…", "last_name": "…", "email": "…", "phone": "…" } }
        """;

    private const string LeadExample = """
        { "lead_id": "01k9x2m4p6r8t0v2w4y6z8a0c2", "status": "sold", "payout": "8.80", "payout_pending": "0.00", "currency": "USD", "redirect_url": null,
          "copies": [ { "offer_id": "1", "status": "sold", "payout": "8.80", "redirect_url": null } ], "test": false }
        """;

    public static void Describe(OpenApiDocument document)
    {
        Operation(document, "/v1/pings", HttpMethod.Post, "Ping: who would pay what?",
            (PublisherSchemas.Ping, PingExample), (PublisherSchemas.PingAnswer, PingAnswerExample), ["200"], ["400", "403", "406", "409", "413", "415", "422", "429", "503"]);
        Operation(document, "/v1/posts", HttpMethod.Post, "Post the lead against an offer",
            (PublisherSchemas.Post, PostExample), (PublisherSchemas.LeadAnswer, LeadExample), ["200", "202"], ["400", "404", "406", "409", "410", "413", "415", "422", "429", "503"]);
        Operation(document, "/v1/leads", HttpMethod.Post, "Ping and post in one call",
            (PublisherSchemas.DirectPost, DirectPostExample), (PublisherSchemas.LeadAnswer, LeadExample), ["200", "202"], ["400", "403", "406", "409", "413", "415", "422", "429", "503"]);
        Operation(document, "/v1/leads/{lead_id}", HttpMethod.Get, "A lead of one's own",
            null, (PublisherSchemas.LeadAnswer, LeadExample), ["200", "202"], ["404", "503"]);
        Operation(document, "/v1/requests/{key}", HttpMethod.Get, "What became of a post, by its Idempotency-Key; 404: nothing was done under it",
            null, (PublisherSchemas.LeadAnswer, LeadExample), ["200", "202"], ["404", "409", "503"]);
        Operation(document, "/v1/leads/{lead_id}", HttpMethod.Patch, "Add fields not yet given",
            (PublisherSchemas.AddFields, """{ "fields": { "job_title": "…" } }"""), (PublisherSchemas.LeadAnswer, LeadExample), ["200"], ["400", "404", "406", "409", "413", "415", "422", "503"]);
    }

    private static void PathParameter(OpenApiOperation operation, string name, string description)
    {
        if (operation.Parameters!.Any(parameter => parameter.Name == name)) return;
        operation.Parameters!.Add(new OpenApiParameter { Name = name, In = ParameterLocation.Path, Required = true, Schema = Schemas.Text(description) });
    }

    private static void Operation(OpenApiDocument document, string path, HttpMethod method, string summary,
        (string Schema, string Example)? request, (string Schema, string Example) answer, string[] good, string[] bad)
    {
        if (!document.Paths.TryGetValue(path, out var item) || item.Operations is not { } operations || !operations.TryGetValue(method, out var operation)) return;
        operation.Summary = summary;
        operation.Parameters ??= [];
        if (method == HttpMethod.Post) operation.Parameters.Add(IdempotencyKey());
        if (path.Contains("{lead_id}", StringComparison.Ordinal)) PathParameter(operation, "lead_id", "The ping's id.");
        if (path.Contains("{key}", StringComparison.Ordinal)) PathParameter(operation, "key", "The Idempotency-Key that the request was sent with.");
        if (request is { } sent) operation.RequestBody = new OpenApiRequestBody { Required = true, Content = Sent(document, sent.Schema, sent.Example) };
        var responses = new OpenApiResponses();
        foreach (var status in good)
        {
            responses[status] = new OpenApiResponse
            {
                Description = status == "202" ? "A copy is pending or in doubt; the Location header says where to look again." : "Answered.",
                Content = Answered(document, answer.Schema, answer.Example),
            };
        }
        foreach (var status in bad) responses[status] = ProblemResponse(document, status);
        foreach (var (status, response) in operation.Responses ?? []) if (status is "401" or "403") responses[status] = response;
        operation.Responses = responses;
    }

    public static OpenApiResponse ProblemResponse(OpenApiDocument document, string status) => new()
    {
        Description = Problems.StatusProblems.Of(int.Parse(status, System.Globalization.CultureInfo.InvariantCulture)).Detail,
        Content = new Dictionary<string, OpenApiMediaType> { [Problems.ProblemWriter.ContentType] = new() { Schema = new OpenApiSchemaReference(PublisherSchemas.Problem, document) } },
    };

    private static Dictionary<string, OpenApiMediaType> Sent(OpenApiDocument document, string schema, string example) => new()
    {
        [Json] = Like(document, schema, example),
        [Form] = new OpenApiMediaType
        {
            Schema = Schemas.Map("Members by name, their parts with a dot (tags.click_id, consent.page), offer_ids repeated or separated by commas; every other name is a field.", Schemas.Text("")),
        },
        [Xml] = new OpenApiMediaType
        {
            Schema = Schemas.Text("<ping>, <post> or <lead> with the members as elements, fields under <fields>, lists as elements; a field whose name is no XML name as <field name=\"…\">."),
        },
    };

    private static Dictionary<string, OpenApiMediaType> Answered(OpenApiDocument document, string schema, string example) => new()
    {
        [Json] = Like(document, schema, example),
        [Xml] = new OpenApiMediaType { Schema = Schemas.Text("The same members as elements of <answer>.") },
    };

    private static OpenApiMediaType Like(OpenApiDocument document, string schema, string example) =>
        new() { Schema = new OpenApiSchemaReference(schema, document), Example = JsonNode.Parse(example) };

    private static OpenApiParameter IdempotencyKey() => new()
    {
        Name = "Idempotency-Key",
        In = ParameterLocation.Header,
        Description = "The same key and body get the recorded answer, with Idempotency-Replayed: true.",
        Schema = Schemas.Text("Visible ASCII characters.", longest: Engine.Limits.IdempotencyKeyChars),
    };
}
