using Exchange.Storage.Postgres;
using Microsoft.Extensions.Time.Testing;
using Npgsql;
using Shouldly;

namespace Exchange.System.Tests.Storage;

/// <summary>One time for all silos: the database's.</summary>
public sealed class PostgresClockTests : IClassFixture<PostgresCluster>
{
    [Fact]
    public async Task Clock_OfAMachineFarAway_IsSetByTheDatabaseAndSaysHowFar()
    {
        await using var source = NpgsqlDataSource.Create(await PostgresCluster.CreateDatabaseAsync());
        var local = new FakeTimeProvider(TimeProvider.System.GetUtcNow() + TimeSpan.FromHours(1));
        var clock = new PostgresClock(source, local);
        clock.GetUtcNow().ShouldBe(local.GetUtcNow());
        clock.IsNear.ShouldBeTrue();

        await clock.MeasureAsync(default);

        clock.IsNear.ShouldBeFalse();
        clock.Offset.ShouldBe(TimeSpan.FromHours(-1), TimeSpan.FromMinutes(5));
        clock.GetUtcNow().ShouldBe(local.GetUtcNow() + clock.Offset);
    }

    /// <summary>Somebody sets this machine's clock, or it slept: which of the two, only the database knows. Until it is asked nothing is taken up.</summary>
    [Theory]
    [InlineData(3_600)]
    [InlineData(-3_600)]
    [InlineData(2)]
    public async Task WallClock_ThatJumps_MakesTheTimeUnsure_UntilItIsMeasured(int seconds)
    {
        await using var source = NpgsqlDataSource.Create(await PostgresCluster.CreateDatabaseAsync());
        var local = new Jumping();
        var clock = new PostgresClock(source, local);
        await clock.MeasureAsync(default);
        clock.IsSure.ShouldBeTrue();

        local.Ahead = TimeSpan.FromSeconds(seconds);
        clock.IsSure.ShouldBeFalse();
        // The later of the two: no lease is thought to last that may be over.
        clock.GetUtcNow().ShouldBe(TimeProvider.System.GetUtcNow() + TimeSpan.FromSeconds(Math.Max(0, seconds)), TimeSpan.FromSeconds(1));

        await clock.MeasureAsync(default);
        clock.IsSure.ShouldBeTrue();
        clock.GetUtcNow().ShouldBe(TimeProvider.System.GetUtcNow(), TimeSpan.FromSeconds(1));
        clock.Offset.ShouldBe(TimeSpan.FromSeconds(-seconds), TimeSpan.FromSeconds(1));
    }

    private sealed class Jumping : TimeProvider
    {
        public TimeSpan Ahead { get; set; }
        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + Ahead;
    }

    [Fact]
    public async Task Clock_OfThisMachine_IsNear()
    {
        await using var source = NpgsqlDataSource.Create(await PostgresCluster.CreateDatabaseAsync());
        var clock = new PostgresClock(source, TimeProvider.System);

        await clock.MeasureAsync(default);

        clock.IsNear.ShouldBeTrue();
    }
}
