using System.Globalization;
using System.Net;
using System.Text;
using Exchange.Delivery;
using Exchange.Delivery.Connectors;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Filters;
using Exchange.Engine.Values;
using Exchange.System.Tests.Delivery;
using Microsoft.Extensions.Time.Testing;
using Shouldly;
using static Exchange.System.Tests.Delivery.FakeBuyer;

namespace Exchange.System.Tests.Connectors;

/// <summary>What is sent and when: addresses, limits, tokens, and requests that have the lead in their address.</summary>
public sealed class HttpConnectorTests
{
    private const string Query = """
        with: { host: "HOST" }
        connector:
          needs: [host]
          common: { url: "http://{{ with.host }}/a" , query: { zip: "{{ lead.zip }}", none: "{{ lead.none }}" } }
          ping: { method: GET, reply: { price: p } }
          post: { method: GET, query: { phone: "{{ lead.phone }}" }, reply: { accepted_when: { at: ok, is: 1 } } }
          lost: { query: { why: "{{ loss.reason }}", least: "{{ loss.minimum_to_win }}" } }
        """;

    private static readonly OutField[] Fields = [new("zip", "02139", OutKind.Text), new("phone", "+12025550123", OutKind.Text)];

    private static EndpointModel Endpoint(string file, int port, string? change = null, string? replaced = null) =>
        Shape.Of(file.Replace("{{ lead.none }}", replaced ?? "", StringComparison.Ordinal).Replace("HOST", $"127.0.0.1:{port.ToString(CultureInfo.InvariantCulture)}", StringComparison.Ordinal), change).Endpoint;

    private static Task<AttemptResult> PostAsync(OutboundHttp http, EndpointModel endpoint, IReadOnlyList<OutField>? fields = null, ConnectorList? list = null) =>
        (list ?? ConnectorList.Create(http, new(), TimeProvider.System)).Find(endpoint.Connector)!.SendAsync(endpoint, Shape.Secrets, Shape.Message(fields ?? Fields), Shape.Now, CancellationToken.None);

    private static Task<BidAnswer> AskAsync(OutboundHttp http, EndpointModel endpoint, ConnectorList? list = null) =>
        (list ?? ConnectorList.Create(http, new(), TimeProvider.System)).FindBidder(endpoint.Connector)!.AskAsync(endpoint, Shape.Secrets, Shape.Call([Fields[0]]), Shape.Now, CancellationToken.None);

    [Fact]
    public async Task Get_HasTheLeadInItsAddressAndNoBody()
    {
        await using var buyer = AnsweringAnything("{\"ok\":1,\"p\":\"4.5\"}");
        using var http = new OutboundHttp(Samples.Loopback);
        var endpoint = Endpoint(Query, buyer.Port);
        (await PostAsync(http, endpoint)).Kind.ShouldBe(AttemptKind.Accepted);
        (await AskAsync(http, endpoint)).Offers.ShouldHaveSingleItem().Price.ShouldBe(Money.Parse("4.50"));
        (await ConnectorList.Create(http, new(), TimeProvider.System).FindTeller(ConnectorKind.Http)!.TellAsync(endpoint, Shape.Secrets,
            new() { RequestId = "r", Campaign = "c", Vertical = "v", Source = "s", Reason = Reason.Outbid, MinimumToWin = Money.Parse("27.50") }, Shape.Now, CancellationToken.None)).ShouldBeNull();
        buyer.Requests.Select(request => request.Line).ShouldBe(
        [
            "GET /a?zip=02139&phone=%2B12025550123 HTTP/1.1", "GET /a?zip=02139 HTTP/1.1", "POST /a?why=outbid&least=27.50 HTTP/1.1",
        ]);
        buyer.Requests.Take(2).ShouldAllBe(request => !request.Headers.ContainsKey("Content-Length"));
    }

    [Theory]
    [InlineData("reset", "Unknown connection_lost")]
    [InlineData("close", "Unknown connection_lost")]
    [InlineData("hang", "Unknown timeout")]
    public async Task Get_ThatLeft_IsADoubtAndNeverSentTwice(string fault, string expected)
    {
        await using var buyer = Start(async call =>
        {
            // A first answer keeps the connection for the second request, which is the one that fails.
            await ReadHeadAsync(call);
            await call.WriteAsync(Response(200, "{\"ok\":1}"));
            await ReadHeadAsync(call);
            if (fault == "reset") call.Reset();
            if (fault == "hang") await call.HangAsync();
        });
        using var http = new OutboundHttp(Samples.Loopback);
        var endpoint = Endpoint(Query, buyer.Port, "timeout: { post: 3s }");
        (await PostAsync(http, endpoint)).Kind.ShouldBe(AttemptKind.Accepted);
        Told.Of(await PostAsync(http, endpoint)).ShouldBe(expected);
        // A layer below may open a connection to try again; nothing is written to it.
        buyer.Requests.Count.ShouldBe(2);
    }

    [Fact]
    public async Task Get_ThatCouldNotConnect_WasNotSent()
    {
        using var closed = new global::System.Net.Sockets.Socket(global::System.Net.Sockets.AddressFamily.InterNetwork, global::System.Net.Sockets.SocketType.Stream, global::System.Net.Sockets.ProtocolType.Tcp);
        closed.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        using var http = new OutboundHttp(Samples.Loopback);
        var endpoint = Endpoint(Query, ((IPEndPoint)closed.LocalEndPoint!).Port);
        Told.Of(await PostAsync(http, endpoint)).ShouldBe("NotSent connect_refused");
        Told.Of(await AskAsync(http, endpoint)).ShouldBe("Unreachable");
    }

    [Theory]
    // What a value of the lead makes of the address.
    [InlineData("http://{{ lead.zip }}/", "10.0.0.1", "NotSent url_refused")]
    [InlineData("http://{{ lead.zip }}/", "crm.internal", "NotSent url_refused")]
    [InlineData("{{ lead.zip }}", "https://a.example/", "NotSent url_invalid")]
    [InlineData("http://{{ lead.none }}/", "x", "NotSent url_invalid")]
    [InlineData("http://user:{{ lead.zip }}@a.example/", "x", "NotSent url_refused")]
    [InlineData("http://a.example/v1/{{ lead.zip }}/leads", "..", "NotSent url_invalid")]
    public async Task Url_IsJudgedAtEachCall(string url, string value, string expected)
    {
        using var http = new OutboundHttp(new());
        var endpoint = Shape.Of($$"""
            connector: { post: { url: "{{url}}", reply: { accepted_when: { at: ok, is: 1 } } } }
            """.Replace("lead.none", "lead.state", StringComparison.Ordinal)).Endpoint;
        Told.Of(await PostAsync(http, endpoint, [new("zip", value, OutKind.Text)])).ShouldBe(expected);
    }

    [Theory]
    [InlineData("a\r\nX-Evil: 1")]
    [InlineData("a\u0000")]
    [InlineData("Zoë")]
    public async Task Header_ThatWouldBeTwo_IsNotSent(string value)
    {
        await using var buyer = AnsweringAnything("{\"ok\":1}");
        using var http = new OutboundHttp(Samples.Loopback);
        var endpoint = Endpoint("""
            connector: { post: { url: "http://HOST/", headers: { X-Name: "{{ lead.first_name }}" }, reply: { accepted_when: { at: ok, is: 1 } } } }
            """, buyer.Port);
        Told.Of(await PostAsync(http, endpoint, [new("first_name", value, OutKind.Text)])).ShouldBe("NotSent header_invalid");
        buyer.Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task Form_HoldsAnyTextAsOneValue()
    {
        await using var buyer = AnsweringAnything("{\"ok\":1}");
        using var http = new OutboundHttp(Samples.Loopback);
        var endpoint = Endpoint("""
            connector: { post: { url: "http://HOST/", form: { a: "{{ lead.first_name }}", b: "1" }, reply: { accepted_when: { at: ok, is: 1 } } } }
            """, buyer.Port);
        foreach (var name in (string[])["x&b=2", "ü=%41+ \r\n", "\ud800", new string('é', 2_000)])
        {
            (await PostAsync(http, endpoint, [new("first_name", name, OutKind.Text)])).Kind.ShouldBe(AttemptKind.Accepted);
            var body = Encoding.ASCII.GetString(buyer.Requests.Last().Body).Split('&');
            body.Length.ShouldBe(2);
            Uri.UnescapeDataString(body[0][2..]).ShouldBe(name.Replace("\ud800", "\ufffd", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Limits_OverTheRate_APostWaitsAndAPingDeclines()
    {
        var clock = new FakeTimeProvider(Shape.Now);
        await using var buyer = AnsweringAnything("{\"ok\":1,\"p\":\"4.5\"}");
        using var http = new OutboundHttp(Samples.Loopback, time: clock);
        var endpoint = Endpoint(Query, buyer.Port, "limits: { per_second: 5, per_minute: 8 }");
        // Pings leave the last one to posts.
        for (var i = 0; i < 4; i++) (await AskAsync(http, endpoint)).Reason.ShouldBe(Reason.None);
        (await AskAsync(http, endpoint)).Reason.ShouldBe(Reason.PingCap);
        (await PostAsync(http, endpoint)).Kind.ShouldBe(AttemptKind.Accepted);
        var late = await PostAsync(http, endpoint);
        (late.Kind, late.Error).ShouldBe((AttemptKind.RetryLater, "rate_limited"));
        late.RetryAfter.ShouldNotBeNull().ShouldBe(TimeSpan.FromMilliseconds(200), TimeSpan.FromMilliseconds(5));
        // A fifth of a second brings one, the minute still has three.
        clock.Advance(TimeSpan.FromMilliseconds(201));
        (await PostAsync(http, endpoint)).Kind.ShouldBe(AttemptKind.Accepted);
        (await PostAsync(http, endpoint)).Kind.ShouldBe(AttemptKind.RetryLater);
        clock.Advance(TimeSpan.FromSeconds(1));
        (await PostAsync(http, endpoint)).Kind.ShouldBe(AttemptKind.Accepted);
        (await PostAsync(http, endpoint)).Kind.ShouldBe(AttemptKind.Accepted);
        var minute = await PostAsync(http, endpoint);
        minute.RetryAfter.ShouldNotBeNull().ShouldBeGreaterThan(TimeSpan.FromSeconds(6));
        // The limits of now count, from the call on that brings them.
        (await PostAsync(http, endpoint with { Limits = new(PerMinute: 100) })).Kind.ShouldBe(AttemptKind.Accepted);
        buyer.Requests.Count.ShouldBe(9);
        DeliveryDecision.After(new(Shape.Copy, Engine.Ledger.CopyState.Held, late.Kind, late.Refusal, 1, 0, 0, TimeSpan.FromHours(1), late.RetryAfter, late.Error)).Next.ShouldBe(DeliveryNext.Wait);
        // And what was only waited for is still a fresh call: its no is a no.
        DeliveryDecision.After(new(Shape.Copy, Engine.Ledger.CopyState.Held, AttemptKind.NotSent, Refusal.None, 2, 0, 0, TimeSpan.FromHours(1), LastError: "rate_limited")).Next.ShouldBe(DeliveryNext.Failed);
    }

    [Fact]
    public async Task Limits_InFlight_AreTheEndpointsOwn()
    {
        using var reached = new SemaphoreSlim(0);
        var go = new TaskCompletionSource();
        await using var buyer = Start(async call =>
        {
            await ReadHeadAsync(call);
            reached.Release();
            await go.Task;
            await call.WriteAsync(Response(200, "{\"ok\":1}"));
        });
        using var http = new OutboundHttp(Samples.Loopback with { WaitingPerEndpoint = 0 });
        var endpoint = Endpoint(Query, buyer.Port, "limits: { in_flight: 1 }");
        var running = PostAsync(http, endpoint);
        await reached.WaitAsync();
        Told.Of(await PostAsync(http, endpoint)).ShouldBe("NotSent endpoint_busy");
        (await AskAsync(http, endpoint)).Reason.ShouldBe(Reason.PingCap);
        // Another endpoint at the same address is another endpoint.
        var other = PostAsync(http, endpoint with { Name = "other" });
        await reached.WaitAsync();
        go.SetResult();
        (await running).Kind.ShouldBe(AttemptKind.Accepted);
        (await other).Kind.ShouldBe(AttemptKind.Accepted);
    }

    private const string OAuth = """
        with: { key: { secret: shape-key } }
        connector:
          needs: [key]
          post:
            url: "http://HOST/leads"
            auth: { oauth2: { token_url: "http://HOST/token", client_id: us, client_secret: "{{ with.key }}", scope: leads } }
            json: { zip: "{{ lead.zip }}" }
            reply: { accepted_when: { at: ok, is: 1 } }
        """;

    [Fact]
    public async Task OAuth2_FetchesOneTokenForManyCallsAndANewOneBeforeItEnds()
    {
        var tokens = 0;
        await using var buyer = Serving(request => request.Line.Contains("/token", StringComparison.Ordinal)
            ? Response(200, $"{{\"access_token\":\"t{Interlocked.Increment(ref tokens)}\",\"expires_in\":600}}") : Response(200, "{\"ok\":1}"));
        using var http = new OutboundHttp(Samples.Loopback);
        var list = ConnectorList.Create(http, new(), TimeProvider.System);
        var endpoint = Endpoint(OAuth, buyer.Port);
        (await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => PostAsync(http, endpoint, null, list)))).ShouldAllBe(result => result.Kind == AttemptKind.Accepted);
        tokens.ShouldBe(1);
        var asked = buyer.Requests.First(request => request.Line.Contains("/token", StringComparison.Ordinal));
        Encoding.ASCII.GetString(asked.Body).ShouldBe("grant_type=client_credentials&client_id=us&client_secret=k%26y%3D1&scope=leads");
        buyer.Requests.Where(request => request.Line.Contains("/leads", StringComparison.Ordinal)).ShouldAllBe(request => request.Headers["Authorization"] == "Bearer t1");
        foreach (var (seconds, expected) in new[] { (500, 1), (541, 2), (900, 2) })
        {
            await list.Find(ConnectorKind.Http)!.SendAsync(endpoint, Shape.Secrets, Shape.Message(Fields), Shape.Now.AddSeconds(seconds), CancellationToken.None);
            tokens.ShouldBe(expected);
        }
    }

    [Fact]
    public async Task OAuth2_TokenRefused_IsFetchedOnceMoreAndOnlyOnce()
    {
        var (tokens, good) = (0, "t2");
        await using var buyer = Serving(request => request.Line.Contains("/token", StringComparison.Ordinal)
            ? Response(200, $"{{\"access_token\":\"t{Interlocked.Increment(ref tokens)}\",\"expires_in\":600}}")
            : request.Headers["Authorization"] == "Bearer " + good ? Response(200, "{\"ok\":1}") : Response(401));
        using var http = new OutboundHttp(Samples.Loopback);
        var list = ConnectorList.Create(http, new(), TimeProvider.System);
        var endpoint = Endpoint(OAuth, buyer.Port);
        // Fetched for this very call: its 401 is the buyer's word.
        Told.Of(await PostAsync(http, endpoint, null, list)).ShouldBe("Rejected http_401 Status");
        // Now an old one, which is fetched anew and taken.
        (await PostAsync(http, endpoint, null, list)).Kind.ShouldBe(AttemptKind.Accepted);
        good = "none";
        Told.Of(await PostAsync(http, endpoint, null, list)).ShouldBe("Rejected http_401 Status");
        tokens.ShouldBe(3);
        buyer.Requests.Count(request => request.Line.Contains("/leads", StringComparison.Ordinal)).ShouldBe(5);
    }

    [Theory]
    [InlineData(400, "{\"error\":\"invalid_client\"}", "NotSent token_refused")]
    [InlineData(200, "{}", "NotSent token_unreadable")]
    [InlineData(200, "<html>", "NotSent token_unreadable")]
    [InlineData(200, "{\"access_token\":\"a b\\r\\n\"}", "NotSent token_unreadable")]
    public async Task OAuth2_WithoutAToken_NothingIsSent(int status, string body, string expected)
    {
        await using var buyer = Serving(request => request.Line.Contains("/token", StringComparison.Ordinal) ? Response(status, body) : Response(200, "{\"ok\":1}"));
        using var http = new OutboundHttp(Samples.Loopback);
        Told.Of(await PostAsync(http, Endpoint(OAuth, buyer.Port))).ShouldBe(expected);
        buyer.Requests.ShouldHaveSingleItem();
    }

    [Fact]
    public async Task Native_AsksForABid_Signed()
    {
        await using var buyer = AnsweringAnything("""{"bids":[{"price":"27.00","sharing":"shared","ref":"abc"},{"price":"30","sharing":"exclusive"},{"price":"x"}]}""");
        using var http = new OutboundHttp(Samples.Loopback);
        var list = ConnectorList.Create(http, new(), TimeProvider.System);
        var endpoint = Samples.Endpoint(buyer.Url);
        var call = Shape.Call([.. Fields.Take(1), new("age", "35", OutKind.Number)], consent: true) with { Sharings = [Sharing.Exclusive, Sharing.Shared] };
        var answer = await list.FindBidder(ConnectorKind.Native)!.AskAsync(endpoint, Samples.Secrets, call, Samples.Now, CancellationToken.None);
        answer.Offers.Select(offer => (offer.Price?.ToString(), offer.Sharing, offer.Carry.GetValueOrDefault("ref"), offer.Wrong)).ShouldBe(
        [
            ("27.00", Sharing.Shared, "abc", Reason.None), ("30.00", Sharing.Exclusive, null, Reason.None), (null, null, null, Reason.InvalidPrice),
        ]);
        var request = buyer.Requests.Single();
        Encoding.UTF8.GetString(request.Body).ShouldBe("""{"type":"bid.request","bid_request_id":"req-1","campaign":"campaign","vertical":"leads","currency":"USD","sharing":["exclusive","shared"],"copies_max":1,"source":"s-1","sub_source":null,"deadline_ms":800,"test":false,"fields":{"zip":"02139","age":35},"consent":{"text":"I agree: \"yes\"","at":"2026-11-22T12:00:00Z","page":"https://pub.example/form?a=1&b=2","ip":null,"user_agent":"agent","sellers":["A & Co","B Inc"]}}""");
        var key = WebhookSignature.ReadKey(Samples.Secret)!;
        request.Headers["webhook-id"].ShouldBe("req-1");
        request.Headers["webhook-signature"].ShouldBe(WebhookSignature.Create(key, "req-1", Samples.Now.ToUnixTimeSeconds(), request.Body));

        await list.FindTeller(ConnectorKind.Native)!.TellAsync(endpoint, Samples.Secrets,
            new() { RequestId = "req-1", Campaign = "c", Vertical = "v", Source = "s", Reason = Reason.Outbid, MinimumToWin = Money.Parse("27.50") }, Samples.Now, CancellationToken.None);
        Encoding.UTF8.GetString(buyer.Requests.Last().Body).ShouldBe("""{"type":"bid.lost","bid_request_id":"req-1","reason":"outbid","minimum_to_win":"27.50"}""");
        // What the bid gave comes back with the copy.
        await list.Find(ConnectorKind.Native)!.SendAsync(endpoint, Samples.Secrets, Samples.Message with { Carried = new Dictionary<string, string> { ["ref"] = "abc" } }, Samples.Now, CancellationToken.None);
        Encoding.UTF8.GetString(buyer.Requests.Last().Body).ShouldEndWith(",\"bid_ref\":\"abc\"}");
    }

    [Theory]
    [InlineData(200, "{\"bids\":[]}", "NoBid")]
    [InlineData(204, "", "NoBid")]
    [InlineData(200, "", "BadResponse")]
    [InlineData(200, "<x/>", "BadResponse")]
    [InlineData(200, "{\"bids\":[{\"price\":0}]}", "NoBid")]
    [InlineData(500, "{\"bids\":[{\"price\":5}]}", "BadResponse")]
    [InlineData(403, "{\"reason\":\"not today\"}", "NoBid: not today")]
    public async Task Native_AnswersThatAreNoBid(int status, string body, string expected)
    {
        await using var buyer = Answering(Response(status, body));
        using var http = new OutboundHttp(Samples.Loopback);
        Told.Of(await ConnectorList.Create(http, new(), TimeProvider.System).FindBidder(ConnectorKind.Native)!.AskAsync(Samples.Endpoint(buyer.Url), Samples.Secrets, Shape.Call([]), Samples.Now, CancellationToken.None)).ShouldBe(expected);
    }

    [Fact]
    public async Task Ping_AnswerTooLarge_IsABadResponse()
    {
        await using var buyer = AnsweringAnything($"{{\"p\":\"4\",\"x\":\"{new string('x', Limits.BuyerReplyBytes)}\"}}");
        using var http = new OutboundHttp(Samples.Loopback);
        (await AskAsync(http, Endpoint(Query, buyer.Port))).Reason.ShouldBe(Reason.BadResponse);
    }

    private static FakeBuyer AnsweringAnything(string body) => Serving(_ => Response(200, body));

    private static FakeBuyer Serving(Func<FakeRequest, string> answer) => Start(async call =>
    {
        while (await call.ReadAsync() is { } request) await call.WriteAsync(answer(request));
    });

    private static Task<FakeRequest?> ReadHeadAsync(FakeCall call) => call.ReadAsync();
}
