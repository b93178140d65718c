using Shouldly;
using static Exchange.System.Tests.BlackBox.MarketCalls;

namespace Exchange.System.Tests.BlackBox;

/// <summary>Copies of which nobody knows whether their buyer took them: they are seen, and the operator's word ends them as the buyer's would.</summary>
[Collection(BuyersThatAnswer.Name)]
public sealed class DoubtTests(DoubtTests.Server server) : IClassFixture<DoubtTests.Server>
{
    private readonly ExchangeProcess exchange = server.Exchange;
    private readonly BuyerApp buyers = server.Buyers;

    [Fact]
    public async Task Doubt_IsListed_AcceptedMakesTheSale_RejectedAsksTheNext_OnceEach()
    {
        buyers["unsaid-one"].Decides(_ => "<html>thank you</html>");
        buyers["unsaid-two"].Accepts();
        string[] leads = [await InDoubtAsync(), await InDoubtAsync()];
        var before = AuditLines.Of(exchange.Folder, "copy.resolve").Count;

        var listed = (await exchange.AdminAsync("doubts?buyer=unsaid-one")).AsObject()["doubts"]!.AsArray();
        listed.Select(doubt => doubt.Text("copy_id")).ShouldBe(leads.Select(lead => lead + "-1"));
        var doubt = listed[0]!;
        (doubt.Text("campaign"), doubt.Text("price"), doubt.Text("next")).ShouldBe(("unsaid-one", "11.00", "ask_again"));
        int.Parse(doubt.Text("attempts")!, global::System.Globalization.CultureInfo.InvariantCulture).ShouldBeGreaterThan(0);
        doubt.Text("next_at").ShouldNotBeNull();
        doubt.Text("error").ShouldNotBeNull();
        (await exchange.AdminAsync("doubts?buyer=unsaid-two"))["doubts"]!.AsArray().ShouldBeEmpty();
        (await exchange.AdminAsync("doubts?buyer=unsaid-one&older_than_s=3600"))["doubts"]!.AsArray().ShouldBeEmpty();
        var page = await exchange.AdminAsync("doubts?buyer=unsaid-one&limit=1");
        (await exchange.AdminAsync($"doubts?buyer=unsaid-one&limit=1&cursor={page.Text("next")}"))["doubts"]!.AsArray().ShouldHaveSingleItem().Text("copy_id").ShouldBe(leads[1] + "-1");
        buyers["unsaid-two"].Requests.ShouldBeEmpty();

        var (code, output, error) = await exchange.CliAsync("doubts", "resolve", leads[0] + "-1", "--accepted");
        (code, error).ShouldBe((0, ""), output);
        (await exchange.CopiesAsync(leads[0])).ShouldBe(["unsaid-one 11.00 8.80 sold captured"]);
        (await exchange.BookingsAsync(leads[0])).ShouldBe(["buyer:unsaid-one house 2.20", "buyer:unsaid-one publisher:search 8.80"]);
        (await exchange.CliAsync("doubts", "resolve", leads[0] + "-1", "--accepted")).Output.ShouldContain("as it was before");

        // Not while its buyer is asked again.
        await Until(async () => (await exchange.PostAsync($"/v1/admin/copies/{leads[1]}-1/resolve", ExchangeProcess.AdminKey, new { outcome = "rejected", note = "canary: he hung up" })).Status == 200,
            "it is rejected", exchange);
        // Nobody could take it out again when its person is erased.
        AuditLines.Of(exchange.Folder, "copy.resolve").Skip(before).ShouldBe([$"{leads[0]}-1 accepted", $"{leads[1]}-1 rejected"]);
        await Until(async () => await exchange.StatusAsync(server.Key, leads[1]) == "sold", "the next in rank has it", exchange);
        (await exchange.CopiesAsync(leads[1])).ShouldBe(["unsaid-one 11.00 8.80 rejected voided", "unsaid-two 11.00 8.80 sold captured"]);
        (await ResolveAsync(leads[1], "rejected")).Status.ShouldBe(200);
        (await ResolveAsync(leads[1], "accepted")).Code.ShouldBe("not_in_doubt");
        (await ResolveAsync(leads[0], "maybe")).Status.ShouldBe(422);
        (await exchange.PostAsync("/v1/admin/copies/nothing/resolve", ExchangeProcess.AdminKey, new { outcome = "accepted" })).Status.ShouldBe(404);
        (await exchange.CliAsync("doubts")).Output.ShouldNotContain("unsaid-one");
        (await exchange.CliAsync("doubts", "resolve", leads[0] + "-1")).Code.ShouldBe(2);
    }

    /// <summary>"Come again" is no doubt: its buyer cannot have it, and once its person is erased it will not get it.</summary>
    [Fact]
    public async Task Erased_WhoseBuyerHasOnlyTurnedItAway_EndsAsANo()
    {
        var one = buyers["turned-one"];
        for (var i = 0; i < 5; i++) one.AnswersStatus(429);
        var held = await exchange.SellAsync(server.Key, PostBody(await exchange.PingAsync(server.Key, "turned"), deadlineMs: 1_000));
        held["status"].ShouldBe("pending", held.Text);
        (await exchange.SendAsync(HttpMethod.Delete, $"/v1/admin/leads/{held["lead_id"]}/pii", ExchangeProcess.AdminKey)).Status.ShouldBe(202);

        await Until(async () => await exchange.StatusAsync(server.Key, held["lead_id"]!) is not "pending", "it has an outcome", exchange);
        (await exchange.CopiesAsync(held["lead_id"]!)).ShouldBe(["turned-one 11.00 8.80 rejected voided"]);
        (await exchange.AdminAsync("doubts?buyer=turned-one"))["doubts"]!.AsArray().ShouldBeEmpty();
    }

    private Task<Reply> ResolveAsync(string lead, string outcome) => exchange.PostAsync($"/v1/admin/copies/{lead}-1/resolve", ExchangeProcess.AdminKey, new { outcome });

    private async Task<string> InDoubtAsync()
    {
        var reply = await exchange.SellAsync(server.Key, PostBody(await exchange.PingAsync(server.Key, "unsaid")));
        (reply.Status, reply["status"]).ShouldBe((202, "in_doubt"), reply.Text);
        return reply["lead_id"]!;
    }

    public sealed class Server(RunningExchange running) : MarketsOfAClass(running, "unsaid", "turned");
}
