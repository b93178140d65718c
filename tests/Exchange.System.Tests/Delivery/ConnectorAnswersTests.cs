using System.Text;
using Exchange.Delivery;
using Exchange.Delivery.Connectors;
using Exchange.Engine.Catalog;
using Exchange.Engine.Deliveries;
using Shouldly;
using static Exchange.System.Tests.Delivery.FakeBuyer;

namespace Exchange.System.Tests.Delivery;

/// <summary>What a whole, undisturbed answer means to each connector.</summary>
public sealed class ConnectorAnswersTests
{
    // status | body | webhook: kind error refusal | native: kind error refusal
    private const string Table = """
        200 |                                               | Accepted - None                | Accepted - None
        204 |                                               | Accepted - None                | Accepted - None
        201 | {"answer":"accepted"}                         | Accepted - None                | Accepted - None
        200 | {"answer":"rejected"}                         | Accepted - None                | Rejected rejected Answer
        200 | {"answer":"duplicate"}                        | Accepted - None                | Duplicate duplicate None
        202 | {"answer":"pending"}                          | Accepted - None                | Pending pending None
        200 | {"answer":"accepted","more":{"a":[1]}}        | Accepted - None                | Accepted - None
        200 | <html>OK</html>                               | Accepted - None                | Unknown answer_unreadable None
        200 | {"answer":"ACCEPTED"}                         | Accepted - None                | Unknown answer_unreadable None
        200 | {"answer":true}                               | Accepted - None                | Unknown answer_unreadable None
        200 | {"answer":"rejected","answer":"accepted"}     | Accepted - None                | Unknown answer_unreadable None
        200 | {}                                            | Accepted - None                | Unknown answer_unreadable None
        200 | []                                            | Accepted - None                | Unknown answer_unreadable None
        200 | "accepted"                                    | Accepted - None                | Unknown answer_unreadable None
        200 | {"answer":"accepted"                          | Accepted - None                | Unknown answer_unreadable None
        200 | {"answer":"\ud800"}                           | Accepted - None                | Unknown answer_unreadable None
        400 |                                               | Rejected http_400 Status       | Rejected http_400 Status
        401 |                                               | Rejected http_401 Status       | Rejected http_401 Status
        404 | {"answer":"accepted"}                         | Rejected http_404 Status       | Rejected http_404 Status
        409 | {"answer":"duplicate"}                        | Rejected http_409 Status       | Duplicate duplicate None
        410 |                                               | Rejected http_410 Gone         | Rejected http_410 Gone
        422 | {"answer":"rejected"}                         | Rejected http_422 Status       | Rejected rejected Answer
        422 | no thanks                                     | Rejected http_422 Status       | Rejected http_422 Status
        408 |                                               | Unknown http_408 None          | Unknown http_408 None
        429 |                                               | RetryLater http_429 None       | RetryLater http_429 None
        503 | {"answer":"rejected"}                         | RetryLater http_503 None       | RetryLater http_503 None
        500 |                                               | Unknown http_500 None          | Unknown http_500 None
        500 | {"answer":"rejected"}                         | Unknown http_500 None          | Unknown http_500 None
        502 |                                               | Unknown http_502 None          | Unknown http_502 None
        504 | {"answer":"accepted"}                         | Unknown http_504 None          | Unknown http_504 None
        301 |                                               | Unknown redirect_refused None  | Unknown redirect_refused None
        302 |                                               | Unknown redirect_refused None  | Unknown redirect_refused None
        307 |                                               | Unknown redirect_refused None  | Unknown redirect_refused None
        308 |                                               | Unknown redirect_refused None  | Unknown redirect_refused None
        """;

    public static TheoryData<ConnectorKind, int, string, string> Rows
    {
        get
        {
            TheoryData<ConnectorKind, int, string, string> rows = [];
            foreach (var cells in Table.ReplaceLineEndings("\n").Split('\n').Select(line => line.Split('|', StringSplitOptions.TrimEntries)))
            {
                var status = int.Parse(cells[0], global::System.Globalization.CultureInfo.InvariantCulture);
                rows.Add(ConnectorKind.Webhook, status, cells[1], cells[2]);
                rows.Add(ConnectorKind.Native, status, cells[1], cells[3]);
            }
            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public async Task SendAsync_Answer_IsReadByTheTable(ConnectorKind kind, int status, string body, string expected)
    {
        await using var buyer = Answering(Response(status, body));
        using var http = new OutboundHttp(Samples.Loopback);
        var result = await ConnectorList.Create(http, new(), TimeProvider.System).Find(kind)!
            .SendAsync(Samples.Endpoint(buyer.Url, kind), Samples.Secrets, Samples.Message, Samples.Now, CancellationToken.None);
        $"{result.Kind} {result.Error ?? "-"} {result.Refusal}".ShouldBe(expected);
        buyer.Requests.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData("Retry-After: 120", 120)]
    [InlineData("Retry-After: 0", 0)]
    [InlineData("Retry-After: 999999", 3600)]
    [InlineData("Retry-After: Sun, 22 Nov 2026 12:05:00 GMT", 300)]
    [InlineData("Retry-After: Sun, 22 Nov 2020 12:05:00 GMT", 0)]
    [InlineData("Retry-After: soon", -1)]
    [InlineData("X-Other: 1", -1)]
    public async Task SendAsync_RetryAfter_IsReadAndBounded(string header, int seconds)
    {
        await using var buyer = Answering(Response(429, "", header + "\r\n"));
        var result = await SendAsync(buyer);
        result.Kind.ShouldBe(AttemptKind.RetryLater);
        result.RetryAfter.ShouldBe(seconds < 0 ? null : TimeSpan.FromSeconds(seconds));
    }

    [Fact]
    public async Task SendAsync_ReasonRefAndRedirect_ComeBack()
    {
        await using var buyer = Answering(Response(200, """{"answer":"accepted","reason":"thanks","ref":"A-17","redirect_url":"https://example.com/thanks?a=b"}"""));
        (await SendAsync(buyer)).ShouldBe(new AttemptResult(AttemptKind.Accepted, null, "thanks", "A-17", "https://example.com/thanks?a=b"));
    }

    [Fact]
    public async Task SendAsync_ByteOrderMarkAndNumericRef_AreRead()
    {
        await using var buyer = Answering(Response(200, "\uFEFF{\"answer\":\"accepted\",\"ref\":1234567}"));
        (await SendAsync(buyer)).ShouldBe(new AttemptResult(AttemptKind.Accepted, null, null, "1234567"));
    }

    [Fact]
    public async Task SendAsync_HostileWords_AreCutAndCleaned()
    {
        var reason = "a\\u0000b\\u001b[31m\\r\\n\\u202e\\u2028" + new string('x', 5_000);
        await using var buyer = Answering(Response(200, $$"""{"answer":"rejected","reason":"{{reason}}","ref":"\u0007\u0007"}"""));
        var result = await SendAsync(buyer);
        result.Reason.ShouldBe("ab[31m" + new string('x', 194));
        result.Ref.ShouldBeNull();
    }

    [Theory]
    [InlineData("javascript:alert(1)")]
    [InlineData("data:text/html,x")]
    [InlineData("/thanks")]
    [InlineData("//example.com/thanks")]
    [InlineData("file:///etc/passwd")]
    [InlineData("https://user:pass@example.com/")]
    [InlineData("https://")]
    [InlineData("thanks")]
    public async Task SendAsync_RedirectUrlThatIsNoWebPage_IsDropped(string url)
    {
        await using var buyer = Answering(Response(200, $$"""{"answer":"accepted","redirect_url":"{{url}}"}"""));
        (await SendAsync(buyer)).ShouldBe(new AttemptResult(AttemptKind.Accepted));
    }

    [Theory]
    [InlineData(ConnectorKind.Webhook)]
    [InlineData(ConnectorKind.Native)]
    public async Task SendAsync_Request_IsTheSignedCopyMessage(ConnectorKind kind)
    {
        await using var buyer = Answering(Response(200));
        using var http = new OutboundHttp(Samples.Loopback);
        await ConnectorList.Create(http, new(), TimeProvider.System).Find(kind)!
            .SendAsync(Samples.Endpoint(buyer.Url, kind), Samples.Secrets, Samples.Message, Samples.Now, CancellationToken.None);

        var request = buyer.Requests.ShouldHaveSingleItem();
        request.Line.ShouldBe("POST /leads?from=exchange HTTP/1.1");
        request.Body.ShouldBe(CopyMessageJson.ToBytes(Samples.Message));
        var id = Samples.Message.Copy.ToString();
        var signed = Encoding.UTF8.GetBytes($"{id}.{Samples.Now.ToUnixTimeSeconds()}.").Concat(request.Body).ToArray();
        var key = Convert.FromBase64String("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        var signature = "v1," + Convert.ToBase64String(global::System.Security.Cryptography.HMACSHA256.HashData(key, signed));
        request.Headers.OrderBy(header => header.Key, StringComparer.OrdinalIgnoreCase).Select(header => $"{header.Key}: {header.Value}").ShouldBe(
        [
            "Accept: application/json",
            $"Content-Length: {request.Body.Length}",
            "Content-Type: application/json",
            $"Host: 127.0.0.1:{buyer.Port}",
            "User-Agent: exchange/1",
            $"webhook-id: {id}",
            $"webhook-signature: {signature}",
            "webhook-timestamp: 1795348800",
        ]);
    }

    [Fact]
    public async Task SendAsync_LaterAttempt_HasTheSameIdAndItsOwnTimestamp()
    {
        await using var buyer = Answering(Response(500));
        using var http = new OutboundHttp(Samples.Loopback);
        var native = ConnectorList.Create(http, new(), TimeProvider.System).Find(ConnectorKind.Native)!;
        for (var i = 0; i < 2; i++)
            await native.SendAsync(Samples.Endpoint(buyer.Url), Samples.Secrets, Samples.Message, Samples.Now.AddSeconds(10 * i), CancellationToken.None);
        var requests = buyer.Requests.ToArray();
        requests[1].Headers["webhook-id"].ShouldBe(requests[0].Headers["webhook-id"]);
        requests[1].Headers["webhook-timestamp"].ShouldNotBe(requests[0].Headers["webhook-timestamp"]);
        requests[1].Headers["webhook-signature"].ShouldNotBe(requests[0].Headers["webhook-signature"]);
        requests[1].Body.ShouldBe(requests[0].Body);
    }

    [Theory]
    [InlineData(null, "secret_missing")]
    [InlineData("whsec_broken!", "secret_invalid")]
    public async Task SendAsync_NamedSecretNotUsable_SendsNothing(string? secret, string error)
    {
        await using var buyer = Answering(Response(200));
        using var http = new OutboundHttp(Samples.Loopback);
        var result = await ConnectorList.Create(http, new(), TimeProvider.System).Find(ConnectorKind.Native)!.SendAsync(
            Samples.Endpoint(buyer.Url), secret is null ? EndpointSecrets.None : Samples.SecretsOf(Encoding.ASCII.GetBytes(secret)), Samples.Message, Samples.Now, CancellationToken.None);
        result.ShouldBe(new AttemptResult(AttemptKind.NotSent, error));
        buyer.Connections.ShouldBe(0);
    }

    [Fact]
    public async Task SendAsync_EndpointWithoutSecret_IsUnsigned()
    {
        await using var buyer = Answering(Response(200));
        using var http = new OutboundHttp(Samples.Loopback);
        var result = await ConnectorList.Create(http, new(), TimeProvider.System).Find(ConnectorKind.Webhook)!.SendAsync(
            Samples.Endpoint(buyer.Url) with { SecretName = null }, EndpointSecrets.None, Samples.Message, Samples.Now, CancellationToken.None);
        result.Kind.ShouldBe(AttemptKind.Accepted);
        buyer.Requests.ShouldHaveSingleItem().Headers.ContainsKey("webhook-signature").ShouldBeFalse();
    }

    [Fact]
    public void Find_Inbox_HasNoConnector()
    {
        using var http = new OutboundHttp(Samples.Loopback);
        ConnectorList.Create(http, new(), TimeProvider.System).Find(ConnectorKind.Inbox).ShouldBeNull();
    }

    private static async Task<AttemptResult> SendAsync(FakeBuyer buyer)
    {
        using var http = new OutboundHttp(Samples.Loopback);
        return await ConnectorList.Create(http, new(), TimeProvider.System).Find(ConnectorKind.Native)!
            .SendAsync(Samples.Endpoint(buyer.Url), Samples.Secrets, Samples.Message, Samples.Now, CancellationToken.None);
    }
}
