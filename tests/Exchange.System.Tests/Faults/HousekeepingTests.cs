extern alias server;

using Exchange.Engine.Ledger;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;
using Exchange.Grains.Catalog;
using Exchange.Grains.Firm;
using Exchange.Grains.Leads;
using Exchange.Grains.Limits;
using Exchange.Grains.Memory;
using Exchange.Grains.Pings;
using Exchange.Grains.Returns;
using Exchange.Grains.SoftHolds;
using Exchange.Storage;
using Exchange.System.Tests.BlackBox;
using Exchange.System.Tests.Cluster;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using server::Exchange.Server.Hosting;
using Shouldly;

namespace Exchange.System.Tests.Faults;

/// <summary>What a server does now and then, and how it leaves, while its store does not answer.</summary>
public sealed class HousekeepingTests
{
    [Fact]
    public async Task JournalThatDoesNotAnswer_KeepsNoOfferFromBeingForgotten()
    {
        await using var cluster = await TestCluster.StartAsync(1, Market.With("""
            publishers:
              pub: { verticals: [auto], payout: { share: 80% } }
            buyers:
              buyer: { credit_limit: unlimited }
            campaigns:
              camp: { buyer: buyer, vertical: auto, bid: "10.00" }
            ping_trees:
              tree: { vertical: auto, tiers: [ { name: only, method: priority, campaigns: [camp] } ] }
            """));
        var silo = cluster[0];
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        var (asked, never) = (new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), new TaskCompletionSource<Verdict>(TaskCreationOptions.RunContinuationsAsynchronously));
        var journal = Stub.Of<IJournal>((_, _) =>
        {
            asked.TrySetResult();
            return never.Task;
        });
        var leads = Stub.Of<ILeadStore>((_, _) => Task.FromResult<IReadOnlyList<ExpiredOffer>>([new(LeadId.Create(1, 1, false, 1), [1])]));
        var store = Stub.Of<IExchangeStore>((member, _) => member switch { "get_Journal" => journal, "get_Leads" => leads, _ => throw new NotSupportedException(member) });
        var firm = new FirmOffers(store, silo.Get<LiveView>(), silo.Get<TierRotations>(), time, NullLogger<FirmOffers>.Instance);
        var book = new OfferBook();
        using var housekeeping = new Housekeeping(
            book, silo.Get<PingKeys>(), silo.Get<SoftHoldDesk>(), firm, silo.Get<HeldTests>(), silo.Get<ReturnDesk>(), silo.Get<CatalogHost>(), silo.Get<LiveView>(), silo.Get<RotationKeeper>(), cluster.Store,
            silo.Silos, time, NullLogger<Housekeeping>.Instance);
        await housekeeping.StartAsync(CancellationToken.None);
        try
        {
            await UntilAsync(() => asked.Task.IsCompleted, "the end of a firm offer waits for the journal");
            var nowMs = time.GetUtcNow().ToUnixTimeMilliseconds();
            book.Add(LeadId.Create(nowMs, 1, false, 2), new byte[8], nowMs);
            await UntilAsync(() => book.Count == 0, "an offer that ran out is forgotten");
            never.Task.IsCompleted.ShouldBeFalse();
        }
        finally
        {
            never.SetResult(new(VerdictCode.Done));
            await housekeeping.StopAsync(CancellationToken.None);
        }

        Task UntilAsync(Func<bool> holds, string what) => MarketCalls.Until(() =>
        {
            time.Advance(TimeSpan.FromSeconds(5));
            return holds();
        }, what);
    }

    /// <summary>The rotations' positions cannot be kept: nothing that makes a stop a failure.</summary>
    [Fact]
    public async Task Stop_WhileGrainsRememberNothing_IsNoFailure()
    {
        var rotations = new TierRotations();
        rotations.Of("tree/1").Take([("one", 3), ("two", 1)], []);
        var asked = 0;
        var memory = Stub.Of<IRotationGrain>((_, _) =>
        {
            asked++;
            throw new TimeoutException();
        });
        using var housekeeping = new Housekeeping(
            null!, null!, null!, null!, null!, null!, null!, null!, new RotationKeeper(rotations, () => memory, TimeProvider.System, NullLogger<RotationKeeper>.Instance), null!, null!, TimeProvider.System,
            NullLogger<Housekeeping>.Instance);

        await housekeeping.StopAsync(CancellationToken.None);

        asked.ShouldBe(1);
    }

    /// <summary>Nor that the last ping records cannot be written, or not in the time that a stop may take.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Stop_WhilePingRecordsCannotBeWritten_IsNoFailure(bool inTime)
    {
        var asked = 0;
        var pings = Stub.Of<IPingRecords>((_, _) =>
        {
            asked++;
            return inTime ? Task.FromException(new StorageBusyException("Ping records cannot be written now")) : Task.FromCanceled(new CancellationToken(canceled: true));
        });
        using var drain = new Drain(new ClusteringOptions(), Stub.Of<IExchangeStore>((_, _) => pings), TimeProvider.System, NullLogger<Drain>.Instance);

        await drain.StopAsync(CancellationToken.None);

        asked.ShouldBe(1);
    }
}
