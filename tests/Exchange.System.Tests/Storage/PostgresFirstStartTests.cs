extern alias server;

using System.Globalization;
using Exchange.Delivery.Templates;
using Exchange.Grains.Catalog;
using Exchange.Grains.Limits;
using Exchange.Storage;
using Exchange.Storage.Postgres;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using server::Exchange.Server.Access;
using server::Exchange.Server.Hosting;
using Shouldly;

namespace Exchange.System.Tests.Storage;

/// <summary>Servers that start at once on an empty database, each with connections of its own.</summary>
public sealed class PostgresFirstStartTests : IClassFixture<PostgresCluster>
{
    private const int Servers = 3;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task FirstStart_OfServersThatSawNothingAtOnce_MakesOneCatalogAndOneKeyForEach()
    {
        var database = await PostgresCluster.CreateDatabaseAsync();
        var machine = Stub.Of<IHostEnvironment>((name, _) => name == "get_" + nameof(IHostEnvironment.EnvironmentName) ? Environments.Development : throw new NotSupportedException(name));
        var options = ExchangeOptions.Read(new ConfigurationBuilder().Build(), machine);
        var (seeded, empty, keyless) = (new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), new Meeting(Servers), new Meeting(Servers));

        var started = await Task.WhenAll(Enumerable.Range(0, Servers).Select(StartAsync));

        started.Select(one => one.IsSample).ShouldBe([true, false, false]);
        started.Count(one => one.Printed.Contains("  admin ", StringComparison.Ordinal)).ShouldBe(1);
        await using var after = await OpenAsync(database);
        (await after.Catalog.LatestVersionAsync(default)).ShouldBe(1);
        var made = await after.Access.KeysAsync(default);
        made.Select(key => (key.Role, key.For)).ShouldBeUnique();
        made.Select(key => key.Role).Distinct().ShouldBe([KeyRole.Admin, KeyRole.Publisher, KeyRole.Buyer], ignoreOrder: true);

        // The first is through with the catalog before the others go on from what they saw; to the admin's key they come together.
        async Task<(bool IsSample, string Printed)> StartAsync(int number)
        {
            await using var store = await OpenAsync(database);
            var catalog = Stub.Of<ICatalogStore>((name, arguments) => name switch
            {
                nameof(ICatalogStore.LatestAsync) => LatestAsync(),
                nameof(ICatalogStore.LatestVersionAsync) when number > 0 => LatestVersionAsync(),
                _ => typeof(ICatalogStore).GetMethod(name)!.Invoke(store.Catalog, arguments),
            });
            var access = Stub.Of<IAccessStore>((name, arguments) => arguments[0] is KeyRow { Role: KeyRole.Admin } ? AddAdminAsync(name, arguments) : Access(name, arguments));
            var shown = Stub.Of<IExchangeStore>((name, _) => name == "get_" + nameof(IExchangeStore.Catalog) ? catalog : typeof(IExchangeStore).GetMethod(name)!.Invoke(store, null));
            var host = new CatalogHost(
                shown, new LiveView(new CapAlerts(TimeProvider.System)), new CatalogRules(Parsers.All, Liquid.Parse, _ => null), TimeProvider.System, NullLogger<CatalogHost>.Instance);
            using var keys = new ApiKeys(access, store.Vault, TimeProvider.System);
            using var output = new StringWriter(CultureInfo.InvariantCulture);

            var sample = await FirstStart.SeedAsync(host, default);
            if (number == 0) seeded.SetResult();
            await FirstStart.PrintKeysAsync(host, keys, options, sample, output, default);
            return (sample, output.ToString());

            async Task<CatalogVersion?> LatestAsync()
            {
                var latest = await store.Catalog.LatestAsync(default);
                if (latest is null) await empty.ComeAsync();
                return latest;
            }

            async Task<long> LatestVersionAsync()
            {
                await seeded.Task.WaitAsync(Patience);
                return await store.Catalog.LatestVersionAsync(default);
            }

            async Task AddAdminAsync(string name, object?[] arguments)
            {
                await keyless.ComeAsync();
                await (Task)Access(name, arguments)!;
            }

            object? Access(string name, object?[] arguments) =>
                typeof(IAccessStore).GetMethods().Single(method => method.Name == name && method.GetParameters().Length == arguments.Length).Invoke(store.Access, arguments);
        }
    }

    private static Task<PostgresStore> OpenAsync(string database) => PostgresStore.OpenAsync(new PostgresStoreOptions { ConnectionString = database, MasterKey = new byte[32] });

    /// <summary>Whoever comes waits for the rest.</summary>
    private sealed class Meeting(int count)
    {
        private readonly TaskCompletionSource all = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int missing = count;

        public Task ComeAsync()
        {
            if (Interlocked.Decrement(ref missing) == 0) all.SetResult();
            return all.Task.WaitAsync(Patience);
        }
    }
}
