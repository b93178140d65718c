using Exchange.Storage.Postgres;
using Exchange.System.Tests.Grains;
using Shouldly;
using static Exchange.System.Tests.BlackBox.MarketCalls;
using static Exchange.System.Tests.Storage.Sample;

namespace Exchange.System.Tests.Storage;

/// <summary>Who was erased at another silo.</summary>
public sealed class PostgresSuppressionTests : IClassFixture<PostgresCluster>
{
    /// <summary>A clock that is set back by an hour would keep a server from hearing of it for an hour.</summary>
    [Fact]
    public async Task ClockThatIsSetBack_OthersAreHeardOfAllTheSame()
    {
        var database = await PostgresCluster.CreateDatabaseAsync();
        await using var source = PostgresDatabase.CreateSource(new PostgresStoreOptions { ConnectionString = database, MasterKey = new byte[32] });
        var clocks = new LeadIdsTests.Clocks();
        var suppressions = new PostgresSuppressions(source, clocks);
        await suppressions.LoadAsync();
        await PostgresCluster.ExecuteAsync(database, $"INSERT INTO suppressed (hmac, lead_id, at_ms) VALUES ('\\x{Convert.ToHexString(Hash("phone"))}', '{Lead(1).ToGuid()}', {Now})");
        suppressions.Knows(Hash("phone")).ShouldBeFalse();

        clocks.Wall -= TimeSpan.FromHours(1);
        clocks.Went += TimeSpan.FromSeconds(6);
        await Until(() => suppressions.Knows(Hash("phone")), "what another silo did is heard of");
    }
}
