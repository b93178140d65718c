using System.Globalization;
using Shouldly;

namespace Exchange.System.Tests.BlackBox;

/// <summary>A prepaid buyer buys for what it paid in, never for more.</summary>
[Collection(OffersAndRaces.Name)]
public sealed class BalanceTests
{
    private readonly ExchangeProcess exchange;

    public BalanceTests(RunningExchange running) => exchange = running.Process;

    [Fact]
    public async Task TwentyLeft_LeadsAtEleven_OneSaleThenExcluded()
    {
        await exchange.ApplyAsync(Catalog("one"));
        await FundAsync("buyer-one", "20.00", "wire-1");
        using var publisher = await Sender.OfAsync(exchange, "pub-one");
        (await publisher.PingAndPostAsync())["status"].ShouldBe("sold");
        (await BalanceAsync("buyer-one")).ShouldBe("9.00");

        var ping = await publisher.PingAsync();
        ping["status"].ShouldBe("no_offer");
        ping["reason"].ShouldBe("no_eligible_campaign");
        var told = await exchange.ExplainedAsync(ping["ping_id"]!, "prepaid-one");
        told.Text("verdict").ShouldBe("excluded");
        told.Text("reason").ShouldBe("balance");
        told["limit"].Text("needed").ShouldBe("11.00");
        told["limit"].Text("left").ShouldBe("9.00");

        // Money in, and it buys again.
        await FundAsync("buyer-one", "2.00", "wire-2");
        (await publisher.PingAndPostAsync())["status"].ShouldBe("sold");
        (await BalanceAsync("buyer-one")).ShouldBe("0.00");
    }

    [Fact]
    public async Task TwentyLeft_TwentyPostsAtOnce_OneSaleAndNeverNegative()
    {
        await exchange.ApplyAsync(Catalog("race"));
        await FundAsync("buyer-race", "20.00", "wire-race");
        using var publisher = await Sender.OfAsync(exchange, "pub-race");
        var pings = new List<string>();
        for (var i = 0; i < 20; i++) pings.Add(await publisher.OfferedAsync());

        var answers = await Task.WhenAll(pings.Select(ping => publisher.PostAsync(ping)));

        answers.Count(answer => answer["status"] == "sold").ShouldBe(1);
        answers.Where(answer => answer["status"] != "sold").Select(answer => (answer["status"], answer["reason"])).Distinct().ShouldBe([("unsold", "all_rejected")]);
        (await BalanceAsync("buyer-race")).ShouldBe("9.00");
        var account = (await exchange.AdminAsync("ledger?account=buyer:buyer-race&limit=200"))["transfers"]!.AsArray();
        account.NetOf("buyer:buyer-race").ShouldBe(9.00m);
    }

    [Fact]
    public async Task Funds_OneReferenceTwice_BookOnce()
    {
        await exchange.ApplyAsync(Catalog("twice"));
        (await FundAsync("buyer-twice", "500.00", "wire-7")).Json["booked"]!.GetValue<bool>().ShouldBeTrue();
        (await FundAsync("buyer-twice", "500.00", "wire-7")).Json["booked"]!.GetValue<bool>().ShouldBeFalse();
        (await BalanceAsync("buyer-twice")).ShouldBe("500.00");
        var account = (await exchange.AdminAsync("ledger?account=buyer:buyer-twice"))["transfers"]!.AsArray();
        account.ShouldHaveSingleItem().Text("debit").ShouldBe("bank");

        var atOnce = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => FundAsync("buyer-twice", "1.00", "wire-8")));
        atOnce.Count(reply => reply.Json["booked"]!.GetValue<bool>()).ShouldBe(1);
        (await BalanceAsync("buyer-twice")).ShouldBe("501.00");
    }

    [Fact]
    public async Task CreditLimit_IsHowFarTheBalanceMayFall()
    {
        await exchange.ApplyAsync(Catalog("credit", credit: "25.00"));
        using var publisher = await Sender.OfAsync(exchange, "pub-credit");
        for (var i = 0; i < 2; i++) (await publisher.PingAndPostAsync())["status"].ShouldBe("sold");
        (await BalanceAsync("buyer-credit")).ShouldBe("-22.00");
        var ping = await publisher.PingAsync();
        ping["status"].ShouldBe("no_offer");
        var told = await exchange.ExplainedAsync(ping["ping_id"]!, "prepaid-credit");
        told.Text("reason").ShouldBe("balance");
        told["limit"].Text("left").ShouldBe("3.00");
    }

    [Fact]
    public async Task Funds_AboveWhatABuyerMayHave_AreRefused_AndNothingIsBooked()
    {
        await exchange.ApplyAsync(Catalog("rich"));
        await FundAsync("buyer-rich", "999999990", "wire-1");
        var refused = await exchange.PostAsync("/v1/admin/buyers/buyer-rich/funds", ExchangeProcess.AdminKey, new { amount = "10.01", reference = "wire-2" });
        (refused.Status, refused.Code).ShouldBe((422, "out_of_range"));
        refused.Json["errors"]![0]!["pointer"]!.GetValue<string>().ShouldBe("/amount");
        await FundAsync("buyer-rich", "10", "wire-2");
        (await BalanceAsync("buyer-rich")).ShouldBe("1000000000.00");
        // What is booked is booked, also where no more would fit.
        (await FundAsync("buyer-rich", "999999990", "wire-1")).Json["booked"]!.GetValue<bool>().ShouldBeFalse();
    }

    [Fact]
    public async Task Balances_OfAllAccounts_ComeToNothing_ThoseThatLeftTheCatalogToo()
    {
        await exchange.ApplyAsync(Catalog("left"));
        await FundAsync("buyer-left", "3.00", "wire-1");
        await exchange.ApplyAsync(Catalog("stays"));

        var listed = (await exchange.AdminAsync("ledger/balances"))["balances"]!.AsArray().Select(row => (Account: row.Text("account")!, Balance: decimal.Parse(row.Text("balance")!, CultureInfo.InvariantCulture))).ToList();

        listed.Take(2).Select(row => row.Account).ShouldBe(["house", "bank"]);
        listed.ShouldContain(("buyer:buyer-left", 3.00m));
        listed.ShouldContain(("buyer:buyer-stays", 0m));
        listed.Sum(row => row.Balance).ShouldBe(0m);
    }

    private async Task<Reply> FundAsync(string buyer, string amount, string reference)
    {
        var reply = await exchange.PostAsync($"/v1/admin/buyers/{buyer}/funds", ExchangeProcess.AdminKey, new { amount, reference });
        reply.Status.ShouldBe(200, reply.Text);
        return reply;
    }

    private async Task<string?> BalanceAsync(string buyer) =>
        (await exchange.GetAsync("/v1/buyer/balance", await exchange.KeyAsync("buyer", buyer)))["balance"];

    private static string Catalog(string id, string credit = "0.00") => Market.With(
        $$"""
        publishers:
          pub-{{id}}: { verticals: [auto], payout: { share: 80% } }
        buyers:
          buyer-{{id}}: { credit_limit: "{{credit}}" }
        campaigns:
          prepaid-{{id}}: { buyer: buyer-{{id}}, vertical: auto, bid: "11.00" }
        ping_trees:
          tree-{{id}}:
            vertical: auto
            tiers: [ { name: market, method: auction, campaigns: [prepaid-{{id}}] } ]
        """);
}
