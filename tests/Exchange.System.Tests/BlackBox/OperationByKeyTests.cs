using Shouldly;
using static Exchange.System.Tests.BlackBox.MarketCalls;

namespace Exchange.System.Tests.BlackBox;

/// <summary>Whoever does not know how a call ended asks for it by its idempotency key: its answer, still running, or nothing was done.</summary>
public sealed class OperationByKeyTests(FallThroughAndDoubtTests.Server server) : IClassFixture<FallThroughAndDoubtTests.Server>
{
    private readonly ExchangeProcess exchange = server.Exchange;

    [Fact]
    public async Task Post_AskedForByItsKey_RunsThenHasItsAnswer_AnotherPublishersDoesNotExist()
    {
        var one = server.Buyers["hang-one"].AcceptsWhenReleased();
        (await exchange.GetAsync("/v1/requests/post-1", server.Key)).Code.ShouldBe("not_found");
        var body = PostBody(await exchange.PingAsync(server.Key, "hang"));
        var post = exchange.SellAsync(server.Key, body, "post-1");
        await Until(() => one.Requests.Count == 1, "its buyer is asked", exchange);
        // Held already: the lead is there, and is pending.
        (await exchange.GetAsync("/v1/requests/post-1", server.Key))["status"].ShouldBe("pending");
        one.Release();
        var answered = await post;

        var asked = await exchange.GetAsync("/v1/requests/post-1", server.Key);
        (asked.Status, asked["status"], asked["lead_id"]).ShouldBe((200, answered["status"], answered["lead_id"]));
        var other = await exchange.PostAsync("/v1/posts", server.Key, "{}", ("Idempotency-Key", "post-2"));
        other.Status.ShouldBe(422);
        (await exchange.GetAsync("/v1/requests/post-2", server.Key)).Status.ShouldBe(404);
        (await exchange.GetAsync("/v1/requests/post-1")).Status.ShouldBe(403);
    }

    [Fact]
    public async Task AdminOperation_AskedForByItsKey_HasItsAnswer_AndAKeyIsMadeOnce()
    {
        (await exchange.GetAsync("/v1/admin/operations/make-1")).Status.ShouldBe(404);
        var body = new { role = "viewer", @for = "night-watch" };
        var made = await exchange.PostAsync("/v1/admin/keys", ExchangeProcess.AdminKey, body, ("Idempotency-Key", "make-1"));
        made.Status.ShouldBe(200, made.Text);

        var asked = await exchange.GetAsync("/v1/admin/operations/make-1");
        (asked.Status, asked.Text, asked.Headers["Idempotency-Replayed"]).ShouldBe((200, made.Text, "true"));
        await exchange.KillAndRestartAsync();
        (await exchange.PostAsync("/v1/admin/keys", ExchangeProcess.AdminKey, body, ("Idempotency-Key", "make-1"))).Text.ShouldBe(made.Text);
        (await exchange.AdminAsync("keys"))["keys"]!.AsArray().Count(key => key.Text("for") == "night-watch").ShouldBe(1);
        (await exchange.GetAsync("/v1/admin/operations/make-1", made["key"])).Status.ShouldBe(403);
    }
}
