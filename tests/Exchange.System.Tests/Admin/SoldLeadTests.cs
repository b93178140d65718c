using System.Text.Json.Nodes;
using Exchange.System.Tests.BlackBox;
using Shouldly;

namespace Exchange.System.Tests.Admin;

/// <summary>What admin, viewer and buyer see of one sold lead: copies, money, masks, explanation, inbox; and the same by the command line.</summary>
public sealed class SoldLeadTests(InsuranceExchange fixture) : IClassFixture<InsuranceExchange>, IAsyncLifetime
{
    private const string Email = "marker.of.this.person@example.com";
    private const string Phone = "+13105550143";

    private readonly ExchangeProcess exchange = fixture.Process;
    private string lead = "";
    private string buyer = "";

    /// <summary>Once for the class: the second test finds the lead there.</summary>
    public async Task InitializeAsync()
    {
        var keys = (await exchange.GetAsync("/v1/admin/keys")).Json["keys"]!.AsArray();
        foreach (var old in keys.Where(key => key!["role"]!.GetValue<string>() is "publisher" or "buyer" && key["revoked_at"] is null))
            await exchange.SendAsync(HttpMethod.Delete, $"/v1/admin/keys/{old!["id"]}", ExchangeProcess.AdminKey);
        buyer = await exchange.KeyAsync("buyer", "acme");
        var leads = (await exchange.GetAsync("/v1/admin/leads")).Json["leads"]!.AsArray();
        if (leads.Count > 0)
        {
            lead = leads[0]!["lead_id"]!.GetValue<string>();
            return;
        }
        var publisher = await exchange.KeyAsync("publisher", "search-partner");
        var ping = await exchange.PostAsync("/v1/pings", publisher, """
            { "vertical": "auto-insurance", "sub_id": "kw-17", "fields": { "zip": "90210", "state": "CA", "age": 35, "currently_insured": true } }
            """);
        ping.Status.ShouldBe(200, ping.Text);
        var post = await exchange.PostAsync("/v1/posts", publisher, $$"""
            { "ping_id": "{{ping["ping_id"]}}", "fields": { "first_name": "Marguerite", "last_name": "Marker", "email": "{{Email}}", "phone": "{{Phone}}" },
              "consent": { "text": "I agree", "page": "https://example.com/auto?who=marker", "ip": "203.0.113.199" } }
            """);
        post["status"].ShouldBe("sold", post.Text);
        lead = post["lead_id"]!;
    }

    public Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public async Task Admin_SeesCopiesAndMoney_AndMaskedPeople()
    {
        var reply = await exchange.GetAsync($"/v1/admin/leads/{lead}");
        reply.Status.ShouldBe(200, reply.Text);
        var copy = reply.Json["copies"]!.AsArray().ShouldHaveSingleItem()!;
        copy.AsObject().Where(member => member.Key is "campaign" or "buyer" or "price" or "payout" or "status" or "money").ToDictionary(member => member.Key, member => member.Value!.GetValue<string>())
            .ShouldBe(new Dictionary<string, string>
            {
                ["campaign"] = "acme-west", ["buyer"] = "acme", ["price"] = "11.00", ["payout"] = "8.80", ["status"] = "sold", ["money"] = "captured",
            }, ignoreOrder: true);
        reply.Json["fields"]!["email"]!.GetValue<string>().ShouldBe("m•••@•••");
        reply.Json["fields"]!["phone"]!.GetValue<string>().ShouldBe("+1••••••••43");
        reply.Json["fields"]!["zip"]!.GetValue<string>().ShouldBe("90210");
        foreach (var marker in (string[])["arker", "3105550", "203.0.113"]) reply.Text.ShouldNotContain(marker);
        var list = await exchange.GetAsync("/v1/admin/leads?publisher=search-partner&status=sold&buyer=acme");
        list.Json["leads"]!.AsArray().ShouldHaveSingleItem()!["lead_id"]!.GetValue<string>().ShouldBe(lead);
        (await exchange.GetAsync("/v1/admin/leads?status=unsold")).Json["leads"]!.AsArray().ShouldBeEmpty();
    }

    [Fact]
    public async Task Reveal_IsForAdminsOnly()
    {
        var revealed = await exchange.GetAsync($"/v1/admin/leads/{lead}?reveal=true");
        revealed.Json["fields"]!["email"]!.GetValue<string>().ShouldBe(Email);
        revealed.Json["fields"]!["phone"]!.GetValue<string>().ShouldBe(Phone);
        var viewer = await exchange.PostAsync("/v1/admin/keys", ExchangeProcess.AdminKey, new { role = "viewer", @for = "curious" });
        (await exchange.GetAsync($"/v1/admin/leads/{lead}?reveal=true", viewer["key"])).Code.ShouldBe("forbidden");
        (await exchange.GetAsync($"/v1/admin/leads/{lead}", viewer["key"])).Text.ShouldNotContain("3105550");
    }

    [Fact]
    public async Task Ledger_OfTheLead_SumsToZero()
    {
        var transfers = (await exchange.GetAsync($"/v1/admin/ledger?lead_id={lead}")).Json["transfers"]!.AsArray();
        var balances = new Dictionary<string, decimal>(StringComparer.Ordinal);
        foreach (var transfer in transfers)
        {
            var amount = decimal.Parse(transfer!["amount"]!.GetValue<string>(), global::System.Globalization.CultureInfo.InvariantCulture);
            balances[transfer["debit"]!.GetValue<string>()] = balances.GetValueOrDefault(transfer["debit"]!.GetValue<string>()) - amount;
            balances[transfer["credit"]!.GetValue<string>()] = balances.GetValueOrDefault(transfer["credit"]!.GetValue<string>()) + amount;
        }
        balances.ShouldBe(new Dictionary<string, decimal> { ["buyer:acme"] = -11.00m, ["publisher:search-partner"] = 8.80m, ["house"] = 2.20m }, ignoreOrder: true);
        var cap = (await exchange.GetAsync("/v1/admin/campaigns/acme-west")).Json["state"]!["caps"]!.AsArray().Single(cap => cap!["cap"]!.GetValue<string>() == "day.leads")!;
        (cap["used"]!.GetValue<long>(), cap["held"]!.GetValue<long>(), cap["left"]!.GetValue<long>()).ShouldBe((1, 0, 199));
        var balance = await exchange.GetAsync("/v1/buyer/balance", buyer);
        (balance["balance"], balance["credit_limit"], balance["held"], balance["available"]).ShouldBe(("-11.00", "5000.00", "0.00", "4989.00"));
    }

    [Fact]
    public async Task Buyer_PullsItsCopyWhole_AndAcknowledgesIt()
    {
        var page = await exchange.GetAsync("/v1/buyer/copies", buyer);
        var copy = page.Json["copies"]!.AsArray().ShouldHaveSingleItem()!;
        copy["type"]!.GetValue<string>().ShouldBe("copy.sold");
        copy["price"]!.GetValue<string>().ShouldBe("11.00");
        copy["fields"]!["email"]!.GetValue<string>().ShouldBe(Email);
        page.Text.ShouldNotContain("search-partner");
        page.Text.ShouldNotContain("kw-17");
        page.Text.ShouldNotContain("8.80");

        var id = copy["copy_id"]!.GetValue<string>();
        var other = await exchange.KeyAsync("buyer", "best-auto");
        (await exchange.GetAsync("/v1/buyer/copies", other)).Json["copies"]!.AsArray().ShouldBeEmpty();
        (await exchange.PostAsync($"/v1/buyer/copies/{id}/ack", other, "{}")).Code.ShouldBe("not_found");
        for (var i = 0; i < 2; i++) (await exchange.PostAsync($"/v1/buyer/copies/{id}/ack", buyer, "{}"))["status"].ShouldBe("delivered");
        (await exchange.GetAsync("/v1/buyer/copies?status=waiting", buyer)).Json["copies"]!.AsArray().ShouldBeEmpty();
        (await exchange.GetAsync("/v1/buyer/copies?status=delivered", buyer)).Json["copies"]!.AsArray().Count.ShouldBe(1);
        (await exchange.PostAsync("/v1/buyer/copies/nothing/ack", buyer, "{}")).Code.ShouldBe("not_found");
        // Its terms let nothing come back, and another buyer has no such copy.
        (await exchange.PostAsync($"/v1/buyer/copies/{id}/return", buyer, """{ "reason": "invalid_phone" }""")).Code.ShouldBe("return_window_closed");
        (await exchange.PostAsync($"/v1/buyer/copies/{id}/return", other, """{ "reason": "invalid_phone" }""")).Code.ShouldBe("not_found");
    }

    [Fact]
    public async Task Losses_AreForBuyersAlone_OfTheirOwnCampaigns()
    {
        var page = await exchange.GetAsync("/v1/buyer/losses", buyer);
        page.Status.ShouldBe(200, page.Text);
        page.Json["losses"]!.AsArray().ShouldBeEmpty();
        (await exchange.GetAsync($"/v1/buyer/losses?campaign=acme-west&after={page["next"]}", buyer)).Status.ShouldBe(200);
        (await exchange.GetAsync("/v1/buyer/losses?campaign=best-auto-any", buyer)).Code.ShouldBe("not_found");
        (await exchange.GetAsync("/v1/buyer/losses?campaign=nobody", buyer)).Code.ShouldBe("not_found");
        (await exchange.GetAsync("/v1/buyer/losses?after=nonsense", buyer)).Status.ShouldBe(422);
        (await exchange.GetAsync($"/v1/buyer/losses?after={lead}", buyer)).Status.ShouldBe(422);
        var viewer = await exchange.PostAsync("/v1/admin/keys", ExchangeProcess.AdminKey, new { role = "viewer", @for = "curious" });
        (await exchange.GetAsync("/v1/buyer/losses", viewer["key"])).Code.ShouldBe("forbidden");
        (await exchange.GetAsync("/v1/buyer/losses", await exchange.KeyAsync("publisher", "search-partner"))).Code.ShouldBe("forbidden");
        var paths = (await exchange.GetAsync("/openapi/v1.json")).Json["paths"]!;
        paths["/v1/buyer/losses"].ShouldNotBeNull();
        paths["/v1/buyer/copies/{copy_id}/return"]!["post"]!["requestBody"]!["content"]!["application/json"]!["schema"]!["properties"]!["evidence_url"].ShouldNotBeNull();
        paths["/v1/admin/returns"]!["get"]!["responses"]!["200"]!["content"]!["application/json"]!["schema"]!["properties"]!["returns"].ShouldNotBeNull();
    }

    [Fact]
    public async Task Explanation_TellsEachCampaignsVerdictWithNumbers()
    {
        var reply = await exchange.GetAsync($"/v1/admin/pings/{lead}/explanation");
        reply.Status.ShouldBe(200, reply.Text);
        reply["outcome"].ShouldBe("offered");
        var campaigns = reply.Json["campaigns"]!.AsArray();
        campaigns.Select(campaign => (campaign!["campaign"]!.GetValue<string>(), campaign["verdict"]!.GetValue<string>(), campaign["reason"]?.GetValue<string>())).ShouldBe(
        [
            ("acme-west", "won", null),
            ("best-auto-any", "lost", "outbid"),
            ("pool-a", "lost", "tier_filled"),
            ("pool-b", "lost", "tier_filled"),
            ("pool-c", "lost", "tier_filled"),
        ]);
        (campaigns[0]!["bid"]!.GetValue<string>(), campaigns[0]!["price"]!.GetValue<string>(), campaigns[0]!["payout"]!.GetValue<string>()).ShouldBe(("12.50", "11.00", "8.80"));
        campaigns[1]!["bid"]!.GetValue<string>().ShouldBe("11.00");
        campaigns[1]!["would_have_sold"]!.GetValue<string>().ShouldStartWith("bid +1.5");
        reply.Json["bids"]!.AsArray()[0]!["campaign"]!.GetValue<string>().ShouldBe("acme-west");
    }

    [Fact]
    public async Task CommandLine_AgainstTheRunningExchange_DoesTheSame()
    {
        var explain = await exchange.CliAsync("explain", lead);
        explain.Code.ShouldBe(0, explain.Error);
        foreach (var word in (string[])["acme-west", "won", "best-auto-any", "outbid", "12.50", "8.80"]) explain.Output.ShouldContain(word);
        (await exchange.CliAsync("explain", "nothing")).Code.ShouldBe(1);

        var file = Path.Combine(Path.GetTempPath(), $"catalog-{Guid.NewGuid():N}.yaml");
        try
        {
            var export = await exchange.CliAsync("export");
            export.Code.ShouldBe(0, export.Error);
            await File.WriteAllTextAsync(file, export.Output.Replace("weight: 60", "weight: 61", StringComparison.Ordinal));
            var plan = await exchange.CliAsync("plan", file);
            plan.Code.ShouldBe(0, plan.Error);
            plan.Output.ShouldContain("~ campaigns.pool-a.weight  60 → 61");
            (await exchange.CliAsync("apply", file)).Code.ShouldBe(0);
            var stale = await exchange.CliAsync("apply", file);
            (stale.Code, stale.Error.Contains("version_conflict", StringComparison.Ordinal)).ShouldBe((1, true), stale.Error);
            (await exchange.CliAsync("apply", file, "--force")).Code.ShouldBe(0);
            var history = JsonNode.Parse((await exchange.CliAsync("history", "--json")).Output)!["versions"]!.AsArray();
            var first = history[^1]!["version"]!.ToString();
            history.Count.ShouldBeGreaterThan(2);
            (await exchange.CliAsync("rollback", "999999")).Code.ShouldBe(1);
            var back = await exchange.CliAsync("rollback", history[1]!["version"]!.ToString());
            back.Code.ShouldBe(0, back.Error);
            back.Output.ShouldContain("~ campaigns.pool-a.weight  61 → 60");
            first.ShouldNotBeEmpty();
            var keys = await exchange.CliAsync("keys", "list");
            keys.Code.ShouldBe(0, keys.Error);
            keys.Output.ShouldContain("acme");
        }
        finally
        {
            File.Delete(file);
        }
    }
}
