using Exchange.V1;
using Grpc.Core;
using Grpc.Net.Client;
using Shouldly;

namespace Exchange.System.Tests.BlackBox;

/// <summary>Publishers whose keys work from two ranges, and an exchange that believes what a proxy on this machine says of where a call comes from.</summary>
public sealed class WalledMarket : IAsyncLifetime
{
    private const string Ips = """["203.0.113.0/24", "2001:db8::/32"]""";

    public ExchangeProcess Exchange { get; private set; } = null!;
    public Dictionary<string, string> Keys { get; } = [];

    /// <param name="ips">Of all publishers.</param>
    public static string Catalog(string ips = Ips) => $$"""
        exchange: { currency: USD }
        verticals:
          solar: { payout: { share: 80% }, fields: { zip: { type: us_zip, ping: required }, phone: { type: phone, region: US, pii: true, post: optional } } }
        publishers:
          own: { verticals: [solar], ips: {{ips}} }
          boberdoo: { verticals: [solar], intake: { fields: { Zip: zip } }, ips: {{ips}} }
          leadspedia: { verticals: [solar], ips: {{ips}} }
          phonexa: { verticals: [solar], ips: {{ips}} }
          leadprosper: { verticals: [solar], ips: {{ips}} }
          open: { verticals: [solar] }
        buyers: { acme: { credit_limit: unlimited } }
        campaigns: { west: { buyer: acme, vertical: solar, bid: "10.00" } }
        ping_trees: { main: { vertical: solar, tiers: [ { name: t, method: priority, campaigns: [west] } ] } }
        """;

    public async Task InitializeAsync()
    {
        Exchange = await ExchangeProcess.StartAsync(environment: new Dictionary<string, string> { ["Exchange__Http__TrustedProxies"] = "127.0.0.1, ::1" });
        await Exchange.ApplyAsync(Catalog());
        foreach (var publisher in (string[])["own", "boberdoo", "leadspedia", "phonexa", "leadprosper", "open"]) Keys[publisher] = await Exchange.KeyAsync("publisher", publisher);
    }

    public async Task DisposeAsync() => await Exchange.DisposeAsync();
}

[Collection(BehindAProxy.Name)]
public sealed class PublisherAddressTests(WalledMarket market)
{
    private const string Inside = "198.51.100.7, 203.0.113.77", Outside = "203.0.113.77, 198.51.100.7";

    private readonly ExchangeProcess exchange = market.Exchange;

    [Theory]
    [InlineData("POST", "/v1/pings", """{ "vertical": "solar", "fields": { "zip": "90210" } }""")]
    [InlineData("POST", "/v1/posts", """{ "ping_id": "01kb0000000000000000000000", "fields": {} }""")]
    [InlineData("POST", "/v1/leads", """{ "vertical": "solar", "fields": { "zip": "90211" } }""")]
    [InlineData("PATCH", "/v1/leads/01kb0000000000000000000000", """{ "fields": {} }""")]
    [InlineData("GET", "/v1/leads/01kb0000000000000000000000", null)]
    [InlineData("GET", "/v1/requests/some-key", null)]
    public async Task Call_FromElsewhere_IsForbidden(string method, string path, string? body)
    {
        Task<Reply> SendAsync(string publisher, params (string, string)[] headers) => exchange.SendAsync(new(method), path, market.Keys[publisher], body, headers: headers);

        // The proxy's own address is none of the publisher's.
        foreach (var reply in (Reply[])[await SendAsync("own"), await SendAsync("own", ("X-Forwarded-For", Outside)), await SendAsync("own", ("X-Forwarded-For", "unknown"))])
            (reply.Status, reply.Code).ShouldBe((403, "forbidden"), reply.Text);
        foreach (var reply in (Reply[])[await SendAsync("own", ("X-Forwarded-For", Inside)), await SendAsync("own", ("X-Forwarded-For", "2001:db8::1")), await SendAsync("open"), await SendAsync("open", ("X-Forwarded-For", Outside))])
            reply.Status.ShouldNotBe(403, reply.Text);
    }

    [Theory]
    [InlineData("boberdoo", "new_api/api.php", "Key=KEY&API_Action=pingPostLead&Mode=ping&Format=JSON&TYPE=solar&Zip=90210", "Matched")]
    [InlineData("leadspedia", "ping.do", "lp_campaign_key=KEY&lp_campaign_id=solar&lp_response=JSON&zip=90210", "\"success\":true")]
    [InlineData("phonexa", "lead/", """{ "apiId": "a", "apiPassword": "KEY", "productId": "solar", "zip": "90212" }""", "\"status\":1")]
    [InlineData("leadprosper", "ping", "lp_key=KEY&lp_campaign_id=solar&zip=90210", "ACCEPTED")]
    public async Task CallInAnotherProductsForm_FromElsewhere_IsRefusedInItsWords(string product, string path, string body, string taken)
    {
        Task<Reply> SendAsync(string from) => exchange.SendAsync(HttpMethod.Post, $"/compat/{product}/{path}", null, body.Replace("KEY", market.Keys[product], StringComparison.Ordinal),
            body[0] == '{' ? "application/json" : "application/x-www-form-urlencoded", ("X-Forwarded-For", from));

        var refused = await SendAsync(Outside);
        (refused.Status, refused.Text.Contains("198.51.100.7 is not one of them", StringComparison.Ordinal)).ShouldBe((200, true), refused.Text);
        refused.Text.ShouldNotContain(taken);
        (await SendAsync(Inside)).Text.ShouldContain(taken);
    }

    [Fact]
    public async Task CallOverGrpc_FromElsewhere_IsDenied()
    {
        using var channel = GrpcChannel.ForAddress($"http://127.0.0.1:{exchange.GrpcPort}");
        var intake = new IntakeService.IntakeServiceClient(channel);
        Metadata From(string address) => new() { { "x-api-key", market.Keys["own"] }, { "x-forwarded-for", address } };
        var ping = new PingRequest { Vertical = "solar", Fields = { ["zip"] = "90210" } };
        (await Should.ThrowAsync<RpcException>(async () => await intake.PingAsync(ping, From(Outside)))).StatusCode.ShouldBe(StatusCode.PermissionDenied);
        (await Should.ThrowAsync<RpcException>(async () => await intake.GetLeadAsync(new() { LeadId = "01kb0000000000000000000000" }, From(Outside)))).StatusCode.ShouldBe(StatusCode.PermissionDenied);
        (await intake.PingAsync(ping, From(Inside))).PingId.ShouldNotBeEmpty();
        using var stream = intake.PingStream(From(Outside));
        (await Should.ThrowAsync<RpcException>(() => stream.ResponseStream.MoveNext(default))).StatusCode.ShouldBe(StatusCode.PermissionDenied);
    }
}

/// <summary>It changes the catalog that others go by, and leaves it as it was.</summary>
[Collection(BehindAProxy.Name)]
public sealed class PublisherAddressChangeTests(WalledMarket market) : IAsyncLifetime
{
    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => market.Exchange.ApplyAsync(WalledMarket.Catalog());

    [Fact]
    public async Task Addresses_Changed_CountFromTheNextCallOn()
    {
        var exchange = market.Exchange;
        using var channel = GrpcChannel.ForAddress($"http://127.0.0.1:{exchange.GrpcPort}");
        using var stream = new IntakeService.IntakeServiceClient(channel).PingStream(new Metadata { { "x-api-key", market.Keys["own"] }, { "x-forwarded-for", "203.0.113.77" } });
        var ping = new PingRequest { Vertical = "solar", Fields = { ["zip"] = "90210" } };
        (await StatusAsync(), await StreamedAsync()).ShouldBe((200, ""));

        await exchange.ApplyAsync(WalledMarket.Catalog("[\"198.51.100.0/24\"]"));
        // A stream that was let in is let in no longer.
        (await StatusAsync(), await StreamedAsync()).ShouldBe((403, "forbidden"));

        await exchange.ApplyAsync(WalledMarket.Catalog("[\"203.0.113.77\"]"));
        (await StatusAsync(), await StreamedAsync()).ShouldBe((200, ""));

        async Task<int> StatusAsync() => (await exchange.PostAsync("/v1/pings", market.Keys["own"], new { vertical = "solar", fields = new { zip = "90210" } }, ("X-Forwarded-For", "203.0.113.77"))).Status;

        async Task<string> StreamedAsync()
        {
            await stream.RequestStream.WriteAsync(ping);
            (await stream.ResponseStream.MoveNext(default)).ShouldBeTrue();
            return stream.ResponseStream.Current.Error?.Code ?? "";
        }
    }
}

/// <summary>Nobody is a proxy unless the operator says so.</summary>
[Collection(OffersAndRaces.Name)]
public sealed class PublisherAddressWithoutProxyTests(RunningExchange running)
{
    [Fact]
    public async Task Call_WithoutAProxy_ComesFromItsConnection()
    {
        var exchange = running.Process;
        await exchange.ApplyAsync(WalledMarket.Catalog("[\"127.0.0.0/8\"]"));
        var key = await exchange.KeyAsync("publisher", "own");
        (await exchange.PostAsync("/v1/pings", key, new { vertical = "solar", fields = new { zip = "90210" } }, ("X-Forwarded-For", "203.0.113.77"))).Status.ShouldBe(200);

        await exchange.ApplyAsync(WalledMarket.Catalog("[\"203.0.113.0/24\"]"));
        var claimed = await exchange.PostAsync("/v1/pings", key, new { vertical = "solar", fields = new { zip = "90210" } }, ("X-Forwarded-For", "203.0.113.77"));
        (claimed.Status, claimed.Code).ShouldBe((403, "forbidden"), claimed.Text);
    }
}
