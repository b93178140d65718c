using Exchange.Engine;
using Exchange.Engine.Filters;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Storage;
using Exchange.Storage.Sqlite;
using Microsoft.Data.Sqlite;
using Shouldly;
using static Exchange.System.Tests.Storage.Sample;

namespace Exchange.System.Tests.Storage;

/// <summary>A data folder that the first released version wrote: one lead sold, one held at its buyer, one unsold, money, a ping.</summary>
public sealed class ReleasedFolderTests : IAsyncLifetime
{
    private readonly string folder = Path.Combine(Path.GetTempPath(), "exchange-released-" + Guid.NewGuid().ToString("N"));
    private SqliteStore store = null!;

    public async Task InitializeAsync()
    {
        Directory.CreateDirectory(folder);
        foreach (var name in new[] { "facts", "pings" })
        {
            await using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Path.Combine(folder, name + ".db"), Pooling = false }.ToString());
            await connection.OpenAsync();
            await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // The statements are this folder's own.
            command.CommandText = await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "Storage", "Released", name + ".sql"));
#pragma warning restore CA2100
            await command.ExecuteNonQueryAsync();
        }
        store = await SqliteStore.OpenAsync(new SqliteStoreOptions { Folder = folder, MasterKey = new byte[32] });
    }

    public async Task DisposeAsync()
    {
        await store.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Leads_OfTheReleasedVersion_GoOnAsTheyWere()
    {
        var sold = (await store.Leads.FindAsync(Lead(1), default))!;
        (sold.State, sold.IsPosted, sold.Channel, sold.Copies[0].State, sold.Copies[0].Tier, sold.Copies[0].Trees.Count).ShouldBe((LeadState.Sold, true, null, CopyState.Captured, "", 0));
        (await store.SubmitAsync(Post(Lead(1), [Copy(1, Limits())], "key-1", persons: [Person("x")]))).Code.ShouldBe(VerdictCode.AlreadyThere);
        (await store.SubmitAsync(Post(Lead(9), [Copy(1, Limits())], persons: [Person("x")]))).Code.ShouldBe(VerdictCode.PersonSeen);
        (await store.Leads.ListAsync(new("p", null, null, null, 9, null), default)).Rows.Count.ShouldBe(3);
        (await store.Ledger.BalanceAsync("buyer:a", default)).ShouldBe(Money.Parse("-6.00"));
        (await store.Leads.ExpiredOffersAsync(long.MaxValue / 2, 9, default)).ShouldBeEmpty();

        // Its buyer was called before the upgrade: it cannot expire.
        (await store.SubmitAsync(End(Lead(2), CopyMove.Expire))).Code.ShouldBe(VerdictCode.EndedOtherwise);
        (await store.Deliveries.AdoptAsync(Now, default)).ShouldBe(2);
        (await store.SubmitAsync(End(Lead(2), CopyMove.Capture, buyer: "b"))).Code.ShouldBe(VerdictCode.Done);
        (await store.CounterAsync("bal:b"))!.Value.ShouldSatisfyAllConditions(balance => balance.Used.ShouldBe(Price.Micros), balance => balance.Held.ShouldBe(0));
    }

    [Fact]
    public async Task Limits_OfTheReleasedVersion_CountOn()
    {
        (await store.ApplyAsync(Limits(capOfA: 2))).ShouldBe(2);

        (await store.SubmitAsync(Post(Lead(5), [Copy(1, Limits())]))).Code.ShouldBe(VerdictCode.Done);
        (await store.SubmitAsync(Post(Lead(6), [Copy(1, Limits())]))).Code.ShouldBe(VerdictCode.Refused);
        var cap = (await store.CounterAsync("c:a1:leads:day:UTC"))!.Value;
        (cap.Limit, cap.Used).ShouldBe((2, 2));
        (await store.CounterAsync("bal:a"))!.Value.Limit.ShouldBe(Money.Parse("1005.00").Micros);
        (await store.Upkeep.RunAsync(new(Now + 90 * Day * 1000, 0, 0, 99), default)).ShouldBe(new UpkeepDone(1, 0, 0));
    }

    [Fact]
    public async Task Ping_OfTheReleasedVersion_IsReadByItsCatalog()
    {
        var ping = (await store.Pings.FindAsync(Lead(4), Models, default))!;

        var expected = Ping(Lead(4)) with
        {
            Bids = [new(0, Model.Campaigns["a1"], Sharing.Exclusive, Money.Parse("12.50"), Money.Parse("10"), true), new(1, Model.Campaigns["b1"], Sharing.Shared, Money.Parse("11"), default, false)],
            Offers = [new("1", 0, Sharing.Exclusive, Price, Payout, null, true)],
            Notes = [new(Model.Campaigns["b1"], Reason.CapDay, Model.Limits.First(limit => limit.Id == "c:b1:leads:day:UTC"), 5, 4, 1, 1)],
            Shares = [], Persons = [],
        };
        ping.ShouldBeEquivalentTo(expected);
        // What is written now stands beside it.
        store.Pings.TryAppend(Ping(Lead(7)), Fields, out _).ShouldBeTrue();
        await store.Pings.FlushAsync(default);
        (await store.Pings.FindAsync(Lead(7), Models, default)).ShouldBeEquivalentTo(Ping(Lead(7)));
        (await store.Pings.FindAsync(Lead(4), Models, default)).ShouldNotBeNull();
    }
}
