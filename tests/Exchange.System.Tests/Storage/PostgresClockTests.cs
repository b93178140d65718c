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

    [Fact]
    public async Task Clock_OfThisMachine_IsNear()
    {
        await using var source = NpgsqlDataSource.Create(await PostgresCluster.CreateDatabaseAsync());
        var clock = new PostgresClock(source, TimeProvider.System);

        await clock.MeasureAsync(default);

        clock.IsNear.ShouldBeTrue();
    }
}
