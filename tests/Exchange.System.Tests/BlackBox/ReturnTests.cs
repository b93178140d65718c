using System.Globalization;
using Shouldly;

namespace Exchange.System.Tests.BlackBox;

/// <summary>Buyers give copies back over HTTP: when they may, what comes back, what everybody sees then. I15.</summary>
[Collection(LeadsAndReturns.Name)]
public sealed class ReturnTests
{
    private readonly ExchangeProcess exchange;

    public ReturnTests(RunningExchange running) => exchange = running.Process;

    /// <summary>One campaign of one buyer at 11.00; its publisher gets 80 %.</summary>
    private async Task<(Sender Publisher, string Buyer)> OpenAsync(string id, string returns, string campaign = "", string payout = "share: 80%")
    {
        await exchange.ApplyAsync(Market.With(
            $$"""
            publishers:
              pub-{{id}}: { verticals: [auto], payout: { {{payout}} } }
            buyers:
              buyer-{{id}}: { credit_limit: "5000.00"{{(returns.Length == 0 ? "" : $", returns: {returns}")}} }
              other-{{id}}: { credit_limit: "5000.00" }
            campaigns:
              camp-{{id}}: { buyer: buyer-{{id}}, vertical: auto, bid: "11.00"{{(campaign.Length == 0 ? "" : ", " + campaign)}} }
            ping_trees:
              tree-{{id}}:
                vertical: auto
                tiers: [ { name: market, method: auction, campaigns: [camp-{{id}}] } ]
            """));
        return (await Sender.OfAsync(exchange, $"pub-{id}"), await exchange.KeyAsync("buyer", $"buyer-{id}"));
    }

    private static async Task<string> SoldAsync(Sender publisher)
    {
        var sold = await publisher.PingAndPostAsync();
        sold["status"].ShouldBe("sold", sold.Text);
        return sold["lead_id"]!;
    }

    private async Task<string> CopyOfAsync(string lead) => (await exchange.AdminAsync($"leads/{lead}"))["copies"]![0].Text("copy_id")!;

    private Task<Reply> ReturnAsync(string key, string copy, object? body = null, params (string, string)[] headers) =>
        exchange.PostAsync($"/v1/buyer/copies/{copy}/return", key, body ?? new { reason = "invalid_phone" }, headers);

    private async Task<string?> BalanceAsync(string account) =>
        (await exchange.AdminAsync($"ledger/balances?account={account}"))["balances"]![0].Text("balance");

    [Fact]
    public async Task Return_InsideTheWindow_ReversesTheMoneyOnce_AndEverybodySeesIt()
    {
        var (publisher, buyer) = await OpenAsync("one", "{ within: 10d, reasons: [invalid_phone, renter] }", $"caps: [ {{ per: day, leads: 1, count: kept, time_zone: {Market.ZoneAtDaytime()} }} ]");
        using var _ = publisher;
        var lead = await SoldAsync(publisher);
        var copy = await CopyOfAsync(lead);
        (await publisher.PingAsync())["status"].ShouldBe("no_offer");
        var houseBefore = decimal.Parse((await BalanceAsync("house"))!, CultureInfo.InvariantCulture);
        var until = DateTimeOffset.Parse((await ListedAsync(buyer, copy)).Text("return_until")!, CultureInfo.InvariantCulture);
        // To the last moment of the tenth day after the sale, by the exchange's calendar.
        TimeZoneInfo.ConvertTime(until, TimeZoneInfo.FindSystemTimeZoneById("America/New_York")).TimeOfDay.ShouldBe(TimeSpan.Zero);
        (until - TimeProvider.System.GetUtcNow()).TotalDays.ShouldBeInRange(9.9, 11.1);

        (string Code, object Body)[] wrong =
        [
            ("invalid_field", new { reason = "changed_mind" }), ("missing_field", new { note = "no reason" }), ("invalid_format", new { reason = "Call +12025550101" }),
            ("invalid_format", new { reason = "renter", evidence_url = "ftp://example.com/x" }), ("unknown_field", new { reason = "renter", refund = "100%" }),
            ("out_of_range", new { reason = "renter", note = new string('x', 2_001) }), ("wrong_type", new { reason = "renter", note = new[] { "renter" } }),
        ];
        foreach (var (code, body) in wrong)
        {
            var refused = await ReturnAsync(buyer, copy, body);
            (refused.Status, refused.Code).ShouldBe((422, code), refused.Text);
            refused.Text.ShouldNotContain("12025550101");
        }
        (await exchange.PostAsync($"/v1/buyer/copies/{copy}/return", buyer, "{")).Status.ShouldBe(400);
        var other = await exchange.KeyAsync("buyer", "other-one");
        foreach (var (key, id) in new[] { (other, copy), (buyer, copy[..^1] + "7"), (buyer, "nothing") }) (await ReturnAsync(key, id)).Status.ShouldBe(404);
        (await ReturnAsync(publisher.Key, copy)).Status.ShouldBe(403);
        (await BalanceAsync("buyer:buyer-one")).ShouldBe("-11.00");

        // Many at once: one is taken.
        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => ReturnAsync(buyer, copy, new { reason = "renter", note = "says so", evidence_url = "https://example.com/call.mp3" })));
        answers.Count(answer => answer.Status == 200).ShouldBe(1);
        answers.Single(answer => answer.Status == 200)["status"].ShouldBe("accepted");
        answers.Where(answer => answer.Status != 200).ShouldAllBe(answer => answer.Status == 409 && answer.Code == "already_returned");
        (await ReturnAsync(buyer, copy)).Code.ShouldBe("already_returned");

        (await BalanceAsync("buyer:buyer-one"), await BalanceAsync("publisher:pub-one")).ShouldBe(("0.00", "0.00"));
        decimal.Parse((await BalanceAsync("house"))!, CultureInfo.InvariantCulture).ShouldBe(houseBefore - 2.20m);
        var ledger = await exchange.LedgerAsync(lead);
        ledger.Select(row => $"{row.Text("kind")} {row.Text("debit")} {row.Text("credit")} {row.Text("amount")}").ShouldBe(
            ["reverse house buyer:buyer-one 2.20", "reverse publisher:pub-one buyer:buyer-one 8.80", "margin buyer:buyer-one house 2.20", "payout buyer:buyer-one publisher:pub-one 8.80"]);
        (await exchange.GetAsync("/v1/buyer/balance", buyer))["balance"].ShouldBe("0.00");

        var told = await publisher.LeadAsync(lead);
        (told["status"], told["payout"], told.Json["copies"]![0].Text("status"), told.Json["copies"]![0].Text("payout")).ShouldBe(("sold", "0.00", "returned", "0.00"));
        told.Text.ShouldNotContain("renter");
        var admin = (await exchange.AdminAsync($"leads/{lead}"))["copies"]![0]!;
        (admin.Text("status"), admin.Text("money"), admin["return"].Text("status"), admin["return"].Text("reason")).ShouldBe(("returned", "reversed", "accepted", "renter"));
        var listed = await ListedAsync(buyer, copy);
        (listed.Text("status"), listed["return"].Text("status"), listed.Text("price")).ShouldBe(("returned", "accepted", "11.00"));

        // The place in the cap is there again, the money too.
        var cap = await exchange.CapAsync("camp-one", "day.leads");
        (cap.Text("used"), cap.Text("left")).ShouldBe(("0", "1"));
        await SoldAsync(publisher);
        (await publisher.PingAsync())["status"].ShouldBe("no_offer");
    }

    private async Task<global::System.Text.Json.Nodes.JsonNode> ListedAsync(string buyer, string copy) =>
        (await exchange.GetAsync("/v1/buyer/copies?limit=500", buyer)).Json["copies"]!.AsArray().Single(each => each.Text("copy_id") == copy)!;

    [Fact]
    public async Task Return_OutsideTheWindowOrWithoutTerms_IsRefused_AndASaleKeepsItsTerms()
    {
        var (publisher, buyer) = await OpenAsync("late", "{ within: 1ms }");
        using var _ = publisher;
        var late = await CopyOfAsync(await SoldAsync(publisher));
        var refused = await ReturnAsync(buyer, late);
        (refused.Status, refused.Code).ShouldBe((409, "return_window_closed"), refused.Text);

        await exchange.PatchAsync("buyers/buyer-late", new { returns = new { within = "1d" } });
        var inTime = await CopyOfAsync(await SoldAsync(publisher));
        await exchange.PatchAsync("buyers/buyer-late", new Dictionary<string, object?> { ["returns"] = null });
        var never = await CopyOfAsync(await SoldAsync(publisher));

        (await ReturnAsync(buyer, late)).Code.ShouldBe("return_window_closed");
        (await ReturnAsync(buyer, never)).Code.ShouldBe("return_window_closed");
        (await ListedAsync(buyer, never)).Text("return_until").ShouldBeNull();
        (await ReturnAsync(buyer, inTime))["status"].ShouldBe("accepted");
        (await BalanceAsync("buyer:buyer-late")).ShouldBe("-22.00");
    }

    [Fact]
    public async Task Return_AboveTheQuota_IsRefused_AlsoWhenManyAskAtOnce()
    {
        var (publisher, buyer) = await OpenAsync("quota", "{ within: 30d, at_most: 25% }");
        using var _ = publisher;
        var copies = new List<string>();
        for (var i = 0; i < 8; i++) copies.Add(await CopyOfAsync(await SoldAsync(publisher)));

        var answers = await Task.WhenAll(copies.Select(copy => ReturnAsync(buyer, copy)));

        answers.Count(answer => answer.Status == 200).ShouldBe(2);
        answers.Where(answer => answer.Status != 200).ShouldAllBe(answer => answer.Status == 422 && answer.Code == "return_quota");
        (await BalanceAsync("buyer:buyer-quota")).ShouldBe("-66.00");

        var report = await exchange.AdminAsync("reports/returns?group_by=campaign");
        var row = report["rows"]!.AsArray().Single(row => row.Text("campaign") == "camp-quota");
        (row.Text("sold"), row.Text("returned"), row.Text("returned_percent"), row.Text("price"), row.Text("refunded")).ShouldBe(("8", "2", "25.00", "88.00", "22.00"));
        var one = (await exchange.AdminAsync("reports/returns?publisher=pub-quota"))["total"]!;
        (one.Text("sold"), one.Text("returned")).ShouldBe(("8", "2"));
        var table = await exchange.SendAsync(HttpMethod.Get, "/v1/admin/reports/returns?group_by=publisher&from=2026-01-01&to=2100-01-01", ExchangeProcess.AdminKey, null, "", ("Accept", "text/csv"));
        table.Text.ShouldStartWith("publisher,sold,returned,requested,returned_percent,price,refunded\r\n");
        table.Text.ShouldContain("pub-quota,8,2,0,25.00,88.00,22.00\r\n");
        (await exchange.GetAsync("/v1/admin/reports/returns?group_by=zip")).Code.ShouldBe("invalid_field");
    }

    [Fact]
    public async Task Return_ThatWaits_IsAcceptedOrRefusedByAnAdmin_AndThePublisherMayKeepItsPayout()
    {
        var (publisher, buyer) = await OpenAsync("asks", "{ within: 10d, review: true }", payout: "share: 80%, on_return: keep");
        using var _ = publisher;
        string[] leads = [await SoldAsync(publisher), await SoldAsync(publisher)];
        string[] copies = [await CopyOfAsync(leads[0]), await CopyOfAsync(leads[1])];
        foreach (var copy in copies) (await ReturnAsync(buyer, copy, new { reason = "invalid_phone", note = "+12025550101 rings nowhere" }))["status"].ShouldBe("requested");
        (await ReturnAsync(buyer, copies[0])).Code.ShouldBe("already_returned");
        (await BalanceAsync("buyer:buyer-asks")).ShouldBe("-22.00");

        var waiting = await exchange.AdminAsync("returns?status=requested&buyer=buyer-asks");
        waiting["returns"]!.AsArray().Select(row => row.Text("copy_id")).ShouldBe(copies, ignoreOrder: true);
        waiting.ToJsonString().ShouldNotContain("12025550101");
        (await exchange.AdminAsync($"returns/{copies[0]}")).Text("note").ShouldBe("•••");
        (await exchange.AdminAsync($"returns/{copies[0]}?reveal=true")).Text("note").ShouldBe("+12025550101 rings nowhere");
        var viewer = await exchange.KeyAsync("viewer", "somebody");
        (await exchange.GetAsync($"/v1/admin/returns/{copies[0]}?reveal=true", viewer)).Status.ShouldBe(403);
        (await exchange.PostAsync($"/v1/admin/returns/{copies[0]}/accept", viewer, "")).Status.ShouldBe(403);
        (await exchange.PostAsync("/v1/admin/returns/nothing/accept", ExchangeProcess.AdminKey, "")).Status.ShouldBe(404);

        var decided = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => exchange.PostAsync($"/v1/admin/returns/{copies[0]}/accept", ExchangeProcess.AdminKey, "")));
        decided.Count(answer => answer.Status == 200 && answer["status"] == "accepted").ShouldBe(1);
        decided.Where(answer => answer.Status != 200).ShouldAllBe(answer => answer.Status == 409 && answer.Code == "already_decided");
        (await exchange.PostAsync($"/v1/admin/returns/{copies[1]}/refuse", ExchangeProcess.AdminKey, ""))["status"].ShouldBe("refused");
        (await ReturnAsync(buyer, copies[1])).Code.ShouldBe("return_refused");

        (await BalanceAsync("buyer:buyer-asks"), await BalanceAsync("publisher:pub-asks")).ShouldBe(("-11.00", "17.60"));
        (await publisher.LeadAsync(leads[0])).Json.ShouldSatisfyAllConditions(lead => lead.Text("payout").ShouldBe("8.80"), lead => lead["copies"]![0].Text("status").ShouldBe("returned"));
        (await exchange.AdminAsync($"leads/{leads[0]}")).ShouldSatisfyAllConditions(lead => lead.Text("price").ShouldBe("0.00"), lead => lead.Text("payout").ShouldBe("8.80"));
        (await exchange.AdminAsync($"leads/{leads[1]}"))["copies"]![0].ShouldSatisfyAllConditions(copy => copy.Text("status").ShouldBe("sold"), copy => copy!["return"].Text("status").ShouldBe("refused"));
        (await exchange.GetAsync("/v1/admin/returns?status=done")).Code.ShouldBe("invalid_field");
    }

    [Fact]
    public async Task Return_SameKeyAgain_GetsTheRecordedAnswer()
    {
        var (publisher, buyer) = await OpenAsync("again", "{ within: 10d }");
        using var _ = publisher;
        var copy = await CopyOfAsync(await SoldAsync(publisher));
        var first = await ReturnAsync(buyer, copy, null, ("Idempotency-Key", "return-1"));
        var second = await ReturnAsync(buyer, copy, null, ("Idempotency-Key", "return-1"));
        (first.Status, second.Status, second.Text, second.Headers["Idempotency-Replayed"]).ShouldBe((200, 200, first.Text, "true"));
        (await ReturnAsync(buyer, copy, new { reason = "renter" }, ("Idempotency-Key", "return-1"))).Code.ShouldBe("idempotency_key_reused");
    }

    [Fact]
    public async Task Disposition_IsKeptAndShown_AndMovesNoMoney()
    {
        var (publisher, buyer) = await OpenAsync("says", "");
        using var _ = publisher;
        var lead = await SoldAsync(publisher);
        var copy = await CopyOfAsync(lead);
        Task<Reply> Say(string key, object body) => exchange.PostAsync($"/v1/buyer/copies/{copy}/disposition", key, body);

        (await Say(buyer, new { disposition = "contacted" }))["disposition"].ShouldBe("contacted");
        var won = await Say(buyer, new { disposition = "won", value = "1250.00", note = "Pat signs on Friday" });
        (won.Status, won["value"]).ShouldBe((200, "1250.00"), won.Text);
        (string, object)[] wrong =
        [
            ("invalid_field", new { disposition = "sold" }), ("missing_field", new { value = "1.00" }), ("invalid_format", new { disposition = "won", value = "much" }),
            ("out_of_range", new { disposition = "won", value = "-1.00" }), ("unknown_field", new { disposition = "won", price = "1.00" }),
        ];
        foreach (var (code, body) in wrong)
        {
            var refused = await Say(buyer, body);
            (refused.Status, refused.Code).ShouldBe((422, code), refused.Text);
        }
        (await Say(await exchange.KeyAsync("buyer", "other-says"), new { disposition = "won" })).Status.ShouldBe(404);

        var told = (await exchange.AdminAsync($"leads/{lead}"))["copies"]![0]!;
        told.Text("disposition").ShouldBe("won");
        told["dispositions"]!.AsArray().Select(word => $"{word.Text("disposition")} {word.Text("value")}").ShouldBe(["contacted ", "won 1250.00"]);
        (await ListedAsync(buyer, copy)).Text("disposition").ShouldBe("won");
        (await publisher.LeadAsync(lead)).Text.ShouldNotContain("won");
        (await BalanceAsync("buyer:buyer-says")).ShouldBe("-11.00");
    }

    [Fact]
    public async Task NoteOfADisposition_IsShownToAnAdminWhoRevealsIt_AndGoesWithThePerson()
    {
        var (publisher, buyer) = await OpenAsync("notes", "");
        using var _ = publisher;
        var lead = await SoldAsync(publisher);
        var copy = await CopyOfAsync(lead);
        foreach (var body in (object[])[new { disposition = "contacted" }, new { disposition = "won", note = "Pat signs on Friday" }])
            (await exchange.PostAsync($"/v1/buyer/copies/{copy}/disposition", buyer, body)).Status.ShouldBe(200);

        (await NotesAsync("")).ShouldBe(["contacted ", "won •••"]);
        (await NotesAsync("?reveal=true")).ShouldBe(["contacted ", "won Pat signs on Friday"]);
        (await exchange.AdminAsync("leads?publisher=pub-notes")).ToJsonString().ShouldNotContain("Friday");
        (await ListedAsync(buyer, copy))["dispositions"]!.ToJsonString().ShouldNotContain("note");
        (await exchange.SendAsync(HttpMethod.Delete, $"/v1/admin/leads/{lead}/pii", ExchangeProcess.AdminKey)).Status.ShouldBe(202);
        (await NotesAsync("?reveal=true")).ShouldBe(["contacted ", "won "]);

        async Task<string[]> NotesAsync(string how) =>
            [.. (await exchange.AdminAsync($"leads/{lead}{how}"))["copies"]![0]!["dispositions"]!.AsArray().Select(word => $"{word.Text("disposition")} {word.Text("note")}")];
    }

    [Fact]
    public async Task Caps_OfPublishersAndTrees_AreReadAsTheyStand()
    {
        var zone = Market.ZoneAtDaytime();
        await exchange.ApplyAsync(Market.With(
            $$"""
            publishers:
              pub-caps: { verticals: [auto], payout: { share: 80% }, caps: [ { per: day, leads: 9, time_zone: {{zone}}, each: zip, count: kept }, { per: total, spend: "100.00" } ] }
            buyers:
              buyer-caps: { credit_limit: "5000.00", returns: { within: 1d } }
            campaigns:
              camp-caps: { buyer: buyer-caps, vertical: auto, bid: "11.00" }
            ping_trees:
              tree-caps:
                vertical: auto
                caps: [ { per: day, spend: "50.00", time_zone: {{zone}} } ]
                tiers: [ { name: market, method: auction, campaigns: [camp-caps] } ]
            """));
        using var publisher = await Sender.OfAsync(exchange, "pub-caps");
        var returned = await CopyOfAsync(await SoldAsync(publisher));
        await SoldAsync(publisher);
        (await ReturnAsync(await exchange.KeyAsync("buyer", "buyer-caps"), returned))["status"].ShouldBe("accepted");

        var caps = (await exchange.AdminAsync("publishers/pub-caps"))["state"]!["caps"]!.AsArray();
        caps.Select(cap => cap.Text("cap")).ShouldBe(["day.leads.by.zip", "total.spend"]);
        caps[0]!["values"]![0].ShouldSatisfyAllConditions(value => value.Text("value").ShouldBe("90210"), value => value.Text("used").ShouldBe("1"));
        (caps[1].Text("used"), caps[1].Text("left")).ShouldBe(("17.60", "82.40"));
        var tree = (await exchange.AdminAsync("ping_trees/tree-caps"))["state"]!["caps"]!.AsArray().ShouldHaveSingleItem();
        (tree.Text("used"), tree.Text("spend")).ShouldBe(("22.00", "50.00"));
        (await exchange.AdminAsync("verticals/auto"))["state"].ShouldBeNull();
    }
}
