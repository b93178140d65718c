extern alias server;

using System.Globalization;
using System.Net;
using System.Text.Json;
using Shouldly;

namespace Exchange.System.Tests.Intake;

public sealed class ObservabilityTests(IntakeHost host) : IClassFixture<IntakeHost>
{
    [Fact]
    public async Task Metrics_AfterCalls_CountThemWithoutSayingWhoOrWhat()
    {
        var before = await host.Management.GetStringAsync("/metrics");
        host.Metrics.Observe("test_queue_depth", "A queue.", () => 7);
        host.Metrics.ObserveSum("test_things", "Things.", () => 3);
        await host.PostJsonAsync("/v1/pings", """{"vertical":"auto-insurance","sub_id":"marker-4111","fields":{"zip":"90210"}}""");
        await host.PostJsonAsync("/v1/pings", """{}""");
        await host.PostJsonAsync("/v1/leads", """{"vertical":"auto-insurance","fields":{"email":"marker-4111"}}""");
        var page = await host.Management.GetStringAsync("/metrics");
        page.ShouldContain("# TYPE leadexchange_pings_total counter");
        Rise("""leadexchange_pings_total{outcome="offered",reason=""}""").ShouldBe(1);
        Rise("""leadexchange_posts_total{status="sold"}""").ShouldBe(1);
        Rise("""leadexchange_refusals_total{wire="http",code="invalid_request"}""").ShouldBe(1);
        page.ShouldContain("ping_seconds_bucket");
        page.ShouldContain("# TYPE leadexchange_test_things_total counter");
        page.ShouldContain("leadexchange_test_things_total 3");
        page.ShouldContain("test_queue_depth 7");
        page.ShouldNotContain("marker-4111");
        page.ShouldNotContain("search-partner");
        page.ShouldNotContain(RecordingDesk.Id.ToString());

        double Rise(string series) => Value(page, series) - Value(before, series);
    }

    private static double Value(string page, string series)
    {
        var line = page.Split('\n').SingleOrDefault(line => line.StartsWith(series + " ", StringComparison.Ordinal));
        return line is null ? 0 : double.Parse(line[(series.Length + 1)..], CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task Health_WhenAProbeSaysNo_IsLiveButNotReady()
    {
        (await host.Management.GetAsync("/health/ready")).StatusCode.ShouldBe(HttpStatusCode.OK);
        host.IsReady = false;
        var response = await host.Management.GetAsync("/health/ready");
        var live = await host.Management.GetAsync("/health/live");
        host.IsReady = true;
        response.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        (await response.Content.ReadAsStringAsync()).ShouldBe("""{"healthy":false,"probes":{"switch":false}}""");
        live.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Api_OnTheManagementPort_DoesNotExistEvenByHostHeader()
    {
        var api = new HttpRequestMessage(HttpMethod.Post, "/v1/pings") { Content = new StringContent("{}") };
        api.Headers.Add("X-Api-Key", host.PublisherKey);
        api.Headers.Host = $"localhost:{host.Http.BaseAddress!.Port}";
        (await host.Management.SendAsync(api)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        var metrics = new HttpRequestMessage(HttpMethod.Get, "/metrics");
        metrics.Headers.Host = $"localhost:{host.Management.BaseAddress!.Port}";
        (await host.Http.SendAsync(metrics)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task OpenApi_Document_DescribesThePublishersEndpoints()
    {
        using var document = JsonDocument.Parse(await host.Http.GetStringAsync("/openapi/v1.json"));
        var root = document.RootElement;
        root.GetProperty("openapi").GetString()!.ShouldStartWith("3.1");
        var ping = root.GetProperty("paths").GetProperty("/v1/pings").GetProperty("post");
        ping.GetProperty("requestBody").GetProperty("content").GetProperty("application/json").GetProperty("schema").GetProperty("$ref").GetString().ShouldBe("#/components/schemas/Ping");
        ping.GetProperty("requestBody").GetProperty("content").EnumerateObject().Select(content => content.Name).ShouldBe(["application/json", "application/x-www-form-urlencoded", "application/xml"]);
        ping.GetProperty("responses").EnumerateObject().Select(response => response.Name).Order()
            .ShouldBe(["200", "400", "401", "403", "406", "409", "413", "415", "422", "429", "503"]);
        ping.GetProperty("security")[0].TryGetProperty("key", out _).ShouldBeTrue();
        foreach (var (path, method) in new[] { ("/v1/posts", "post"), ("/v1/leads", "post"), ("/v1/leads/{lead_id}", "get"), ("/v1/leads/{lead_id}", "patch") })
            root.GetProperty("paths").GetProperty(path).GetProperty(method).GetProperty("summary").GetString().ShouldNotBeNullOrEmpty();
    }

    /// <summary>A member in the document that the reader does not know, or the other way round, is found by sending each.</summary>
    [Theory, InlineData("Ping", "/v1/pings"), InlineData("Post", "/v1/posts"), InlineData("DirectPost", "/v1/leads")]
    public async Task OpenApi_Schema_HasTheMembersThatAreRead(string schema, string path)
    {
        using var document = JsonDocument.Parse(await host.Http.GetStringAsync("/openapi/v1.json"));
        var described = document.RootElement.GetProperty("components").GetProperty("schemas").GetProperty(schema).GetProperty("properties").EnumerateObject().Select(member => member.Name).ToHashSet();
        string[] all = ["vertical", "fields", "sub_id", "ping_id", "offer_ids", "tags", "consent", "min_payout", "deadline_ms", "channel", "max_copies", "sold_elsewhere", "test", "test_result"];
        foreach (var member in all)
        {
            // A type that no member has: known members complain of the type, unknown ones of being unknown.
            var text = await (await host.PostJsonAsync(path, $$"""{"ping_id":"{{RecordingDesk.Id}}","{{member}}":[[]]}""")).Content.ReadAsStringAsync();
            var unknown = text.Contains($$"""{"pointer":"/{{member}}","code":"unknown_field""", StringComparison.Ordinal);
            described.Contains(member).ShouldBe(!unknown, $"{member}: {text}");
        }
    }

    [Fact]
    public async Task Docs_Page_IsServed()
    {
        var response = await host.Http.GetAsync("/docs");
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await response.Content.ReadAsStringAsync()).ShouldContain("openapi/v1.json");
    }
}
