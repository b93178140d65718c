extern alias server;

using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using server::Exchange.Server.Access;
using Shouldly;

namespace Exchange.System.Tests.Intake;

/// <summary>What is wrong with a request is said by status and code, and the desk never hears of a request that could not be read.</summary>
public sealed class BadInputTests(IntakeHost host) : IClassFixture<IntakeHost>
{
    private const string Good = """{"vertical":"auto-insurance","fields":{"zip":"90210"}}""";

    [Theory]
    // What is not JSON, or not an object.
    [InlineData("", "The body is empty; a JSON object is needed.")]
    [InlineData("[]", "The body must be a JSON object.")]
    [InlineData("\"x\"", "The body must be a JSON object.")]
    [InlineData("null", "The body must be a JSON object.")]
    [InlineData("<ping/>", "The body is not valid JSON at byte 0.")]
    [InlineData("{\"vertical\":\"a\"", "The body is not valid JSON at byte 15.")]
    [InlineData("{\"vertical\":\"a\",}", "The body is not valid JSON at byte 16.")]
    [InlineData("{\n\"vertical\":'a'}", "The body is not valid JSON at byte 13.")]
    [InlineData("{} x", "The body is not valid JSON at byte 3.")]
    [InlineData("{/*c*/}", "The body is not valid JSON at byte 1.")]
    [InlineData("{\"vertical\":\"\\ud800\"}", "The body is not valid JSON at byte 12.")]
    [InlineData("{\"\\ud800\":1}", "The body is not valid JSON at byte 1.")]
    [InlineData("{\"fields\":{\"a\":01}}", "The body is not valid JSON at byte 16.")]
    [InlineData("{\"fields\":{\"a\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}}", "The body is nested deeper than 16 levels.")]
    public async Task Body_NotAJsonObject_IsMalformedWithTheByte(string body, string detail)
    {
        var asked = host.Desk.Asked;
        var problem = await ProblemOf(await host.PostJsonAsync("/v1/pings", body), 400, "malformed");
        problem.GetProperty("detail").GetString().ShouldBe(detail);
        host.Desk.Asked.ShouldBe(asked);
    }

    [Fact]
    public async Task Body_NotUtf8_IsMalformed() =>
        await ProblemOf(await host.SendAsync("POST", "/v1/pings", [.. "{\"vertical\":\""u8, 0xFF, 0xC0, .. "\"}"u8]), 400, "malformed");

    [Fact]
    public async Task Body_WithByteOrderMark_IsRead() =>
        (await host.SendAsync("POST", "/v1/pings", [0xEF, 0xBB, 0xBF, .. Encoding.UTF8.GetBytes(Good)])).StatusCode.ShouldBe(HttpStatusCode.OK);

    [Theory]
    // method, path, header, status, code
    [InlineData("POST", "/v1/pings", "Content-Type:", 415, "unsupported_media_type")]
    [InlineData("POST", "/v1/pings", "Content-Type: text/plain", 415, "unsupported_media_type")]
    [InlineData("POST", "/v1/pings", "Content-Type: multipart/form-data; boundary=x", 415, "unsupported_media_type")]
    [InlineData("POST", "/v1/pings", "Content-Type: application/xml", 400, "malformed")]
    [InlineData("POST", "/v1/pings", "Content-Type: application/xml; charset=iso-8859-1", 400, "malformed")]
    [InlineData("POST", "/v1/pings", "Content-Type: application/soap+xml", 415, "unsupported_media_type")]
    [InlineData("POST", "/v1/pings", "Content-Type: application/merge-patch+json", 415, "unsupported_media_type")]
    [InlineData("POST", "/v1/pings", "Content-Encoding: gzip", 415, "unsupported_media_type")]
    [InlineData("POST", "/v1/pings", "Content-Type: application/json; charset=utf-16", 400, "malformed")]
    [InlineData("POST", "/v1/pings", "Accept: image/png", 406, "not_acceptable")]
    [InlineData("POST", "/v1/pings", "Accept: application/json;q=0", 406, "not_acceptable")]
    [InlineData("POST", "/v1/pings", "Idempotency-Key: two words", 400, "malformed")]
    [InlineData("POST", "/v1/pings", "X-Api-Key:", 401, "unauthenticated")]
    [InlineData("POST", "/v1/pings", "X-Api-Key: lx_live_wrong", 401, "unauthenticated")]
    [InlineData("POST", "/v1/pings", "Authorization: Basic bHhfbGl2ZV8=", 200, "")]
    [InlineData("POST", "/v1/pings?api_key=x", "", 400, "credential_in_url")]
    [InlineData("POST", "/v1/pings?KEY=x", "", 400, "credential_in_url")]
    [InlineData("DELETE", "/v1/pings", "", 405, "method_not_allowed")]
    [InlineData("TRACE", "/v1/pings", "", 405, "method_not_allowed")]
    [InlineData("POST", "/v1/nothing", "", 404, "not_found")]
    [InlineData("GET", "/", "", 404, "not_found")]
    [InlineData("GET", "/v1/leads/no-id", "", 404, "not_found")]
    [InlineData("GET", "/v1/leads/00000000000000000000000000", "", 404, "not_found")]
    [InlineData("GET", "/v1/leads/no-id", "Accept: text/html", 406, "not_acceptable")]
    [InlineData("GET", "/metrics", "", 404, "not_found")]
    [InlineData("GET", "/health/live", "", 404, "not_found")]
    [InlineData("POST", "/v1/pings", "Content-Type: Application/JSON; charset=\"UTF-8\"", 200, "")]
    [InlineData("POST", "/v1/pings", "Accept: text/html, application/*;q=0.5", 200, "")]
    [InlineData("POST", "/v1/pings", "Idempotency-Key: 0f3c-1", 200, "")]
    public async Task Request_WithThis_IsAnswered(string method, string path, string header, int status, string code)
    {
        var response = await host.SendAsync(method, path, method == "GET" || method == "TRACE" ? null : Encoding.UTF8.GetBytes(Good), header.Length == 0 ? [] : [header]);
        if (code.Length > 0) await ProblemOf(response, status, code);
        else ((int)response.StatusCode).ShouldBe(status);
        if (status == 405) response.Content.Headers.Allow.ShouldBe(["POST"]);
        if (status == 401) response.Headers.WwwAuthenticate.ToString().ShouldStartWith("Bearer");
    }

    [Fact]
    public async Task Key_UnknownAndRevoked_GetTheSameBody()
    {
        var made = await host.Keys.CreateAsync(Exchange.Storage.KeyRole.Publisher, "gone", false, default);
        await host.Keys.RevokeAsync(made.Row.Id, default);
        var revoked = await ProblemOf(await host.PostJsonAsync("/v1/pings", Good, $"X-Api-Key: {made.Plain}"), 401, "unauthenticated");
        var unknown = await ProblemOf(await host.PostJsonAsync("/v1/pings", Good, $"X-Api-Key: {ApiKeyFormat.Create(false)}"), 401, "unauthenticated");
        revoked.GetProperty("detail").GetString().ShouldBe(unknown.GetProperty("detail").GetString());
    }

    [Fact]
    public async Task Key_OfABuyer_IsForbiddenAtThePublishersDoor()
    {
        await ProblemOf(await host.PostJsonAsync("/v1/pings", Good, "X-Api-Key:", $"Authorization: Bearer {host.BuyerKey}"), 403, "forbidden");
        await ProblemOf(await host.SendAsync("GET", $"/v1/leads/{RecordingDesk.Id}", null, $"X-Api-Key: {host.BuyerKey}"), 403, "forbidden");
    }

    [Fact]
    public async Task IdempotencyKey_OverItsLength_IsMalformed()
    {
        await ProblemOf(await host.PostJsonAsync("/v1/pings", Good, $"Idempotency-Key: {new string('k', 256)}"), 400, "malformed");
        (await host.PostJsonAsync("/v1/pings", Good, $"Idempotency-Key: {new string('k', 255)}")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("/v1/pings", 64 * 1024, false)]
    [InlineData("/v1/pings", 64 * 1024, true)]
    [InlineData("/v1/posts", 256 * 1024, false)]
    [InlineData("/v1/posts", 256 * 1024, true)]
    public async Task Body_OverItsLimit_IsTooLargeAndAtItIsRead(string path, int limit, bool chunked)
    {
        foreach (var (size, tooLarge) in new[] { (limit, false), (limit + 1, true) })
        {
            var body = Encoding.UTF8.GetBytes("{}".PadRight(size));
            using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(body) };
            request.Content.Headers.ContentType = new("application/json");
            request.Headers.Add("X-Api-Key", host.PublisherKey);
            request.Headers.TransferEncodingChunked = chunked;
            var response = await host.Http.SendAsync(request);
            if (tooLarge) await ProblemOf(response, 413, "body_too_large");
            else ((int)response.StatusCode).ShouldBe(422);
        }
    }

    [Theory]
    // A ping's members; the expected errors as "pointer code".
    [InlineData("""{}""", "/vertical missing_field", "/fields missing_field")]
    [InlineData("""{"vertical":"a","fields":{},"campagn":1}""", "/campagn unknown_field")]
    [InlineData("""{"vertical":"a","fields":{},"ping_id":"x"}""", "/ping_id unknown_field")]
    [InlineData("""{"vertical":"a","fields":{},"a/b~":{"c":[1,{}]}}""", "/a~1b~0 unknown_field")]
    [InlineData("""{"vertical":"a","fields":{},"vertical":"b"}""", "/vertical duplicate_property")]
    [InlineData("""{"vertical":"a","fields":{},"verti\u0063al":"b"}""", "/vertical duplicate_property")]
    [InlineData("""{"vertical":"a","fields":{"zip":"1","age":2,"zip":"3","zip":"4"}}""", "/fields/zip duplicate_property")]
    [InlineData("""{"vertical":1,"fields":[]}""", "/vertical wrong_type", "/fields wrong_type", "/vertical missing_field", "/fields missing_field")]
    [InlineData("""{"vertical":"a","fields":{},"sub_id":{"x":1},"channel":true}""", "/sub_id wrong_type", "/channel wrong_type")]
    [InlineData("""{"vertical":"a","fields":{},"min_payout":"4,00"}""", "/min_payout invalid_format")]
    [InlineData("""{"vertical":"a","fields":{},"min_payout":4e2}""", "/min_payout invalid_format")]
    [InlineData("""{"vertical":"a","fields":{},"min_payout":"-1.00"}""", "/min_payout out_of_range")]
    [InlineData("""{"vertical":"a","fields":{},"min_payout":false}""", "/min_payout wrong_type")]
    [InlineData("""{"vertical":"a","fields":{},"max_copies":0}""", "/max_copies out_of_range")]
    [InlineData("""{"vertical":"a","fields":{},"max_copies":21}""", "/max_copies out_of_range")]
    [InlineData("""{"vertical":"a","fields":{},"max_copies":"3"}""", "/max_copies wrong_type")]
    [InlineData("""{"vertical":"a","fields":{},"max_copies":1.5}""", "/max_copies out_of_range")]
    [InlineData("""{"vertical":"a","fields":{},"deadline_ms":0}""", "/deadline_ms out_of_range")]
    [InlineData("""{"vertical":"a","fields":{},"deadline_ms":-5}""", "/deadline_ms out_of_range")]
    [InlineData("""{"vertical":"a","fields":{},"deadline_ms":60001}""", "/deadline_ms out_of_range")]
    [InlineData("""{"vertical":"a","fields":{},"deadline_ms":99999999999999999999}""", "/deadline_ms out_of_range")]
    [InlineData("""{"vertical":"a","fields":{},"sold_elsewhere":{"copies":-1,"sellers":[1,""],"x":1}}""",
        "/sold_elsewhere/copies out_of_range", "/sold_elsewhere/sellers/0 wrong_type", "/sold_elsewhere/x unknown_field", "/sold_elsewhere/sellers/0 invalid_field")]
    [InlineData("""{"vertical":"a","fields":{},"consent":{"at":"2026-11-22","ip":5,"page":"p","page":"q"}}""",
        "/consent/at invalid_format", "/consent/ip wrong_type", "/consent/page duplicate_property")]
    [InlineData("""{"vertical":"a","fields":{},"consent":{"at":"2026-11-22T12:00:00"}}""", "/consent/at invalid_format")]
    [InlineData("""{"vertical":"a","fields":{},"tags":{"a":1}}""", "/tags/a wrong_type")]
    [InlineData("""{"vertical":"a","fields":{},"tags":{"a":"x","a":"y"}}""", "/tags/a duplicate_property")]
    [InlineData("""{"vertical":"a","fields":{},"tags":{"":"x"}}""", "/tags invalid_field")]
    [InlineData("""{"vertical":"a","fields":{},"sub_id":"a\nb"}""", "/sub_id invalid_format")]
    [InlineData("""{"vertical":"a","fields":{},"test":"yes"}""", "/test wrong_type")]
    [InlineData("""{"vertical":"a","fields":{},"test":true,"test_result":"won"}""", "/test_result invalid_field")]
    public async Task Ping_WithWrongMembers_HearsOfAllAtOnce(string body, params string[] expected)
    {
        var response = await host.PostJsonAsync("/v1/pings", body);
        var problem = await ProblemOf(response, 422, expected.Length == 1 ? expected[0].Split(' ')[1] : "invalid_request");
        ErrorsOf(problem).ShouldBe(expected);
    }

    [Fact]
    public async Task Ping_WithTooMuchOfAThing_HearsTheBound()
    {
        var fields = string.Join(',', Enumerable.Range(0, 600).Select(i => $"\"f{i}\":{i}"));
        var tags = string.Join(',', Enumerable.Range(0, 30).Select(i => $"\"t{i:D2}\":\"x\""));
        var body = $$"""{"vertical":"a","fields":{ {{fields}} },"tags":{ {{tags}} },"sub_id":"{{new string('s', 76)}}","channel":"{{new string('c', 41)}}"}""";
        var problem = await ProblemOf(await host.PostJsonAsync("/v1/pings", body), 422, "invalid_request");
        ErrorsOf(problem).ShouldBe(["/fields out_of_range", "/sub_id out_of_range", "/channel out_of_range", "/tags out_of_range"]);
    }

    [Theory]
    [InlineData("/v1/posts", """{"fields":{}}""", 422, "missing_field")]
    [InlineData("/v1/posts", """{"ping_id":"nonsense","fields":{}}""", 404, "ping_not_found")]
    [InlineData("/v1/posts", """{"ping_id":"PING","vertical":"a"}""", 422, "invalid_request")]
    [InlineData("/v1/posts", """{"ping_id":"PING","offer_ids":[]}""", 422, "invalid_request")]
    [InlineData("/v1/posts", """{"ping_id":"PING","offer_ids":["1","1"]}""", 422, "invalid_request")]
    [InlineData("/v1/leads", """{"ping_id":"PING","vertical":"a","fields":{}}""", 422, "unknown_field")]
    [InlineData("/v1/leads", """{"fields":{}}""", 422, "missing_field")]
    public async Task Post_WithWrongMembers_IsRefused(string path, string body, int status, string code) =>
        await ProblemOf(await host.PostJsonAsync(path, body.Replace("PING", RecordingDesk.Id.ToString(), StringComparison.Ordinal)), status, code);

    /// <summary>None of them is compared with the others.</summary>
    [Fact]
    public async Task Post_WithTensOfThousandsOfOffers_HasOneError()
    {
        var ids = string.Join(',', Enumerable.Range(0, 30_000).Select(n => $"\"{n:x}\""));
        var problem = await ProblemOf(await host.PostJsonAsync("/v1/posts", $$"""{"ping_id":"{{RecordingDesk.Id}}","fields":{},"offer_ids":[{{ids}}]}"""), 422, "invalid_request");
        ErrorsOf(problem).ShouldBe(["/offer_ids out_of_range"]);
    }

    [Theory]
    [InlineData("""{}""", "missing_field")]
    [InlineData("""{"fields":{}}""", "missing_field")]
    [InlineData("""{"fields":{"a":1},"vertical":"x"}""", "unknown_field")]
    public async Task Patch_WithWrongMembers_IsRefusedBeforeTheDesk(string body, string code)
    {
        var added = host.Desk.Added.Count;
        await ProblemOf(await host.SendAsync("PATCH", $"/v1/leads/{RecordingDesk.Id}", Encoding.UTF8.GetBytes(body)), 422, code);
        host.Desk.Added.Count.ShouldBe(added);
    }

    [Fact]
    public async Task Fault_OfOurOwn_TellsNothingButATraceId()
    {
        var response = await host.Http.GetAsync("/broken");
        var text = await response.Content.ReadAsStringAsync();
        await ProblemOf(response, 500, "internal");
        text.ShouldNotContain("4111");
        text.ShouldNotContain(" at ");
    }

    /// <summary>Whoever traces its own calls finds the refused one by its own trace; what is no trace is not repeated.</summary>
    [Theory]
    [InlineData("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "0af7651916cd43dd8448eb211c80319c")]
    [InlineData("00-not a trace at all", null)]
    [InlineData(null, null)]
    public async Task Refusal_OfATracedCall_NamesItsTrace(string? traceParent, string? trace)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/broken");
        if (traceParent is not null) request.Headers.TryAddWithoutValidation("traceparent", traceParent);
        using var response = await host.Http.SendAsync(request);

        var told = (await ProblemOf(response, 500, "internal")).GetProperty("trace_id").GetString()!;
        if (trace is not null) told.ShouldBe(trace);
        else told.ShouldNotContain("trace");
    }

    [Fact]
    public async Task Caller_LeavingInTheMiddleOfABody_HarmsNobody()
    {
        using (var socket = new Socket(SocketType.Stream, ProtocolType.Tcp))
        {
            await socket.ConnectAsync(IPAddress.Loopback, host.Http.BaseAddress!.Port);
            await socket.SendAsync(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture,
                $"POST /v1/pings HTTP/1.1\r\nHost: x\r\nX-Api-Key: {host.PublisherKey}\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{{\"vert")));
        }
        (await host.PostJsonAsync("/v1/pings", Good)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    internal static IEnumerable<string> ErrorsOf(JsonElement problem) =>
        problem.GetProperty("errors").EnumerateArray().Select(error => $"{error.GetProperty("pointer").GetString()} {error.GetProperty("code").GetString()}");

    internal static async Task<JsonElement> ProblemOf(HttpResponseMessage response, int status, string code)
    {
        var text = await response.Content.ReadAsStringAsync();
        ((int)response.StatusCode).ShouldBe(status, text);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("application/problem+json");
        using var document = JsonDocument.Parse(text);
        var problem = document.RootElement.Clone();
        problem.EnumerateObject().Select(member => member.Name).Take(7).ShouldBe(["type", "title", "status", "detail", "code", "errors", "trace_id"]);
        problem.GetProperty("code").GetString().ShouldBe(code);
        problem.GetProperty("status").GetInt32().ShouldBe(status);
        problem.GetProperty("trace_id").GetString().ShouldNotBeNullOrEmpty();
        return problem;
    }
}
