using System.Diagnostics;
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
        var trips = Stopwatch.StartNew();
        await clock.MeasureAsync(default);
        var most = TimeSpan.FromSeconds(1) + trips.Elapsed;
        clock.IsSure.ShouldBeTrue();

        local.Ahead = TimeSpan.FromSeconds(seconds);
        clock.IsSure.ShouldBeFalse();
        // The later of the two: no lease is thought to last that may be over.
        IsAhead(TimeSpan.FromSeconds(Math.Max(0, seconds)));

        trips.Restart();
        await clock.MeasureAsync(default);
        most = TimeSpan.FromSeconds(1) + trips.Elapsed;
        clock.IsSure.ShouldBeTrue();
        IsAhead(TimeSpan.Zero);
        clock.Offset.ShouldBe(TimeSpan.FromSeconds(-seconds), most);

        // Within what its measuring may be wrong by, however long this takes.
        void IsAhead(TimeSpan by)
        {
            var before = TimeProvider.System.GetUtcNow();
            clock.GetUtcNow().ShouldBeInRange(before + by - most, TimeProvider.System.GetUtcNow() + by + most);
        }
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
