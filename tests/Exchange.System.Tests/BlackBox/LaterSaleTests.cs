using Exchange.Engine.Values;
using Shouldly;
using static Exchange.System.Tests.BlackBox.MarketCalls;

namespace Exchange.System.Tests.BlackBox;

/// <summary>
/// Sales beyond a ping's own ranks, and offers that are held: persons a buyer has already, reauction, the tree for what is unsold, firm trees, and what
/// was kept of the promises. Each market is a vertical of its own.
/// </summary>
[Collection(BuyersThatAnswer.Name)]
public sealed class LaterSaleTests(LaterSaleTests.Server server) : IClassFixture<LaterSaleTests.Server>
{
    private readonly ExchangeProcess exchange = server.Exchange;
    private readonly BuyerApp buyers = server.Buyers;
    private readonly string key = server.Key;

    [Fact]
    public async Task SamePersonAgain_BuyerHasIt_TheNextBuyerIsSoldTo_WhicheverCampaignBought()
    {
        // twice-a is full after one lead; its buyer's other campaign would take the next one, but not of the same person.
        (await SellAsync("twice", "ann@example.com")).ShouldBe("twice-a 10.00 8.00 sold captured");
        (await SellAsync("twice", "ann@example.com")).ShouldBe("twice-other 9.00 7.20 sold captured");
        (await SellAsync("twice", "bob@example.com")).ShouldBe("twice-b 9.00 7.20 sold captured");
    }

    [Fact]
    public async Task AllRefuse_ACampaignThatOpenedSince_PaysExactlyThePromise()
    {
        buyers["anew-one"].Rejects();
        buyers["anew-late"].Accepts();
        var ping = await exchange.PingAsync(key, "anew");
        await SetStatusAsync("anew-late", "active");
        var reply = await exchange.SellAsync(key, PostBody(ping));
        (reply["status"], reply["payout"]).ShouldBe(("sold", "8.00"), reply.Text);
        // It bids 15.00 and pays what the promise asks for.
        (await exchange.CopiesAsync(ping)).ShouldBe(["anew-one 10.00 8.00 rejected voided", "anew-late 10.00 8.00 sold captured"]);
        (await exchange.BookingsAsync(ping)).ShouldBe(["buyer:anew-late house 2.00", "buyer:anew-late publisher:search 8.00"]);
    }

    [Fact]
    public async Task PostAfterTheOffersEnd_IsSoldAtThePromise_OrIsExpired()
    {
        var kept = await exchange.PingAsync(key, "lapse");
        var lost = await exchange.PingAsync(key, "lapse");
        await EndOf(kept);
        await EndOf(lost);
        var reply = await exchange.SellAsync(key, PostBody(kept));
        (reply.Status, reply["status"], reply["payout"]).ShouldBe((200, "sold", "8.00"), reply.Text);
        await SetStatusAsync("lapse-one", "paused");
        reply = await exchange.SellAsync(key, PostBody(lost));
        (reply.Status, reply["status"], reply["reason"]).ShouldBe((200, "unsold", "expired"), reply.Text);
        // Without a reauction the same is 410.
        var plain = await exchange.PingAsync(key, "short");
        await EndOf(plain);
        (await exchange.SellAsync(key, PostBody(plain)))["code"].ShouldBe("ping_expired");
    }

    [Fact]
    public async Task NobodyTakesIt_TheTreeForWhatIsUnsoldSellsIt_AboveWhatThePostAsksFor()
    {
        buyers["rest-one"].Rejects();
        var ping = await exchange.PingAsync(key, "rest");
        var reply = await exchange.SellAsync(key, PostBody(ping));
        (reply["status"], reply["payout"]).ShouldBe(("sold", "2.40"), reply.Text);
        (await exchange.CopiesAsync(ping)).ShouldBe(["rest-one 10.00 8.00 rejected voided", "rest-two 3.00 2.40 sold captured"]);

        ping = await exchange.PingAsync(key, "rest");
        reply = await exchange.PostAsync("/v1/posts", key, new { ping_id = ping, min_payout = "2.41", fields = new { email = "asks@example.com" } });
        (reply["status"], reply["reason"]).ShouldBe(("unsold", "all_rejected"), reply.Text);
    }

    /// <summary>Who says "pending" is asked again by whoever comes to it: what the post asked for is known there too.</summary>
    [Fact]
    public async Task NobodyTakesIt_AskedAgainLater_NothingIsSoldBelowWhatThePostAsksFor()
    {
        buyers["rest-one"].SaysPending().Rejects();
        var ping = await exchange.PingAsync(key, "rest");
        var reply = await exchange.PostAsync("/v1/posts", key, new { ping_id = ping, min_payout = "2.41", deadline_ms = 500, fields = new { email = "asks-later@example.com" } });
        reply["status"].ShouldBe("pending", reply.Text);
        await Until(async () => await exchange.StatusAsync(key, ping) is not "pending", "it has an outcome", exchange);
        (await exchange.CopiesAsync(ping)).ShouldBe(["rest-one 10.00 8.00 rejected voided"]);
        (await exchange.StatusAsync(key, ping)).ShouldBe("unsold");
    }

    [Fact]
    public async Task FirmOffer_HoldsTheLastPlace_ItsPostSells_ThoughTheCampaignIsPausedSince()
    {
        var first = await exchange.PingAsync(key, "firm");
        (await HeldAsync("firm-one")).ShouldBe("0 1");
        (await TryPingAsync("firm"))["status"].ShouldBe("no_offer");
        // Not posted: no lead to be seen.
        (await exchange.GetAsync($"/v1/leads/{first}", key)).Status.ShouldBe(404);
        await SetStatusAsync("firm-one", "paused");
        var reply = await exchange.SellAsync(key, PostBody(first));
        (reply.Status, reply["status"], reply["payout"]).ShouldBe((200, "sold", "8.00"), reply.Text);
        (await exchange.CopiesAsync(first)).ShouldBe(["firm-one 10.00 8.00 sold captured"]);
        (await HeldAsync("firm-one")).ShouldBe("1 0");
    }

    [Fact]
    public async Task FirmOffer_NotPosted_GivesItsPlaceBack()
    {
        await exchange.PingAsync(key, "brief");
        (await HeldAsync("brief-one")).ShouldBe("0 1");
        await Until(async () => await HeldAsync("brief-one") == "0 0", "the offer runs out", exchange);
        (await TryPingAsync("brief"))["status"].ShouldBe("offered");
    }

    [Fact]
    public async Task FirmOffer_OfABuyerThatAnswers_IsCalledAtThePost_AndFallsThrough()
    {
        buyers["ask-one"].Rejects();
        buyers["ask-two"].Accepts();
        var ping = await exchange.PingAsync(key, "ask");
        buyers["ask-one"].Requests.ShouldBeEmpty();
        var body = PostBody(ping);
        var reply = await exchange.SellAsync(key, body);
        (reply["status"], reply["payout"]).ShouldBe(("sold", "8.00"), reply.Text);
        (await exchange.CopiesAsync(ping)).ShouldBe(["ask-one 10.00 8.00 rejected voided", "ask-two 10.00 8.00 sold captured"]);
        (await exchange.SellAsync(key, body)).Headers["Idempotency-Replayed"].ShouldBe("true");
        (await exchange.SellAsync(key, PostBody(ping))).Status.ShouldBe(409);
    }

    /// <summary>A ping's id tells when it was made; these offers are good for a second.</summary>
    private Task EndOf(string ping)
    {
        LeadId.TryParse(ping, out var id).ShouldBeTrue();
        return Until(() => TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() > id.UnixMilliseconds + 1_500, "the offer's end", exchange);
    }

    private async Task<Reply> TryPingAsync(string market) => await exchange.PostAsync("/v1/pings", key, new { vertical = market, fields = new { state = "CA" } });

    private async Task<string> SellAsync(string market, string email)
    {
        var ping = await exchange.PingAsync(key, market);
        var reply = await exchange.PostAsync("/v1/posts", key, new { ping_id = ping, fields = new { email } });
        reply["status"].ShouldBe("sold", reply.Text);
        return string.Join(" | ", await exchange.CopiesAsync(ping));
    }

    private async Task<string> HeldAsync(string campaign)
    {
        var cap = (await exchange.GetAsync($"/v1/admin/campaigns/{campaign}")).Json["state"]!["caps"]![0]!;
        return $"{cap["used"]} {cap["held"]}";
    }

    private async Task SetStatusAsync(string campaign, string status)
    {
        var reply = await exchange.SendAsync(HttpMethod.Patch, $"/v1/admin/campaigns/{campaign}", ExchangeProcess.AdminKey, $$"""{"status":"{{status}}"}""", "application/json", ("If-Match", "*"));
        reply.Status.ShouldBe(200, reply.Text);
    }

    public sealed class Server(RunningExchange running) : IAsyncLifetime
    {
        internal BuyerApp Buyers { get; private set; } = null!;
        internal ExchangeProcess Exchange => running.Process;
        internal string Key { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            Buyers = await BuyerApp.StartAsync();
            var catalog = new LaterSaleCatalog(Buyers);
            // Every campaign asks a price of its own; a publisher gets 80 %.
            catalog.Vertical("twice").Campaign("twice-a", "10.00", "twice-buyer", "duplicate: { window: 30d, keys: [email] }, caps: [ { per: total, leads: 1 } ]")
                .Campaign("twice-b", "9.00", "twice-buyer", "duplicate: { window: 30d, keys: [email] }").Campaign("twice-other", "9.00", "other-buyer").Tree("twice", "", "twice-a", "twice-b", "twice-other");
            catalog.Vertical("anew").Asked("anew-one", "10.00").Asked("anew-late", "15.00", "status: paused").Tier("anew", "reauction: true", "method: auction, pricing: second_price, floor: \"10.00\"", "anew-one", "anew-late");
            catalog.Vertical("lapse", "1s").Campaign("lapse-one", "10.00", "lapse-one").Tree("lapse", "reauction: true", "lapse-one");
            catalog.Vertical("short", "1s").Campaign("short-one", "10.00", "short-one").Tree("short", "", "short-one");
            catalog.Vertical("rest").Asked("rest-one", "10.00").Campaign("rest-two", "3.00", "rest-two").Tree("rest", "unsold: { tree: rest-later }", "rest-one").Tree("rest-later", "", "rest-two");
            catalog.Vertical("firm").Campaign("firm-one", "10.00", "firm-one", "caps: [ { per: total, leads: 1 } ]").Tree("firm", "firm: true", "firm-one");
            catalog.Vertical("brief", "1s").Campaign("brief-one", "10.00", "brief-one", "caps: [ { per: total, leads: 1 } ]").Tree("brief", "firm: true", "brief-one");
            catalog.Vertical("ask").Asked("ask-one", "10.00").Asked("ask-two", "10.00").Tree("ask", "firm: true", "ask-one", "ask-two");
            Key = await catalog.ApplyAsync(running);
        }

        public async Task DisposeAsync() => await Buyers.DisposeAsync();
    }
}
