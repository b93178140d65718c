extern alias server;

using System.CommandLine;
using global::System.Text.Json;
using server::Exchange.Server.Cli;
using Shouldly;

namespace Exchange.System.Tests.Admin;

public sealed class CliTests : IAsyncLifetime
{
    private const string Outcome = """
        { "version": 7, "changes": [
            { "kind": "added", "path": "campaigns.new-one", "old": null, "new": "{\"buyer\":\"acme\"}" },
            { "kind": "removed", "path": "lists.bad", "old": "[x]", "new": null },
            { "kind": "changed", "path": "campaigns.acme-west.bid.fixed", "old": "12.50", "new": "13.00" } ],
          "warnings": [ { "pointer": "campaigns.lone", "code": "no_tree", "message": "It is in no tree." } ] }
        """;

    private const string Refused = """
        { "status": 422, "code": "invalid_request", "detail": "2 things are wrong with the request.", "errors": [
            { "pointer": "campaigns.a.buyer", "code": "unknown_id", "message": "No buyer has this id; add it under buyers." },
            { "pointer": "ping_trees.t.tiers", "code": "empty", "message": "A tree needs a tier." } ] }
        """;

    private readonly string file = Path.Combine(Path.GetTempPath(), $"catalog-{Guid.NewGuid():N}.yaml");
    private StubExchange exchange = null!;

    public async Task InitializeAsync()
    {
        exchange = await StubExchange.StartAsync();
        await File.WriteAllTextAsync(file, "exchange: { currency: USD }\n");
    }

    public async Task DisposeAsync()
    {
        await exchange.DisposeAsync();
        File.Delete(file);
    }

    [Fact]
    public async Task Plan_OfAGoodCatalog_ShowsEveryChangeAndChangesNothing()
    {
        exchange.Answer("PUT /v1/admin/catalog?dry_run=true", 200, Outcome);
        var (code, output, _) = await RunAsync("plan", file);
        code.ShouldBe(0);
        output.ShouldContain("+ campaigns.new-one  {\"buyer\":\"acme\"}");
        output.ShouldContain("- lists.bad  [x]");
        output.ShouldContain("~ campaigns.acme-west.bid.fixed  12.50 → 13.00");
        output.ShouldContain("! campaigns.lone: It is in no tree.");
        var sent = exchange.Sent.ShouldHaveSingleItem();
        sent.ContentType.ShouldBe("application/yaml; charset=utf-8");
        sent.Authorization.ShouldBe("Bearer admin-key");
        sent.Body.ShouldBe("exchange: { currency: USD }\n");
    }

    [Fact]
    public async Task Plan_OfABadCatalog_TellsEveryErrorWithPathAndExits1()
    {
        exchange.Answer("PUT /v1/admin/catalog?dry_run=true", 422, Refused);
        var (code, output, error) = await RunAsync("plan", file);
        code.ShouldBe(1);
        output.ShouldBeEmpty();
        error.ShouldContain("campaigns.a.buyer: No buyer has this id; add it under buyers. (unknown_id)");
        error.ShouldContain("ping_trees.t.tiers: A tree needs a tier. (empty)");
    }

    [Fact]
    public async Task Plan_AsJson_PrintsTheAnswerAsItCame()
    {
        exchange.Answer("PUT /v1/admin/catalog?dry_run=true", 422, Refused);
        var (code, output, error) = await RunAsync("plan", file, "--json");
        code.ShouldBe(1);
        error.ShouldBeEmpty();
        using var problem = JsonDocument.Parse(output);
        problem.RootElement.GetProperty("errors").GetArrayLength().ShouldBe(2);
    }

    [Theory]
    // force      If-Match that is sent
    [InlineData(false, "\"7\"")]
    [InlineData(true, "*")]
    public async Task Apply_SaysWhichVersionItSaw_UnlessForced(bool force, string ifMatch)
    {
        exchange.Answer("GET /v1/admin/catalog", 200, "{}", "\"7\"");
        exchange.Answer("PUT /v1/admin/catalog", 200, Outcome);
        var (code, output, _) = await RunAsync(force ? ["apply", file, "--force"] : ["apply", file]);
        code.ShouldBe(0);
        output.ShouldContain("Version 7 serves.");
        exchange.Sent[^1].IfMatch.ShouldBe(ifMatch);
    }

    [Fact]
    public async Task Apply_OverANewerVersion_Exits1()
    {
        exchange.Answer("GET /v1/admin/catalog", 200, "{}", "\"7\"");
        exchange.Answer("PUT /v1/admin/catalog", 412, """{ "code": "version_conflict", "detail": "The catalog has moved on: version 8 serves." }""");
        var (code, _, error) = await RunAsync("apply", file);
        code.ShouldBe(1);
        error.ShouldContain("version_conflict");
        error.ShouldContain("version 8 serves");
    }

    [Fact]
    public async Task Rollback_AsksForTheVersion_UnderTheCurrentOne()
    {
        exchange.Answer("GET /v1/admin/catalog", 200, "{}", "\"7\"");
        exchange.Answer("POST /v1/admin/catalog/rollback", 200, Outcome);
        (await RunAsync("rollback", "4")).Code.ShouldBe(0);
        exchange.Sent[^1].IfMatch.ShouldBe("\"7\"");
        exchange.Sent[^1].Body.ShouldBe("{\"version\":4}");
    }

    [Theory]
    [InlineData("\"2\"", true)]
    [InlineData("null", false)]
    public async Task History_OfMoreThanIsShown_SaysSo(string next, bool more)
    {
        exchange.Answer("GET /v1/admin/catalog/history?limit=500", 200, $$"""{ "versions": [ { "version": 3, "at": "2026-11-22T12:00:00.000Z", "author": "admin" } ], "next": {{next}} }""");
        var (code, output, error) = await RunAsync("history");
        code.ShouldBe(0, error);
        output.ShouldContain("admin");
        output.Contains("There are more", StringComparison.Ordinal).ShouldBe(more);
    }

    [Fact]
    public async Task KeysCreate_PrintsTheKeyAloneOnStandardOutput()
    {
        exchange.Answer("POST /v1/admin/keys", 200, """{ "id": "key_1", "key": "lx_live_x" }""");
        var (code, output, error) = await RunAsync("keys", "create", "--role", "publisher", "--for", "search-partner");
        code.ShouldBe(0);
        output.ShouldBe("lx_live_x" + Environment.NewLine);
        error.ShouldContain("key_1");
        exchange.Sent[^1].Body.ShouldBe("""{"role":"publisher","for":"search-partner","mode":"live"}""");
    }

    [Theory]
    [InlineData("/v1/admin/deliveries/copy-1/crm/replay", """{"note":"they said so"}""", "Copy copy-1 goes to crm again.", "copy-1", "--endpoint", "crm", "--note", "they said so")]
    [InlineData("/v1/admin/deliveries/replay", """{"buyer":"acme","error":"http_500","until":"2026-11-22T12:00:00Z"}""", "3 deliveries go again.", "--buyer", "acme", "--error", "http_500", "--until", "2026-11-22T12:00:00Z")]
    [InlineData("/v1/admin/deliveries/replay", "{}", "3 deliveries go again.", "--all")]
    public async Task DeliveriesReplay_OneOrAllThatMatch_SaysHowMany(string path, string body, string told, params string[] words)
    {
        exchange.Answer("POST " + path, 200, """{ "replayed": 3, "copy_id": "copy-1", "endpoint": "crm" }""");
        var (code, output, error) = await RunAsync(["deliveries", "replay", .. words]);
        code.ShouldBe(0, error);
        output.ShouldContain(told);
        exchange.Sent[^1].Body.ShouldBe(body);
    }

    [Fact]
    public async Task KeysRevoke_OfAnOddId_StaysOnePathSegment()
    {
        await RunAsync("keys", "revoke", "a/../b");
        exchange.Sent.ShouldHaveSingleItem().Path.ShouldBe("/v1/admin/keys/a%2F..%2Fb");
    }

    [Theory]
    [InlineData("plaan")]
    [InlineData("plan")]
    [InlineData("plan", "/no/such/catalog.yaml")]
    [InlineData("keys", "create", "--role", "king", "--for", "x")]
    [InlineData("keys", "create", "--role", "buyer")]
    [InlineData("rollback", "four")]
    [InlineData("deliveries", "replay")]
    [InlineData("deliveries", "replay", "copy-1")]
    [InlineData("deliveries", "replay", "copy-1", "--endpoint", "crm", "--buyer", "acme")]
    [InlineData("history", "--url", "not a url")]
    public async Task CommandLine_ThatMakesNoSense_Exits2AndSendsNothing(params string[] words)
    {
        var (code, _, error) = await RunAsync(words);
        code.ShouldBe(2);
        error.ShouldNotBeEmpty();
        exchange.Sent.ShouldBeEmpty();
    }

    [Fact]
    public async Task Exchange_ThatIsAway_Exits1()
    {
        var url = exchange.Url;
        await exchange.DisposeAsync();
        var (code, _, error) = await RunWithAsync(["history", "--url", url, "--key", "k"]);
        code.ShouldBe(1);
        error.ShouldContain("No exchange answers");
    }

    /// <summary>No audit was made: to cron that is not the same as findings.</summary>
    [Theory]
    [InlineData("<html><body>Welcome</body></html>")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("""{ "clean": "yes", "checks": [] }""")]
    public async Task Audit_OfWhatIsNoExchange_Exits2(string body)
    {
        exchange.Answer("GET /v1/admin/audit", 200, body);
        var (code, output, error) = await RunAsync("audit");
        (code, output).ShouldBe((2, ""));
        error.ShouldContain("is no exchange");
        error.ShouldNotContain("Unhandled");
    }

    [Fact]
    public async Task History_OfWhatIsNoExchange_Exits1()
    {
        exchange.Answer("GET /v1/admin/catalog/history?limit=500", 200, "<html><body>Welcome</body></html>");
        var (code, output, error) = await RunAsync("history");
        (code, output).ShouldBe((1, ""));
        error.ShouldContain("is no exchange");
        error.ShouldNotContain("Unhandled");
    }

    /// <summary>An audit reads all there is, and that may take minutes.</summary>
    [Fact]
    public async Task Exchange_ThatAnswersLate_IsWaitedForByAnAuditAndByNoOther()
    {
        var patience = TimeSpan.FromMilliseconds(200);
        exchange.Answer("GET /v1/admin/audit", 200, """{ "clean": true, "checks": [] }""");
        exchange.HoldBack();
        // It has been asked before the other begins to wait: what ends the other's patience would have ended its own.
        var audit = RunWithAsync(["audit", "--url", exchange.Url, "--key", "k"], patience);
        await exchange.AskedAsync();

        var (code, _, error) = await RunWithAsync(["history", "--url", exchange.Url, "--key", "k"], patience);

        code.ShouldBe(1);
        error.ShouldContain("did not answer in time");
        exchange.Release();
        (await audit).Code.ShouldBe(0);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Serve_WithAndWithoutItsName_Runs(int words)
    {
        string[]? served = null;
        var root = CliRoot.Build((arguments, _) => { served = arguments; return Task.FromResult(0); }, (_, _) => Task.FromResult(1));
        (await CliRoot.RunAsync(root, words == 0 ? [] : ["serve", "--Exchange:Http:Port=9000"])).ShouldBe(0);
        served.ShouldBe(words == 0 ? [] : ["--Exchange:Http:Port=9000"]);
    }

    [Fact]
    public async Task Migrate_GivesItsOwnExitCode()
    {
        var root = CliRoot.Build((_, _) => Task.FromResult(0), (_, _) => Task.FromResult(1));
        (await CliRoot.RunAsync(root, ["migrate"])).ShouldBe(1);
    }

    private Task<(int Code, string Output, string Error)> RunAsync(params string[] words) =>
        RunWithAsync(words.Contains("--url") ? [.. words, "--key", "admin-key"] : [.. words, "--url", exchange.Url, "--key", "admin-key"]);

    private static async Task<(int Code, string Output, string Error)> RunWithAsync(string[] words, TimeSpan? patience = null)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var root = CliRoot.Build((_, _) => Task.FromResult(0), (_, _) => Task.FromResult(0), patience);
        var code = await CliRoot.RunAsync(root, words, new InvocationConfiguration { Output = output, Error = error });
        return (code, output.ToString(), error.ToString());
    }
}
