using Microsoft.OpenApi;
using static Exchange.Server.OpenApi.Schemas;

namespace Exchange.Server.OpenApi;

/// <summary>What operators read of doubts, of postbacks and of an audit, in the OpenAPI document.</summary>
internal static class OperatorOperations
{
    private const string Doubts = "Doubts", Audit = "Audit", Postbacks = "Postbacks";

    private const string DoubtsExample = """
        { "doubts": [ { "copy_id": "01k9x2m4p6r8t0v2w4y6z8a0c2-1", "lead_id": "01k9x2m4p6r8t0v2w4y6z8a0c2", "campaign": "acme-west", "buyer": "acme", "price": "11.00",
          "since": "2026-11-22T12:00:05.000Z", "attempts": 3, "error": "timeout", "next": "ask_again", "next_at": "2026-11-22T12:05:00.000Z" } ], "next": null }
        """;

    private const string AuditExample = """
        { "clean": false, "checks": [ { "id": "I1", "name": "caps and balances = sales and holds", "looked": 412, "found": 1,
          "findings": [ { "subject": "c:acme-west:leads:day:UTC@1795305600", "what": "used 18, its copies used 17 and 0 before it was in force" } ], "notes": [] } ] }
        """;

    private const string PostbacksExample = """
        { "postbacks": [ { "postback_id": "01k9x2m4p6r8t0v2w4y6z8a0c2-sold-1", "lead_id": "01k9x2m4p6r8t0v2w4y6z8a0c2", "event": "sold", "copy_id": "01k9x2m4p6r8t0v2w4y6z8a0c2-1",
          "publisher": "search-partner", "change": "8.80", "status": "waiting", "attempts": 2, "due_at": "2026-11-22T12:00:35.000Z", "error": "http_500", "at": "2026-11-22T12:00:05.000Z" } ], "next": null }
        """;

    public static void Describe(OpenApiDocument document)
    {
        document.AddComponent(Doubts, Object("Copies of which nobody knows whether their buyer took them, oldest first.", ["doubts", "next"], ("doubts", List("", Doubt())), ("next", OptionalText("Cursor of the next page."))));
        document.AddComponent(Audit, Object("What was checked, in the order of the invariants.", ["clean", "checks"], ("clean", Flag("Nothing was found.")), ("checks", List("", Check()))));
        AdminOperations.Answer(document, "/v1/admin/doubts", Doubts, DoubtsExample);
        AdminOperations.Answer(document, "/v1/admin/audit", Audit, AuditExample);
        document.AddComponent(Postbacks, Object("What publishers are told, newest lead first.", ["postbacks", "next"], ("postbacks", List("", Postback())), ("next", OptionalText("Cursor of the next page."))));
        AdminOperations.Answer(document, "/v1/admin/postbacks", Postbacks, PostbacksExample);
    }

    private static OpenApiSchema Doubt() => Object("", ["copy_id", "lead_id", "campaign", "buyer", "price", "since", "attempts", "next"],
        ("copy_id", Text("")), ("lead_id", Text("")), ("campaign", Text("")), ("buyer", Text("")), ("price", Money("Held until it ends.")), ("since", Text("", "date-time")),
        ("attempts", Count("How often its buyer was asked.", 0)), ("error", OptionalText("What the last attempt came to.")),
        ("next", Word("The same buyer is asked again with the same copy_id, or the operator decides.", "ask_again", "operator")), ("next_at", OptionalText("")));

    private static OpenApiSchema Postback() => Object("", ["postback_id", "lead_id", "event", "copy_id", "publisher", "change", "status", "attempts", "due_at", "at"],
        ("postback_id", Text("The same on every attempt.")), ("lead_id", Text("")), ("event", Word("", "sold", "unsold", "returned")), ("copy_id", OptionalText("The copy that was sold (of several the first) or came back.")),
        ("publisher", Text("")), ("change", Text("What it adds to the lead's payout; below zero for a return.")), ("status", Word("", "waiting", "delivered", "dead", "cancelled")),
        ("attempts", Count("", 0)), ("due_at", Text("", "date-time")), ("error", OptionalText("What the last attempt came to.")), ("at", Text("Last changed.", "date-time")));

    private static OpenApiSchema Check() => Object("", ["id", "name", "looked", "found", "findings", "notes"],
        ("id", Text("The invariant.")), ("name", Text("")), ("looked", Count("How many things it looked at.", 0)), ("found", Count("All findings; the first are shown.", 0)),
        ("findings", List("", Finding())), ("notes", List("Unusual and explained.", Finding())));

    private static OpenApiSchema Finding() => Object("", ["subject", "what"], ("subject", Text("An id: lead, copy, limit or account.")), ("what", Text("")));
}
