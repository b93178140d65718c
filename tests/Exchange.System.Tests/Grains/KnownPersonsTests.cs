using System.Security.Cryptography;
using System.Text;
using Exchange.Grains.Limits;
using Exchange.Storage;
using Shouldly;

namespace Exchange.System.Tests.Grains;

public sealed class KnownPersonsTests
{
    [Fact]
    public void Person_IsKnownInItsScopeSinceItsMoment_UntilItIsFree()
    {
        var market = new CapMarket();
        Hear(market, "v:auto", "a", 1_000);
        Has("v:auto", "a", 1_000).ShouldBeTrue();
        Has("v:auto", "a", 1_001).ShouldBeFalse();
        Has("b:acme", "a", 0).ShouldBeFalse();
        Has("v:auto", "b", 0).ShouldBeFalse();
        Hear(market, "v:auto", "a", 5_000);
        Has("v:auto", "a", 1_001).ShouldBeTrue();
        Hear(market, "v:auto", "a", 0);
        Has("v:auto", "a", 0).ShouldBeFalse();

        bool Has(string scope, string person, long since) => market.Live.HasPerson(scope, Hmac(person), since);
    }

    [Fact]
    public async Task Rows_AreReadAtStart_ButNotWhoWasFreedMeanwhile()
    {
        var market = new CapMarket();
        var store = new Persons(() =>
        {
            Hear(market, "v:auto", "freed", 0);
            Hear(market, "v:auto", "newer", 9_000);
        }, [new("v:auto", Hmac("kept"), 7_000), new("v:auto", Hmac("freed"), 6_000), new("v:auto", Hmac("newer"), 5_000)]);
        await market.Live.ReadPersonsAsync(store, default);
        market.Live.HasPerson("v:auto", Hmac("kept"), 7_000).ShouldBeTrue();
        market.Live.HasPerson("v:auto", Hmac("freed"), 0).ShouldBeFalse();
        market.Live.HasPerson("v:auto", Hmac("newer"), 9_000).ShouldBeTrue();
    }

    [Fact]
    public void Memory_IsBounded_AlsoWherePersonsComeAndGo()
    {
        var persons = new KnownPersons(10);
        for (var i = 0; i < 1_000; i++)
        {
            persons.Hear(new("v:auto", Hmac($"{i}"), i + 1));
            if (i % 2 == 0) persons.Hear(new("v:auto", Hmac($"{i}"), 0));
        }
        persons.Count.ShouldBeLessThanOrEqualTo(10);
        persons.Has("v:auto", Hmac("999"), 0).ShouldBeTrue();
        persons.Has("v:auto", Hmac("1"), 0).ShouldBeFalse();
        persons.Queued.ShouldBeLessThanOrEqualTo(20);
    }

    private static void Hear(CapMarket market, string scope, string person, long atMs) => market.Live.Apply(new SoldNews([], [new(scope, Hmac(person), atMs)]));

    private static byte[] Hmac(string person) => SHA256.HashData(Encoding.UTF8.GetBytes(person));

    private sealed class Persons(Action meanwhile, IReadOnlyList<KnownPerson> rows) : ILimitCounts
    {
        public Task AddAsync(IReadOnlyList<LimitCount> counts, CancellationToken cancel) => Task.CompletedTask;
        public Task<IReadOnlyList<SoldCount>> SoldSinceAsync(long sinceMs, CancellationToken cancel) => Task.FromResult<IReadOnlyList<SoldCount>>([]);

        public Task<IReadOnlyList<KnownPerson>> RecentPersonsAsync(int atMost, CancellationToken cancel)
        {
            meanwhile();
            return Task.FromResult(rows);
        }
    }
}
