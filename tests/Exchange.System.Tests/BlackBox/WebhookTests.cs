using System.Diagnostics;
using System.Globalization;
using Shouldly;
using static Exchange.System.Tests.BlackBox.MarketCalls;

namespace Exchange.System.Tests.BlackBox;

/// <summary>Sold leads on their way to their buyers: signed, tried again, given up visibly, sent again on request; and a stop that loses and repeats nothing.</summary>
public sealed class WebhookTests(RunningExchange running) : IClassFixture<RunningExchange>
{
    [Fact]
    public async Task Webhooks_AreSigned_TriedAgain_GivenUpVisibly_AndReplayed()
    {
        await using var buyers = await BuyerApp.StartAsync();
        var exchange = running.Process;
        var key = await new BuyerMarkets(buyers).Webhook("w500").Webhook("w503").Webhook("w410").Webhook("once").ApplyAsync(running);
        var w500 = buyers["w500"].AnswersStatus(500).AnswersStatus(200);
        var w503 = buyers["w503"].AnswersStatus(503).AnswersStatus(204);
        var w410 = buyers["w410"].AnswersStatus(410).AnswersStatus(200);
        var once = buyers["once"].AnswersStatus(200);
        foreach (var market in (string[])["w500", "w503", "w410"])
            (await exchange.SellAsync(key, PostBody(await exchange.PingAsync(key, market))))["status"].ShouldBe("sold");

        // A definite no is given up at once and shows; the sale stands.
        await Until(async () => await DeliveryAsync("w410") == "dead http_410 1", "the dead letter shows", exchange);
        var copy = w410.Requests.ShouldHaveSingleItem().Id;
        (await exchange.LimitsAsync("w410")).ShouldBe("1 0 5.00 0.00");
        var replay = await exchange.PostAsync($"/v1/admin/deliveries/{copy}/crm/replay", ExchangeProcess.AdminKey, "");
        replay.Status.ShouldBe(200, replay.Text);
        await Until(async () => await DeliveryAsync("w410") == "delivered  2", "the replayed one arrives", exchange);
        w410.Requests.Select(request => request.Id).ShouldBe([copy, copy]);
        (await exchange.PostAsync($"/v1/admin/deliveries/{copy}/crm/replay", ExchangeProcess.AdminKey, "")).Status.ShouldBe(404);

        // A post said again, from memory and from the rows, is no second delivery.
        var body = PostBody(await exchange.PingAsync(key, "once"));
        for (var i = 0; i < 5; i++) (await exchange.SellAsync(key, body))["status"].ShouldBe("sold");

        foreach (var (market, desk, error) in ((string, BuyerApp.Desk, string)[])[("w500", w500, "http_500"), ("w503", w503, "http_503")])
        {
            await Until(async () => await DeliveryAsync(market) == "delivered  2", $"{market} arrives at the second try", exchange);
            desk.Requests.Count.ShouldBe(2, error);
            desk.Requests.Select(request => request.Id).Distinct().ShouldHaveSingleItem();
            desk.Requests[0].Body.ShouldBe(desk.Requests[1].Body);
            desk.Requests.ShouldAllBe(request => request.IsSigned);
            (long.Parse(desk.Requests[1].Timestamp, CultureInfo.InvariantCulture) - long.Parse(desk.Requests[0].Timestamp, CultureInfo.InvariantCulture)).ShouldBeGreaterThanOrEqualTo(4);
        }
        once.Requests.ShouldHaveSingleItem().IsSigned.ShouldBeTrue();

        async Task<string> DeliveryAsync(string buyer)
        {
            var row = (await exchange.GetAsync($"/v1/admin/deliveries?buyer={buyer}")).Json["deliveries"]!.AsArray().ShouldHaveSingleItem()!;
            return $"{row["status"]} {row["error"]} {row["attempts"]}";
        }
    }

    [Fact]
    public async Task DeadLetters_AreReplayedInBulk_AndADeliveredCopyGoesOnceMore_WithANote()
    {
        await using var buyers = await BuyerApp.StartAsync();
        var exchange = running.Process;
        var key = await new BuyerMarkets(buyers).Webhook("gone").Webhook("other").ApplyAsync(running);
        var gone = buyers["gone"].AnswersStatus(410).AnswersStatus(410).AnswersStatus(410).AnswersStatus(200);
        buyers["other"].AnswersStatus(410);
        foreach (var market in (string[])["gone", "gone", "gone", "other"])
            (await exchange.SellAsync(key, PostBody(await exchange.PingAsync(key, market))))["status"].ShouldBe("sold");
        await Until(async () => await CountAsync("dead") == 4, "all are dead letters", exchange);

        var wrong = await exchange.PostAsync("/v1/admin/deliveries/replay", ExchangeProcess.AdminKey, new { buyer = "gone", from = "yesterday" });
        (wrong.Status, wrong.Json["errors"]![0]!["pointer"]!.GetValue<string>()).ShouldBe((422, "/from"), wrong.Text);
        var replay = await exchange.PostAsync("/v1/admin/deliveries/replay", ExchangeProcess.AdminKey, new { buyer = "gone", error = "http_410", note = "they are back" }, ("Idempotency-Key", "replay-1"));
        (replay.Status, replay["replayed"]).ShouldBe((200, "3"), replay.Text);
        await Until(async () => await CountAsync("delivered") == 3, "they arrive", exchange);
        (await CountAsync("dead")).ShouldBe(1);
        gone.Requests.Count.ShouldBe(6);
        gone.Requests.Select(request => request.Id).Distinct().Count().ShouldBe(3);
        // The same again is the recorded answer, without a key it finds nothing.
        (await exchange.PostAsync("/v1/admin/deliveries/replay", ExchangeProcess.AdminKey, new { buyer = "gone", error = "http_410", note = "they are back" }, ("Idempotency-Key", "replay-1")))["replayed"].ShouldBe("3");
        (await exchange.PostAsync("/v1/admin/deliveries/replay", ExchangeProcess.AdminKey, new { buyer = "gone" }))["replayed"].ShouldBe("0");

        var copy = gone.Requests[^1].Id;
        var bare = await exchange.PostAsync($"/v1/admin/deliveries/{copy}/crm/redeliver", ExchangeProcess.AdminKey, "");
        (bare.Status, bare.Json["errors"]![0]!["pointer"]!.GetValue<string>()).ShouldBe((422, "/note"), bare.Text);
        (await exchange.PostAsync($"/v1/admin/deliveries/{copy}/inbox/redeliver", ExchangeProcess.AdminKey, new { note = "x" })).Status.ShouldBe(404);
        var again = await exchange.PostAsync($"/v1/admin/deliveries/{copy}/crm/redeliver", ExchangeProcess.AdminKey, new { note = "they lost it" });
        again.Status.ShouldBe(200, again.Text);
        await Until(() => gone.Requests.Count == 7, "it goes once more", exchange);
        gone.Requests[^1].Id.ShouldBe(copy);
        gone.Requests[^1].Body.ShouldBe(gone.Requests.First(request => request.Id == copy).Body);

        async Task<int> CountAsync(string status) => await OfAsync("gone", status) + await OfAsync("other", status);

        async Task<int> OfAsync(string buyer, string status) => (await exchange.GetAsync($"/v1/admin/deliveries?buyer={buyer}&status={status}")).Json["deliveries"]!.AsArray().Count;
    }

    /// <summary>What is not repeatable is not sent again by itself after a doubt; an operator who says so is obeyed.</summary>
    [Fact]
    public async Task NotRepeatable_AfterADoubt_IsADeadLetter_AndGoesOnceMoreOnlyWhenAnOperatorSaysSo()
    {
        await using var buyers = await BuyerApp.StartAsync();
        var exchange = running.Process;
        var key = await new BuyerMarkets(buyers).Webhook("single", more: ", repeatable: false").ApplyAsync(running);
        var single = buyers["single"].AnswersStatus(500).AnswersStatus(200);
        (await exchange.SellAsync(key, PostBody(await exchange.PingAsync(key, "single"))))["status"].ShouldBe("sold");
        await Until(async () => await StatusAsync() == "dead http_500 1", "the doubt ends it", exchange);
        var copy = single.Requests.ShouldHaveSingleItem().Id;

        (await exchange.PostAsync($"/v1/admin/deliveries/{copy}/crm/replay", ExchangeProcess.AdminKey, "")).Status.ShouldBe(200);
        await Until(async () => await StatusAsync() == "delivered  2", "it arrives", exchange);
        single.Requests.Select(request => request.Id).ShouldBe([copy, copy]);

        async Task<string> StatusAsync()
        {
            var row = (await exchange.GetAsync("/v1/admin/deliveries?buyer=single")).Json["deliveries"]!.AsArray().ShouldHaveSingleItem()!;
            return $"{row["status"]} {row["error"]} {row["attempts"]}";
        }
    }

    /// <summary>More than all calls together wait for a buyer that hangs; another's leads go out all the same, also one that has to come again.</summary>
    [Fact]
    public async Task BuyerThatHangs_KeepsNobodyElseWaiting()
    {
        await using var buyers = await BuyerApp.StartAsync();
        await using var exchange = await ExchangeProcess.StartAsync();
        var key = await new BuyerMarkets(buyers).Webhook("hangs", "30s").Webhook("prompt").ApplyAsync(exchange);
        var (hangs, prompt) = (buyers["hangs"].Hangs(), buyers["prompt"].AnswersStatus(503).AnswersStatus(200));
        const int leads = 340, share = 64;
        var clock = Stopwatch.StartNew();
        for (var sold = 0; sold < leads; sold += 20)
            await Task.WhenAll(Enumerable.Range(0, 20).Select(async _ => (await exchange.SellAsync(key, PostBody(await exchange.PingAsync(key, "hangs"))))["status"].ShouldBe("sold")));
        await Until(() => hangs.Requests.Count >= 32, "the buyer hangs", exchange);

        for (var i = 0; i < 5; i++) (await exchange.SellAsync(key, PostBody(await exchange.PingAsync(key, "prompt"))))["status"].ShouldBe("sold");
        await Until(() => prompt.Requests.Count == 6, "the other buyer has its leads", exchange);
        // Not all that were sold to it are under way.
        hangs.Requests.Count.ShouldBeLessThan(leads);
        // Nobody waited for the first calls to it, which hang for 30 s. A machine that is as slow as that shows nothing.
        if (clock.Elapsed < TimeSpan.FromSeconds(25)) hangs.Requests.Count.ShouldBeLessThanOrEqualTo(share);
    }

    [Fact]
    public async Task Stopped_EndsWithZero_AndTheNextStartSendsNothingTwice()
    {
        await using var buyers = await BuyerApp.StartAsync();
        var exchange = running.Process;
        var key = await new BuyerMarkets(buyers).Webhook("first").Webhook("second").Three("asked", "3s").ApplyAsync(running);
        buyers["first"].AnswersStatus(200);
        buyers["second"].AnswersStatus(200);
        var asked = buyers["asked-one"].Hangs().Accepts();
        (await exchange.SellAsync(key, PostBody(await exchange.PingAsync(key, "first"))))["status"].ShouldBe("sold");
        await Until(async () => (await exchange.GetAsync("/v1/admin/deliveries?buyer=first&status=delivered")).Json["deliveries"]!.AsArray().Count == 1, "it is delivered", exchange);
        // A buyer that is still being asked does not keep the process.
        var open = await exchange.PingAsync(key, "asked");
        (await exchange.SellAsync(key, PostBody(open, deadlineMs: 200)))["status"].ShouldBeOneOf("pending", "in_doubt");

        (await exchange.StopAsync()).ShouldBe(0, exchange.Output);
        await exchange.KillAndRestartAsync();
        await Until(async () => await exchange.StatusAsync(key, open) == "sold", "the open lead goes on", exchange);
        (await exchange.SellAsync(key, PostBody(await exchange.PingAsync(key, "second"))))["status"].ShouldBe("sold");
        await Until(() => buyers["second"].Requests.Count == 1, "the pump is at work", exchange);
        buyers["first"].Requests.ShouldHaveSingleItem();
        asked.Requests.Select(request => request.Id).Distinct().ShouldHaveSingleItem();
        buyers["asked-two"].Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task SecondProcessOnTheSameFolder_IsRefusedWithWordsAndCodeOne()
    {
        var exchange = running.Process;
        var (code, output, error) = await ExchangeProcess.CliAsync(new Dictionary<string, string>
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Development", ["Exchange__Data"] = exchange.Folder, ["EXCHANGE_ADMIN_KEY"] = ExchangeProcess.AdminKey,
        });
        code.ShouldBe(1, output + error);
        error.ShouldContain("in use by another exchange process");
        (await exchange.GetAsync("/v1/admin/catalog")).Status.ShouldBe(200);
    }
}
