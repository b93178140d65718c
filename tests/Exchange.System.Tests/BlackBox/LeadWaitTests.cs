using System.Diagnostics;
using System.Text.Json.Nodes;
using Shouldly;
using static Exchange.System.Tests.BlackBox.MarketCalls;

namespace Exchange.System.Tests.BlackBox;

/// <summary>Leads that are held before an auction: by their tree, or on the way to the tree for what is unsold. They share a server, which some of them kill.</summary>
public abstract class LeadWaitTests(RunningExchange running)
{
    private const string ForCallback = "wait: { until: { field: callback, exists: true }, at_most: 1h }";
    private const string Never = "+13105550143";
    private readonly ExchangeProcess exchange = running.Process;

    [Fact]
    public async Task HeldForATime_NobodyHasIt_ThenItIsSoldAtThePromise_WhateverHappenedMeanwhile()
    {
        await using var buyers = await BuyerApp.StartAsync();
        // Longer than a start takes, mostly.
        using var publisher = await StartAsync(buyers, "wait: { for: 12s }");
        buyers["first"].Accepts();

        var clock = Stopwatch.StartNew();
        var post = await publisher.PingAndPostAsync();
        var lead = post["lead_id"]!;
        (post.Status, post["status"], post["payout"], post["payout_pending"]).ShouldBe((202, "pending", "0.00", "8.80"), post.Text);
        post.Headers["Location"].ShouldBe($"/v1/leads/{lead}");
        (await exchange.CopiesAsync(lead)).ShouldBeEmpty();
        (await WaitAsync(lead)).ShouldBe("main moment false");
        // What waits is in the rows, in no memory; the same is told of it.
        await running.KillAndRestartAsync();
        var (again, asked) = (await publisher.LeadAsync(lead), buyers["first"].Requests.Count);
        if (clock.Elapsed < TimeSpan.FromSeconds(11))
        {
            (again.Status, again["status"], again["payout_pending"]).ShouldBe((202, "pending", "8.80"), again.Text);
            again.Headers["Location"].ShouldBe($"/v1/leads/{lead}");
            asked.ShouldBe(0);
        }

        await Until(async () => await exchange.StatusAsync(publisher.Key, lead) == "sold", "it is sold", exchange);
        (await exchange.CopiesAsync(lead)).ShouldBe(["first 11.00 8.80 sold captured"]);
        var sold = await publisher.LeadAsync(lead);
        (sold.Status, sold["payout"]).ShouldBe((200, "8.80"));
        (await WaitAsync(lead)).ShouldBe("main moment true");
        // Sold when it was held for its buyer, long after the post: it is told so, and sees it listed so.
        var told = buyers["first"].Requests.ShouldHaveSingleItem().Json;
        var listed = (await exchange.GetAsync("/v1/buyer/copies", await running.KeyAsync("buyer", "first"))).Json["copies"]!.AsArray().Single(copy => copy!["copy_id"]!.GetValue<string>() == lead + "-1")!;
        foreach (var member in (string[])["sold_at", "return_until"]) (told[member]?.GetValue<string>()).ShouldBe(listed[member]?.GetValue<string>(), member);
    }

    [Fact]
    public async Task HeldUntilAFieldComes_IsAuctionedWithIt_OnceAndForAll()
    {
        await using var buyers = await BuyerApp.StartAsync();
        using var publisher = await StartAsync(buyers, ForCallback);
        buyers["first"].Rejects();

        var lead = (await publisher.PingAndPostAsync())["lead_id"]!;
        (await WaitAsync(lead)).ShouldBe("main fields false");
        var added = await exchange.SendAsync(HttpMethod.Patch, $"/v1/leads/{lead}", publisher.Key, """{ "fields": { "callback": "evening" } }""");
        added.Status.ShouldBe(200, added.Text);
        await Until(async () => await exchange.StatusAsync(publisher.Key, lead) == "sold", "the next in rank has it", exchange);
        (await exchange.CopiesAsync(lead)).ShouldBe(["first 11.00 8.80 rejected voided", "second 11.00 8.80 sold captured"]);
        buyers["first"].Requests.ShouldHaveSingleItem().Json["fields"]!["callback"]!.GetValue<string>().ShouldBe("evening");
    }

    [Fact]
    public async Task PostedDirectly_NobodyIsAskedAtThePost_AndItsAuctionMakesThePayout()
    {
        await using var buyers = await BuyerApp.StartAsync();
        using var publisher = await StartAsync(buyers, "wait: { for: 2s }");
        buyers["first"].Accepts();
        var post = await publisher.DirectAsync();
        (post.Status, post["status"], post["payout_pending"]).ShouldBe((202, "pending", "0.00"), post.Text);
        await Until(async () => await exchange.StatusAsync(publisher.Key, post["lead_id"]!) == "sold", "it is sold", exchange);
        (await exchange.CopiesAsync(post["lead_id"]!)).ShouldBe(["first 11.00 8.80 sold captured"]);
    }

    /// <summary>What no ping may carry says too whether its tree waits for it.</summary>
    [Theory]
    [InlineData("{ field: occupation, exists: true }", "nurse", true)]
    [InlineData("{ field: occupation, exists: true }", null, false)]
    [InlineData("{ not: { field: occupation, exists: true } }", "nurse", false)]
    public async Task PostedDirectly_AllItsFieldsSayWhetherItWaits_AndWhoWaitsIsShownToNobody(string until, string? occupation, bool atOnce)
    {
        await using var buyers = await BuyerApp.StartAsync();
        using var publisher = await StartAsync(buyers, $"wait: {{ until: {until}, at_most: 1h }}", bid: "{ live: crm }");
        buyers["first"].Decides(request => request.Json["bid_request_id"] is null ? """{"answer":"accepted"}""" : """{"bids":[{"price":"12.50"}]}""");
        var post = occupation is null ? await publisher.DirectAsync() : await publisher.DirectAsync(("occupation", occupation));
        (post.Status, post["status"]).ShouldBe(atOnce ? (200, "sold") : (202, "pending"), post.Text);
        (await exchange.CopiesAsync(post["lead_id"]!)).ShouldBe(atOnce ? ["first 11.00 8.80 sold captured"] : []);
        buyers["first"].Requests.Count(request => request.Json["bid_request_id"] is not null).ShouldBe(atOnce ? 1 : 0);
    }

    [Fact]
    public async Task Unsold_WaitsForTheNextTree_AndTheFirstNoIsTold()
    {
        await using var buyers = await BuyerApp.StartAsync();
        using var publisher = await StartAsync(buyers, "unsold: { tree: rest, wait: { for: 8s } }", ask: "first");
        buyers["first"].Rejects();
        var post = await publisher.PingAndPostAsync();
        var lead = post["lead_id"]!;
        (post.Status, post["status"]).ShouldBe((202, "pending"), post.Text);
        (await exchange.CopiesAsync(lead)).ShouldBe(["first 5.00 4.00 rejected voided"]);
        (await WaitAsync(lead)).ShouldBe("rest moment false");
        await running.KillAndRestartAsync();
        await Until(async () => await exchange.StatusAsync(publisher.Key, lead) == "sold", "the other tree sells it", exchange);
        (await exchange.CopiesAsync(lead)).ShouldBe(["first 5.00 4.00 rejected voided", "rest 2.00 1.60 sold captured"]);
    }

    [Fact]
    public async Task Erased_WhileItWaits_IsUnsold_AndGoesToNobody()
    {
        await using var buyers = await BuyerApp.StartAsync();
        using var publisher = await StartAsync(buyers, ForCallback);
        var lead = (await publisher.PingAndPostAsync())["lead_id"]!;
        (await exchange.SendAsync(HttpMethod.Delete, $"/v1/admin/leads/{lead}/pii", ExchangeProcess.AdminKey)).Status.ShouldBe(202);
        await UnsoldAsync(publisher, lead, "cancelled");
        buyers["first"].Requests.ShouldBeEmpty();
    }

    /// <summary>Lists that are never sold hold for what came with the wait too.</summary>
    [Fact]
    public async Task AddedNumberIsOnAListThatIsNeverSold_IsUnsold_AndNobodyIsAsked()
    {
        await using var buyers = await BuyerApp.StartAsync();
        using var publisher = await StartAsync(buyers, "wait: { until: { field: mobile, exists: true }, at_most: 1h }");
        buyers["first"].Accepts();
        var lead = (await publisher.PingAndPostAsync())["lead_id"]!;
        (await WaitAsync(lead)).ShouldBe("main fields false");
        var added = await exchange.SendAsync(HttpMethod.Patch, $"/v1/leads/{lead}", publisher.Key, $$"""{ "fields": { "mobile": "{{Never}}" } }""");
        added.Status.ShouldBe(200, added.Text);
        await UnsoldAsync(publisher, lead, "suppressed");
        (await exchange.CopiesAsync(lead)).ShouldBeEmpty();
        buyers["first"].Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task PersonIsErasedWithAnotherLead_WhileItWaits_IsUnsold_AndNobodyIsAsked()
    {
        await using var buyers = await BuyerApp.StartAsync();
        using var publisher = await StartAsync(buyers, ForCallback);
        buyers["first"].Accepts();
        var person = Sender.NextPerson();
        var (lead, other) = ((await publisher.PostAsync(await publisher.OfferedAsync(), person))["lead_id"]!, (await publisher.PostAsync(await publisher.OfferedAsync(), person))["lead_id"]!);
        (await WaitAsync(lead)).ShouldBe("main fields false");
        (await exchange.SendAsync(HttpMethod.Delete, $"/v1/admin/leads/{other}/pii", ExchangeProcess.AdminKey)).Status.ShouldBe(202);
        var added = await exchange.SendAsync(HttpMethod.Patch, $"/v1/leads/{lead}", publisher.Key, """{ "fields": { "callback": "evening" } }""");
        added.Status.ShouldBe(200, added.Text);
        await UnsoldAsync(publisher, lead, "suppressed");
        (await exchange.CopiesAsync(lead)).ShouldBeEmpty();
        buyers["first"].Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task LiveBidders_AreAskedAgain_WhenTheAuctionComes()
    {
        await using var buyers = await BuyerApp.StartAsync();
        using var publisher = await StartAsync(buyers, "wait: { for: 2s }", bid: "{ live: crm }");
        buyers["first"].Decides(request => request.Json["bid_request_id"] is null ? """{"answer":"accepted"}""" : """{"bids":[{"price":"12.50"}]}""");
        var lead = (await publisher.PingAndPostAsync())["lead_id"]!;
        await Until(async () => await exchange.StatusAsync(publisher.Key, lead) == "sold", "it is sold", exchange);
        (await exchange.CopiesAsync(lead)).ShouldBe(["first 11.00 8.80 sold captured"]);
        // One request at the ping, another at the auction, each under a name of its own.
        var asked = buyers["first"].Requests.Select(request => request.Json).Where(json => json["bid_request_id"] is not null).Select(json => json["bid_request_id"]!.GetValue<string>()).ToList();
        asked.Count.ShouldBe(2);
        asked.Distinct().Count().ShouldBe(2);
    }

    /// <summary>What waits for its auction and what is held for its buyer is one state to whoever asks; a doubt is another.</summary>
    [Fact]
    public async Task Pending_AmongAllLeads_IsWhatSaysSoOfItself()
    {
        await using var buyers = await BuyerApp.StartAsync();
        using var publisher = await StartAsync(buyers, ForCallback);
        var waits = (await publisher.PostAsync(await publisher.OfferedAsync(with: new { channel = "web", tags = new { click_id = "click-7" } })))["lead_id"]!;
        (await WaitAsync(waits)).ShouldBe("main fields false");
        // A test does not wait: its copy is held, or in doubt.
        var (held, doubt) = (await ForcedAsync("pending"), await ForcedAsync("in_doubt"));
        string[] ours = [waits, held, doubt];

        (await ListedAsync("pending")).Intersect(ours).ShouldBe([waits, held], ignoreOrder: true);
        (await ListedAsync("pending", "&campaign=first")).Intersect(ours).ShouldBe([held]);
        (await ListedAsync("in_doubt")).Intersect(ours).ShouldBe([doubt]);
        (await ListedAsync("sold")).Intersect(ours).ShouldBeEmpty();

        // Nothing is recorded of it yet: what its publisher sent stands with the ping.
        var shown = await exchange.AdminAsync($"leads/{waits}?reveal=true");
        (shown.Text("channel"), shown["tags"].Text("click_id")).ShouldBe(("web", "click-7"));

        async Task<string> ForcedAsync(string result)
        {
            var ping = await publisher.PingAsync(with: new { test = true, test_result = result });
            var post = await publisher.PostAsync(ping["ping_id"]!);
            (post.Status, post["status"]).ShouldBe((202, result), post.Text);
            return post["lead_id"]!;
        }

        async Task<string[]> ListedAsync(string status, string more = "")
        {
            var leads = (await exchange.AdminAsync($"leads?limit=500&status={status}{more}"))["leads"]!.AsArray();
            leads.Select(lead => lead.Text("status")).ShouldAllBe(told => told == status);
            return [.. leads.Select(lead => lead.Text("lead_id")!)];
        }
    }

    /// <summary>A wait may be longer than ping records are kept: what the ping said of its lead holds all the same.</summary>
    [Theory]
    // Promised at its ping, or offered to whoever bids at the auction: without what was said the one would go to Acme once more, the other to a buyer that wants it alone.
    [InlineData(false)]
    [InlineData(true)]
    public async Task PingsRecordIsGone_WhoHasTheLeadElsewhere_AndWhatIsToldAgain_AreStillKnown(bool direct)
    {
        await using var app = await BuyerApp.StartAsync();
        app["told"].AnswersStatus(204);
        const string query = "?l={{ lead_id }}&k={{ tags.click_id }}";
        await exchange.ApplyAsync(Market.With($$"""
            publishers:
              search: { verticals: [auto], payout: { share: 80% }, postback: { url: "{{app.Url("told")}}{{query}}" } }
            buyers:
              first:  { credit_limit: "5000.00", seller: { name: Acme } }
              second: { credit_limit: "5000.00" }
              third:  { credit_limit: "5000.00" }
            campaigns:
              has-it: { buyer: first,  vertical: auto, sharing: shared, bid: "12.50" }
              alone:  { buyer: second, vertical: auto, bid: "30.00" }
              shares: { buyer: third,  vertical: auto, sharing: shared, bid: "11.00" }
            ping_trees:
              main: { vertical: auto, {{ForCallback}}, tiers: [{ name: market, method: auction, copies: 2, campaigns: [has-it, alone, shares] }] }
            """));
        using var publisher = new Sender(exchange, await running.KeyAsync("publisher", "search"));
        var said = new { tags = new { click_id = "click-7" }, sold_elsewhere = new { copies = 1, sellers = (string[])["Acme"] } };
        var post = direct ? await publisher.DirectWithAsync(said) : await publisher.PostAsync(await publisher.OfferedAsync(with: said));
        (post.Status, post["status"]).ShouldBe((202, "pending"), post.Text);
        var lead = post["lead_id"]!;
        (await WaitAsync(lead)).ShouldBe("main fields false");
        await running.RestartWithoutPingAsync(lead);
        (await publisher.LeadAsync(lead)).Json["tags"].Text("click_id").ShouldBe("click-7");

        var added = await exchange.SendAsync(HttpMethod.Patch, $"/v1/leads/{lead}", publisher.Key, """{ "fields": { "callback": "evening" } }""");
        added.Status.ShouldBe(200, added.Text);
        await Until(async () => await exchange.StatusAsync(publisher.Key, lead) == "sold", "whoever may have it has it", exchange);
        (await exchange.CopiesAsync(lead)).ShouldBe(["shares 11.00 8.80 sold captured"]);
        (await publisher.LeadAsync(lead)).Json["tags"].Text("click_id").ShouldBe("click-7");
        await Until(() => app["told"].Requests.Any(request => request.Query.StartsWith($"?l={lead}&", StringComparison.Ordinal)), "its publisher is told", exchange);
        app["told"].Requests.Select(request => request.Query).ShouldContain($"?l={lead}&k=click-7");
    }

    /// <summary>What its post was warned of, and an offer that nobody is held for, have no row of their own: whoever takes the open lead up tells them still.</summary>
    [Theory]
    [InlineData("")]
    [InlineData(ForCallback + ",")]
    public async Task Pending_WhatOnlyItsAnswerSays_IsToldToTheEnd(string wait)
    {
        await using var buyers = await BuyerApp.StartAsync();
        var first = buyers["first"].SaysPending().AcceptsWhenReleased();
        (await exchange.SendAsync(HttpMethod.Put, "/v1/admin/secrets/signing", ExchangeProcess.AdminKey, "whsec_" + Convert.ToBase64String(BuyerApp.SigningKey), "text/plain")).Status.ShouldBe(200);
        await exchange.ApplyAsync(Market.Of("post_changes: ignore", $$"""
            publishers:
              search: { verticals: [auto], payout: { share: 80% } }
            buyers:
              first:  { credit_limit: "5000.00", endpoints: { crm: { connector: native, with: { url: "{{buyers.Url("first")}}", secret: { secret: signing } }, timeout: { post: 10s } } } }
              second: { credit_limit: "5000.00" }
            campaigns:
              asked: { buyer: first,  vertical: auto, sharing: shared, bid: "12.50", delivery: { sold: on_accept, to: [crm] } }
              gone:  { buyer: second, vertical: auto, sharing: shared, bid: "11.00" }
            ping_trees:
              main: { vertical: auto, {{wait}} tiers: [{ name: market, method: auction, copies: 2, campaigns: [asked, gone] }] }
            """));
        using var publisher = new Sender(exchange, await running.KeyAsync("publisher", "search"));
        var ping = await publisher.OfferedAsync();
        if (wait.Length == 0) await LeaveAsync();
        var post = await publisher.PostAsync(ping, new Dictionary<string, string>(Sender.NextPerson()) { ["state"] = "NY" });
        var lead = post["lead_id"]!;
        Told(post).ShouldBe($"pending: 1 pending 10.00, 2 {(wait.Length == 0 ? "rejected 0.00" : "pending 8.80")}; /fields/state ping_mismatch");
        if (wait.Length > 0)
        {
            await LeaveAsync();
            (await exchange.SendAsync(HttpMethod.Patch, $"/v1/leads/{lead}", publisher.Key, """{ "fields": { "callback": "evening" } }""")).Status.ShouldBe(200);
        }

        // Whoever asks again has read the lead from its rows.
        await Until(() => first.Requests.Count >= 2, "its buyer is asked again", exchange);
        Told(await publisher.LeadAsync(lead)).ShouldBe("pending: 1 pending 10.00, 2 rejected 0.00; /fields/state ping_mismatch");
        first.Release();
        await Until(async () => await exchange.StatusAsync(publisher.Key, lead) == "sold", "its yes makes the sale", exchange);
        Told(await publisher.LeadAsync(lead)).ShouldBe("sold: 1 sold 10.00, 2 rejected 0.00; /fields/state ping_mismatch");

        Task LeaveAsync() => exchange.PatchAsync("campaigns/gone", new { status = "paused" });

        static string Told(Reply reply)
        {
            var copies = reply.Json["copies"]!.AsArray().Select(copy => $"{copy.Text("offer_id")} {copy.Text("status")} {copy.Text("payout")}");
            return $"{reply["status"]}: {string.Join(", ", copies)}; {reply.Json["warnings"]?[0].Text("pointer")} {reply.Json["warnings"]?[0].Text("code")}";
        }
    }

    /// <summary>Two campaigns, 12.50 and 11.00 under second price; the first is asked for its answer. Another tree with one of 2.00.</summary>
    /// <param name="tree">More of the first tree.</param>
    private async Task<Sender> StartAsync(BuyerApp buyers, string tree, string ask = "first, second", string bid = "\"12.50\"")
    {
        (await exchange.SendAsync(HttpMethod.Put, "/v1/admin/secrets/signing", ExchangeProcess.AdminKey, "whsec_" + Convert.ToBase64String(BuyerApp.SigningKey), "text/plain")).Status.ShouldBe(200);
        await exchange.ApplyAsync(Market.Of("ping_deadline: 10s\n    suppress: [never]", $$"""
            publishers:
              search: { verticals: [auto], payout: { share: 80% } }
            buyers:
              first:  { credit_limit: "5000.00", endpoints: { crm: { connector: native, with: { url: "{{buyers.Url("first")}}", secret: { secret: signing } }, timeout: { ping: 9s } } } }
              second: { credit_limit: "5000.00" }
              third:  { credit_limit: "5000.00" }
            campaigns:
              first:  { buyer: first,  vertical: auto, bid: {{bid}}, delivery: { sold: on_accept, to: [crm] } }
              second: { buyer: second, vertical: auto, bid: "11.00" }
              rest:   { buyer: third,  vertical: auto, bid: "2.00" }
            ping_trees:
              main: { vertical: auto, {{tree}}, tiers: [{ name: market, method: auction, pricing: second_price, floor: "5.00", campaigns: [{{ask}}] }] }
              rest: { vertical: auto{{(tree.Contains("rest", StringComparison.Ordinal) ? "" : ", status: paused")}}, tiers: [{ name: all, method: priority, campaigns: [rest] }] }
            """, $"lists: {{ never: {{ type: phone, values: [\"{Never}\"] }} }}", "mobile: { type: phone, region: US, pii: true }"));
        return new(exchange, await running.KeyAsync("publisher", "search"));
    }

    private async Task UnsoldAsync(Sender publisher, string lead, string reason)
    {
        await Until(async () => await exchange.StatusAsync(publisher.Key, lead) == "unsold", "it ends", exchange);
        (await publisher.LeadAsync(lead))["reason"].ShouldBe(reason);
    }

    private async Task<string> WaitAsync(string lead)
    {
        var wait = (await exchange.AdminAsync($"leads/{lead}"))["wait"];
        return wait is null ? "none" : $"{wait["tree"]} {wait["for"]} {wait["over"]}";
    }
}

[Collection(LeadsThatWait.Name)]
public sealed class EmbeddedLeadWaitTests(RunningExchange running) : LeadWaitTests(running);

[Collection(LeadsThatWaitOnPostgres.Name)]
public sealed class PostgresLeadWaitTests(RunningPostgresExchange running) : LeadWaitTests(running);
