using System.Text.Json.Nodes;
using Shouldly;
using static Exchange.System.Tests.BlackBox.MarketCalls;

namespace Exchange.System.Tests.BlackBox;

/// <summary>Whoever does not know how a call ended asks for it by its idempotency key: its answer, still running, or nothing was done.</summary>
[Collection(BuyersThatAnswer.Name)]
public sealed class OperationByKeyTests(OperationByKeyTests.Server server) : IClassFixture<OperationByKeyTests.Server>
{
    private readonly ExchangeProcess exchange = server.Exchange;

    [Fact]
    public async Task Post_AskedForByItsKey_RunsThenHasItsAnswer_AnotherPublishersDoesNotExist()
    {
        var one = server.Buyers["key-runs-one"].AcceptsWhenReleased();
        (await exchange.GetAsync("/v1/requests/post-1", server.Key)).Code.ShouldBe("not_found");
        var body = PostBody(await exchange.PingAsync(server.Key, "key-runs"));
        var post = exchange.SellAsync(server.Key, body, "post-1");
        await Until(() => one.Requests.Count == 1, "its buyer is asked", exchange);
        // Held already: the lead is there, and is pending, as at its post.
        var open = await exchange.GetAsync("/v1/requests/post-1", server.Key);
        (open.Status, open["status"], open.Headers["Location"]).ShouldBe((202, "pending", $"/v1/leads/{open["lead_id"]}"), open.Text);
        (await exchange.GetAsync(open.Headers["Location"], server.Key)).Status.ShouldBe(202);
        one.Release();
        var answered = await post;

        var asked = await exchange.GetAsync("/v1/requests/post-1", server.Key);
        (asked.Status, asked["status"], asked["lead_id"]).ShouldBe((200, answered["status"], answered["lead_id"]));
        asked.Headers.ContainsKey("Location").ShouldBeFalse();
        var other = await exchange.PostAsync("/v1/posts", server.Key, "{}", ("Idempotency-Key", "post-2"));
        other.Status.ShouldBe(422);
        (await exchange.GetAsync("/v1/requests/post-2", server.Key)).Status.ShouldBe(404);
        (await exchange.GetAsync("/v1/requests/post-1")).Status.ShouldBe(403);
    }

    [Theory]
    [InlineData("ab/cd+ef==")]
    [InlineData("50%2Foff?#1")]
    [InlineData("../v1/leads")]
    public async Task Keys_OfAnyVisibleCharacters_AreAskedFor(string key)
    {
        server.Buyers["key-odd-one"].Accepts();
        var sold = await exchange.SellAsync(server.Key, PostBody(await exchange.PingAsync(server.Key, "key-odd")), key);
        var asked = await exchange.GetAsync("/v1/requests/" + Uri.EscapeDataString(key), server.Key);
        (asked.Status, asked["lead_id"]).ShouldBe((200, sold["lead_id"]), asked.Text);
        (await exchange.GetAsync("/v1/requests/" + Uri.EscapeDataString(key + "x"), server.Key)).Code.ShouldBe("not_found");

        var made = await exchange.PostAsync("/v1/admin/buyers/key-odd-one/funds", ExchangeProcess.AdminKey, new { amount = "1.00", reference = key }, ("Idempotency-Key", key));
        made.Status.ShouldBe(200, made.Text);
        (await exchange.GetAsync("/v1/admin/operations/" + Uri.EscapeDataString(key))).Text.ShouldBe(made.Text);
    }

    [Fact]
    public async Task Resolution_AskedForByItsKey_HasItsAnswer()
    {
        server.Buyers["key-ends-one"].Decides(_ => "<html>thank you</html>");
        var doubt = await exchange.SellAsync(server.Key, PostBody(await exchange.PingAsync(server.Key, "key-ends")));
        doubt["status"].ShouldBe("in_doubt", doubt.Text);
        var path = $"/v1/admin/copies/{doubt["lead_id"]}-1/resolve";
        var resolved = await exchange.PostAsync(path, ExchangeProcess.AdminKey, new { outcome = "accepted" }, ("Idempotency-Key", "resolve-1"));
        resolved.Status.ShouldBe(200, resolved.Text);

        (await exchange.GetAsync("/v1/admin/operations/resolve-1")).Text.ShouldBe(resolved.Text);
        (await exchange.PostAsync(path, ExchangeProcess.AdminKey, new { outcome = "accepted" }, ("Idempotency-Key", "resolve-1"))).Text.ShouldBe(resolved.Text);
        (await exchange.PostAsync(path, ExchangeProcess.AdminKey, new { outcome = "rejected" }, ("Idempotency-Key", "resolve-1"))).Code.ShouldBe("idempotency_key_reused");
        (await exchange.PostAsync(path, ExchangeProcess.AdminKey, new { outcome = "accepted" }, ("Idempotency-Key", new string('k', 256)))).Code.ShouldBe("malformed");
    }

    /// <summary>A stranger that has a ping's id, from a copy's say, is told nothing of it, not even while its post runs.</summary>
    [Theory]
    [InlineData("same", true)]
    [InlineData("changed", false)]
    public async Task Post_OfAnotherPublishersPing_WhileThatOnesRuns_IsOfNoSuchPing(string market, bool sameBody)
    {
        var one = server.Buyers[market + "-one"].AcceptsWhenReleased();
        var stranger = await exchange.KeyAsync("publisher", "stranger");
        var body = PostBody(await exchange.PingAsync(server.Key, market));
        var post = exchange.SellAsync(server.Key, body);
        await Until(() => one.Requests.Count == 1, "its buyer is asked", exchange);

        var foreign = JsonNode.Parse(body)!;
        if (!sameBody)
        {
            foreign["fields"]!["email"] = "someone.else@example.com";
            var hurried = foreign.DeepClone();
            hurried["deadline_ms"] = 1;
            Refused(await exchange.PostAsync("/v1/posts", stranger, hurried.ToJsonString()));
        }
        var waits = exchange.PostAsync("/v1/posts", stranger, foreign.ToJsonString());
        one.Release();
        Refused(await waits);

        static void Refused(Reply reply)
        {
            (reply.Status, reply.Code).ShouldBe((404, "ping_not_found"), reply.Text);
            reply.Text.ShouldNotContain("payout");
        }
        (await post)["status"].ShouldBe("sold");
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

    public sealed class Server(RunningExchange running) : MarketsOfAClass(running, "key-runs", "key-odd", "key-ends", "same", "changed");
}
