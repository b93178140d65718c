using Npgsql;
using Shouldly;

namespace Exchange.System.Tests.Storage;

/// <summary>What Orleans asks of PostgreSQL: grain memory and who is a member.</summary>
public sealed class PostgresMemoryTests : IClassFixture<PostgresCluster>, IAsyncLifetime
{
    private static readonly DateTime Moment = new(2026, 11, 22, 12, 0, 0, DateTimeKind.Utc);
    private string database = "";

    public async Task InitializeAsync() => database = await PostgresCluster.CreateDatabaseAsync();

    public Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public Task GrainMemory_Statements_KeepVersions() => GrainMemoryQueries.KeepVersionsAsync(Open);

    [Fact]
    public async Task GrainMemory_ManyFirstWritesAtOnce_OneWins()
    {
        var written = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => GrainMemoryQueries.RunAsync(Open, "WriteToStorageKey",
            ("GrainIdHash", 1), ("GrainIdN0", 2L), ("GrainIdN1", 3L), ("GrainTypeHash", 4), ("GrainTypeString", "buyer-v1"), ("GrainIdExtensionString", null),
            ("ServiceId", "exchange"), ("GrainStateVersion", null), ("PayloadBinary", new byte[] { 1 }))));

        written.Count(rows => rows.Count == 1).ShouldBe(1);
    }

    [Fact]
    public async Task Membership_ChangeOfAnOldVersion_ChangesNothing()
    {
        (await Run("InsertMembershipVersionKey")).ShouldBe([1]);
        (await Run("InsertMembershipVersionKey")).ShouldBe([0]);
        (await Version()).ShouldBe((0, 0));

        (await Insert(port: 1, version: 0)).ShouldBe([1]);
        // Another one that had read the same, and the same silo again.
        (await Insert(port: 2, version: 0)).ShouldBe([0]);
        (await Insert(port: 1, version: 1)).ShouldBe([0]);
        (await Version()).ShouldBe((1, 1));
        (await Insert(port: 2, version: 1)).ShouldBe([1]);

        (await Update(port: 2, version: 1)).ShouldBe([0]);
        (await Update(port: 9, version: 2)).ShouldBe([0]);
        (await Update(port: 2, version: 2)).ShouldBe([1]);
        (await Version()).ShouldBe((3, 2));
        (await PostgresCluster.ReadAsync(database, "SELECT Status FROM OrleansMembershipTable WHERE Port = 2")).ShouldBe(6);
        (await Run("GatewaysQueryKey", ("Status", 3))).ShouldBe(["127.0.0.1"]);

        await Run("CleanupDefunctSiloEntriesKey", ("IAmAliveTime", Moment.AddHours(1)));
        (await Version()).ShouldBe((3, 1));
    }

    [Fact]
    public async Task Membership_ManyJoinAtOnce_EachVersionIsOneSilos()
    {
        await Run("InsertMembershipVersionKey");

        var joined = await Task.WhenAll(Enumerable.Range(1, 8).Select(port => Insert(port, version: 0)));

        joined.Sum(rows => (int)rows[0]).ShouldBe(1);
        (await Version()).ShouldBe((1, 1));
    }

    private async Task<(long Version, long Silos)> Version() => (
        await PostgresCluster.ReadAsync(database, "SELECT Version FROM OrleansMembershipVersionTable"),
        await PostgresCluster.ReadAsync(database, "SELECT count(*) FROM OrleansMembershipTable"));

    private Task<List<object>> Insert(int port, int version) => Run("InsertMembershipKey", ("Address", "127.0.0.1"), ("Port", port), ("Generation", 7), ("SiloName", "s"),
        ("HostName", "h"), ("Status", 3), ("ProxyPort", 30_000), ("StartTime", Moment), ("IAmAliveTime", Moment), ("Version", version));

    private Task<List<object>> Update(int port, int version) => Run("UpdateMembershipKey", ("Address", "127.0.0.1"), ("Port", port), ("Generation", 7), ("Status", 6),
        ("SuspectTimes", null), ("IAmAliveTime", Moment), ("Version", version));

    private Task<List<object>> Run(string query, params (string, object?)[] values) => GrainMemoryQueries.RunAsync(Open, query, [("DeploymentId", "c"), .. values]);

    private NpgsqlConnection Open() => new(database);
}
