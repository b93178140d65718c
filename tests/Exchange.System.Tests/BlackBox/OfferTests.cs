using System.Text.Json.Nodes;
using Shouldly;

namespace Exchange.System.Tests.BlackBox;

/// <summary>What a ping is offered and what a post may take: exclusive against shared, several offers, owners, least payouts.</summary>
[Collection(OffersAndRaces.Name)]
public sealed class OfferTests
{
    private readonly ExchangeProcess exchange;

    public OfferTests(RunningExchange running) => exchange = running.Process;

    [Fact]
    public async Task Shared_ThreeCopies_SoldToThreeOwnersEachAtItsBid()
    {
        // 24.00 is of the same owner as 27.00: the lead is not sold to one owner twice.
        await exchange.ApplyAsync(Catalog("own", "first_price", exclusive: null, companyOfSecond: "company: \"Holding own\""));
        using var publisher = await Sender.OfAsync(exchange, "pub-own");
        var ping = await publisher.PingAsync();
        ping["payout"].ShouldBe("53.60", ping.Text);
        Payouts(ping).ShouldBe(["21.60", "16.80", "15.20"]);

        var post = await publisher.PostAsync(ping["ping_id"]!);
        post["status"].ShouldBe("sold", post.Text);
        post["payout"].ShouldBe("53.60");
        (await exchange.SoldToAsync(post["lead_id"]!)).ShouldBe(["s27-own", "s21-own", "s19-own"]);
        var money = await exchange.LedgerAsync(post["lead_id"]!);
        money.NetOf("buyer:b27-own").ShouldBe(-27m);
        money.NetOf("buyer:b24-own").ShouldBe(0m);
        money.NetOf("buyer:b21-own").ShouldBe(-21m);
        money.NetOf("buyer:b19-own").ShouldBe(-19m);
        money.NetOf("publisher:pub-own").ShouldBe(53.60m);
        money.NetOf("house").ShouldBe(13.40m);
    }

    [Theory]
    // Three shared copies at 27 + 24 + 21 = 72 beat 62 alone.
    [InlineData("first_price", "62.00", "shared", new[] { "21.60", "19.20", "16.80" })]
    [InlineData("first_price", "75.00", "exclusive", new[] { "60.00" })]
    // 75 pays what just beats the shared three; three at the level of the next shared bid, 19, are short of 62, so 20.67 each.
    [InlineData("second_price", "75.00", "exclusive", new[] { "57.60" })]
    [InlineData("second_price", "62.00", "shared", new[] { "16.54", "16.54", "16.54" })]
    public async Task ExclusiveAgainstShared_TheHigherTotalWins(string pricing, string exclusive, string sharing, string[] payouts)
    {
        var id = $"{pricing[..1]}{exclusive[..2]}";
        await exchange.ApplyAsync(Catalog(id, pricing, exclusive));
        using var publisher = await Sender.OfAsync(exchange, "pub-" + id);
        var ping = await publisher.PingAsync();
        Payouts(ping).ShouldBe(payouts, ping.Text);
        ping.Json["offers"]!.AsArray().Select(offer => offer.Text("sharing")).Distinct().ShouldBe([sharing]);
        (await publisher.PostAsync(ping["ping_id"]!))["payout"].ShouldBe(ping["payout"]);
    }

    [Fact]
    public async Task MaxCopies_OfThePing_LimitsTheOffers()
    {
        await exchange.ApplyAsync(Catalog("max", "first_price", null));
        using var publisher = await Sender.OfAsync(exchange, "pub-max");
        Payouts(await publisher.PingAsync(with: new { max_copies = 2 })).ShouldBe(["21.60", "19.20"]);
    }

    [Fact]
    public async Task OffersAll_EveryBidThatClearsIsShownAndThePostChooses()
    {
        await exchange.ApplyAsync(Catalog("all", "first_price", "62.00", offers: "all"));
        using var publisher = await Sender.OfAsync(exchange, "pub-all");
        var ping = await publisher.PingAsync();
        Payouts(ping).ShouldBe(["21.60", "19.20", "16.80", "49.60", "15.20"], ping.Text);
        ping.Json["best"]!.ToJsonString().ShouldBe("""["1","2","3"]""");
        var id = ping["ping_id"]!;

        // Nobody may take an exclusive offer beside another, more than the ping's copies, one twice, or one that is not there.
        foreach (var wrong in (string[][])[["4", "1"], ["1", "1"], ["9"]])
        {
            var refused = await publisher.PostAsync(id, null, new { offer_ids = wrong });
            refused.Status.ShouldBe(422, refused.Text);
            refused.Json["errors"]![0].Text("pointer")!.ShouldStartWith("/offer_ids");
        }

        var post = await publisher.PostAsync(id, null, new { offer_ids = (string[])["2", "5"] });
        post["status"].ShouldBe("sold", post.Text);
        post["payout"].ShouldBe("34.40");
        post.Json["copies"]!.AsArray().Select(copy => copy.Text("offer_id")).ShouldBe(["2", "5"]);
        (await exchange.SoldToAsync(id)).ShouldBe(["s24-all", "s19-all"]);

        var exclusive = await publisher.OfferedAsync();
        (await publisher.PostAsync(exclusive, null, new { offer_ids = (string[])["4"] }))["payout"].ShouldBe("49.60");
        (await exchange.SoldToAsync(exclusive)).ShouldBe(["alone-all"]);
    }

    [Fact]
    public async Task SoldElsewhere_NothingExclusiveIsOffered()
    {
        await exchange.ApplyAsync(Catalog("else", "first_price", "75.00"));
        using var publisher = await Sender.OfAsync(exchange, "pub-else");
        var ping = await publisher.PingAsync(with: new { sold_elsewhere = new { copies = 1, sellers = Array.Empty<string>() } });
        ping.Json["offers"]!.AsArray().Select(offer => offer.Text("sharing")).Distinct().ShouldBe(["shared"], ping.Text);
    }

    [Fact]
    public async Task MinPayout_AboveThePayout_RefusesAndNeverRaisesThePrice()
    {
        await exchange.ApplyAsync(Catalog("min", "second_price", "75.00"));
        using var publisher = await Sender.OfAsync(exchange, "pub-min");
        var ping = await publisher.PingAsync(with: new { min_payout = "57.61" });
        ping["status"].ShouldBe("no_offer");
        ping["reason"].ShouldBe("min_payout");
        (await publisher.PingAsync(with: new { min_payout = "57.60" }))["payout"].ShouldBe("57.60");

        var offered = await publisher.OfferedAsync();
        var post = await publisher.PostAsync(offered, null, new { min_payout = "57.61" });
        post.Status.ShouldBe(200, post.Text);
        post["status"].ShouldBe("unsold");
        post["reason"].ShouldBe("min_payout");
        (await exchange.LedgerAsync(offered)).ShouldBeEmpty();

        var refused = await publisher.PostAsync(ping["ping_id"]!);
        refused.Status.ShouldBe(409, refused.Text);
        refused.Code.ShouldBe("no_offer");
    }

    [Fact]
    public async Task PublisherCap_Full_RefusesPingsAndPostsAlike()
    {
        await exchange.ApplyAsync(Catalog("cap", "first_price", "10.00", publisher: ", caps: [ { per: total, leads: 1 } ]"));
        using var publisher = await Sender.OfAsync(exchange, "pub-cap");
        var (first, second) = (await publisher.OfferedAsync(with: new { max_copies = 1 }), await publisher.OfferedAsync(with: new { max_copies = 1 }));
        (await publisher.PostAsync(first))["status"].ShouldBe("sold");
        var late = await publisher.PostAsync(second);
        late.Status.ShouldBe(200, late.Text);
        late["status"].ShouldBe("unsold");
        late["reason"].ShouldBe("publisher_cap");
        var ping = await publisher.PingAsync();
        ping.Status.ShouldBe(200, ping.Text);
        ping["status"].ShouldBe("no_offer");
        ping["reason"].ShouldBe("publisher_cap");
    }

    private static IEnumerable<string?> Payouts(Reply ping) => ((JsonArray)ping.Json["offers"]!).Select(offer => offer.Text("payout"));

    /// <summary>Shared bids of 27, 24, 21 and 19 of four buyers, three copies, floor 15; beside them an exclusive bid if wanted.</summary>
    private static string Catalog(string id, string pricing, string? exclusive, string companyOfSecond = "", string offers = "best", string publisher = "") => Market.With(
        $$"""
        publishers:
          pub-{{id}}: { verticals: [auto], payout: { share: 80% }{{publisher}} }
        buyers:
          b27-{{id}}: { credit_limit: "5000.00"{{(companyOfSecond.Length > 0 ? ", " + companyOfSecond : "")}} }
          b24-{{id}}: { credit_limit: "5000.00"{{(companyOfSecond.Length > 0 ? ", " + companyOfSecond : "")}} }
          b21-{{id}}: { credit_limit: "5000.00" }
          b19-{{id}}: { credit_limit: "5000.00" }
          alone-{{id}}: { credit_limit: "5000.00" }
        campaigns:
          s27-{{id}}: { buyer: b27-{{id}}, vertical: auto, bid: "27.00", sharing: shared }
          s24-{{id}}: { buyer: b24-{{id}}, vertical: auto, bid: "24.00", sharing: shared }
          s21-{{id}}: { buyer: b21-{{id}}, vertical: auto, bid: "21.00", sharing: shared }
          s19-{{id}}: { buyer: b19-{{id}}, vertical: auto, bid: "19.00", sharing: shared }
          alone-{{id}}: { buyer: alone-{{id}}, vertical: auto, bid: "{{exclusive ?? "1.00"}}", status: {{(exclusive is null ? "paused" : "active")}} }
        ping_trees:
          tree-{{id}}:
            vertical: auto
            offers: {{offers}}
            tiers:
              - name: market
                method: auction
                pricing: {{pricing}}
                floor: "{{(exclusive == "10.00" ? "5.00" : "15.00")}}"
                copies: 3
                campaigns: [s27-{{id}}, s24-{{id}}, s21-{{id}}, s19-{{id}}, alone-{{id}}]
        """);
}
