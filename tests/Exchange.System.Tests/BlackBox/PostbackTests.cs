using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using Exchange.Engine;
using Shouldly;
using static Exchange.System.Tests.BlackBox.MarketCalls;

namespace Exchange.System.Tests.BlackBox;

/// <summary>A publisher is called on what becomes of its leads: what it hears, how often, and that neither a crash nor its own outage loses or doubles anything.</summary>
[Collection(TrialsAndPostbacks.Name)]
public sealed class PostbackTests(RunningExchange running) : IAsyncLifetime
{
    /// <summary>All that a template may read.</summary>
    private const string All = "?id={{ postback_id }}&l={{ lead_id }}&s={{ status }}&p={{ payout }}&d={{ change }}&c={{ currency }}&r={{ reason }}&u={{ sub_id }}&k={{ tags.click_id }}&n={{ tags.none }}&t={{ test }}";

    private static int publishers;

    private readonly ExchangeProcess exchange = running.Process;
    // Each test's own.
    private readonly string pub = string.Create(CultureInfo.InvariantCulture, $"pub-{Interlocked.Increment(ref publishers)}");
    private BuyerApp app = null!;

    public async Task InitializeAsync()
    {
        app = await BuyerApp.StartAsync();
        (await exchange.SendAsync(HttpMethod.Put, "/v1/admin/secrets/signing", ExchangeProcess.AdminKey, "whsec_" + Convert.ToBase64String(BuyerApp.SigningKey), "text/plain")).Status.ShouldBe(200);
    }

    public async Task DisposeAsync() => await app.DisposeAsync();

    /// <summary>CA is sold into an inbox at 10.00, NY to two buyers at 6.00 and 5.00, TX is asked of a buyer of its own.</summary>
    private async Task<Sender> OpenAsync(string postback, string mode = "live")
    {
        await exchange.ApplyAsync(Market.With($$"""
            publishers:
              {{pub}}: { verticals: [auto], payout: { share: 80% }, postback: { {{postback}} } }
              quiet: { verticals: [auto], payout: { share: 80% } }
            buyers:
              inbox: { credit_limit: unlimited, returns: { within: 10d, reasons: [invalid_phone] } }
              other: { credit_limit: unlimited }
              asked: { credit_limit: unlimited, endpoints: { crm: { connector: native, with: { url: "{{app.Url("asked")}}", secret: { secret: signing } }, timeout: { post: 10s } } } }
            campaigns:
              ca: { buyer: inbox, vertical: auto, filter: { field: state, is: CA }, bid: { fixed: "10.00" } }
              ny-one: { buyer: inbox, vertical: auto, filter: { field: state, is: NY }, sharing: shared, bid: { fixed: "6.00" } }
              ny-two: { buyer: asked, vertical: auto, filter: { field: state, is: NY }, sharing: shared, bid: { fixed: "5.00" }, delivery: { sold: on_accept, to: [crm] } }
              tx: { buyer: asked, vertical: auto, filter: { field: state, is: TX }, bid: { fixed: "10.00" }, delivery: { sold: on_accept, to: [crm] } }
            ping_trees:
              main: { vertical: auto, tiers: [ { name: market, method: auction, copies: 2, campaigns: all } ] }
            """));
        return await Sender.OfAsync(exchange, pub, mode);
    }

    private string Url(string query = All) => $"url: \"{app.Url("pb")}{query}\"";

    private BuyerApp.Desk Sink => app["pb"];

    private static async Task<string> SellAsync(Sender publisher, string state, string status, object? with = null, int deadlineMs = 0)
    {
        var ping = await publisher.OfferedAsync(new { zip = "90210", state }, with);
        var post = await publisher.PostAsync(ping, with: deadlineMs > 0 ? new { deadline_ms = deadlineMs } : null);
        post["status"].ShouldBe(status, post.Text);
        return post["lead_id"]!;
    }

    /// <param name="of">Nothing given: this test's publisher.</param>
    private async Task<string[]> RowsAsync(string query = "", string? of = null)
    {
        var reply = await exchange.GetAsync($"/v1/admin/postbacks?limit=500&publisher={of ?? pub}{query}");
        reply.Status.ShouldBe(200, reply.Text);
        return [.. reply.Json["postbacks"]!.AsArray().Select(row => $"{row!["event"]} {row["status"]} {row["error"]} {row["attempts"]}".Replace("  ", " ", StringComparison.Ordinal))];
    }

    /// <summary>Nothing is under way that the next test would count.</summary>
    private Task AllAreRecordedAsync() =>
        Until(async () => (await RowsAsync()).All(row => row.Contains("delivered", StringComparison.Ordinal)), "all are recorded", exchange);

    private async Task<int> DeliveredAsync()
    {
        const string Metric = "leadexchange_postbacks_delivered_total ";
        return int.Parse((await exchange.MetricsAsync()).Split('\n').Single(line => line.StartsWith(Metric, StringComparison.Ordinal))[Metric.Length..], CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task Publisher_IsCalledOnSoldUnsoldAndReturned_WithWhatItMayKnow()
    {
        Sink.AnswersStatus(204);
        app["asked"].Rejects();
        using var publisher = await OpenAsync(Url());
        var buyer = await running.KeyAsync("buyer", "inbox");
        var deliveredBefore = await DeliveredAsync();
        var with = new { sub_id = "kw 17&s=x", tags = new Dictionary<string, string> { ["click_id"] = "Cj0K+9/ü #1" } };
        const string Mine = "&u=kw%2017%26s%3Dx&k=Cj0K%2B9%2F%C3%BC%20%231&n=&t=false";

        var sold = await SellAsync(publisher, "CA", "sold", with);
        await Until(() => Sink.Requests.Count == 1, "sold is told", exchange);
        var unsold = await SellAsync(publisher, "TX", "unsold", with);
        await Until(() => Sink.Requests.Count == 2, "unsold is told", exchange);
        (await exchange.PostAsync($"/v1/buyer/copies/{sold}-1/return", buyer, new { reason = "invalid_phone" })).Status.ShouldBe(200);
        await Until(() => Sink.Requests.Count == 3, "returned is told", exchange);

        Sink.Requests.Select(request => (request.Method, request.Id, request.Signature, request.Query)).ShouldBe(
        [
            ("GET", $"{sold}-sold-1", "", $"?id={sold}-sold-1&l={sold}&s=sold&p=8.00&d=8.00&c=USD&r={Mine}"),
            ("GET", $"{unsold}-unsold-0", "", $"?id={unsold}-unsold-0&l={unsold}&s=unsold&p=0.00&d=0.00&c=USD&r=all_rejected{Mine}"),
            // Why a buyer gives it back is between it and us.
            ("GET", $"{sold}-returned-1", "", $"?id={sold}-returned-1&l={sold}&s=returned&p=0.00&d=-8.00&c=USD&r={Mine}"),
        ]);
        Sink.Requests.ShouldAllBe(request => request.Body.Length == 0);
        await AllAreRecordedAsync();
        (await RowsAsync($"&lead_id={sold}")).ShouldBe(["returned delivered 1", "sold delivered 1"]);
        await Until(async () => await DeliveredAsync() == deliveredBefore + 3, "all are counted", exchange);

        // Whoever is not called has no rows; the same post again is no second postback.
        using var quiet = await Sender.OfAsync(exchange, "quiet");
        await SellAsync(quiet, "CA", "sold");
        (await RowsAsync(of: "quiet")).ShouldBeEmpty();
        (await RowsAsync()).Length.ShouldBe(3);
        foreach (var query in (string[])["status=failed", "status=lost", "lead_id=nobody"]) (await exchange.GetAsync("/v1/admin/postbacks?" + query)).Status.ShouldBe(422, query);
    }

    [Fact]
    public async Task LaterSale_IsToldOnceMore_WithWhatItAddsAndWhatTheLeadEarnsThen()
    {
        Sink.AnswersStatus(200);
        app["asked"].AcceptsWhenReleased();
        using var publisher = await OpenAsync(Url("?s={{ status }}&p={{ payout }}&d={{ change }}") + ", events: [sold]");
        var lead = await SellAsync(publisher, "NY", "sold", new { max_copies = 2 }, deadlineMs: 300);
        await Until(() => Sink.Requests.Count == 1, "the first copy is told", exchange);

        app["asked"].Release();
        await Until(() => Sink.Requests.Count == 2, "the second is told", exchange);

        Sink.Requests.Select(request => request.Query).ShouldBe(["?s=sold&p=4.80&d=4.80", "?s=sold&p=8.80&d=4.00"]);
        Sink.Requests.Select(request => request.Id[..^2]).Distinct().ShouldBe([$"{lead}-sold"]);
        // What it does not want to hear of is not told.
        app["asked"].Rejects();
        (await exchange.PostAsync($"/v1/buyer/copies/{lead}-1/return", await running.KeyAsync("buyer", "inbox"), new { reason = "invalid_phone" })).Status.ShouldBe(200);
        (await RowsAsync()).Length.ShouldBe(2);
        await AllAreRecordedAsync();
    }

    [Fact]
    public async Task WithASecret_ASignedMessageIsPosted()
    {
        Sink.AnswersStatus(200);
        using var publisher = await OpenAsync(Url("") + ", secret: { secret: signing }");
        var lead = await SellAsync(publisher, "CA", "sold", new { sub_id = "s-1", tags = new { click_id = "c\"1" } });
        await Until(() => Sink.Requests.Count == 1, "it is told", exchange);

        var request = Sink.Requests.ShouldHaveSingleItem();
        (request.Method, request.Id, request.IsSigned).ShouldBe(("POST", $"{lead}-sold-1", true));
        JsonSerializer.Serialize(request.Json).ShouldBe(
            $$"""{"type":"lead.sold","lead_id":"{{lead}}","status":"sold","payout":"8.00","change":"8.00","currency":"USD","reason":null,"sub_id":"s-1","tags":{"click_id":"c\u00221"},"test":false}""");
        await AllAreRecordedAsync();
    }

    [Fact]
    public async Task SinkThatIsDown_IsTriedAgain_GivenUpVisibly_AndReplayed()
    {
        Sink.AnswersStatus(500).AnswersStatus(302).AnswersStatus(204);
        using var publisher = await OpenAsync(Url("?l={{ lead_id }}"));
        var lead = await SellAsync(publisher, "CA", "sold");
        await Until(async () => (await RowsAsync()) is ["sold waiting http_500 1"] or ["sold waiting redirect_refused 2"], "it waits to be tried again", exchange);
        // The same call, whoever makes it: nobody waits half a minute here.
        await Until(() => Sink.Requests.Count == 2, "it is tried again", exchange);
        Sink.Requests.Select(request => (request.Id, request.Query)).Distinct().ShouldHaveSingleItem();
        await Until(async () => (await RowsAsync()) is ["sold waiting redirect_refused 2"], "a redirect is not followed", exchange);

        // A publisher whose sink has gone for good is told so, and its next lead is a dead letter at once.
        app["gone"].AnswersStatus(410).AnswersStatus(200);
        using var other = await OpenAsync($"url: \"{app.Url("gone")}\"");
        await SellAsync(other, "CA", "sold");
        await Until(async () => (await RowsAsync("&status=dead")) is ["sold dead http_410 1"], "the dead letter shows", exchange);
        var id = (await exchange.GetAsync($"/v1/admin/postbacks?status=dead&publisher={pub}")).Json["postbacks"]![0]!["postback_id"]!.ToString();
        var (code, listed, error) = await exchange.CliAsync("postbacks", "list");
        (code, listed.Contains("http_410", StringComparison.Ordinal)).ShouldBe((0, true), error);
        (await exchange.CliAsync("postbacks", "replay")).Code.ShouldBe(2);
        (await exchange.CliAsync("postbacks", "replay", id, "--note", "they are back")).Code.ShouldBe(0);
        await Until(async () => (await RowsAsync("&status=delivered")) is ["sold delivered 2"], "the replayed one arrives", exchange);
        app["gone"].Requests.Select(request => request.Id).ShouldBe([id, id]);
        (await exchange.PostAsync($"/v1/admin/postbacks/{id}/replay", ExchangeProcess.AdminKey, "")).Status.ShouldBe(404);
        (await exchange.PostAsync("/v1/admin/postbacks/replay", ExchangeProcess.AdminKey, new { publisher = pub }))["replayed"].ShouldBe("0");
        (await exchange.PostAsync("/v1/admin/postbacks/replay", ExchangeProcess.AdminKey, new { from = "yesterday" })).Status.ShouldBe(422);

        // What waits goes to the address of now; what was erased is not told any more.
        (await exchange.SendAsync(HttpMethod.Delete, $"/v1/admin/leads/{lead}/pii", ExchangeProcess.AdminKey)).Status.ShouldBe(202);
        (await RowsAsync($"&lead_id={lead}")).ShouldBe(["sold cancelled cancelled 2"]);
    }

    [Theory]
    // where the process dies | how often the publisher is called at least
    [InlineData("post.before_reply", 1)]
    [InlineData("postback.after_sent", 2)]
    public async Task Killed_BetweenThePostAndItsPostback_TheNextProcessTellsIt_UnderTheSameId(string point, int calls)
    {
        Sink.AnswersStatus(204);
        using (await OpenAsync(Url("?l={{ lead_id }}&p={{ payout }}"))) { }
        using var publisher = await Sender.OfAsync(exchange, pub);
        var ping = await publisher.OfferedAsync();
        var person = Sender.NextPerson();
        // Pings are on disk within a tenth of a second; a lead is there when its post is answered.
        await Until(async () => (await exchange.GetAsync($"/v1/admin/pings/{ping}/explanation")).Status == 200, "the ping is recorded", exchange);
        await exchange.StopAsync();
        await exchange.RestartAsync(new Dictionary<string, string> { ["EXCHANGE_FAULT_POINT"] = point });

        // Whoever got no answer sends the same again.
        for (var tries = 0; !await PostedAsync(); tries++) tries.ShouldBeLessThan(5);
        await Until(() => Sink.Requests.Count >= 1, "it is told", exchange);
        if (calls == 2)
        {
            // The result of the first call went down with its process; it is there again already where the post went down too.
            await Until(() => exchange.HasExited || Sink.Requests.Count >= 2, "it died", exchange);
            if (exchange.HasExited) await exchange.RestartAsync();
            await Until(() => Sink.Requests.Count >= 2, "it is told again", exchange);
        }
        await Until(async () => (await RowsAsync()) is [var row] && row.StartsWith("sold delivered", StringComparison.Ordinal), "it is recorded", exchange);
        Sink.Requests.Count.ShouldBeInRange(calls, 2);
        Sink.Requests.Select(request => (request.Id, request.Query)).Distinct().ShouldBe([($"{ping}-sold-1", $"?l={ping}&p=8.00")]);

        async Task<bool> PostedAsync()
        {
            try
            {
                return (await publisher.PostAsync(ping, person))["status"] == "sold";
            }
            catch (Exception fault) when (fault is HttpRequestException or SocketException)
            {
                await Until(() => exchange.HasExited, "it died", exchange);
                await exchange.RestartAsync();
                return false;
            }
        }
    }

    [Fact]
    public async Task Tests_AreToldOnlyToWhoKnowsThemFromSales()
    {
        Sink.AnswersStatus(204);
        using (var blind = await OpenAsync(Url("?l={{ lead_id }}"), "test")) await SellAsync(blind, "CA", "sold");
        (await RowsAsync()).ShouldBeEmpty();

        using var publisher = await OpenAsync(Url("?t={{ test }}&p={{ payout }}&s={{ status }}"), "test");
        var lead = await SellAsync(publisher, "CA", "sold");
        await Until(() => Sink.Requests.Count == 1, "the test is told", exchange);
        await SellAsync(publisher, "CA", "unsold", new { test_result = "unsold" });
        await Until(() => Sink.Requests.Count == 2, "the other too", exchange);
        Sink.Requests.Select(request => request.Query).ShouldBe(["?t=true&p=8.00&s=sold", "?t=true&p=0.00&s=unsold"]);
        lead.ShouldStartWith("test_");
        (await exchange.LedgerAsync(lead)).ShouldBeEmpty();
        await AllAreRecordedAsync();
    }
}
