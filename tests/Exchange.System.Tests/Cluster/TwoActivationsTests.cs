using System.Text;
using System.Text.Json.Nodes;
using Exchange.Engine.Ledger;
using Exchange.Grains.Intake;
using Exchange.System.Tests.BlackBox;
using Exchange.System.Tests.Storage;
using Shouldly;

namespace Exchange.System.Tests.Cluster;

/// <summary>
/// Two clusters that do not know of each other over one store: every lead has two activations, as it may have for a moment when silos lose sight of
/// each other. The rows are the fence.
/// </summary>
public abstract class TwoActivationsTests(TwoActivationsTests.Two clusters)
{
    private readonly BuyerApp buyers = clusters.Buyers;
    private readonly TestCluster one = clusters.One, two = clusters.Other;

    /// <summary>Both, for all tests of a class. A campaign that is to be full, and one that is to have no credit left, are one test's own.</summary>
    public abstract class Two : IAsyncLifetime
    {
        internal BuyerApp Buyers { get; private set; } = null!;
        internal TestCluster One { get; private set; } = null!;
        internal TestCluster Other { get; private set; } = null!;

        private protected abstract Task<TestCluster> StartAsync(string catalog);

        public virtual async Task InitializeAsync()
        {
            Buyers = await BuyerApp.StartAsync();
            var catalog = Market.With(
                $$"""
                publishers:
                  pub: { verticals: [auto], payout: { share: 80% } }
                  capped: { verticals: [auto], payout: { share: 80% } }
                  asking: { verticals: [auto], payout: { share: 80% } }
                  spending: { verticals: [auto], payout: { share: 80% } }
                buyers:
                  buyer: { credit_limit: unlimited }
                  asked: { credit_limit: "65.00", endpoints: { crm: { connector: native, with: { url: "{{Buyers.Url("asked")}}", secret: { secret: signing } } } } }
                  poor: { credit_limit: "65.00" }
                campaigns:
                  camp: { buyer: buyer, vertical: auto, bid: "10.00", caps: [ { per: total, leads: 1000 } ] }
                  full: { buyer: buyer, vertical: auto, bid: "10.00", caps: [ { per: total, leads: 25 } ] }
                  call: { buyer: asked, vertical: auto, bid: "10.00", delivery: { sold: on_accept, to: [crm] } }
                  last: { buyer: poor, vertical: auto, bid: "10.00" }
                ping_trees:
                  tree: { vertical: auto, publishers: [pub], tiers: [ { name: only, method: priority, campaigns: [camp] } ] }
                  caps: { vertical: auto, publishers: [capped], tiers: [ { name: only, method: priority, campaigns: [full] } ] }
                  calls: { vertical: auto, publishers: [asking], tiers: [ { name: only, method: priority, campaigns: [call] } ] }
                  credit: { vertical: auto, publishers: [spending], tiers: [ { name: only, method: priority, campaigns: [last] } ] }
                """);
            One = await StartAsync(catalog);
            Other = await TestCluster.StartAsync(1, catalog, beside: One);
        }

        public virtual async Task DisposeAsync()
        {
            await Other.DisposeAsync();
            await One.DisposeAsync();
            await Buyers.DisposeAsync();
        }
    }

    [Fact]
    public async Task SamePost_AtBothAtOnce_IsOneSaleWithOneAnswer()
    {
        for (var round = 0; round < 20; round++)
        {
            var (ping, person) = ((await one[0].PingAsync("pub")).Answer!.PingId, Sender.NextPerson());
            await one.Store.Pings.FlushAsync(CancellationToken.None);
            var replies = await Task.WhenAll(one[0].PostAsync("pub", ping, 1, person), two[0].PostAsync("pub", ping, 1, person));
            replies.Select(StatusOf).ShouldBe(["sold", "sold"]);
            (await one.Store.Leads.FindAsync(ping, CancellationToken.None))!.Copies.ShouldHaveSingleItem().State.ShouldBe(CopyState.Captured);
        }
    }

    [Fact]
    public async Task OtherBodies_AtBothAtOnce_OneIsSold_TheOtherWasPostedBefore()
    {
        for (var round = 0; round < 20; round++)
        {
            var ping = (await one[0].PingAsync("pub")).Answer!.PingId;
            await one.Store.Pings.FlushAsync(CancellationToken.None);
            var replies = await Task.WhenAll(one[0].PostAsync("pub", ping, 1), two[0].PostAsync("pub", ping, 2));
            replies.Select(StatusOf).ShouldBe(["sold", "already_posted"], ignoreOrder: true);
        }
    }

    [Fact]
    public async Task Cap_TakenByBoth_IsSoldToTheUnit()
    {
        var posts = new List<Task<PostReply>>();
        for (var i = 0; i < 60; i++)
        {
            var at = i % 2 == 0 ? one[0] : two[0];
            if ((await at.PingAsync("capped")).Answer is { Offered: true } ping) posts.Add(at.PostAsync("capped", ping.PingId));
        }
        (await Task.WhenAll(posts)).Count(reply => StatusOf(reply) == "sold").ShouldBe(25);
    }

    [Fact]
    public async Task Credit_TakenByBoth_IsSpentAndNoMore()
    {
        var posts = new List<Task<PostReply>>();
        for (var i = 0; i < 30; i++)
        {
            var at = i % 2 == 0 ? one[0] : two[0];
            if ((await at.PingAsync("spending")).Answer is { Offered: true } ping) posts.Add(at.PostAsync("spending", ping.PingId));
        }
        (await Task.WhenAll(posts)).Count(reply => StatusOf(reply) == "sold").ShouldBe(6);
        (await one.Store.Ledger.BalanceAsync("buyer:poor", CancellationToken.None)).ToString().ShouldBe("-60.00");
    }

    [Fact]
    public async Task BuyerThatIsAsked_HearsOfEachLeadOnce_AndIsChargedNoMoreThanItsCredit()
    {
        buyers["asked"].Accepts();
        var sold = 0;
        for (var round = 0; round < 10; round++)
        {
            if ((await two[0].PingAsync("asking")).Answer is not { Offered: true } ping) continue;
            await two.Store.Pings.FlushAsync(CancellationToken.None);
            var person = Sender.NextPerson();
            var replies = await Task.WhenAll(one[0].PostAsync("asking", ping.PingId, 1, person), two[0].PostAsync("asking", ping.PingId, 1, person));
            // Whoever came second may be told while the first one's buyer is still asked.
            replies.Select(StatusOf).ShouldAllBe(status => status == "sold" || status == "pending" || status == "unsold");
            if (replies.Any(reply => StatusOf(reply) == "sold")) sold++;
        }
        sold.ShouldBe(6);
        buyers["asked"].Requests.Count.ShouldBe(6);
        buyers["asked"].Requests.Select(request => request.Id).ShouldBeUnique();
        (await one.Store.Ledger.BalanceAsync("buyer:asked", CancellationToken.None)).ToString().ShouldBe("-60.00");
    }

    /// <summary>Keyed by its body for a span of time: on either side of a span's end it is the same post still.</summary>
    [Fact]
    public async Task DirectPostWithoutKey_AtBothAtOnce_OnEitherSideOfASpansEnd_IsOneSale()
    {
        var end = NextSpansEnd();
        for (byte round = 1; round <= 20; round++)
        {
            var (body, person) = (Enumerable.Repeat(round, 32).ToArray(), Sender.NextPerson());
            var replies = await Task.WhenAll(
                one[0].DirectPostAsync("pub", body, end.AddSeconds(-1), person), two[0].DirectPostAsync("pub", body, end.AddSeconds(1), person));
            replies.Select(StatusOf).ShouldBe(["sold", "sold"]);
            replies.Select(LeadOf).Distinct().ShouldHaveSingleItem();
        }
    }

    /// <summary>The same in one silo: the second waits for the first, whose row is not there yet.</summary>
    [Fact]
    public async Task DirectPostWithoutKey_TwiceAtOneSilo_OnEitherSideOfASpansEnd_IsOneSale()
    {
        var end = NextSpansEnd();
        for (byte round = 101; round <= 120; round++)
        {
            var (body, person) = (Enumerable.Repeat(round, 32).ToArray(), Sender.NextPerson());
            var replies = await Task.WhenAll(new[] { -1, 1, -1, 1 }.Select(seconds => one[0].DirectPostAsync("pub", body, end.AddSeconds(seconds), person)));
            replies.Select(LeadOf).Distinct().ShouldHaveSingleItem();
        }
    }

    private static DateTimeOffset NextSpansEnd()
    {
        const long seconds = 120;
        return DateTimeOffset.FromUnixTimeSeconds((TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() / seconds + 1) * seconds);
    }

    private static string LeadOf(PostReply reply) => JsonNode.Parse(Encoding.UTF8.GetString(reply.Answer!))!["lead_id"]!.GetValue<string>();

    private static string? StatusOf(PostReply reply) => reply.Answer is { } json ? JsonNode.Parse(Encoding.UTF8.GetString(json))!["status"]!.GetValue<string>() : reply.Problem!.Code;
}

public sealed class EmbeddedTwoActivationsTests(EmbeddedTwoActivationsTests.Embedded clusters) : TwoActivationsTests(clusters), IClassFixture<EmbeddedTwoActivationsTests.Embedded>
{
    public sealed class Embedded : TwoActivationsTests.Two
    {
        private protected override Task<TestCluster> StartAsync(string catalog) => TestCluster.StartAsync(1, catalog);
    }
}

/// <summary>Each with its own store and connections: the fence is the database's.</summary>
public sealed class PostgresTwoActivationsTests(PostgresTwoActivationsTests.Postgres clusters) : TwoActivationsTests(clusters), IClassFixture<PostgresTwoActivationsTests.Postgres>
{
    public sealed class Postgres : TwoActivationsTests.Two
    {
        private readonly PostgresCluster postgres = new();

        public override async Task InitializeAsync()
        {
            await postgres.InitializeAsync();
            await base.InitializeAsync();
        }

        public override async Task DisposeAsync()
        {
            await base.DisposeAsync();
            await postgres.DisposeAsync();
        }

        private protected override async Task<TestCluster> StartAsync(string catalog) => await TestCluster.StartAsync(1, catalog, database: await PostgresCluster.CreateDatabaseAsync());
    }
}
