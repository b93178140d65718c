using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Exchange.Engine.Values;
using Exchange.Grains.Intake;
using Exchange.Grains.Leads;
using Exchange.Grains.Returns;
using Exchange.Storage;
using Exchange.Storage.Redis;
using Exchange.System.Tests.BlackBox;
using Exchange.System.Tests.Cluster;
using Microsoft.Extensions.Logging.Abstractions;
using Orleans;
using Shouldly;

namespace Exchange.System.Tests.Redis;

/// <summary>
/// Marks of persons that silos leave each other in Redis. Two silos that do not hear of each other share the rows and a Redis: what the mark of one tells the
/// other can only make it faster, whatever has become of the mark or the person.
/// </summary>
public sealed class PersonMarkTests : IAsyncLifetime
{
    private const string Scope = "v:auto";

    private RedisServer redis = null!;
    private SlowProxy proxy = null!;
    private RedisLink link = null!;
    private TestCluster one = null!, two = null!;

    public async Task InitializeAsync()
    {
        redis = await RedisServer.StartAsync();
        proxy = new SlowProxy(redis.Port);
        // However busy this machine is, a Redis that answers is heard.
        link = await RedisLink.OpenAsync("127.0.0.1:" + Market.Text(proxy.Port), TimeProvider.System, NullLogger.Instance, TimeSpan.FromSeconds(5));
        var catalog = Market.Of("duplicate: { keys: [phone], window: 30d }",
            """
            publishers:
              pub: { verticals: [auto], payout: { share: 80% } }
            buyers:
              buyer: { credit_limit: unlimited, returns: { within: 9d } }
            campaigns:
              camp: { buyer: buyer, vertical: auto, bid: "10.00" }
            ping_trees:
              tree: { vertical: auto, tiers: [ { name: only, method: priority, campaigns: [camp] } ] }
            """);
        one = await TestCluster.StartAsync(1, catalog, redis: link);
        two = await TestCluster.StartAsync(1, catalog, beside: one, redis: link);
    }

    public async Task DisposeAsync()
    {
        await two.DisposeAsync();
        await one.DisposeAsync();
        await link.DisposeAsync();
        await proxy.DisposeAsync();
        await redis.DisposeAsync();
    }

    [Fact]
    public async Task SoldPerson_IsMarkedOnce_AndAnotherSilosPostAsksTheRowsForThatAlone()
    {
        var person = Sender.NextPerson();
        (await PostAsync(two, person)).ShouldBe("sold");
        await MarkedAsync(person);
        (await redis.CommandAsync("DBSIZE")).ShouldBe(":1");
        int.Parse((await redis.CommandAsync("TTL " + KeyOf(person)))![1..], CultureInfo.InvariantCulture).ShouldBeInRange(3_000, 3_600);

        var (answer, items) = await CountedAsync(() => PostAsync(one, person));
        (answer, items).ShouldBe(("unsold duplicate", 1));
        // Without the mark it is the same answer, by two items.
        await redis.CommandAsync("FLUSHALL");
        (answer, items) = await CountedAsync(() => PostAsync(one, person));
        (answer, items).ShouldBe(("unsold duplicate", 2));
    }

    [Fact]
    public async Task Mark_OfAPersonWhomNobodyHas_ChangesNothing()
    {
        for (var round = 0; round < 5; round++)
        {
            var person = Sender.NextPerson();
            await new RedisPersons(link).MarkAsync([new(Scope, HashOf(person), TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds())]);
            (await PostAsync(one, person)).ShouldBe("sold");
            (await PostAsync(two, person)).ShouldBe("unsold duplicate");
        }
    }

    [Fact]
    public async Task Person_ReturnedOrErased_IsTheSameWithAndWithoutItsMark()
    {
        var (returned, erased) = (Sender.NextPerson(), Sender.NextPerson());
        LeadId lead = default;
        foreach (var person in (Dictionary<string, string>[])[returned, erased])
        {
            (await PostAsync(two, person, id => lead = id)).ShouldBe("sold");
            await MarkedAsync(person);
            if (person == returned) (await two[0].Get<ReturnDesk>().AskAsync("buyer", new(lead, 1), new("wrong_number", null, null))).ShouldBe((ReturnStatus.Accepted, null));
            else await two[0].Get<IGrainFactory>().GetGrain<ILeadGrain>(lead.ToGuid()).Erase(new("admin"));
        }
        // Its buyer has the one; the other is nobody's to sell.
        for (var round = 0; round < 2; round++)
        {
            (await PostAsync(one, returned)).ShouldBe("unsold duplicate");
            (await PostAsync(one, erased)).ShouldBe("unsold suppressed");
            await redis.CommandAsync("FLUSHALL");
        }
    }

    [Fact]
    public async Task Redis_SlowKilledAndEmpty_PostsAreAnsweredByTheRows()
    {
        var person = Sender.NextPerson();
        (await PostAsync(two, person)).ShouldBe("sold");
        await MarkedAsync(person);

        proxy.Delay = TimeSpan.FromSeconds(8);
        (await PostAsync(one, person)).ShouldBe("unsold duplicate");
        (await PostAsync(one, Sender.NextPerson())).ShouldBe("sold");
        link.Failures.ShouldBeGreaterThan(0);
        proxy.Delay = TimeSpan.Zero;

        redis.Kill();
        (await PostAsync(one, person)).ShouldBe("unsold duplicate");
        var another = Sender.NextPerson();
        (await PostAsync(two, another)).ShouldBe("sold");

        await redis.RestartAsync();
        foreach (var known in (Dictionary<string, string>[])[person, another]) (await PostAsync(one, known)).ShouldBe("unsold duplicate");
        // What is sold from now on is marked again.
        await MarketUntilAsync(async () =>
        {
            var next = Sender.NextPerson();
            (await PostAsync(two, next)).ShouldBe("sold");
            return await redis.CommandAsync("EXISTS " + KeyOf(next)) == ":1";
        }, "marks are left again");
    }

    private byte[] HashOf(Dictionary<string, string> person) => one.Store.Vault.PersonHash("phone", person["phone"]);

    private string KeyOf(Dictionary<string, string> person) => RedisPersons.KeyOf(Scope, HashOf(person));

    private Task MarkedAsync(Dictionary<string, string> person) => MarketUntilAsync(async () => await redis.CommandAsync("EXISTS " + KeyOf(person)) == ":1", "the person is marked");

    private async Task<(string Answer, long Items)> CountedAsync(Func<Task<string>> post)
    {
        var before = one.Store.Journal.Done.Items;
        return (await post(), one.Store.Journal.Done.Items - before);
    }

    private static async Task<string> PostAsync(TestCluster at, Dictionary<string, string> person, Action<LeadId>? lead = null)
    {
        var ping = (await at[0].PingAsync("pub")).Answer!.PingId;
        lead?.Invoke(ping);
        var reply = await at[0].PostAsync("pub", ping, 1, person);
        reply.Problem.ShouldBeNull();
        var answer = JsonNode.Parse(Encoding.UTF8.GetString(reply.Answer!))!;
        return (answer["status"]!.GetValue<string>() + " " + answer["reason"]?.GetValue<string>()).TrimEnd();
    }

    private static async Task MarketUntilAsync(Func<Task<bool>> holds, string what)
    {
        var until = TimeProvider.System.GetUtcNow() + TimeSpan.FromSeconds(20);
        while (!await holds())
        {
            if (TimeProvider.System.GetUtcNow() > until) throw new TimeoutException("not within 20 s: " + what);
            await Task.Delay(20);
        }
    }
}
