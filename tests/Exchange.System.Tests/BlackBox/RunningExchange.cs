using Exchange.System.Tests.Storage;
using Shouldly;

namespace Exchange.System.Tests.BlackBox;

/// <summary>
/// One exchange for all tests of a class or a collection, which run one after the other. Each test applies a catalog of its own, with ids that no other of them uses or with
/// no regard for what others left. Who kills it starts it again.
/// </summary>
public class RunningExchange : IAsyncLifetime
{
    private readonly MadeKeys keys = new();
    // Null: the embedded database.
    private Dictionary<string, string>? settings;

    public ExchangeProcess Process { get; private set; } = null!;

    public Task<string> KeyAsync(string role, string id) => keys.OfAsync(Process, role, id);

    /// <param name="more">Settings of this start alone.</param>
    public Task KillAndRestartAsync(params (string Name, string Value)[] more)
    {
        if (more.Length == 0) return Process.KillAndRestartAsync(settings);
        var own = new Dictionary<string, string>(settings ?? []);
        foreach (var (name, value) in more) own[name] = value;
        return Process.KillAndRestartAsync(own);
    }

    /// <summary>Starts it again without a ping's record, which goes with time.</summary>
    public async Task RestartWithoutPingAsync(string ping)
    {
        // Whoever ends in order has written every record.
        (await Process.StopAsync()).ShouldBe(0, Process.Output);
        (await ForgetPingAsync(ping)).ShouldBeGreaterThan(0);
        await Process.RestartAsync(settings);
    }

    public virtual async Task InitializeAsync()
    {
        settings = await SettingsAsync();
        Process = await ExchangeProcess.StartAsync(environment: settings);
    }

    public virtual async Task DisposeAsync() => await Process.DisposeAsync();

    protected virtual Task<Dictionary<string, string>?> SettingsAsync() => Task.FromResult<Dictionary<string, string>?>(null);

    /// <summary>How many blocks of records went.</summary>
    protected virtual Task<long> ForgetPingAsync(string ping) => Task.FromResult<long>(RowCounts.ForgetPing(Process.Folder, ping));
}

/// <summary>The same over PostgreSQL.</summary>
public sealed class RunningPostgresExchange : RunningExchange
{
    private readonly PostgresCluster postgres = new();

    public string Database { get; private set; } = "";

    public override async Task InitializeAsync()
    {
        await postgres.InitializeAsync();
        Database = await PostgresCluster.CreateDatabaseAsync();
        await base.InitializeAsync();
    }

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        await postgres.DisposeAsync();
    }

    protected override Task<Dictionary<string, string>?> SettingsAsync() => Task.FromResult<Dictionary<string, string>?>(PostgresTests.Settings(Database));

    protected override Task<long> ForgetPingAsync(string ping) => PostgresCluster.ForgetPingAsync(Database, ping);
}

/// <summary>Keys that tests share: each is made once, because a party may have two live ones of a role.</summary>
internal sealed class MadeKeys
{
    private readonly Dictionary<(string Role, string Id), string> made = [];

    public async Task<string> OfAsync(ExchangeProcess exchange, string role, string id)
    {
        if (!made.TryGetValue((role, id), out var key)) made[(role, id)] = key = await exchange.KeyAsync(role, id);
        return key;
    }
}
