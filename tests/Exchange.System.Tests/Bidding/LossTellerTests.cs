using Exchange.Engine.Values;
using Exchange.Grains.Bidding;
using Exchange.Grains.Catalog;
using Exchange.Grains.Deliveries;
using Exchange.Storage;
using Exchange.System.Tests.BlackBox;
using Exchange.System.Tests.Cluster;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Shouldly;

namespace Exchange.System.Tests.Bidding;

/// <summary>Live bidders hear what they lost: an hour late, rounded up, once, and only those whose campaign tells losses.</summary>
public sealed class LossTellerTests : IAsyncLifetime
{
    private BuyerApp buyers = null!;
    private TestCluster cluster = null!;

    public async Task InitializeAsync()
    {
        buyers = await BuyerApp.StartAsync();
        foreach (var (name, bid) in (ReadOnlySpan<(string, string)>)[("winner", "12.50"), ("loser", "9.10"), ("silent", "8.00"), ("shaped", "7.00")])
            buyers[name].Decides(request => request.Body.AsSpan().IndexOf("bid.lost"u8) >= 0 ? "" : $$"""{"bids":[{"price":"{{bid}}"}],"ping_no":"z-17"}""");
        cluster = await TestCluster.StartAsync(1, Market.Of("ping_deadline: 10s", $$$"""
            connectors:
              shape:
                needs: [url]
                ping: { url: "{{ with.url }}", json: { zip: "{{ lead.zip }}" }, reply: { bid_when: { at: ping_no, exists: true }, price: bids.0.price, carry: { no: ping_no } } }
                post: { url: "{{ with.url }}", json: {}, reply: { accepted_when: { at: ok, is: true } } }
                lost: { url: "{{ with.url }}", json: { lost: "{{ ping.no }}", why: "{{ loss.reason }}", least: "{{ loss.minimum_to_win }}", zip: "{{ lead.zip }}" } }
            publishers: { pub: { verticals: [auto], payout: { share: 80% } } }
            buyers:
              winner: { credit_limit: unlimited, endpoints: { crm: { connector: native, with: { url: "{{{buyers.Url("winner")}}}", secret: { secret: signing } }, timeout: { ping: 9s } } } }
              loser:  { credit_limit: unlimited, endpoints: { crm: { connector: native, with: { url: "{{{buyers.Url("loser")}}}", secret: { secret: signing } }, timeout: { ping: 9s } } } }
              silent: { credit_limit: unlimited, endpoints: { crm: { connector: native, with: { url: "{{{buyers.Url("silent")}}}", secret: { secret: signing } }, timeout: { ping: 9s } } } }
              shaped: { credit_limit: unlimited, endpoints: { crm: { connector: shape, with: { url: "{{{buyers.Url("shaped")}}}" }, timeout: { ping: 9s } } } }
            campaigns:
              winner: { buyer: winner, vertical: auto, bid: { live: crm }, tell_losses: true }
              loser:  { buyer: loser, vertical: auto, bid: { live: crm }, tell_losses: true }
              silent: { buyer: silent, vertical: auto, bid: { live: crm } }
              shaped: { buyer: shaped, vertical: auto, bid: { live: crm }, tell_losses: true }
            ping_trees:
              tree: { vertical: auto, tiers: [ { name: only, method: auction, campaigns: all } ] }
            """));
    }

    public async Task DisposeAsync()
    {
        await cluster.DisposeAsync();
        await buyers.DisposeAsync();
    }

    [Fact]
    public async Task Losers_HearOfItOnce_WhenTheHourIsOver()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        var silo = cluster[0];
        var teller = new LossTeller(cluster.Store, silo.Get<CatalogHost>(), silo.Get<BuyerCalls>(), silo.Silos, time, NullLogger<LossTeller>.Instance);
        // The first look only remembers where it stands.
        (await teller.TellAsync(CancellationToken.None)).ShouldBe(0);
        var ping = await silo.PingAsync("pub");
        ping.Answer!.Payout.ShouldBe(Money.Parse("10.00"));
        await cluster.Store.Pings.FlushAsync(CancellationToken.None);
        (await teller.TellAsync(CancellationToken.None)).ShouldBe(0);

        time.Advance(TimeSpan.FromHours(1) + TimeSpan.FromMinutes(1));
        (await teller.TellAsync(CancellationToken.None)).ShouldBe(2);
        (await teller.TellAsync(CancellationToken.None)).ShouldBe(0);

        var asked = buyers["loser"].Requests[0].Json["bid_request_id"]!.GetValue<string>();
        var told = buyers["loser"].Requests[^1];
        told.IsSigned.ShouldBeTrue();
        // First price: a step above 12.50, rounded up to a half.
        (buyers["loser"].Requests.Count, (string?)told.Json["type"], (string?)told.Json["bid_request_id"], (string?)told.Json["reason"], (string?)told.Json["minimum_to_win"])
            .ShouldBe((2, "bid.lost", asked, "outbid", "13.00"));
        global::System.Text.Encoding.UTF8.GetString(buyers["shaped"].Requests[^1].Body).ShouldBe("""{"lost":"z-17","why":"outbid","least":13.00,"zip":"90210"}""");
        buyers["winner"].Requests.Count.ShouldBe(1);
        buyers["silent"].Requests.Count.ShouldBe(1);
    }

    /// <summary>One teller throws, and at one ping nobody can make out what was lost: the others hear all the same, and nobody twice.</summary>
    [Fact]
    public async Task WhatCannotBeTold_IsPassedOver_AndKeepsNoOtherFromHearing()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        var silo = cluster[0];
        LeadId? unreadable = null;
        // The secret by which natively connected buyers are called was sealed with another key.
        var access = Stub.Of<IAccessStore>((_, _) => throw new InvalidOperationException("sealed with another key"));
        var leads = Stub.Of<ILeadStore>((_, arguments) => arguments[0]!.Equals(unreadable) ? throw new InvalidOperationException("a row that nobody can read") : cluster.Store.Leads.FindAsync((LeadId)arguments[0]!, CancellationToken.None));
        var store = Stub.Of<IExchangeStore>((name, arguments) => name == "get_Leads" ? leads : typeof(IExchangeStore).GetMethod(name)!.Invoke(cluster.Store, arguments));
        var teller = new LossTeller(store, silo.Get<CatalogHost>(), new BuyerCalls(silo.Get<BuyerCalls>().Connectors, access, time), silo.Silos, time, NullLogger<LossTeller>.Instance);
        (await teller.TellAsync(CancellationToken.None)).ShouldBe(0);
        unreadable = (await silo.PingAsync("pub")).Answer!.PingId;
        for (var i = 0; i < 2; i++) await silo.PingAsync("pub");
        await cluster.Store.Pings.FlushAsync(CancellationToken.None);
        var asked = buyers["shaped"].Requests.Count;
        time.Advance(TimeSpan.FromHours(1) + TimeSpan.FromMinutes(1));

        (await teller.TellAsync(CancellationToken.None)).ShouldBe(2);
        (await teller.TellAsync(CancellationToken.None)).ShouldBe(0);

        buyers["shaped"].Requests.Count.ShouldBe(asked + 2);
        buyers["loser"].Requests.Count.ShouldBe(3);
    }

    /// <summary>As a driver may cancel what was under way when its connection was lost.</summary>
    [Fact]
    public async Task CancellationThatNobodyAskedFor_EndsOneRound_AndNotTheTeller()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        var silo = cluster[0];
        var looks = 0;
        var access = Stub.Of<IAccessStore>((_, _) =>
        {
            Interlocked.Increment(ref looks);
            throw new TaskCanceledException();
        });
        using var teller = new LossTeller(Stub.Of<IExchangeStore>((_, _) => access), silo.Get<CatalogHost>(), silo.Get<BuyerCalls>(), silo.Silos, time, NullLogger<LossTeller>.Instance);
        await teller.StartAsync(CancellationToken.None);

        await MarketCalls.Until(() =>
        {
            time.Advance(TimeSpan.FromSeconds(20));
            return Volatile.Read(ref looks) >= 2;
        }, "it looks again");

        await teller.StopAsync(CancellationToken.None);
    }
}
