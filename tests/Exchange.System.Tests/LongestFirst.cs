using Exchange.System.Tests.BlackBox;
using Exchange.System.Tests.Cluster;
using Exchange.System.Tests.Faults;
using Exchange.System.Tests.Storage;
using Xunit.Abstractions;

[assembly: TestCollectionOrderer("Exchange.System.Tests.LongestFirst", "Exchange.System.Tests")]

namespace Exchange.System.Tests;

/// <summary>The classes that take a minute or more begin first: one that began last would run alone at the end, on one of the cores. The others follow in no order.</summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    private static readonly string[] Long =
    [
        nameof(CrashHarnessTests), nameof(PostgresFaultTests), nameof(PostgresStoreTests), nameof(PartitionTests), nameof(ThreeServersTests), nameof(PostgresBackupTests),
        nameof(PostgresMailAndFileTests), nameof(EmbeddedMailAndFileTests), nameof(PostgresFenceMutantTests), nameof(FailingSyncTests), nameof(DiskFullTests), nameof(WebhookTests),
    ];

    public IEnumerable<ITestCollection> OrderTestCollections(IEnumerable<ITestCollection> testCollections) => testCollections.OrderBy(PlaceOf);

    private static int PlaceOf(ITestCollection collection)
    {
        var place = Array.FindIndex(Long, name => collection.DisplayName.EndsWith("." + name, StringComparison.Ordinal));
        return place < 0 ? Long.Length : place;
    }
}
