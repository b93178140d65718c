using Exchange.System.Tests.Bidding;
using Exchange.System.Tests.BlackBox;
using Exchange.System.Tests.Cluster;
using Exchange.System.Tests.Faults;
using Exchange.System.Tests.Storage;
using Xunit.Abstractions;

[assembly: TestCollectionOrderer("Exchange.System.Tests.LongestFirst", "Exchange.System.Tests")]

namespace Exchange.System.Tests;

/// <summary>
/// The classes, and the collections of several, that take long begin first: one that began last would run alone at the end, on one of the cores; those that mostly wait
/// among those that do not. The others follow in no order.
/// </summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    private static readonly string[] Long =
    [
        nameof(CrashHarnessTests), nameof(PostgresStoreTests), nameof(PostgresMailAndFileTests), nameof(EmbeddedMailAndFileTests), nameof(ThreeServersTests), LeadsThatWait.Name,
        LeadsThatWaitOnPostgres.Name, nameof(StandingStillTests), nameof(HomeStandsStillTests), nameof(ConnectedBuyerTests), nameof(PartitionTests), BuyersThatAnswer.Name,
        nameof(StoppedServerTests), nameof(PostgresFaultTests), nameof(PostgresBackupTests), nameof(PostgresFenceMutantTests), nameof(FailingSyncTests), nameof(DiskFullTests), nameof(WebhookTests),
        PromisesAndCrashes.Name, TrialsAndPostbacks.Name, OffersAndRaces.Name,
    ];

    public IEnumerable<ITestCollection> OrderTestCollections(IEnumerable<ITestCollection> testCollections) => testCollections.OrderBy(PlaceOf);

    private static int PlaceOf(ITestCollection collection)
    {
        var place = Array.FindIndex(Long, name => collection.DisplayName == name || collection.DisplayName.EndsWith("." + name, StringComparison.Ordinal));
        return place < 0 ? Long.Length : place;
    }
}
