extern alias server;

using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Exchange.Grains.Catalog;
using Exchange.Grains.Cluster;
using Exchange.Grains.Feed;
using Exchange.Grains.Intake;
using Exchange.Grains.Limits;
using Exchange.Grains.Pings;
using Exchange.Storage;
using Exchange.System.Tests.BlackBox;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using server::Exchange.Server.Access;
using server::Exchange.Server.Catalog;
using server::Exchange.Server.Hosting;
using Shouldly;

namespace Exchange.System.Tests.Cluster;

/// <summary>What silos do for each other: offers are had from another or from its record, commits are told. Each test stops a silo, fills the cap or changes the catalog.</summary>
public sealed class SilosTogetherTests : IAsyncLifetime
{
    internal static readonly string Catalog = Market.With(
        """
        publishers:
          pub: { verticals: [auto], payout: { share: 80% } }
        buyers:
          buyer: { credit_limit: unlimited }
        campaigns:
          camp: { buyer: buyer, vertical: auto, bid: "10.00", caps: [ { per: total, leads: 40, warn_at: 50% } ] }
        ping_trees:
          tree: { vertical: auto, tiers: [ { name: only, method: priority, campaigns: [camp] } ] }
        """);

    private TestCluster cluster = null!;

    public async Task InitializeAsync() => cluster = await TestCluster.StartAsync(3, Catalog);

    public async Task DisposeAsync() => await cluster.DisposeAsync();

    /// <summary>Whoever has changed it through one silo knows its version, and changes it next through another that is behind.</summary>
    [Fact]
    public async Task Catalog_ChangedThroughASiloThatIsBehind_IsNoConflict()
    {
        await cluster.ApplyAtFirstAsync(Catalog.Replace("10.00", "11.00", StringComparison.Ordinal));
        var newest = cluster[0].Get<CatalogHost>().Current.Version;
        cluster[1].Get<CatalogHost>().Current.Version.ShouldBe(newest - 1);

        var errors = new ConfigErrors();
        var outcome = await cluster[1].Get<CatalogHost>().ApplyAsync(CatalogYaml.Read(Catalog.Replace("10.00", "12.00", StringComparison.Ordinal), errors)!, newest, "test", false, CancellationToken.None);
        (outcome.Conflict, outcome.Version).ShouldBe((false, newest + 1));
    }

    /// <summary>Others tell those that are silos already: of what was changed while one started it hears nothing. Its clock stands, so it does not look by itself.</summary>
    [Fact]
    public async Task Freshness_AsItStarts_HasTheKeysAndTheCatalogOfThatMoment()
    {
        var (silo, clock) = (cluster[1], new FakeTimeProvider());
        using var keys = new ApiKeys(cluster.Store.Access, cluster.Store.Vault, clock);
        var key = await keys.CreateAsync(KeyRole.Publisher, "pub", false, CancellationToken.None);
        (await cluster.Store.Access.RevokeKeyAsync(key.Row.Id, Now(), CancellationToken.None)).ShouldBeTrue();
        await cluster.ApplyAtFirstAsync(Catalog.Replace("10.00", "11.00", StringComparison.Ordinal));
        using var freshness = new Freshness(silo.Get<CatalogHost>(), keys, silo.Get<NewsDesk>(), silo.Get<LiveFeed>(), clock, NullLogger<Freshness>.Instance);

        await freshness.StartAsync(CancellationToken.None);

        keys.Find(key.Plain).ShouldBeNull();
        silo.Get<CatalogHost>().Current.Version.ShouldBe(cluster[0].Get<CatalogHost>().Current.Version);
        await freshness.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task Offer_OfACampaignThatThisSiloHasNotHeardOf_IsSold()
    {
        await cluster.ApplyAtFirstAsync(Catalog.Replace("campaigns:\n", "campaigns:\n  news: { buyer: buyer, vertical: auto, bid: \"20.00\" }\n", StringComparison.Ordinal)
            .Replace("campaigns: [camp]", "campaigns: [news, camp]", StringComparison.Ordinal));
        var ping = (await cluster[0].PingAsync("pub")).Answer!;
        ping.Offers[0].Payout.ShouldBe(Engine.Values.Money.Parse("16.00"));
        cluster[1].Get<CatalogHost>().Current.Campaigns.ContainsKey("news").ShouldBeFalse();
        await cluster.Store.Pings.FlushAsync(CancellationToken.None);

        var reply = await cluster[1].PostAsync("pub", ping.PingId);
        StatusOf(reply).ShouldBe("sold");
        Encoding.UTF8.GetString(reply.Answer!).ShouldContain("16.00");
    }

    [Fact]
    public async Task Offer_OfAnotherSilo_IsHadFromIt_AndFromItsRecordWhenItIsGone()
    {
        var pings = new List<PingAnswer>();
        for (var i = 0; i < 4; i++) pings.Add((await cluster[1].PingAsync("pub")).Answer!);
        var found = await FoundAsync(cluster[0], pings[0].PingId);
        found.Offers.Length.ShouldBe(1);
        Bytes(found).ShouldBe(cluster[1].Get<OfferBook>().Find(pings[0].PingId));
        await cluster.Store.Pings.FlushAsync(CancellationToken.None);
        await cluster[1].StopAsync();
        await TestCluster.UntilAsync(() => cluster[0].Silos.Count == 2, "the second silo is gone");
        (await cluster[0].Get<OfferHomes>().FindAsync(pings[1].PingId)).ShouldBeNull();
        for (var i = 1; i < 4; i++) StatusOf(await cluster[i % 2 * 2].PostAsync("pub", pings[i].PingId)).ShouldBe("sold");
        cluster[0].Get<OfferHomes>().Lost.ShouldBe(0);
    }

    [Fact]
    public async Task Post_OfAPingThatAGoneSiloTookWithIt_IsNotFound_AndCounted()
    {
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        await cluster[0].StopAsync();
        await TestCluster.UntilAsync(() => cluster[2].Silos.Count == 2, "the first silo is gone");
        // While its record may be on its way nobody says that there is none.
        (await cluster[2].PostAsync("pub", Engine.Values.LeadId.Create(TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(), 1, false, 7))).Problem!.Status.ShouldBe(503);
        now -= OfferHomes.RecordSettlesMs + 1_000;
        (await cluster[2].PostAsync("pub", Engine.Values.LeadId.Create(now, 1, false, 7))).Problem!.Code.ShouldBe("ping_not_found");
        cluster[2].Get<OfferHomes>().Lost.ShouldBe(1);
        // Neither an id of a silo that lives, nor one that is too old, nor one that no silo ever had.
        foreach (var id in (Engine.Values.LeadId[])[Engine.Values.LeadId.Create(now, 2, false, 7), Engine.Values.LeadId.Create(now - 7_200_000, 1, false, 7), Engine.Values.LeadId.Create(now, 900, false, 7)])
            (await cluster[2].PostAsync("pub", id)).Problem!.Code.ShouldBe("ping_not_found");
        cluster[2].Get<OfferHomes>().Lost.ShouldBe(1);
    }

    [Fact]
    public async Task Sales_AreSeenByEveryLiveView_AndAnAlertIsToldByOneSiloAlone()
    {
        var limit = cluster[0].Get<CatalogHost>().Current.Campaigns["camp"].Takes.Single(limit => limit.Kind == LimitKind.Cap);
        for (var i = 0; i < 25; i++) StatusOf(await cluster[i % 3].PostAsync("pub", (await cluster[i % 3].PingAsync("pub")).Answer!.PingId)).ShouldBe("sold");
        await TestCluster.UntilAsync(() => cluster.Silos.All(silo => silo.Get<LiveView>().Report(limit, Now()).Used == 25), "every live view has 25 sales");
        await TestCluster.UntilAsync(() => cluster.Silos.All(silo => silo.Get<CapAlerts>().Newest(9).Count == 1), "every silo lists the alert");
        cluster.Silos.Sum(silo => silo.Get<CapAlerts>().Sums.Sum(sum => sum.Value)).ShouldBe(1);
        cluster.Silos.Count(silo => silo.Get<CapAlerts>().TryTell(out _)).ShouldBe(1);
    }

    [Fact]
    public async Task Cap_AskedForByThreeSilosAtOnce_IsSoldToTheUnit()
    {
        var pings = new List<(TestSilo Silo, PingAnswer Ping)>();
        for (var i = 0; i < 90; i++) pings.Add((cluster[(i + 1) % 3], (await cluster[i % 3].PingAsync("pub")).Answer!));
        await cluster.Store.Pings.FlushAsync(CancellationToken.None);
        var replies = await Task.WhenAll(pings.Select(pair => pair.Silo.PostAsync("pub", pair.Ping.PingId)));
        replies.Count(reply => StatusOf(reply) == "sold").ShouldBe(40);
    }

    /// <summary>A silo that asks another one waits for it a quarter of a second.</summary>
    internal static async Task<Engine.PingTrees.PingRecord> FoundAsync(TestSilo silo, Engine.Values.LeadId ping)
    {
        for (var tries = 0; tries < 80; tries++)
            if (await silo.Get<OfferHomes>().FindAsync(ping) is { } found) return found;
        throw new TimeoutException("The offer of another silo is not found");
    }

    private byte[] Bytes(Engine.PingTrees.PingRecord record) => PingCodec.Encode(record, cluster[0].Get<CatalogHost>().Current.Verticals["auto"].Fields, cluster.Store.Vault);

    private static long Now() => TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();

    internal static string? StatusOf(PostReply reply) => reply.Answer is { } json ? JsonNode.Parse(Encoding.UTF8.GetString(json))!["status"]!.GetValue<string>() : reply.Problem!.Code;
}

/// <summary>A ping made at one silo is posted at another, a key is kept once for all, somebody watches all. These leave the silos and their catalog as they are, and share them.</summary>
public sealed class SilosAlikeTests(SilosAlikeTests.Three three) : IClassFixture<SilosAlikeTests.Three>
{
    /// <summary>Who waits a quarter of a second for the silo that keeps a key keeps it himself: what took longer says nothing.</summary>
    private static readonly TimeSpan InTime = TimeSpan.FromMilliseconds(200);

    private readonly TestCluster cluster = three.Cluster;

    [Fact]
    public async Task Ping_MadeAtEachSilo_NamesIt_AndIsSoldByAnyOther()
    {
        for (var made = 0; made < 3; made++)
            for (var posted = 0; posted < 3; posted++)
            {
                var ping = (await cluster[made].PingAsync("pub")).Answer!;
                ((int)ping.PingId.Silo).ShouldBe(made + 1);
                // A home that does not answer within a quarter of a second is not waited for: its record is read.
                await cluster.Store.Pings.FlushAsync(CancellationToken.None);
                StatusOf(await cluster[posted].PostAsync("pub", ping.PingId)).ShouldBe("sold");
                // The same body again, anywhere, gets the recorded answer.
                var again = await cluster[(posted + 1) % 3].PostAsync("pub", ping.PingId);
                (StatusOf(again), again.Replayed).ShouldBe(("sold", true));
            }
    }

    [Fact]
    public async Task Test_ForcedAtOneSilo_AnswersSoAtAnother()
    {
        var ping = (await cluster[0].PingAsync("pub", test: true, result: "unsold")).Answer!;
        // The record does not tell it: only the home does.
        await SilosTogetherTests.FoundAsync(cluster[2], ping.PingId);
        StatusOf(await cluster[2].PostAsync("pub", ping.PingId)).ShouldBe("unsold");
    }

    [Fact]
    public async Task PingKey_SentToEverySiloAtOnce_MakesOnePing_AndAnotherBodyIsRefused()
    {
        var key = "";
        for (int round = 0, judged = 0; judged < 10; round++)
        {
            round.ShouldBeLessThan(200);
            var (next, clock) = ("key-" + Market.Text(round), Stopwatch.StartNew());
            var replies = await Task.WhenAll(cluster.Silos.SelectMany(silo => Enumerable.Range(0, 4).Select(_ => silo.PingAsync("pub", next))));
            if (clock.Elapsed > InTime) continue;
            judged++;
            key = next;
            replies.Select(reply => reply.Answer!.PingId).Distinct().ShouldHaveSingleItem();
            replies.Count(reply => !reply.Answer!.Replayed).ShouldBe(1);
            replies.Select(reply => (reply.Answer!.Payout, reply.Answer.ExpiresAt)).Distinct().ShouldHaveSingleItem();
        }
        foreach (var silo in cluster.Silos)
            for (var tries = 0; tries < 80; tries++)
            {
                var clock = Stopwatch.StartNew();
                var verdict = await silo.Get<PingKeys>().ClaimAsync(new PingCommand
                {
                    Publisher = "pub", Vertical = "auto", Fields = [], ReceivedAt = default, IdempotencyKey = key, BodyHash = [1, 2, 3],
                });
                if (clock.Elapsed > InTime) continue;
                verdict.State.ShouldBe(KeyState.OtherBody);
                break;
            }
    }

    [Fact]
    public async Task PingKey_OfARefusedPing_IsFreeAtEverySilo()
    {
        foreach (var silo in cluster.Silos) (await silo.PingAsync("pub", "bad", zip: "nowhere")).Problem!.Status.ShouldBe(422);
        (await cluster[1].PingAsync("pub", "bad")).Answer.ShouldNotBeNull();
    }

    [Fact]
    public async Task LiveFeed_WatchedAtOneSilo_TellsOfAllSilos()
    {
        var events = cluster[2].Get<LiveFeed>().Watch(out _)!;
        await TestCluster.UntilAsync(() => cluster.Silos.All(silo => silo.Get<LiveFeed>().IsWanted), "every silo knows that somebody watches");
        var ping = (await cluster[0].PingAsync("pub")).Answer!;
        await cluster.Store.Pings.FlushAsync(CancellationToken.None);
        StatusOf(await cluster[1].PostAsync("pub", ping.PingId)).ShouldBe("sold");
        var told = new List<string>();
        await TestCluster.UntilAsync(() =>
        {
            while (events.TryRead(out var next)) told.Add(next.Kind + " " + JsonNode.Parse(next.Json)![next.Kind + "_id"]);
            return told.Count >= 2;
        }, "both silos told");
        told.ShouldBe(["ping " + ping.PingId, "lead " + ping.PingId], ignoreOrder: true);
    }

    [Fact]
    public async Task Silos_AgreeOnWhoKeepsAName_AndShareNamesOut()
    {
        var owners = Enumerable.Range(0, 300).Select(i => cluster.Silos.Select(silo => silo.Silos.Owns("name-" + Market.Text(i))).ToArray()).ToArray();
        owners.ShouldAllBe(owns => owns.Count(own => own) == 1);
        for (var silo = 0; silo < 3; silo++) owners.Count(owns => owns[silo]).ShouldBeGreaterThan(50);
        await Task.CompletedTask;
    }

    private static string? StatusOf(PostReply reply) => SilosTogetherTests.StatusOf(reply);

    public sealed class Three : IAsyncLifetime
    {
        internal TestCluster Cluster { get; private set; } = null!;

        public async Task InitializeAsync() => Cluster = await TestCluster.StartAsync(3, SilosTogetherTests.Catalog);

        public async Task DisposeAsync() => await Cluster.DisposeAsync();
    }
}
