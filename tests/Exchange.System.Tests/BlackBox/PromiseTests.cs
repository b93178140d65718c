using System.Globalization;
using System.Text.Json.Nodes;
using Shouldly;
using static Exchange.System.Tests.BlackBox.MarketCalls;

namespace Exchange.System.Tests.BlackBox;

/// <summary>What is measured of promises, and firm offers across a kill -9.</summary>
[Collection(PromisesAndCrashes.Name)]
public sealed class PromiseTests(RunningExchange running)
{
    private readonly ExchangeProcess exchange = running.Process;

    [Fact]
    public async Task Promises_AreCountedOnceWhenTheLeadIsSettled_InMetricsAndReport()
    {
        await using var buyers = await BuyerApp.StartAsync();
        var (countedInTime, countedKept) = await CountsAsync();
        var (inTime, kept, open) = await TotalAsync("");
        var key = await new LaterSaleCatalog(buyers, "counted")
            .Vertical("kept").Campaign("kept-one", "10.00", "kept-one").Tree("kept", "", "kept-one")
            .Vertical("lost").Asked("lost-one", "10.00").Tree("lost", "", "lost-one")
            .Vertical("doubt").Asked("doubt-one", "10.00").Tree("doubt", "", "doubt-one").ApplyAsync(running);
        buyers["lost-one"].Rejects();
        var doubt = buyers["doubt-one"].SaysGarbage().AcceptsWhenReleased();
        foreach (var market in (string[])["kept", "kept", "lost", "doubt"])
        {
            var body = PostBody(await exchange.PingAsync(key, market));
            await exchange.SellAsync(key, body);
            // The same again is no other post.
            await exchange.SellAsync(key, body);
        }
        // Nothing was offered before a direct post.
        var direct = await exchange.PostAsync("/v1/leads", key, new { vertical = "kept", fields = new { state = "CA", email = "direct@example.com" } });
        direct["status"].ShouldBe("sold", direct.Text);

        (await CountsAsync()).ShouldBe((countedInTime + 3, countedKept + 2));
        (await TotalAsync("")).ShouldBe((inTime + 4, kept + 2, open + 1));
        (await ReportAsync("&publisher=counted")).ShouldBe("""{"posts_in_time":4,"promises_kept":2,"open":1,"kept_percent":"50.00"}""");
        doubt.Release();
        await Until(async () => await CountsAsync() == (countedInTime + 4, countedKept + 3), "the doubt ends and counts then", exchange);
        (await TotalAsync("&group_by=publisher")).ShouldBe((inTime + 4, kept + 3, open));
        (await ReportAsync("&group_by=publisher&publisher=counted")).ShouldBe("""{"posts_in_time":4,"promises_kept":3,"open":0,"kept_percent":"75.00"}""");
        (await ReportAsync("&publisher=counted")).ShouldBe("""{"posts_in_time":4,"promises_kept":3,"open":0,"kept_percent":"75.00"}""");
        (await ReportAsync("&publisher=other")).ShouldBe("""{"posts_in_time":0,"promises_kept":0,"open":0,"kept_percent":""}""");

        var table = await exchange.SendAsync(HttpMethod.Get, "/v1/admin/reports/promises?group_by=vertical&publisher=counted&from=2026-01-01&to=2100-01-01", ExchangeProcess.AdminKey, null, "", ("Accept", "text/csv"));
        table.Text.ShouldBe("vertical,posts_in_time,promises_kept,open,kept_percent\r\ndoubt,1,1,0,100.00\r\nkept,2,2,0,100.00\r\nlost,1,0,0,0.00\r\n");
        (await ReportAsync("", "from=2020-01-01&to=2020-01-02T00:00:00Z")).ShouldBe("""{"posts_in_time":0,"promises_kept":0,"open":0,"kept_percent":""}""");
        foreach (var (query, code) in new[] { ("from=yesterday", "invalid_format"), ("from=2026-02-02&to=2026-02-01", "out_of_range"), ("group_by=zip", "invalid_field"), ("time_zone=Mars", "unknown_zone") })
        {
            var bad = await exchange.GetAsync("/v1/admin/reports/promises?" + query);
            (bad.Status, bad["code"]).ShouldBe((422, code), bad.Text);
        }

        // Without a span it is of today, which may end meanwhile.
        async Task<string> ReportAsync(string query, string span = "from=2026-01-01&to=2100-01-01")
        {
            var reply = await exchange.GetAsync($"/v1/admin/reports/promises?{span}{query}");
            reply.Status.ShouldBe(200, reply.Text);
            return reply.Json["total"]!.ToJsonString();
        }

        // Others use this exchange too.
        async Task<(long InTime, long Kept, long Open)> TotalAsync(string query)
        {
            var total = JsonNode.Parse(await ReportAsync(query))!;
            return (total["posts_in_time"]!.GetValue<long>(), total["promises_kept"]!.GetValue<long>(), total["open"]!.GetValue<long>());
        }

        async Task<(long InTime, long Kept)> CountsAsync()
        {
            var lines = (await exchange.MetricsAsync()).Split('\n');
            return (Value("leadexchange_posts_in_time_total"), Value("leadexchange_promises_kept_total"));

            long Value(string name) => long.Parse(lines.Single(line => line.StartsWith(name + " ", StringComparison.Ordinal)).Split(' ')[1].Trim(), CultureInfo.InvariantCulture);
        }
    }

    [Fact]
    public async Task KilledWhileABuyerOfALaterWalkThinks_TheSameBuyerIsAskedAgain_AtThePromise()
    {
        await using var buyers = await BuyerApp.StartAsync();
        var catalog = new LaterSaleCatalog(buyers);
        foreach (var market in (string[])["anew", "rest"])
            catalog.Vertical(market).Asked($"{market}-one", "10.00").Asked($"{market}-late", market == "anew" ? "15.00" : "5.00", market == "anew" ? "status: paused" : "");
        var key = await catalog.Tree("rest", "unsold: { tree: rest-later }", "rest-one").Tree("rest-later", "", "rest-late")
            .TreeOf("anew", "anew", "reauction: true", "anew-one", "anew-late").ApplyAsync(running);
        var pings = new Dictionary<string, string>();
        foreach (var market in (string[])["anew", "rest"])
        {
            buyers[$"{market}-one"].Rejects();
            buyers[$"{market}-late"].Hangs().Accepts();
            pings[market] = await exchange.PingAsync(key, market);
        }
        await exchange.PatchAsync("campaigns/anew-late", new { status = "active" });
        var cut = pings.Values.Select(ping => exchange.SellAsync(key, PostBody(ping))).ToArray();
        await Until(() => buyers["anew-late"].Requests.Count == 1 && buyers["rest-late"].Requests.Count == 1, "buyers of later walks are thinking", exchange);

        await running.KillAndRestartAsync();
        foreach (var post in cut) await Should.ThrowAsync<HttpRequestException>(() => post);
        foreach (var ping in pings.Values) await Until(async () => await exchange.StatusAsync(key, ping) == "sold", "the same buyer's yes makes the sale", exchange);
        (await exchange.CopiesAsync(pings["anew"])).ShouldBe(["anew-one 10.00 8.00 rejected voided", "anew-late 15.00 8.00 sold captured"]);
        (await exchange.CopiesAsync(pings["rest"])).ShouldBe(["rest-one 10.00 8.00 rejected voided", "rest-late 5.00 4.00 sold captured"]);
        foreach (var late in (string[])["anew-late", "rest-late"])
        {
            buyers[late].Requests.Count.ShouldBe(2);
            buyers[late].Requests.Select(request => request.Id).Distinct().ShouldHaveSingleItem();
            buyers[late].Requests[0].Json["copies_max"]!.GetValue<int>().ShouldBe(1);
        }
    }

    [Fact]
    public async Task PersonPostedIsNotTheOneWhoseHashWasPinged_IsAMismatch_OrAWarning()
    {
        await exchange.ApplyAsync("""
            exchange: { currency: USD }
            verticals:
              strict: { fields: { state: { type: us_state, ping: required }, email: { type: email, pii: true, ping: hashed } } }
              lax: { post_changes: ignore, fields: { state: { type: us_state, ping: required }, email: { type: email, pii: true, ping: hashed } } }
            publishers:
              search: { verticals: [strict, lax], payout: { share: 80% } }
            buyers:
              one: { credit_limit: unlimited }
            campaigns:
              strict-one: { buyer: one, vertical: strict, bid: "10.00" }
              lax-one: { buyer: one, vertical: lax, bid: "10.00" }
            ping_trees:
              strict: { vertical: strict, tiers: [ { name: list, method: priority, campaigns: all } ] }
              lax: { vertical: lax, tiers: [ { name: list, method: priority, campaigns: all } ] }
            """);
        var key = await running.KeyAsync("publisher", "search");
        var hash = Convert.ToHexStringLower(global::System.Security.Cryptography.SHA256.HashData("ann@example.com"u8));

        var wrong = await PostAsync("strict", "bob@example.com");
        (wrong.Status, wrong["code"], wrong.Json["errors"]![0]!["pointer"]!.GetValue<string>()).ShouldBe((422, "ping_mismatch", "/fields/email"), wrong.Text);
        wrong.Text.ShouldNotContain("bob");
        (await PostAsync("strict", "Ann@example.com"))["status"].ShouldBe("sold");
        var ignored = await PostAsync("lax", "bob@example.com");
        (ignored["status"], ignored.Json["warnings"]![0]!["code"]!.GetValue<string>()).ShouldBe(("sold", "ping_mismatch"), ignored.Text);

        async Task<Reply> PostAsync(string vertical, string email)
        {
            var ping = await exchange.PostAsync("/v1/pings", key, new { vertical, fields = new { state = "CA", email_sha256 = hash } });
            ping["status"].ShouldBe("offered", ping.Text);
            return await exchange.PostAsync("/v1/posts", key, new { ping_id = ping["ping_id"], fields = new { email } });
        }
    }

    [Fact]
    public async Task FirmOffer_KilledBetweenPingAndPost_IsKept_OrRunsOutExactly()
    {
        await using var buyers = await BuyerApp.StartAsync();
        const string one = "caps: [ { per: total, leads: 1 } ]";
        var key = await new LaterSaleCatalog(buyers)
            .Vertical("stays").Campaign("stays-one", "10.00", "stays-one", one).Tree("stays", "firm: true", "stays-one")
            .Vertical("ends", "8s").Campaign("ends-one", "10.00", "ends-one", one).Tree("ends", "firm: true", "ends-one").ApplyAsync(running);
        var kept = await exchange.PingAsync(key, "stays");
        await exchange.PingAsync(key, "ends");
        await running.KillAndRestartAsync();

        (await exchange.LimitsAsync("stays-one")).ShouldBe("0 1 0.00 10.00");
        var other = await exchange.PostAsync("/v1/pings", key, new { vertical = "stays", fields = new { state = "CA" } });
        other["status"].ShouldBe("no_offer", other.Text);
        // The crash may have taken the ping's record; what is held tells the offer.
        var body = PostBody(kept);
        var reply = await exchange.SellAsync(key, body);
        (reply.Status, reply["status"], reply["payout"]).ShouldBe((200, "sold", "8.00"), reply.Text);
        (await exchange.CopiesAsync(kept)).ShouldBe(["stays-one 10.00 8.00 sold captured"]);
        (await exchange.LimitsAsync("stays-one")).ShouldBe("1 0 10.00 0.00");
        (await exchange.SellAsync(key, body)).Text.ShouldBe(reply.Text);
        await Until(async () => await exchange.LimitsAsync("ends-one") == "0 0 0.00 0.00", "what nobody posted runs out", exchange);
        (await exchange.BookingsAsync(kept)).ShouldBe(["buyer:stays-one house 2.00", "buyer:stays-one publisher:search 8.00"]);
    }
}
