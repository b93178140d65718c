using Exchange.Engine.Values;
using Exchange.Storage;
using Exchange.Storage.Postgres;
using Exchange.System.Tests.BlackBox;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Npgsql;
using Shouldly;
using static Exchange.System.Tests.Storage.Sample;

namespace Exchange.System.Tests.Storage;

/// <summary>Ping records of several silos in day partitions.</summary>
public sealed class PostgresPingTests : IClassFixture<PostgresCluster>, IAsyncLifetime
{
    private const string Partitions = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'ping_block'::regclass";
    private string database = "";
    private NpgsqlDataSource source = null!;

    public async Task InitializeAsync()
    {
        database = await PostgresCluster.CreateDatabaseAsync();
        source = NpgsqlDataSource.Create(database);
    }

    public async Task DisposeAsync() => await source.DisposeAsync();

    private PostgresPingRecords Open(string? through = null) => new(through ?? database, source, new Vault(new byte[32]), new FakeTimeProvider(DateTimeOffset.FromUnixTimeMilliseconds(Now)), NullLogger.Instance);

    private static LeadId At(int n, long ms) => LeadId.Create(Now + ms, (ushort)(n % 3), false, (ulong)n);

    [Fact]
    public async Task Ping_WrittenByOneSilo_IsReadByAnother()
    {
        await using var one = Open();
        await using var other = Open();
        one.TryAppend(Ping(Lead(1)), Fields, out _).ShouldBeTrue();
        await one.FlushAsync(default);

        (await other.FindAsync(Lead(1), Models, default)).ShouldBeEquivalentTo(Ping(Lead(1)));
        (await other.ReadAsync(Lead(0), Lead(2), 9, Models, default)).ShouldHaveSingleItem().Id.ShouldBe(Lead(1));
    }

    [Fact]
    public async Task Pings_OfManyMomentsAndSilos_AreFoundByTheirIds()
    {
        // Late ones, whose moment was written long before, and one that comes twice: the newest is found.
        var ids = Enumerable.Range(0, 3_000).Select(n => At(n, n % 7 == 0 ? n / 100 : n)).ToArray();
        await using (var one = Open())
        await using (var other = Open())
            for (var n = 0; n < ids.Length; n++)
            {
                (n % 2 == 0 ? one : other).TryAppend(Ping(ids[n], Now + n), Fields, out _).ShouldBeTrue();
                if (n % 500 == 0) await one.FlushAsync(default);
            }

        await using var again = Open();
        again.TryAppend(Ping(ids[0], Now - 1), Fields, out _).ShouldBeTrue();
        await again.FlushAsync(default);
        for (var n = 1; n < ids.Length; n++) (await again.FindAsync(ids[n], Models, default))!.AtMs.ShouldBe(Now + n);
        (await again.FindAsync(ids[0], Models, default))!.AtMs.ShouldBe(Now - 1);
        (await again.FindAsync(At(9_999, 50), Models, default)).ShouldBeNull();
        (await again.ReadAsync(At(0, 0), At(0, 9_999), 5_000, Models, default)).Select(ping => ping.Id).ShouldBe(ids.Order());
    }

    [Fact]
    public async Task Partitions_OfEachDay_AreMadeAheadAndDroppedWhenOld()
    {
        await using var pings = Open();
        var old = LeadId.Create(Now - 31 * Day * 1000, 1, false, 1);
        pings.TryAppend(Ping(old), Fields, out _);
        pings.TryAppend(Ping(Lead(1)), Fields, out _);
        await pings.FlushAsync(default);
        (await PostgresCluster.ReadAsync(database, Partitions)).ShouldBe(2);

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => KeepAsync(Now)));

        (await PostgresCluster.ReadAsync(database, Partitions)).ShouldBe(3);
        (await pings.FindAsync(old, Models, default)).ShouldBeNull();
        (await pings.FindAsync(Lead(1), Models, default)).ShouldNotBeNull();
        await KeepAsync(Now + Day * 1000);
        (await PostgresCluster.ReadAsync(database, Partitions)).ShouldBe(4);
    }

    private async Task KeepAsync(long nowMs)
    {
        await PingPartitions.MakeAsync(source, nowMs, default);
        await PingPartitions.DropAsync(source, Now - 30 * Day * 1000, default);
    }

    [Fact]
    public async Task Drop_WhileSomebodyReads_GivesWay_AndIsDoneLater()
    {
        await using var pings = Open();
        pings.TryAppend(Ping(LeadId.Create(Now - 31 * Day * 1000, 1, false, 1)), Fields, out _);
        await pings.FlushAsync(default);
        var held = await PostgresCluster.ReadAsync(database, Partitions);
        await using (var reader = new NpgsqlConnection(database))
        {
            await reader.OpenAsync();
            await using var reading = await reader.BeginTransactionAsync();
            await using (var look = new NpgsqlCommand("SELECT count(*) FROM ping_block", reader)) await look.ExecuteScalarAsync();
            await PingPartitions.DropAsync(source, Now - 30 * Day * 1000, default);
            (await PostgresCluster.ReadAsync(database, Partitions)).ShouldBe(held);
        }
        await PingPartitions.DropAsync(source, Now - 30 * Day * 1000, default);
        (await PostgresCluster.ReadAsync(database, Partitions)).ShouldBe(held - 1);
    }

    [Fact]
    public async Task FirstRecord_FindsItsPartition_BeforeItComes()
    {
        await using var pings = Open();
        await MarketCalls.Until(async () => await PostgresCluster.ReadAsync(database, Partitions) == 1, "a partition for today");
    }

    [Fact]
    public async Task Write_AfterALostConnection_GoesOn()
    {
        await using var pings = Open();
        pings.TryAppend(Ping(Lead(1)), Fields, out _);
        await pings.FlushAsync(default);
        await PostgresCluster.ExecuteAsync(database, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()");

        pings.TryAppend(Ping(Lead(2)), Fields, out _);
        // The first attempt meets the lost connection and says so; what it held is not lost.
        try { await pings.FlushAsync(default); }
        catch (StorageBusyException) { await pings.FlushAsync(default); }

        (await PostgresCluster.ReadAsync(database, "SELECT count(*) FROM ping_block")).ShouldBe(2);
    }

    /// <summary>As when the database's machine is gone: nobody says that the connection has ended.</summary>
    [Fact]
    public async Task Write_OnAConnectionThatSwallowsAll_IsMadeOnAnother()
    {
        await using var network = new SlowProxy(PostgresCluster.Port);
        // Longer than this test waits: the writer goes by a bound of its own.
        await using var pings = Open(new NpgsqlConnectionStringBuilder(database) { Port = network.Port, CommandTimeout = 120 }.ConnectionString);
        pings.TryAppend(Ping(Lead(1)), Fields, out _);
        await pings.FlushAsync(default);
        network.Swallow();

        pings.TryAppend(Ping(Lead(2)), Fields, out _);
        var patience = TimeSpan.FromSeconds(60);
        try { await pings.FlushAsync(default).WaitAsync(patience); }
        catch (StorageBusyException) { await pings.FlushAsync(default).WaitAsync(patience); }

        (await PostgresCluster.ReadAsync(database, "SELECT count(*) FROM ping_block")).ShouldBe(2);
    }

    [Fact]
    public async Task SensitiveValues_OnDisk_AreSealed()
    {
        await using var pings = Open();
        pings.TryAppend(Ping(Lead(1)), Fields, out _);
        await pings.FlushAsync(default);

        (await PostgresCluster.ReadAsync(database, "SELECT count(*) FROM ping_block WHERE position('90210'::bytea IN body) > 0")).ShouldBe(1);
        (await PostgresCluster.ReadAsync(database, "SELECT count(*) FROM ping_block WHERE position('1991-02-03'::bytea IN body) > 0")).ShouldBe(0);
    }
}
