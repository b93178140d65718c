using System.Text.RegularExpressions;
using Exchange.V1;
using Google.Protobuf.WellKnownTypes;
using Shouldly;

namespace Exchange.System.Tests.BlackBox;

/// <summary>The catalog and the ping of the published contract, from the ping to the buyer's acknowledgement and the money.</summary>
[Collection(AutoInsuranceOnce.Name)]
public sealed class FirstSaleTests
{
    private static readonly object Pinged = new { zip = "90210", state = "CA", age = 35, currently_insured = true };
    private readonly ExchangeProcess exchange;
    private readonly string key;

    public FirstSaleTests(AutoInsurance running)
    {
        exchange = running.Process;
        key = running.PublisherKey;
    }

    /// <summary>auto-insurance.yaml and its publisher.</summary>
    public sealed class AutoInsurance : IAsyncLifetime
    {
        public ExchangeProcess Process { get; private set; } = null!;
        public string PublisherKey { get; private set; } = "";

        public async Task InitializeAsync()
        {
            Process = await ExchangeProcess.StartAsync();
            await Process.ApplyAsync(ExchangeProcess.Data("auto-insurance.yaml"));
            PublisherKey = await Process.KeyAsync("publisher", "search-partner");
        }

        public async Task DisposeAsync() => await Process.DisposeAsync();
    }

    [Fact]
    public async Task Contract_PingAndPost_SoldAtSecondPriceWithEveryCentBooked()
    {
        using var publisher = new Sender(exchange, key);
        var usedBefore = (int)(await exchange.CapAsync("acme-west", "day.leads"))["used"]!;

        var ping = await publisher.PingAsync(Pinged, new
        {
            vertical = "auto-insurance", sub_id = "kw-17", tags = new { click_id = "Cj0K9" }, channel = "web", min_payout = "4.00", max_copies = 3,
            sold_elsewhere = new { copies = 0, sellers = Array.Empty<string>() }, deadline_ms = 500,
            consent = new { page = "https://example.com/auto", text = "I agree to be called." },
        });

        // acme 12.50 beats best-auto 11.00 under second price: acme pays 11.00, the publisher's 80 % is 8.80.
        ping.Status.ShouldBe(200, ping.Text);
        ping["status"].ShouldBe("offered");
        ping["payout"].ShouldBe("8.80");
        ping["currency"].ShouldBe("USD");
        ping["test"].ShouldBe("false");
        ping.Json["best"]!.ToJsonString().ShouldBe("""["1"]""");
        ping.Json["offers"]!.ToJsonString().ShouldBe("""[{"offer_id":"1","payout":"8.80","sharing":"exclusive","seller":null}]""");
        ping.Text.ShouldNotContain("acme");
        WithoutMoments(ping.Text).ShouldNotContain("11.00");

        var post = await publisher.PostAsync(ping["ping_id"]!, Person());
        post.Status.ShouldBe(200, post.Text);
        post["status"].ShouldBe("sold");
        post["payout"].ShouldBe("8.80");
        post["payout_pending"].ShouldBe("0.00");
        post["lead_id"].ShouldBe(ping["ping_id"]);
        post.Json["redirect_url"].ShouldBeNull();
        post.Json["copies"]!.ToJsonString().ShouldBe("""[{"offer_id":"1","status":"sold","payout":"8.80","redirect_url":null}]""");
        post.Json["tags"]!["click_id"]!.ToString().ShouldBe("Cj0K9");

        var money = await exchange.LedgerAsync(post["lead_id"]!);
        money.NetOf("buyer:acme").ShouldBe(-11.00m);
        money.NetOf("publisher:search-partner").ShouldBe(8.80m);
        money.NetOf("house").ShouldBe(2.20m);
        money.Select(transfer => transfer.Text("debit")).Distinct().ShouldBe(["buyer:acme"]);

        // The cap's state exactly as the contract writes it.
        var campaign = await exchange.AdminAsync("campaigns/acme-west");
        campaign["state"]!["open"]!.ToString().ShouldBe("true");
        campaign["state"]!["reason"].ShouldBeNull();
        var day = campaign["state"]!["caps"]!.AsArray().Single(cap => cap.Text("cap") == "day.leads")!;
        day.AsObject().Select(member => member.Key).ShouldBe(["cap", "per", "leads", "used", "held", "left", "resets_at", "time_zone"]);
        ((int)day["used"]!).ShouldBe(usedBefore + 1);
        ((int)day["leads"]!).ShouldBe(200);
        ((int)day["held"]!).ShouldBe(0);
        ((int)day["left"]!).ShouldBe(199 - usedBefore);
        day.Text("time_zone").ShouldBe("America/Los_Angeles");
        day.Text("resets_at")!.ShouldEndWith("Z");
        var month = campaign["state"]!["caps"]!.AsArray().Single(cap => cap.Text("cap") == "month.spend")!;
        month.Text("spend").ShouldBe("20000.00");
    }

    [Fact]
    public async Task SoldLead_ReadBack_EachSeesOnlyItsOwn()
    {
        using var publisher = new Sender(exchange, key);
        var acme = await exchange.KeyAsync("buyer", "acme");
        var person = Person();
        var lead = (await publisher.PostAsync(await publisher.OfferedAsync(Pinged, new { vertical = "auto-insurance", sub_id = "kw-17" }), person))["lead_id"]!;

        var own = await publisher.LeadAsync(lead);
        own.Status.ShouldBe(200, own.Text);
        own["status"].ShouldBe("sold");
        own["payout"].ShouldBe("8.80");
        foreach (var secret in (string[])["acme", "11.00", "12.50", "2.20"]) WithoutMoments(own.Text).ShouldNotContain(secret);

        var told = await exchange.AdminAsync($"leads/{lead}");
        var copy = told["copies"]!.AsArray().ShouldHaveSingleItem()!;
        copy.Text("campaign").ShouldBe("acme-west");
        copy.Text("buyer").ShouldBe("acme");
        copy.Text("price").ShouldBe("11.00");
        copy.Text("payout").ShouldBe("8.80");
        copy.Text("status").ShouldBe("sold");
        copy.Text("money").ShouldBe("captured");
        told.ToJsonString().ShouldNotContain(person["email"]);
        told.ToJsonString().ShouldNotContain(person["phone"]);

        var inbox = await exchange.GetAsync("/v1/buyer/copies?status=waiting&limit=200", acme);
        inbox.Status.ShouldBe(200, inbox.Text);
        var message = inbox.Json["copies"]!.AsArray().Single(one => one!["fields"].Text("email") == person["email"])!;
        message.Text("type").ShouldBe("copy.sold");
        message.Text("campaign").ShouldBe("acme-west");
        message.Text("price").ShouldBe("11.00");
        message.Text("sharing").ShouldBe("exclusive");
        message["fields"].Text("phone").ShouldBe(person["phone"]);
        message["fields"].Text("zip").ShouldBe("90210");
        message["fields"]!["age"]!.ToJsonString().ShouldBe("35");
        message["fields"]!["currently_insured"]!.ToJsonString().ShouldBe("true");
        // A moment may have the figures of a payout in it.
        foreach (var (name, _) in message.AsObject().ToArray()) if (name is "sold_at" or "return_until") message.AsObject().Remove(name);
        foreach (var secret in (string[])["search-partner", "kw-17", "8.80", "12.50"]) message.ToJsonString().ShouldNotContain(secret);

        var id = message.Text("copy_id")!;
        (await exchange.PostAsync($"/v1/buyer/copies/{id}/ack", await exchange.KeyAsync("buyer", "best-auto"), new { })).Status.ShouldBe(404);
        for (var i = 0; i < 2; i++)
        {
            var ack = await exchange.PostAsync($"/v1/buyer/copies/{id}/ack", acme, "");
            ack.Status.ShouldBe(200, ack.Text);
        }
        (await exchange.GetAsync("/v1/buyer/copies?status=waiting&limit=200", acme)).Text.ShouldNotContain(id);
        (await exchange.GetAsync("/v1/buyer/copies?status=delivered&limit=200", acme)).Text.ShouldContain(id);
    }

    [Fact]
    public async Task Contract_OverGrpc_TheSameSale()
    {
        using var publisher = new Sender(exchange, key);
        var ping = await publisher.Grpc.PingAsync(new PingRequest
        {
            Vertical = "auto-insurance", SubId = "kw-17", Tags = { ["click_id"] = "Cj0K9" }, Channel = "web", MinPayoutMicros = 4_000_000, MaxCopies = 3,
            Fields = { ["zip"] = "90210", ["state"] = "CA", ["age"] = "35", ["currently_insured"] = "true" },
        }, publisher.GrpcHeaders());
        ping.Status.ShouldBe(PingStatus.Offered, ping.Reason);
        ping.PayoutMicros.ShouldBe(8_800_000);
        ping.Best.ShouldBe(["1"]);
        ping.Currency.ShouldBe("USD");
        ping.Test.ShouldBeFalse();
        ping.Offers.ShouldHaveSingleItem().ShouldBe(new Offer { OfferId = "1", PayoutMicros = 8_800_000, Sharing = Sharing.Exclusive });
        (ping.ExpiresAt > Timestamp.FromDateTimeOffset(TimeProvider.System.GetUtcNow())).ShouldBeTrue();

        var post = await publisher.Grpc.PostAsync(new PostRequest { PingId = ping.PingId, Fields = { Person() } }, publisher.GrpcHeaders());
        post.Status.ShouldBe(LeadStatus.Sold, post.Reason);
        post.PayoutMicros.ShouldBe(8_800_000);
        post.PayoutPendingMicros.ShouldBe(0);
        post.Copies.ShouldHaveSingleItem().ShouldBe(new Copy { OfferId = "1", Status = CopyStatus.Sold, PayoutMicros = 8_800_000 });
        post.Tags["click_id"].ShouldBe("Cj0K9");

        var lead = await publisher.Grpc.GetLeadAsync(new GetLeadRequest { LeadId = post.LeadId }, publisher.GrpcHeaders());
        lead.Status.ShouldBe(LeadStatus.Sold);
        lead.PayoutMicros.ShouldBe(8_800_000);
        (await publisher.LeadAsync(post.LeadId))["payout"].ShouldBe("8.80");

        var money = await exchange.LedgerAsync(post.LeadId);
        money.NetOf("buyer:acme").ShouldBe(-11.00m);
        money.NetOf("publisher:search-partner").ShouldBe(8.80m);
        money.NetOf("house").ShouldBe(2.20m);
    }

    /// <summary>Whose milliseconds may look like an amount.</summary>
    private static string WithoutMoments(string json) => Regex.Replace(json, @"\d\d:\d\d:[\d.]+Z", "");

    private static Dictionary<string, string> Person() => new(Sender.NextPerson()) { ["last_name"] = "Doe" };
}
