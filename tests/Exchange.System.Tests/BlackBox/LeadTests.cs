using System.Text.Json.Nodes;
using Shouldly;

namespace Exchange.System.Tests.BlackBox;

/// <summary>What becomes of a posted lead: duplicates, suppression, consent, post filters, pauses, direct posts, later fields.</summary>
[Collection(LeadsAndReturns.Name)]
public sealed class LeadTests
{
    private readonly ExchangeProcess exchange;

    public LeadTests(RunningExchange running) => exchange = running.Process;

    [Fact]
    public async Task Duplicate_SamePhoneOrEmailWithinTheWindow_Unsold()
    {
        await exchange.ApplyAsync(Catalog("dup", rules: "duplicate: { keys: [phone, email], window: 30d }"));
        using var publisher = await Sender.OfAsync(exchange, "pub-dup");
        var (person, other) = (Sender.NextPerson(), Sender.NextPerson());
        (await publisher.PostAsync(await publisher.OfferedAsync(), person))["status"].ShouldBe("sold");

        foreach (var key in (string[])["phone", "email"])
        {
            var again = await publisher.PostAsync(await publisher.OfferedAsync(), new Dictionary<string, string>(other) { [key] = person[key].ToUpperInvariant() });
            again.Status.ShouldBe(200, again.Text);
            again["status"].ShouldBe("unsold");
            again["reason"].ShouldBe("duplicate");
            (await exchange.LedgerAsync(again["lead_id"]!)).ShouldBeEmpty();
        }
        // Refusing somebody for another's number did not make a duplicate of them.
        (await publisher.PostAsync(await publisher.OfferedAsync(), other))["status"].ShouldBe("sold");
    }

    [Fact]
    public async Task Suppressed_PersonOnTheList_Unsold()
    {
        await exchange.ApplyAsync(Catalog("sup", rules: "suppress: [never]", lists: "lists: { never: { type: phone, values: [\"+13105550143\"] } }"));
        using var publisher = await Sender.OfAsync(exchange, "pub-sup");
        var person = new Dictionary<string, string>(Sender.NextPerson()) { ["phone"] = "(310) 555-0143" };
        var post = await publisher.PostAsync(await publisher.OfferedAsync(), person);
        post.Status.ShouldBe(200, post.Text);
        post["status"].ShouldBe("unsold");
        post["reason"].ShouldBe("suppressed");
    }

    [Fact]
    public async Task ConsentProof_Missing_RefusedWithEveryGap()
    {
        await exchange.ApplyAsync(Catalog("con", rules: "consent: proof"));
        using var publisher = await Sender.OfAsync(exchange, "pub-con");
        var (ping, person) = (await publisher.OfferedAsync(), Sender.NextPerson());
        var refused = await publisher.PostAsync(ping, person);
        refused.Status.ShouldBe(422, refused.Text);
        refused.Json["errors"]!.AsArray().Select(error => error.Text("pointer")).ShouldBe(["/consent/text", "/consent/at", "/consent/page", "/consent/ip"]);
        refused.Json["errors"]!.AsArray().Select(error => error.Text("code")).Distinct().ShouldBe(["consent_missing"]);

        var partly = await publisher.PostAsync(ping, person, new { consent = new { text = "I agree.", at = "2026-11-20T10:00:00Z", page = "https://example.com/auto" } });
        partly.Status.ShouldBe(422, partly.Text);
        partly.Code.ShouldBe("consent_missing");

        // Nothing was held: the same ping may be corrected.
        var sold = await publisher.PostAsync(ping, person, new { consent = new { text = "I agree.", at = "2026-11-20T10:00:00Z", page = "https://example.com/auto", ip = "203.0.113.7" } });
        sold["status"].ShouldBe("sold", sold.Text);
    }

    [Fact]
    public async Task ConsentNamed_SellerNotNamed_RefusedAndSoldOnceNamed()
    {
        await exchange.ApplyAsync(Catalog("nam", rules: "consent: named"));
        using var publisher = await Sender.OfAsync(exchange, "pub-nam");
        var offered = await publisher.PingAsync();
        offered.Json["offers"]![0].Text("seller").ShouldBe("First Auto Desk");
        var (ping, person) = (offered["ping_id"]!, Sender.NextPerson());

        var refused = await publisher.PostAsync(ping, person, new { consent = Proof("Some Other Desk") });
        refused.Status.ShouldBe(422, refused.Text);
        refused.Code.ShouldBe("consent_missing");
        refused.Json["errors"]![0].Text("pointer").ShouldBe("/consent/sellers");
        (await publisher.PostAsync(ping, person, new { consent = Proof("First Auto Desk") }))["status"].ShouldBe("sold");

        static object Proof(string seller) => new { text = "I agree.", at = "2026-11-20T10:00:00Z", page = "https://example.com/auto", ip = "203.0.113.7", sellers = (string[])[seller] };
    }

    [Fact]
    public async Task PostFilter_Misses_TheNextInRankBuysAtThePromise()
    {
        await exchange.ApplyAsync(Catalog("pf", first: ", post_filter: { field: occupation, is: nurse }"));
        using var publisher = await Sender.OfAsync(exchange, "pub-pf");
        await SoldAsync("nurse", "first-pf");
        await SoldAsync("pilot", "second-pf");

        async Task SoldAsync(string occupation, string campaign)
        {
            var post = await publisher.PostAsync(await publisher.OfferedAsync(), new Dictionary<string, string>(Sender.NextPerson()) { ["occupation"] = occupation });
            post["status"].ShouldBe("sold", post.Text);
            post["payout"].ShouldBe("8.80");
            (await exchange.SoldToAsync(post["lead_id"]!)).ShouldBe([campaign]);
            (await exchange.LedgerAsync(post["lead_id"]!)).NetOf("house").ShouldBe(2.20m);
        }
    }

    [Theory]
    [InlineData("campaigns/first-pc", "pc", "campaign_paused")]
    [InlineData("buyers/b1-pb", "pb", "buyer_paused")]
    public async Task Paused_AfterTheOfferAndBeforeTheNext_SellsNothingMore(string entry, string id, string reason)
    {
        await exchange.ApplyAsync(Catalog(id));
        using var publisher = await Sender.OfAsync(exchange, "pub-" + id);
        var offered = await publisher.OfferedAsync();
        await exchange.PatchAsync(entry, new { status = "paused" });

        // The offer stands: the next in rank keeps the promise.
        var post = await publisher.PostAsync(offered);
        post["payout"].ShouldBe("8.80", post.Text);
        (await exchange.SoldToAsync(offered)).ShouldBe([$"second-{id}"]);

        // second's own 11.00, alone: it pays the floor.
        var ping = await publisher.PingAsync();
        ping["payout"].ShouldBe("4.00");
        (await exchange.ExplainedAsync(ping["ping_id"]!, $"first-{id}")).Text("reason").ShouldBe(reason);
        var state = (await exchange.AdminAsync($"campaigns/first-{id}"))["state"];
        state.Text("open").ShouldBe("false");
        state.Text("reason").ShouldBe(reason);

        await exchange.PatchAsync(entry, new { status = "active" });
        (await publisher.PingAsync())["payout"].ShouldBe("8.80");
    }

    [Fact]
    public async Task PausedPublisher_IsRefused()
    {
        await exchange.ApplyAsync(Catalog("pp"));
        using var publisher = await Sender.OfAsync(exchange, "pub-pp");
        var offered = await publisher.OfferedAsync();
        await exchange.PatchAsync("publishers/pub-pp", new { status = "paused" });
        foreach (var reply in (Reply[])[await publisher.PingAsync(), await publisher.PostAsync(offered)])
        {
            reply.Status.ShouldBe(403, reply.Text);
            reply.Code.ShouldBe("publisher_paused");
        }
    }

    [Fact]
    public async Task DirectPost_SoldAndRepeated_GetsTheRecordedAnswer()
    {
        await exchange.ApplyAsync(Catalog("dir"));
        using var publisher = await Sender.OfAsync(exchange, "pub-dir");
        var fields = new Dictionary<string, string>(Sender.NextPerson()) { ["zip"] = "90210", ["state"] = "CA" };
        var body = new { vertical = "auto", sub_id = "kw-1", fields };
        var sold = await exchange.PostAsync("/v1/leads", publisher.Key, body);
        sold.Status.ShouldBe(200, sold.Text);
        sold["status"].ShouldBe("sold");
        sold["payout"].ShouldBe("8.80");
        (await exchange.SoldToAsync(sold["lead_id"]!)).ShouldBe(["first-dir"]);

        var again = await exchange.PostAsync("/v1/leads", publisher.Key, body);
        again.Text.ShouldBe(sold.Text);
        again.Headers["Idempotency-Replayed"].ShouldBe("true");

        var keyed = await exchange.PostAsync("/v1/leads", publisher.Key, body, ("Idempotency-Key", "lead-1"));
        keyed["status"].ShouldBe("sold", keyed.Text);
        keyed["lead_id"].ShouldNotBe(sold["lead_id"]);
        (await exchange.PostAsync("/v1/leads", publisher.Key, body, ("Idempotency-Key", "lead-1"))).Text.ShouldBe(keyed.Text);
        var reused = await exchange.PostAsync("/v1/leads", publisher.Key, body with { sub_id = "kw-2" }, ("Idempotency-Key", "lead-1"));
        reused.Status.ShouldBe(422, reused.Text);
        reused.Code.ShouldBe("idempotency_key_reused");

        var missing = await exchange.PostAsync("/v1/leads", publisher.Key, new { vertical = "auto", fields = new { state = "CA" } });
        missing.Status.ShouldBe(422, missing.Text);
        missing.Json["errors"]!.AsArray().Select(error => error.Text("pointer")).ShouldBe(["/fields/zip", "/fields/email", "/fields/phone"], ignoreOrder: true);
    }

    [Fact]
    public async Task DirectPost_NobodyBuys_UnsoldWithTheReason()
    {
        await exchange.ApplyAsync(Catalog("none", first: ", filter: { field: state, is: TX }", second: ", filter: { field: state, is: TX }"));
        using var publisher = await Sender.OfAsync(exchange, "pub-none");
        var fields = new Dictionary<string, string>(Sender.NextPerson()) { ["zip"] = "90210", ["state"] = "CA" };
        var unsold = await exchange.PostAsync("/v1/leads", publisher.Key, new { vertical = "auto", fields });
        unsold.Status.ShouldBe(200, unsold.Text);
        unsold["status"].ShouldBe("unsold");
        unsold["reason"].ShouldBe("no_eligible_campaign");
        unsold.Json["copies"]!.AsArray().ShouldBeEmpty();
    }

    [Fact]
    public async Task Lead_OfAnotherPublisher_DoesNotExist()
    {
        await exchange.ApplyAsync(Catalog("own"));
        using var publisher = await Sender.OfAsync(exchange, "pub-own");
        using var stranger = await Sender.OfAsync(exchange, "other-own");
        var ping = await publisher.OfferedAsync();
        var foreign = await stranger.PostAsync(ping);
        foreign.Status.ShouldBe(404, foreign.Text);
        foreign.Code.ShouldBe("ping_not_found");

        (await publisher.PostAsync(ping))["status"].ShouldBe("sold");
        (await publisher.LeadAsync(ping))["status"].ShouldBe("sold");
        (await stranger.LeadAsync(ping)).Status.ShouldBe(404);
        (await stranger.LeadAsync(ping)).Code.ShouldBe("not_found");
        (await AddAsync(stranger, ping, new { callback = "evening" })).Status.ShouldBe(404);
    }

    [Fact]
    public async Task LaterFields_NewOnesAreAdded_GivenOnesAreFixed()
    {
        await exchange.ApplyAsync(Catalog("add"));
        using var publisher = await Sender.OfAsync(exchange, "pub-add");
        var lead = (await publisher.PingAndPostAsync())["lead_id"]!;

        var added = await AddAsync(publisher, lead, new { callback = "evening" });
        added.Status.ShouldBe(200, added.Text);
        added["status"].ShouldBe("sold");
        (await exchange.AdminAsync($"leads/{lead}?reveal=true"))["fields"].Text("callback").ShouldBe("evening");

        var pinged = await AddAsync(publisher, lead, new { zip = "10001" });
        pinged.Status.ShouldBe(409, pinged.Text);
        pinged.Code.ShouldBe("field_fixed");
        pinged.Json["errors"]![0].Text("pointer").ShouldBe("/fields/zip");
        (await AddAsync(publisher, lead, new { callback = "morning" })).Code.ShouldBe("field_fixed");

        var unknown = await AddAsync(publisher, lead, new { shoe_size = "44" });
        unknown.Status.ShouldBe(422, unknown.Text);
        unknown.Code.ShouldBe("unknown_field");
        // A field that only comes later is refused in a post.
        (await publisher.PostAsync(await publisher.OfferedAsync(), new Dictionary<string, string>(Sender.NextPerson()) { ["callback"] = "noon" })).Status.ShouldBe(422);
    }

    [Fact]
    public async Task ChannelAndTags_StandWithTheLead_TagsForWhoRevealsThem_AndGoWithThePerson()
    {
        await exchange.ApplyAsync(Catalog("tag"));
        using var publisher = await Sender.OfAsync(exchange, "pub-tag");
        var lead = (await publisher.PostAsync(await publisher.OfferedAsync(with: new { channel = "web", tags = new { click_id = "click-7" } })))["lead_id"]!;

        (await SeenAsync("")).ShouldBe(("web", "•••"));
        (await SeenAsync("?reveal=true")).ShouldBe(("web", "click-7"));
        (await exchange.AdminAsync("leads?publisher=pub-tag"))["leads"]![0].Text("channel").ShouldBe("web");
        (await exchange.SendAsync(HttpMethod.Delete, $"/v1/admin/leads/{lead}/pii", ExchangeProcess.AdminKey)).Status.ShouldBe(202);
        (await exchange.AdminAsync($"leads/{lead}?reveal=true"))["tags"]!.AsObject().Count.ShouldBe(0);

        async Task<(string?, string?)> SeenAsync(string how)
        {
            var seen = await exchange.AdminAsync($"leads/{lead}{how}");
            return (seen.Text("channel"), seen["tags"].Text("click_id"));
        }
    }

    /// <summary>In the fields, and in every sentence that tells why.</summary>
    [Fact]
    public async Task Explanation_OfAFieldThatBecameSensitive_ShowsItsValueNoMore()
    {
        var catalog = Catalog("hid", first: ", filter: { field: zip, is: \"10001\" }");
        await exchange.ApplyAsync(catalog);
        using var publisher = await Sender.OfAsync(exchange, "pub-hid");
        var ping = await publisher.OfferedAsync();
        (await exchange.ExplainedAsync(ping, "first-hid"))["miss"].Text("given").ShouldBe("90210");

        await exchange.ApplyAsync(catalog.Replace("{ type: us_zip, ping: required }", "{ type: us_zip, sensitive: true, ping: required }", StringComparison.Ordinal));
        var told = await exchange.AdminAsync($"pings/{ping}/explanation");
        told["fields"].Text("zip").ShouldBe("•••");
        told["fields"].Text("state").ShouldBe("CA");
        var first = told["campaigns"]!.AsArray().Single(campaign => campaign.Text("campaign") == "first-hid")!;
        first["miss"].Text("given").ShouldBeNull();
        string?[] sentences = [first["miss"].Text("text"), first.Text("would_have_sold"), first["numbers"]!.AsArray().Single()!.ToString(), first["changes"]![0].Text("text")];
        sentences.ShouldAllBe(sentence => sentence!.Contains("(value hidden)", StringComparison.Ordinal) && !sentence!.Contains("90210", StringComparison.Ordinal));
    }

    private Task<Reply> AddAsync(Sender publisher, string lead, object fields) =>
        exchange.SendAsync(HttpMethod.Patch, $"/v1/leads/{lead}", publisher.Key, new JsonObject { ["fields"] = global::System.Text.Json.JsonSerializer.SerializeToNode(fields) }.ToJsonString());

    /// <summary>12.50 against 11.00 under second price with a floor of 5.00: sold to first at 11.00, payout 8.80.</summary>
    private static string Catalog(string id, string first = "", string second = "", string rules = "", string lists = "") => Market.Of(rules,
        $$"""
        publishers:
          pub-{{id}}: { verticals: [auto], payout: { share: 80% } }
          other-{{id}}: { verticals: [auto], payout: { share: 80% } }
        buyers:
          b1-{{id}}: { credit_limit: "5000.00", seller: { name: First Auto Desk } }
          b2-{{id}}: { credit_limit: "5000.00", seller: { name: Second Auto Desk } }
        campaigns:
          first-{{id}}: { buyer: b1-{{id}}, vertical: auto, bid: "12.50"{{first}} }
          second-{{id}}: { buyer: b2-{{id}}, vertical: auto, bid: "11.00"{{second}} }
        ping_trees:
          tree-{{id}}:
            vertical: auto
            tiers:
              - { name: market, method: auction, pricing: second_price, floor: "5.00", campaigns: [first-{{id}}, second-{{id}}] }
        """, lists);
}
