using System.Text.Json.Nodes;
using Shouldly;
using static Exchange.System.Tests.BlackBox.MarketCalls;

namespace Exchange.System.Tests.BlackBox;

/// <summary>Buyers whose answer makes the sale: yes, no, silence, nonsense, and what each does to money, caps and the other buyers.</summary>
[Collection(BuyersThatAnswer.Name)]
public sealed class FallThroughAndDoubtTests(FallThroughAndDoubtTests.Server server) : IClassFixture<FallThroughAndDoubtTests.Server>
{
    private readonly ExchangeProcess exchange = server.Exchange;
    private readonly BuyerApp buyers = server.Buyers;
    private readonly string key = server.Key;

    [Fact]
    public async Task FirstRefuses_SecondHasItAtTheSecondPrice_PublisherIsPaidAsPromised()
    {
        buyers["refuse-one"].Rejects();
        buyers["refuse-two"].Accepts();
        var (lead, reply) = await PostAsync("refuse");

        reply.Status.ShouldBe(200);
        (reply["status"], reply["payout"], reply["payout_pending"]).ShouldBe(("sold", "8.80", "0.00"));
        (await exchange.CopiesAsync(lead)).ShouldBe(["refuse-one 11.00 8.80 rejected voided", "refuse-two 11.00 8.80 sold captured"]);
        (await exchange.BookingsAsync(lead)).ShouldBe(["buyer:refuse-two house 2.20", "buyer:refuse-two publisher:search 8.80"]);
        (await exchange.LimitsAsync("refuse-one")).ShouldBe("0 0 0.00 0.00");
        (await exchange.LimitsAsync("refuse-two")).ShouldBe("1 0 11.00 0.00");
        var first = buyers["refuse-one"].Requests.ShouldHaveSingleItem();
        var second = buyers["refuse-two"].Requests.ShouldHaveSingleItem();
        first.Id.ShouldNotBe(second.Id);
        first.IsSigned.ShouldBeTrue();
        second.Json["copy_id"]!.GetValue<string>().ShouldBe(second.Id);
        second.Json["price"]!.GetValue<string>().ShouldBe("11.00");
        second.Json["fields"]!["email"]!.GetValue<string>().ShouldEndWith("@example.com");
    }

    [Fact]
    public async Task BothRefuse_ThirdCannotPayThePromise_UnsoldAndNothingIsBooked()
    {
        buyers["norefuge-one"].Rejects();
        buyers["norefuge-two"].AnswersStatus(422);
        var (lead, reply) = await PostAsync("norefuge");

        reply.Status.ShouldBe(200);
        (reply["status"], reply["reason"], reply["payout"]).ShouldBe(("unsold", "all_rejected", "0.00"));
        (await exchange.CopiesAsync(lead)).ShouldBe(["norefuge-one 11.00 8.80 rejected voided", "norefuge-two 11.00 8.80 rejected voided"]);
        (await exchange.BookingsAsync(lead)).ShouldBeEmpty();
        foreach (var campaign in (string[])["norefuge-one", "norefuge-two", "norefuge-three"]) (await exchange.LimitsAsync(campaign)).ShouldBe("0 0 0.00 0.00");
    }

    [Fact]
    public async Task FirstHangs_InDoubt_OnlyItIsAskedAgain_AndItsLaterYesMakesTheSale()
    {
        var one = buyers["hang-one"].Hangs().AcceptsWhenReleased();
        buyers["hang-two"].Accepts();
        var (lead, reply) = await PostAsync("hang");

        reply.Status.ShouldBe(202);
        (reply["status"], reply["payout"], reply["payout_pending"]).ShouldBe(("in_doubt", "0.00", "8.80"));
        reply.Headers["Location"].ShouldBe($"/v1/leads/{lead}");
        (await exchange.LimitsAsync("hang-one")).ShouldBe("0 1 0.00 11.00");
        (await exchange.BookingsAsync(lead)).ShouldBeEmpty();

        await Until(() => one.Requests.Count >= 2, "the same buyer is asked again", exchange);
        (await exchange.StatusAsync(key, lead)).ShouldBe("in_doubt");
        one.Release();
        await Until(async () => await exchange.StatusAsync(key, lead) == "sold", "its yes makes the sale", exchange);
        one.Requests.Select(request => request.Id).Distinct().ShouldHaveSingleItem();
        (await exchange.CopiesAsync(lead)).ShouldBe(["hang-one 11.00 8.80 sold captured"]);
        (await exchange.BookingsAsync(lead)).ShouldBe(["buyer:hang-one house 2.20", "buyer:hang-one publisher:search 8.80"]);
        (await exchange.LimitsAsync("hang-one")).ShouldBe("1 0 11.00 0.00");
        buyers["hang-two"].Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task FirstHangs_ItsLaterDefiniteNo_GoesOnToTheNextRank()
    {
        var one = buyers["laterno-one"].Hangs().Rejects();
        buyers["laterno-two"].Accepts();
        var (lead, reply) = await PostAsync("laterno");

        reply["status"].ShouldBe("in_doubt");
        await Until(async () => await exchange.StatusAsync(key, lead) == "sold", "the next rank has it", exchange);
        one.Requests.Count.ShouldBeGreaterThanOrEqualTo(2);
        one.Requests.Select(request => request.Id).Distinct().ShouldHaveSingleItem();
        (await exchange.CopiesAsync(lead)).ShouldBe(["laterno-one 11.00 8.80 rejected voided", "laterno-two 11.00 8.80 sold captured"]);
        (await exchange.LimitsAsync("laterno-one")).ShouldBe("0 0 0.00 0.00");
        (await exchange.LimitsAsync("laterno-two")).ShouldBe("1 0 11.00 0.00");
    }

    [Fact]
    public async Task DuplicateAfterDoubt_StaysInDoubt_AndIsAVisibleDeadLetter()
    {
        var one = buyers["dup-one"].SaysGarbage().SaysDuplicate();
        buyers["dup-two"].Accepts();
        var (lead, reply) = await PostAsync("dup");

        (reply.Status, reply["status"]).ShouldBe((202, "in_doubt"));
        await Until(async () => (await exchange.GetAsync("/v1/admin/deliveries?status=dead&buyer=dup-one")).Json["deliveries"]!.AsArray().Count == 1, "the dead letter shows", exchange);
        var dead = (await exchange.GetAsync("/v1/admin/deliveries?status=dead&buyer=dup-one")).Json["deliveries"]![0]!;
        (dead["lead_id"]!.GetValue<string>(), dead["copy_id"]!.GetValue<string>(), dead["error"]!.GetValue<string>())
            .ShouldBe((lead, one.Requests[0].Id, "duplicate_after_doubt"));
        (await exchange.StatusAsync(key, lead)).ShouldBe("in_doubt");
        (await exchange.LimitsAsync("dup-one")).ShouldBe("0 1 0.00 11.00");
        buyers["dup-two"].Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task DeadlineShorterThanTheCall_AnswersPending_AndTheCallGoesOn()
    {
        var one = buyers["slow-one"].AcceptsWhenReleased();
        buyers["slow-two"].Accepts();
        var (lead, reply) = await PostAsync("slow", deadlineMs: 300);

        (reply.Status, reply["status"], reply["payout_pending"]).ShouldBe((202, "pending", "8.80"));
        reply.Headers["Location"].ShouldBe($"/v1/leads/{lead}");
        one.Release();
        await Until(async () => await exchange.StatusAsync(key, lead) == "sold", "the running call's yes makes the sale", exchange);
        one.Requests.ShouldHaveSingleItem();
        buyers["slow-two"].Requests.ShouldBeEmpty();
        (await exchange.LimitsAsync("slow-one")).ShouldBe("1 0 11.00 0.00");
    }

    [Fact]
    public async Task AnotherPostOfThePing_WhileItsBuyerThinks_IsToldInItsOwnTime()
    {
        var one = buyers["twice-one"].AcceptsWhenReleased();
        var ping = await exchange.PingAsync(key, "twice");
        var first = exchange.SellAsync(key, PostBody(ping), "first");
        await Until(() => one.Requests.Count == 1, "its buyer is asked", exchange);

        var other = await exchange.SellAsync(key, PostBody(ping, deadlineMs: 300), "other");
        (other.Status, other.Code).ShouldBe((409, "already_posted"), other.Text);
        first.IsCompleted.ShouldBeFalse();
        one.Release();
        (await first)["status"].ShouldBe("sold");
    }

    [Fact]
    public async Task ComeAgainThenPendingThenYes_IsHeldForTheSameBuyer_AndSold()
    {
        var one = buyers["busy-one"].AnswersStatus(503).SaysPending().Accepts();
        buyers["busy-two"].Accepts();
        var (lead, reply) = await PostAsync("busy");

        (reply.Status, reply["status"]).ShouldBe((202, "pending"));
        await Until(async () => await exchange.StatusAsync(key, lead) == "sold", "it is sold in the end", exchange);
        one.Requests.Count.ShouldBe(3);
        one.Requests.Select(request => request.Id).Distinct().ShouldHaveSingleItem();
        buyers["busy-two"].Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task PostRepeatedWhileTheBuyerIsAskedAgain_GetsTheState_AndTheYesIsNotLost()
    {
        var one = buyers["repeat-one"].SaysGarbage().AcceptsWhenReleased();
        var ping = await exchange.PingAsync(key, "repeat");
        var body = PostBody(ping);
        (await exchange.SellAsync(key, body, "repeat-1"))["status"].ShouldBe("in_doubt");
        await Until(() => one.Requests.Count == 2, "the same buyer is asked again", exchange);

        var repeated = await exchange.SellAsync(key, body, "repeat-1");
        (repeated.Status, repeated["status"], repeated.Headers["Idempotency-Replayed"]).ShouldBe((202, "in_doubt", "true"));
        one.Release();
        await Until(async () => await exchange.StatusAsync(key, ping) == "sold", "its yes makes the sale", exchange);
        one.Requests.Count.ShouldBe(2);
        var last = await exchange.SellAsync(key, body, "repeat-1");
        (last.Status, last["status"], last["payout"], last.Headers["Idempotency-Replayed"]).ShouldBe((200, "sold", "8.80", "true"));
    }

    [Fact]
    public async Task WhoWasPassedOverAtThePost_IsToldWithTheLead_AndByExplain()
    {
        buyers["passed-two"].Accepts();
        var ping = await exchange.PingAsync(key, "passed");
        (await exchange.GetAsync($"/v1/admin/pings/{ping}/explanation")).Json["post"].ShouldBeNull();
        await exchange.PatchAsync("campaigns/passed-one", new { status = "paused" });
        (await exchange.SellAsync(key, PostBody(ping)))["status"].ShouldBe("sold");

        (await exchange.CopiesAsync(ping)).ShouldBe(["passed-two 11.00 8.80 sold captured"]);
        buyers["passed-one"].Requests.ShouldBeEmpty();
        string[] told = ["passed-one passed-one 11.00 campaign_paused The campaign is paused."];
        PassedOver((await exchange.GetAsync($"/v1/admin/leads/{ping}")).Json).ShouldBe(told);
        var post = (await exchange.GetAsync($"/v1/admin/pings/{ping}/explanation")).Json["post"]!;
        post["status"]!.GetValue<string>().ShouldBe("sold");
        post["copies"]!.AsArray().ShouldHaveSingleItem()!["campaign"]!.GetValue<string>().ShouldBe("passed-two");
        PassedOver(post).ShouldBe(told);
        var (code, output, error) = await exchange.CliAsync("explain", ping);
        code.ShouldBe(0, error);
        var lines = output.Split('\n').SkipWhile(line => !line.StartsWith("Post ", StringComparison.Ordinal)).ToList();
        lines[0].ShouldEndWith(": sold");
        lines.Single(line => line.Contains("passed-one", StringComparison.Ordinal)).ShouldContain("passed over");
        lines.FindIndex(line => line.Contains("passed-one", StringComparison.Ordinal)).ShouldBeLessThan(lines.FindIndex(line => line.Contains("passed-two", StringComparison.Ordinal)));

        static string[] PassedOver(JsonNode told) => [.. told["passed_over"]!.AsArray()
            .Select(passed => $"{passed!["campaign"]} {passed["buyer"]} {passed["price"]} {passed["reason"]} {passed["sentence"]}")];
    }

    private async Task<(string Lead, Reply Reply)> PostAsync(string market, int deadlineMs = 0)
    {
        var ping = await exchange.PingAsync(key, market);
        var reply = await exchange.SellAsync(key, PostBody(ping, deadlineMs));
        reply["lead_id"].ShouldBe(ping, reply.Text);
        return (ping, reply);
    }

    public sealed class Server(RunningExchange running)
        : MarketsOfAClass(running, "refuse", "norefuge", "laterno", "dup", "busy", "slow", "hang", "repeat", "passed", "twice");
}

/// <summary>A buyers' server for all tests of a class, and markets that no other class has on the exchange they share.</summary>
public abstract class MarketsOfAClass(RunningExchange running, params string[] names) : IAsyncLifetime
{
    internal BuyerApp Buyers { get; private set; } = null!;
    internal ExchangeProcess Exchange => running.Process;
    internal string Key { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Buyers = await BuyerApp.StartAsync();
        var markets = new BuyerMarkets(Buyers);
        foreach (var name in names) markets.Three(name, name switch { "hang" or "laterno" => "2s", _ => "10s" });
        Key = await markets.ApplyAsync(running);
    }

    public async Task DisposeAsync() => await Buyers.DisposeAsync();
}
