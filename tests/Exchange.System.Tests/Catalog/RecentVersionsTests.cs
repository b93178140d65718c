using Exchange.Grains.Catalog;
using Shouldly;

namespace Exchange.System.Tests.Catalog;

public sealed class RecentVersionsTests
{
    [Fact]
    public void Full_ForgetsTheOneThatWasNotAskedForLongest_HoweverNewItIs()
    {
        var versions = new RecentVersions<string>(3);
        for (var version = 1; version <= 3; version++) versions.Keep(version, $"v{version}");
        versions.Find(1).ShouldBe("v1");
        versions.Find(3).ShouldBe("v3");

        versions.Keep(4, "v4");

        versions.Find(2).ShouldBeNull();
        foreach (var version in (int[])[1, 3, 4]) versions.Find(version).ShouldBe($"v{version}");
    }

    [Fact]
    public void Restored_IsKeptAlthoughItIsTheOldest()
    {
        var versions = new RecentVersions<string>(2);
        versions.Keep(8, "v8");
        versions.Keep(9, "v9");
        versions.Keep(1, "v1");
        versions.Find(1).ShouldBe("v1");
        versions.Find(9).ShouldBe("v9");
        versions.Find(8).ShouldBeNull();
    }

    [Fact]
    public void ManyThreads_NeverGetAnotherVersionsModel_NorMoreThanFit()
    {
        var versions = new RecentVersions<string>(8);
        Parallel.For(0, 50_000, number =>
        {
            var version = number % 11;
            if (versions.Find(version) is { } found) found.ShouldBe($"v{version}");
            else versions.Keep(version, $"v{version}");
        });
        Enumerable.Range(0, 11).Count(version => versions.Find(version) is not null).ShouldBeInRange(1, 8);
    }
}
