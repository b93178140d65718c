using Exchange.Engine;
using Exchange.Engine.Caps;
using Exchange.Engine.Ledger;
using Exchange.Storage;
using Exchange.Storage.Postgres;
using Shouldly;
using static Exchange.System.Tests.Storage.Sample;

namespace Exchange.System.Tests.Storage;

/// <summary>
/// The reply to the commit of an item that leases a call is lost, and the item is found to be there. Its author, told that it was there already, would take it for another's and leave
/// the call to whoever takes over the lease, as one that may have been made.
/// </summary>
public sealed class PostgresOwnItemTests : IClassFixture<PostgresCluster>, IAsyncLifetime
{
    private static readonly NewDelivery Hook = new("hook", Now, Now + 5_000), Crm = new("crm", Now, Now + 9_000);

    private readonly LimitModel[] limits = Limits();
    private string database = null!;
    private CuttingProxy proxy = null!;
    private PostgresStore store = null!, other = null!;

    public async Task InitializeAsync()
    {
        database = await PostgresCluster.CreateDatabaseAsync();
        proxy = new(PostgresCluster.Port);
        other = await OpenAsync(database);
        await other.ApplyAsync(limits);
        store = await OpenAsync(database.Replace($"Port={PostgresCluster.Port}", $"Port={proxy.Port}", StringComparison.Ordinal));
        // The first transaction of its ping records is over: nobody but the journal commits from here on.
        await store.Pings.FlushAsync(default);
    }

    public async Task DisposeAsync()
    {
        await store.DisposeAsync();
        await other.DisposeAsync();
        await proxy.DisposeAsync();
    }

    [Theory]
    [InlineData("sold at once")]
    [InlineData("held")]
    [InlineData("held, the next in rank")]
    [InlineData("held at its ping, called")]
    [InlineData("held at its ping, sold")]
    public async Task CommitReply_Cut_LeasesAreAsTheyWereWritten_IsDoneOnce(string what)
    {
        var item = await ItemAsync(what);

        (await SubmitCutAsync(item)).Code.ShouldBe(VerdictCode.Done);

        (await PostgresCluster.ReadAsync(database, "SELECT count(*) FROM delivery WHERE status = 1 AND fence = 1 AND attempts = 1 AND lease_until > 0")).ShouldBe(1);
        // Whoever sends the same once more has written nothing.
        (await store.SubmitAsync(item)).Code.ShouldBe(VerdictCode.AlreadyThere);
        (await other.SubmitAsync(item)).Code.ShouldBe(VerdictCode.AlreadyThere);
    }

    /// <summary>Of its two leases the shorter one ran out, and another process has it: whom that one calls is not called by the author too.</summary>
    [Fact]
    public async Task CommitReply_Cut_AndOneLeaseIsAnothersByNow_IsThereAlready()
    {
        IReadOnlyList<LeasedDelivery> claimed = [];
        proxy.AfterCut = async () => claimed = await other.Deliveries.ClaimDueAsync(Now + 5_000, Now + 20_000, 9, default);

        var verdict = await SubmitCutAsync(Post(Lead(1), [Copy(1, limits, deliveries: [Hook, Crm])]));

        claimed.ShouldHaveSingleItem().Endpoint.ShouldBe("hook");
        verdict.Code.ShouldBe(VerdictCode.AlreadyThere);
    }

    /// <summary>Who is called for it is decided by its rows, in which nothing of its person is left.</summary>
    [Fact]
    public async Task CommitReply_Cut_AndItsPersonIsErasedMeanwhile_IsThereAlready()
    {
        var erased = false;
        proxy.AfterCut = async () => erased = await other.Erasures.EraseAsync(new(Lead(1), null, [], "tests", Now + 1_000), default);

        var verdict = await SubmitCutAsync(Post(Lead(1), [Copy(1, limits, CopyMove.Hold, deliveries: [Hook])]));

        erased.ShouldBeTrue();
        verdict.Code.ShouldBe(VerdictCode.AlreadyThere);
    }

    private static Task<PostgresStore> OpenAsync(string connectionString) =>
        PostgresStore.OpenAsync(new PostgresStoreOptions { ConnectionString = connectionString, MasterKey = PostgresStoreTests.Key, Lanes = 1 });

    /// <summary>One that leases a call to hook; what stands before it is written by another process.</summary>
    private async Task<JournalItem> ItemAsync(string what)
    {
        switch (what)
        {
            case "sold at once":
                return Post(Lead(1), [Copy(1, limits, deliveries: [Hook])], "key");
            case "held":
                return Post(Lead(1), [Copy(1, limits, CopyMove.Hold, deliveries: [Hook])], "key");
            case "held, the next in rank":
                (await other.SubmitAsync(Post(Lead(1), [Copy(1, limits, CopyMove.Hold)]))).Code.ShouldBe(VerdictCode.Done);
                return End(Lead(1), CopyMove.Void, reason: Reason.BuyerRejected, starts: [Copy(2, limits, CopyMove.Hold, "b", deliveries: [Hook])]);
            default:
                (await other.SubmitAsync(Offer(Lead(1), [Copy(1, limits, CopyMove.Hold)]))).Code.ShouldBe(VerdictCode.Done);
                return what == "held at its ping, sold" ? PostOf(Lead(1), [Capture(1, "a", Hook)], "key") : PostOf(Lead(1), [Call(1, Hook)], "key", state: LeadState.Open);
        }
    }

    /// <summary>By the first commit of its lane's connection, on which nothing was prepared yet, so that it is seen passing.</summary>
    private async Task<Verdict> SubmitCutAsync(JournalItem item)
    {
        store.Source.Clear();
        proxy.CutNext(1);
        var verdict = await store.SubmitAsync(item);
        proxy.Cut.ShouldBe(1);
        store.Journal.Retries.ShouldBeGreaterThanOrEqualTo(1);
        return verdict;
    }
}
