using System.Net;
using System.Text.Json.Nodes;
using Exchange.System.Tests.BlackBox;
using Shouldly;

namespace Exchange.System.Tests.Admin;

/// <summary>One real server with <c>auto-insurance.yaml</c> for all tests of a class; each test uses entries of its own.</summary>
public sealed class InsuranceExchange : IAsyncLifetime
{
    public ExchangeProcess Process { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Process = await ExchangeProcess.StartAsync();
        await Process.ApplyAsync(ExchangeProcess.Data("auto-insurance.yaml"));
    }

    public async Task DisposeAsync() => await Process.DisposeAsync();
}

/// <summary>The admin's and the buyer's API as their clients see it.</summary>
public sealed class AdminApiTests(InsuranceExchange fixture) : IClassFixture<InsuranceExchange>
{
    private const string Catalog = "/v1/admin/catalog";
    private static readonly (string, string) Any = ("If-Match", "*");

    private readonly ExchangeProcess exchange = fixture.Process;

    [Theory]
    [InlineData("application/yaml")]
    [InlineData("application/json")]
    public async Task Catalog_ReadAndAppliedAgain_ChangesNothing(string mediaType)
    {
        var read = await exchange.SendAsync(HttpMethod.Get, Catalog, ExchangeProcess.AdminKey, headers: ("Accept", mediaType));
        read.Status.ShouldBe(200);
        var plan = await exchange.SendAsync(HttpMethod.Put, Catalog + "?dry_run=true", ExchangeProcess.AdminKey, read.Text, mediaType);
        plan.Status.ShouldBe(200, plan.Text);
        plan.Json["changes"]!.AsArray().ShouldBeEmpty();
        if (mediaType == "application/json") read.Json["exchange"]!["currency"]!.GetValue<string>().ShouldBe("USD");
        else read.Text.ShouldStartWith("version: ");
    }

    [Theory]
    // what is sent as If-Match                  status, code
    [InlineData(null, 428, "if_match_required")]
    [InlineData("\"0\"", 412, "version_conflict")]
    [InlineData("\"nonsense\"", 412, "version_conflict")]
    public async Task Catalog_PutWithoutTheRightVersion_IsRefused(string? ifMatch, int status, string code)
    {
        (string, string)[] headers = ifMatch is null ? [] : [("If-Match", ifMatch)];
        var reply = await exchange.SendAsync(HttpMethod.Put, Catalog, ExchangeProcess.AdminKey, ExchangeProcess.Data("auto-insurance.yaml"), "application/yaml", headers);
        (reply.Status, reply.Code).ShouldBe((status, code));
    }

    [Fact]
    public async Task Catalog_FileOfAnOlderVersion_IsRefusedUnlessForced()
    {
        var old = await exchange.GetAsync(Catalog);
        await PatchAsync("/v1/admin/campaigns/pool-b", """{ "note": "moved on" }""");
        var tag = (await exchange.GetAsync(Catalog)).Headers["ETag"];
        var refused = await exchange.SendAsync(HttpMethod.Put, Catalog, ExchangeProcess.AdminKey, old.Text, "application/yaml", ("If-Match", tag));
        (refused.Status, refused.Code).ShouldBe((412, "version_conflict"));
        var forced = await exchange.SendAsync(HttpMethod.Put, Catalog, ExchangeProcess.AdminKey, old.Text, "application/yaml", Any);
        forced.Status.ShouldBe(200, forced.Text);
        (await exchange.GetAsync("/v1/admin/campaigns/pool-b"))["note"].ShouldBeNull();
    }

    [Fact]
    public async Task Catalog_WithSeveralErrors_IsRefusedWholeWithEachPath()
    {
        var before = await exchange.GetAsync(Catalog);
        var bad = ExchangeProcess.Data("auto-insurance.yaml").Replace("buyer: acme\n", "buyer: nobody\n", StringComparison.Ordinal).Replace("method: weighted", "method: weightd", StringComparison.Ordinal);
        var reply = await exchange.SendAsync(HttpMethod.Put, Catalog, ExchangeProcess.AdminKey, bad, "application/yaml", Any);
        reply.Status.ShouldBe(422);
        var pointers = reply.Json["errors"]!.AsArray().Select(error => error!["pointer"]!.GetValue<string>()).ToList();
        pointers.ShouldContain("campaigns.acme-west.buyer");
        pointers.ShouldContain("ping_trees.auto-default.tiers[1].method");
        (await exchange.GetAsync(Catalog)).Text.ShouldBe(before.Text);
    }

    [Fact]
    public async Task Catalog_UnreadableOrOfAnotherType_HasTheContractsStatus()
    {
        (await Put("exchange: [", "application/yaml")).ShouldBe((400, "malformed"));
        (await Put("{", "application/json")).ShouldBe((400, "malformed"));
        (await Put("x", "text/csv")).ShouldBe((415, "unsupported_media_type"));
        var html = await exchange.SendAsync(HttpMethod.Get, Catalog, ExchangeProcess.AdminKey, headers: ("Accept", "text/html"));
        (html.Status, html.Code).ShouldBe((406, "not_acceptable"));

        async Task<(int, string?)> Put(string body, string type)
        {
            var reply = await exchange.SendAsync(HttpMethod.Put, Catalog, ExchangeProcess.AdminKey, body, type, Any);
            return (reply.Status, reply.Code);
        }
    }

    [Theory]
    [InlineData("""{ "leads": 5 }""")]
    [InlineData("""{ "limit": "5" }""")]
    [InlineData("5")]
    public async Task Cap_PatchedByItsName_CountsByTheNewLimitAtOnce(string patch)
    {
        await PatchAsync("/v1/admin/campaigns/acme-west/caps/day.leads", """{ "leads": 200 }""");
        var reply = await PatchAsync("/v1/admin/campaigns/acme-west/caps/day.leads", patch);
        reply.Status.ShouldBe(200, reply.Text);
        var cap = Cap(await exchange.GetAsync("/v1/admin/campaigns/acme-west"), "day.leads");
        cap["per"]!.GetValue<string>().ShouldBe("day");
        cap["leads"]!.GetValue<long>().ShouldBe(5);
        cap["time_zone"]!.GetValue<string>().ShouldBe("America/Los_Angeles");
        cap["resets_at"]!.GetValue<string>().ShouldEndWith("Z");
        await PatchAsync("/v1/admin/campaigns/acme-west/caps/day.leads", """{ "leads": 200 }""");
    }

    [Fact]
    public async Task Patch_OfWhatIsNotThere_OrWithoutAVersion_IsRefused()
    {
        (await PatchAsync("/v1/admin/campaigns/acme-west/caps/week.leads", "5")).Status.ShouldBe(404);
        (await PatchAsync("/v1/admin/campaigns/nobody", "{}")).Status.ShouldBe(404);
        (await PatchAsync("/v1/admin/campaigns/pool-a", """{ "wieght": 3 }""")).Status.ShouldBe(422);
        (await exchange.SendAsync(HttpMethod.Patch, "/v1/admin/campaigns/pool-a", ExchangeProcess.AdminKey, "{}")).Status.ShouldBe(428);
        (await PatchAsync("/v1/admin/campaigns/pool-a", "[]")).Status.ShouldBe(400);
    }

    [Fact]
    public async Task Campaign_PausedAndResumed_SaysSoInItsState()
    {
        await PatchAsync("/v1/admin/campaigns/pool-c", """{ "status": "paused" }""");
        var paused = (await exchange.GetAsync("/v1/admin/campaigns/pool-c")).Json["state"]!;
        paused["open"]!.GetValue<bool>().ShouldBeFalse();
        paused["reason"]!.GetValue<string>().ShouldBe("campaign_paused");
        await PatchAsync("/v1/admin/campaigns/pool-c", """{ "status": null }""");
        var open = (await exchange.GetAsync("/v1/admin/campaigns/pool-c")).Json["state"]!;
        open["open"]!.GetValue<bool>().ShouldBeTrue();
        open["reason"].ShouldBeNull();
        open["balance"]!["buyer"]!.GetValue<string>().ShouldBe("local-pool");
    }

    [Fact]
    public async Task Patches_AtOnceWithoutAVersion_AllHold()
    {
        var buyers = new[] { "acme", "best-auto", "local-pool" };
        var replies = await Task.WhenAll(buyers.Select(id => PatchAsync($"/v1/admin/buyers/{id}", """{ "note": "at once" }""")));
        replies.ShouldAllBe(reply => reply.Status == 200);
        foreach (var id in buyers) (await exchange.GetAsync($"/v1/admin/buyers/{id}"))["note"].ShouldBe("at once");
    }

    [Fact]
    public async Task Secret_OnceSet_IsNamedAndNeverShown()
    {
        const string marker = "whsec_TWFya2VyT2ZBU2VjcmV0VGhhdElzTmV2ZXI=";
        (await exchange.SendAsync(HttpMethod.Put, "/v1/admin/secrets/acme-hook", ExchangeProcess.AdminKey, marker + "\n", "text/plain")).Status.ShouldBe(200);
        (await exchange.SendAsync(HttpMethod.Put, "/v1/admin/secrets/acme-other", ExchangeProcess.AdminKey, $$"""{ "value": "{{marker}}" }""")).Status.ShouldBe(200);
        (await exchange.SendAsync(HttpMethod.Put, "/v1/admin/secrets/empty", ExchangeProcess.AdminKey, "", "text/plain")).Status.ShouldBe(422);
        // Nothing is altered without a word: what is no text is refused.
        using (var bytes = new HttpRequestMessage(HttpMethod.Put, "/v1/admin/secrets/bytes") { Content = new ByteArrayContent([0xFF, 0xFE, 0x41]) })
        {
            bytes.Headers.Authorization = new("Bearer", ExchangeProcess.AdminKey);
            bytes.Content.Headers.ContentType = new("text/plain");
            using var refused = await exchange.Http.SendAsync(bytes);
            ((int)refused.StatusCode).ShouldBe(422);
        }
        var list = await exchange.GetAsync("/v1/admin/secrets");
        list.Json["secrets"]!.AsArray().Select(name => name!.GetValue<string>()).ShouldBe(["acme-hook", "acme-other"]);
        list.Text.ShouldNotContain(marker);
        (await exchange.GetAsync("/v1/admin/secrets/acme-hook")).Status.ShouldBe(405);
    }

    [Fact]
    public async Task List_ReplacedByLines_IsWhatTheCatalogHas()
    {
        (await exchange.SendAsync(HttpMethod.Put, "/v1/admin/lists/zips", ExchangeProcess.AdminKey, "90210\n", "text/plain")).Status.ShouldBe(404);
        var root = (await exchange.SendAsync(HttpMethod.Get, Catalog, ExchangeProcess.AdminKey, headers: ("Accept", "application/json"))).Json;
        root["lists"] = new JsonObject { ["zips"] = new JsonObject { ["type"] = "us_zip", ["values"] = new JsonArray("02139") } };
        (await exchange.SendAsync(HttpMethod.Put, Catalog, ExchangeProcess.AdminKey, root.ToJsonString(), "application/json", Any)).Status.ShouldBe(200);
        var put = await exchange.SendAsync(HttpMethod.Put, "/v1/admin/lists/zips", ExchangeProcess.AdminKey, "90210\r\n\n 02139 \n", "text/plain");
        put.Status.ShouldBe(200, put.Text);
        (await exchange.GetAsync("/v1/admin/lists/zips")).Text.ShouldBe("90210\n02139\n");
        (await exchange.SendAsync(HttpMethod.Put, "/v1/admin/lists/zips", ExchangeProcess.AdminKey, "not a zip", "text/plain")).Status.ShouldBe(422);
        (await exchange.GetAsync("/v1/admin/lists/zips")).Text.ShouldBe("90210\n02139\n");
    }

    [Fact]
    public async Task List_OfPeople_IsMaskedForAViewer_AndSoIsTheCatalog()
    {
        const string phone = "+13105550143", mail = "marker.of.this.person@example.com";
        var root = (await exchange.SendAsync(HttpMethod.Get, Catalog, ExchangeProcess.AdminKey, headers: ("Accept", "application/json"))).Json;
        root["lists"] = new JsonObject
        {
            ["nophone"] = new JsonObject { ["type"] = "phone", ["values"] = new JsonArray(phone) },
            ["nomail"] = new JsonObject { ["type"] = "email", ["values"] = new JsonArray(mail) },
            ["near"] = new JsonObject { ["type"] = "us_zip", ["values"] = new JsonArray("02139") },
        };
        var put = await exchange.SendAsync(HttpMethod.Put, Catalog, ExchangeProcess.AdminKey, root.ToJsonString(), "application/json", Any);
        put.Status.ShouldBe(200, put.Text);
        var viewer = await exchange.KeyAsync("viewer", "list-reader");

        foreach (var (id, exact, masked) in ((string, string, string)[])[("nophone", phone, "+1••••••••43"), ("nomail", mail, "m•••@•••"), ("near", "02139", "02139")])
        {
            (await exchange.GetAsync($"/v1/admin/lists/{id}")).Text.ShouldBe(exact + "\n");
            (await exchange.GetAsync($"/v1/admin/lists/{id}", viewer)).Text.ShouldBe(masked + "\n");
        }
        foreach (var path in (string[])[Catalog, $"{Catalog}?version={put["version"]}"])
        {
            var whole = await exchange.GetAsync(path);
            var shown = await exchange.GetAsync(path, viewer);
            whole.Text.ShouldContain(phone);
            whole.Text.ShouldContain(mail);
            foreach (var marker in (string[])["3105550", "marker"]) shown.Text.ShouldNotContain(marker);
            shown.Text.ShouldContain("02139");
        }
        // Nobody applies by mistake what he saw so.
        var seen = await exchange.SendAsync(HttpMethod.Get, Catalog, viewer, headers: ("Accept", "application/json"));
        seen.Json["lists"]!["nomail"]!["values"]!.AsArray().Single()!.GetValue<string>().ShouldBe("m•••@•••");
        (await exchange.SendAsync(HttpMethod.Put, Catalog + "?dry_run=true", ExchangeProcess.AdminKey, seen.Text, "application/json")).Status.ShouldBe(422);
    }

    [Theory]
    // path, what is taken, status
    [InlineData("/v1/admin/buyers", "application/json", 200)]
    [InlineData("/v1/admin/buyers", "application/*", 200)]
    [InlineData("/v1/admin/buyers", "*/*", 200)]
    [InlineData("/v1/admin/buyers", "text/html, */*;q=0.1", 200)]
    [InlineData("/v1/admin/buyers", "image/png", 406)]
    [InlineData("/v1/admin/buyers", "application/json;q=0, */*", 406)]
    [InlineData("/v1/admin/buyers", "text/event-stream", 406)]
    [InlineData("/v1/admin/buyers", "application/yaml", 406)]
    [InlineData("/v1/admin/catalog", "application/yaml", 200)]
    [InlineData("/v1/admin/catalog", "text/csv", 406)]
    [InlineData("/v1/admin/reports/promises", "text/csv", 200)]
    [InlineData("/v1/admin/reports/promises", "text/*", 200)]
    [InlineData("/v1/admin/reports/returns", "text/html", 406)]
    [InlineData("/v1/buyer/balance", "application/xml;q=0.2, application/json;q=0.1", 200)]
    public async Task Answer_InNoTypeThatIsTaken_Is406(string path, string accept, int status)
    {
        var key = path.StartsWith("/v1/buyer", StringComparison.Ordinal) ? await exchange.KeyAsync("buyer", "best-auto") : ExchangeProcess.AdminKey;
        var reply = await exchange.SendAsync(HttpMethod.Get, path, key, headers: ("Accept", accept));
        reply.Status.ShouldBe(status, reply.Text);
        // As XML where that is what is left.
        if (status == 406) reply.Text.ShouldContain("not_acceptable");
        if (accept.StartsWith("text/", StringComparison.Ordinal) && path.EndsWith("promises", StringComparison.Ordinal)) reply.Text.ShouldStartWith("publisher,posts_in_time");
    }

    [Fact]
    public async Task Change_WhoseAnswerIsNotTaken_IsNotMade()
    {
        var refused = await exchange.SendAsync(HttpMethod.Patch, "/v1/admin/campaigns/pool-b", ExchangeProcess.AdminKey, """{ "note": "unread" }""", "application/merge-patch+json", Any, ("Accept", "text/plain"));
        (refused.Status, refused.Code).ShouldBe((406, "not_acceptable"));
        (await exchange.GetAsync("/v1/admin/campaigns/pool-b"))["note"].ShouldNotBe("unread");
    }

    [Fact]
    public async Task Funds_OfOneReference_AreBookedOnce()
    {
        const string path = "/v1/admin/buyers/best-auto/funds";
        var first = await exchange.PostAsync(path, ExchangeProcess.AdminKey, new { amount = "500.00", reference = "wire-1" });
        first.Status.ShouldBe(200, first.Text);
        (await exchange.PostAsync(path, ExchangeProcess.AdminKey, new { amount = "500.00", reference = "wire-1" })).Json["booked"]!.GetValue<bool>().ShouldBeFalse();
        (await exchange.PostAsync(path, ExchangeProcess.AdminKey, new { amount = "501.00", reference = "wire-1" })).Status.ShouldBe(409);
        (await exchange.PostAsync(path, ExchangeProcess.AdminKey, new { amount = "0", reference = "wire-2" })).Status.ShouldBe(422);
        (await exchange.PostAsync("/v1/admin/buyers/nobody/funds", ExchangeProcess.AdminKey, new { amount = "1", reference = "x" })).Status.ShouldBe(404);
        var transfers = (await exchange.GetAsync("/v1/admin/ledger?account=bank")).Json["transfers"]!.AsArray();
        var fund = transfers.Where(transfer => transfer!["reference"]?.GetValue<string>() == "wire-1").ShouldHaveSingleItem()!;
        (fund["kind"]!.GetValue<string>(), fund["debit"]!.GetValue<string>(), fund["credit"]!.GetValue<string>(), fund["amount"]!.GetValue<string>())
            .ShouldBe(("fund", "bank", "buyer:best-auto", "500.00"));
    }

    [Fact]
    public async Task IdempotencyKey_OnAnAdminsPost_ReplaysTheRecordedAnswer()
    {
        var body = """{ "role": "viewer", "for": "auditor" }""";
        var first = await exchange.PostAsync("/v1/admin/keys", ExchangeProcess.AdminKey, body, ("Idempotency-Key", "k-1"));
        first.Status.ShouldBe(200, first.Text);
        var again = await exchange.PostAsync("/v1/admin/keys", ExchangeProcess.AdminKey, body, ("Idempotency-Key", "k-1"));
        again.Text.ShouldBe(first.Text);
        again.Headers["Idempotency-Replayed"].ShouldBe("true");
        first.Headers.ContainsKey("Idempotency-Replayed").ShouldBeFalse();
        var other = await exchange.PostAsync("/v1/admin/keys", ExchangeProcess.AdminKey, """{ "role": "viewer", "for": "other" }""", ("Idempotency-Key", "k-1"));
        (other.Status, other.Code).ShouldBe((422, "idempotency_key_reused"));
        var parallel = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ =>
            exchange.PostAsync("/v1/admin/keys", ExchangeProcess.AdminKey, """{ "role": "viewer", "for": "crowd" }""", ("Idempotency-Key", "k-2"))));
        parallel.Select(reply => reply.Text).Distinct().ShouldHaveSingleItem();
        parallel.ShouldAllBe(reply => reply.Status == 200);
    }

    [Fact]
    public async Task Keys_ByRole_OpenOnlyTheirDoors()
    {
        var viewer = await exchange.PostAsync("/v1/admin/keys", ExchangeProcess.AdminKey, new { role = "viewer", @for = "reader" });
        var key = viewer["key"]!;
        (await exchange.GetAsync("/v1/admin/keys", key)).Status.ShouldBe(200);
        (await exchange.GetAsync("/v1/admin/keys", key)).Text.ShouldNotContain(key);
        (await exchange.PostAsync("/v1/admin/keys", key, new { role = "viewer", @for = "reader" })).Code.ShouldBe("forbidden");
        (await exchange.GetAsync("/v1/buyer/copies", key)).Code.ShouldBe("forbidden");
        var buyer = await exchange.KeyAsync("buyer", "local-pool");
        (await exchange.GetAsync("/v1/admin/leads", buyer)).Code.ShouldBe("forbidden");
        (await exchange.GetAsync("/v1/admin/leads", null)).Code.ShouldBe("unauthenticated");

        var revoked = await exchange.SendAsync(HttpMethod.Delete, $"/v1/admin/keys/{viewer["id"]}", ExchangeProcess.AdminKey);
        revoked.Status.ShouldBe(200);
        (await exchange.GetAsync("/v1/admin/keys", key)).Code.ShouldBe("unauthenticated");
        (await exchange.SendAsync(HttpMethod.Delete, $"/v1/admin/keys/{viewer["id"]}", ExchangeProcess.AdminKey)).Status.ShouldBe(404);
    }

    [Fact]
    public async Task Keys_WrongOrTooMany_AreRefused()
    {
        var wrong = await exchange.PostAsync("/v1/admin/keys", ExchangeProcess.AdminKey, """{ "role": "king", "for": "x", "mode": "odd", "more": 1 }""");
        wrong.Status.ShouldBe(422);
        wrong.Json["errors"]!.AsArray().Select(error => error!["pointer"]!.GetValue<string>()).ShouldBe(["/more", "/role", "/mode"]);
        (await exchange.PostAsync("/v1/admin/keys", ExchangeProcess.AdminKey, new { role = "buyer", @for = "nobody" })).Code.ShouldBe("unknown_id");
        await exchange.KeyAsync("viewer", "two");
        await exchange.KeyAsync("viewer", "two");
        (await exchange.PostAsync("/v1/admin/keys", ExchangeProcess.AdminKey, new { role = "viewer", @for = "two" })).Status.ShouldBe(409);
    }

    [Fact]
    public async Task Unknown_Addresses_Are404AndWrongMethods405()
    {
        (await exchange.GetAsync("/v1/admin/nothing")).Code.ShouldBe("not_found");
        (await exchange.GetAsync("/v1/admin/leads/nothing")).Code.ShouldBe("not_found");
        (await exchange.GetAsync("/v1/admin/pings/nothing/explanation")).Code.ShouldBe("ping_not_found");
        (await exchange.SendAsync(HttpMethod.Delete, "/v1/admin/leads", ExchangeProcess.AdminKey)).Status.ShouldBe(405);
        (await exchange.GetAsync("/v1/admin/leads?limit=0")).Status.ShouldBe(422);
        (await exchange.GetAsync("/v1/admin/leads?status=lost")).Status.ShouldBe(422);
        (await exchange.GetAsync("/v1/admin/deliveries?status=lost")).Status.ShouldBe(422);
    }

    private Task<BlackBox.Reply> PatchAsync(string path, string patch) => exchange.SendAsync(HttpMethod.Patch, path, ExchangeProcess.AdminKey, patch, "application/merge-patch+json", Any);

    private static JsonNode Cap(BlackBox.Reply campaign, string name) =>
        campaign.Json["state"]!["caps"]!.AsArray().Single(cap => cap!["cap"]!.GetValue<string>() == name)!;
}
