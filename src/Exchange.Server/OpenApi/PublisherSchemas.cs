using Exchange.Engine;
using Exchange.Server.Intake;
using Microsoft.OpenApi;
using static Exchange.Server.OpenApi.Schemas;

namespace Exchange.Server.OpenApi;

/// <summary>What publishers send and get, as JSON schemas. A test holds their members against those that the reader knows.</summary>
internal static class PublisherSchemas
{
    public const string Ping = "Ping", Post = "Post", DirectPost = "DirectPost", AddFields = "AddFields", PingAnswer = "PingAnswer", LeadAnswer = "LeadAnswer", Problem = "Problem";

    public static IEnumerable<(string Name, OpenApiSchema Schema)> All =>
    [
        (Ping, Object("A few anonymous fields: who would pay what?", ["vertical", "fields"], [.. PingMembers()])),
        (Post, Object("The full lead against a ping's offers.", ["ping_id"], [("ping_id", Text("From the ping's answer.")), OfferIds(), .. SharedMembers()])),
        (DirectPost, Object("Ping and post in one.", ["vertical", "fields"], [.. PingMembers(), OfferIds()])),
        (AddFields, Object("Fields not yet given.", ["fields"], Fields())),
        (PingAnswer, PingAnswerSchema()),
        (LeadAnswer, LeadAnswerSchema()),
        (Problem, ProblemSchema()),
    ];

    private static IEnumerable<(string, IOpenApiSchema)> PingMembers() =>
    [
        ("vertical", Text("The kind of lead.")),
        ("sub_id", Text("The publisher's own sub-source.", longest: Limits.SubIdChars)),
        ("tags", Map("Come back in answers and reports; never reach a buyer.", Text("", longest: Limits.TagChars), Limits.TagsPerPing)),
        ("channel", Text("A free word such as web or call_centre.", longest: Limits.ChannelChars)),
        ("max_copies", Count("Copies that may be sold at most; left out, as the tree says.", 1, Limits.CopiesPerLead)),
        ("sold_elsewhere", Object("What was sold outside this exchange.", [], ("copies", Count("", 0)), ("sellers", List("", Text(""))))),
        ("test", Flag("True: takes no cap, money or turn.")),
        ("test_result", Word("Forces a test's answer.", "sold", "unsold", "no_offer", "pending", "in_doubt")),
        .. SharedMembers(),
    ];

    private static IEnumerable<(string, IOpenApiSchema)> SharedMembers() =>
    [
        ("min_payout", Money("Refuses offers that earn less; never raises a price.")),
        ("deadline_ms", Count("How long the caller waits, in milliseconds.", 1, Limits.DeadlineMs)),
        ("consent", Object("What the consumer agreed to.", [],
            ("text", Text("", longest: Limits.ConsentTextChars)), ("at", Text("", "date-time")), ("page", Text("", longest: Limits.TextChars)), ("ip", Text("")),
            ("user_agent", Text("", longest: Limits.TextChars)), ("sellers", List("Names that the consumer consented to.", Text(""))))),
        Fields(),
    ];

    private static (string, IOpenApiSchema) OfferIds() => ("offer_ids", List("One exclusive offer or any shared ones; left out, the ping's best.", Text(""), Limits.OffersPerAnswer));

    private static (string, IOpenApiSchema) Fields() => ("fields", Map("The vertical's fields, by name.",
        new OpenApiSchema { Type = JsonSchemaType.String | JsonSchemaType.Number | JsonSchemaType.Boolean }, Limits.FieldsPerRequest));

    private static OpenApiSchema PingAnswerSchema() => Object("Offered, or why not.", ["ping_id", "status"],
        ("ping_id", Text("Names the ping in a post.")), ("status", Word("", "offered", "no_offer")), ("reason", Text("With no_offer: why.")),
        ("payout", Money("What posting the offers in best earns.")), ("best", List("", Text(""))), ("currency", Text("ISO 4217.")),
        ("expires_at", Text("Until then the payouts are a promise.", "date-time")), ("test", Flag("")),
        ("offers", List("Best first.", Object("", ["offer_id", "payout", "sharing", "seller"],
            ("offer_id", Text("")), ("payout", Money("")), ("sharing", Word("", "exclusive", "shared")), ("seller", OptionalText("Only where consent is named."))), Limits.OffersPerAnswer)),
        ("tags", Map("", Text(""))), ("warnings", List("", Error())));

    private static OpenApiSchema LeadAnswerSchema() => Object("A lead as it stands.", ["lead_id", "status", "payout", "payout_pending", "currency", "redirect_url", "copies", "test"],
        ("lead_id", Text("")), ("status", Word("", "sold", "in_doubt", "pending", "unsold")), ("reason", Text("With unsold: why.")),
        ("payout", Money("Owed now.")), ("payout_pending", Money("May follow.")), ("currency", Text("ISO 4217.")), ("redirect_url", OptionalText("Where to send the consumer.")),
        ("copies", List("", Object("", ["offer_id", "status", "payout", "redirect_url"],
            ("offer_id", Text("")), ("status", Word("", "sold", "in_doubt", "pending", "rejected", "returned")), ("payout", Money("")), ("redirect_url", OptionalText(""))))),
        ("test", Flag("")), ("tags", Map("", Text(""))), ("warnings", List("", Error())));

    private static OpenApiSchema ProblemSchema()
    {
        var problem = Object("RFC 9457, with every error at once. No value is repeated.", ["type", "title", "status", "detail", "code", "errors", "trace_id"],
            ("type", Text("", "uri")), ("title", Text("")), ("status", Count("The HTTP status.", 400, 599)), ("detail", Text("")), ("code", Text("Stable; programs decide by it.")),
            ("errors", List("", Error(), Limits.ErrorsPerAnswer)), ("trace_id", Text("")),
            ("lead", new OpenApiSchema { Description = "Beside already_posted: the recorded answer.", Type = JsonSchemaType.Object }));
        problem.AdditionalPropertiesAllowed = true;
        return problem;
    }

    private static OpenApiSchema Error() => Object("", ["pointer", "code", "message"],
        ("pointer", Text("JSON pointer into the request.")), ("code", Text("")), ("message", Text("")));
}
