using Exchange.Engine.Connectors;
using Exchange.Engine.Deliveries;
using Shouldly;

namespace Exchange.Engine.Tests.Connectors;

/// <summary>What an answer to a post means: verdicts as a table, and above all what must stay unknown.</summary>
public sealed class PostReplyTests
{
    private static readonly PostReply Usual = Replies.Post("""
        { "accepted_when": { "at": "result", "is": "success" }, "duplicate_when": { "at": "msg", "contains": "duplicate" }, "pending_when": { "at": "result", "is": "wait" },
          "retry_when": { "at": "result", "is": "busy" }, "rejected_when": { "at": "result", "in": ["failed", "error"] },
          "price": "price", "ref": ["lead_id", "id"], "redirect_url": "redirect_url", "reason": ["errors.error.0", "msg"] }
        """);

    [Theory]
    // status, body, verdict
    [InlineData(200, "{\"result\":\"success\",\"lead_id\":17,\"price\":\"12.50\",\"redirect_url\":\"https://a.example/r\"}", "Accepted 12.50 https://a.example/r 17 -")]
    [InlineData(200, "{\"result\":\"SUCCESS\",\"id\":\"x\"}", "Accepted - - x -")]
    [InlineData(200, "<response><result>Success</result><lead_id>9</lead_id></response>", "Accepted - - 9 -")]
    [InlineData(200, "{\"result\":\"failed\",\"msg\":\"Duplicate lead\"}", "Duplicate - - - Duplicate lead")]
    [InlineData(200, "{\"result\":\"failed\",\"errors\":{\"error\":[\"no zip\",\"no name\"]},\"redirect_url\":\"https://a.example/\"}", "Rejected - - - no zip")]
    [InlineData(200, "{\"result\":\"failed\",\"errors\":{\"error\":{\"email\":\"required\"}}}", "Rejected - - - email: required")]
    [InlineData(200, "{\"result\":\"wait\",\"redirect_url\":\"https://a.example/w\"}", "Pending - https://a.example/w - -")]
    [InlineData(200, "{\"result\":\"busy\"}", "RetryLater - - - -")]
    [InlineData(422, "{\"result\":\"error\",\"msg\":\"no\"}", "Rejected - - - no")]
    [InlineData(429, "{\"result\":\"busy\"}", "RetryLater - - - -")]
    // Nothing matches: what the status says counts, outside of here.
    [InlineData(200, "{\"result\":\"queued\",\"msg\":\"thank you\"}", "- - - - thank you")]
    [InlineData(200, "{\"result\":[\"success\",\"error\"]}", "- - - - -")]
    [InlineData(200, "{\"result\":\"success\",\"result\":\"error\"}", "- - - - -")]
    [InlineData(200, "{\"result\":\"success\"", "- - - - -")]
    [InlineData(200, "", "- - - - -")]
    [InlineData(200, "<html><body>success</body></html>", "- - - - -")]
    // Only a 2xx says yes, only a 2xx or 4xx says no.
    [InlineData(404, "{\"result\":\"success\"}", "- - - - -")]
    [InlineData(302, "{\"result\":\"success\"}", "- - - - -")]
    [InlineData(302, "{\"result\":\"error\"}", "- - - - -")]
    [InlineData(408, "{\"result\":\"error\"}", "- - - - -")]
    [InlineData(500, "{\"result\":\"error\",\"msg\":\"duplicate\"}", "- - - - duplicate")]
    [InlineData(503, "{\"result\":\"busy\"}", "- - - - -")]
    public void Read_Answer_IsTheVerdict(int status, string body, string expected) => Told(Usual.Read(Replies.Reply(body, status))).ShouldBe(expected);

    [Theory]
    // condition of accepted_when, status, body, holds
    [InlineData("{ \"at\": \"Success\", \"is\": true }", 200, "{\"Success\":true}", true)]
    [InlineData("{ \"at\": \"Success\", \"is\": true }", 200, "{\"Success\":\"True\"}", true)]
    [InlineData("{ \"at\": \"status\", \"is\": 1 }", 200, "{\"status\":\"01.0\"}", true)]
    [InlineData("{ \"at\": \"status\", \"is\": 1 }", 200, "{\"status\":10}", false)]
    [InlineData("{ \"at\": \"status\", \"is_not\": 1 }", 200, "{\"status\":1.0}", false)]
    [InlineData("{ \"at\": \"status\", \"is_not\": 1 }", 200, "{}", false)]
    [InlineData("{ \"not\": { \"at\": \"status\", \"is\": 1 } }", 200, "{}", true)]
    [InlineData("{ \"at\": \"type\", \"in\": [6, \"Duplicate_Lead\"] }", 200, "{\"type\":\"duplicate_lead\"}", true)]
    [InlineData("{ \"at\": \"type\", \"in\": { \"list\": \"zips\" } }", 200, "{\"type\":\"90210\"}", true)]
    [InlineData("{ \"at\": \"type\", \"not_in\": [6] }", 200, "{\"type\":7}", true)]
    [InlineData("{ \"at\": \"body\", \"starts_with\": \"post_valid\" }", 200, " POST_VALID|1", true)]
    [InlineData("{ \"at\": \"body\", \"contains\": \"valid\" }", 200, "{broken valid", true)]
    [InlineData("{ \"at\": \"body\", \"matches\": \"^OK \\\\d+$\" }", 200, "ok 12", true)]
    [InlineData("{ \"at\": \"messages\", \"contains\": \"took\" }", 200, "{\"messages\":[\"hello\",\"Took it\"]}", true)]
    [InlineData("{ \"at\": \"n\", \"at_least\": 10 }", 200, "{\"n\":\"9.99\"}", false)]
    [InlineData("{ \"at\": \"n\", \"at_least\": 10 }", 200, "{\"n\":123456789012345678901234567890}", true)]
    [InlineData("{ \"at\": \"n\", \"at_most\": -1 }", 200, "{\"n\":-1.5}", true)]
    [InlineData("{ \"at\": \"n\", \"between\": [1, 2] }", 200, "{\"n\":2.0}", true)]
    [InlineData("{ \"at\": \"n\", \"between\": [1, 2] }", 200, "{\"n\":\"two\"}", false)]
    [InlineData("{ \"at\": \"e\", \"exists\": true }", 200, "{\"e\":{\"a\":\"\"}}", false)]
    [InlineData("{ \"all\": [{ \"at\": \"a\", \"is\": 1 }, { \"any\": [{ \"at\": \"b\", \"is\": 1 }, { \"at\": \"b\", \"is\": 2 }] }] }", 200, "{\"a\":1,\"b\":2}", true)]
    [InlineData("{ \"all\": [{ \"at\": \"a\", \"is\": 1 }, { \"any\": [{ \"at\": \"b\", \"is\": 1 }, { \"at\": \"b\", \"is\": 2 }] }] }", 200, "{\"a\":1,\"b\":3}", false)]
    // The absence of an error is a yes only in a reply that can be read.
    [InlineData("{ \"at\": \"error\", \"exists\": false }", 200, "{\"id\":1}", true)]
    [InlineData("{ \"at\": \"error\", \"exists\": false }", 200, "{\"id\":1", false)]
    [InlineData("{ \"at\": \"error\", \"exists\": false }", 200, "", false)]
    [InlineData("{ \"at\": \"error\", \"exists\": false }", 200, "gateway down", false)]
    // Who asks for the status itself knows what to make of it.
    [InlineData("{ \"at\": \"http.status\", \"in\": [200, 302] }", 302, "", true)]
    [InlineData("{ \"at\": \"http.status\", \"is\": 500 }", 500, "{", true)]
    [InlineData("{ \"at\": \"http.header.X-Result\", \"is\": \"ok\" }", 200, "", true)]
    [InlineData("{ \"at\": \"http.header.X-Result\", \"is\": \"ok\" }", 500, "", false)]
    public void AcceptedWhen_Condition_Holds(string condition, int status, string body, bool holds) =>
        Replies.Post($$"""{ "accepted_when": {{condition}} }""").Read(Replies.Reply(body, status, null, ("x-result", "OK"))).Kind.ShouldBe(holds ? AttemptKind.Accepted : null);

    [Theory]
    [InlineData("\"a.b\"", "{\"a\":{\"b\":\" x \"}}", "x")]
    [InlineData("[\"a\", \"b\"]", "{\"b\":\"y\"}", "y")]
    [InlineData("{ \"at\": \"body\", \"matches\": \"id=(\\\\d+)\" }", "ok id=42;", "42")]
    [InlineData("{ \"at\": \"body\", \"matches\": \"\\\\d+\" }", "ok id=42;", "42")]
    [InlineData("[{ \"at\": \"body\", \"matches\": \"no=(\\\\d+)\" }, { \"at\": \"body\", \"matches\": \"id=(\\\\d+)\", \"map\": \"ids\" }]", "ok id=42;", "forty-two")]
    [InlineData("\"a\"", "{\"a\":{\"b\":1}}", null)]
    public void Ref_Read_IsTheFirstThatIsThere(string read, string body, string? expected) =>
        Replies.Post($$"""{ "accepted_when": { "at": "http.status", "is": 200 }, "ref": {{read}} }""", """{ "ids": { "forty-two": "42" } }""").Read(Replies.Reply(body)).Ref.ShouldBe(expected);

    private static string Told(PostVerdict verdict) =>
        $"{verdict.Kind?.ToString() ?? "-"} {verdict.Price ?? "-"} {verdict.RedirectUrl ?? "-"} {verdict.Ref ?? "-"} {verdict.Reason ?? "-"}";
}
