using Exchange.System.Tests.Storage;

namespace Exchange.System.Tests.BlackBox;

/// <summary>
/// One exchange for all tests of a class, which run one after the other. Each test applies a catalog of its own, with ids that no other test of the class uses or with
/// no regard for what others left. Who kills it starts it again.
/// </summary>
public class RunningExchange : IAsyncLifetime
{
    private readonly Dictionary<(string Role, string Id), string> keys = [];

    public ExchangeProcess Process { get; private set; } = null!;

    /// <summary>Null: the embedded database.</summary>
    private Dictionary<string, string>? Settings { get; set; }

    /// <summary>Made once: a party may have two live keys.</summary>
    public async Task<string> KeyAsync(string role, string id)
    {
        if (!keys.TryGetValue((role, id), out var key)) keys[(role, id)] = key = await Process.KeyAsync(role, id);
        return key;
    }

    public Task KillAndRestartAsync() => Process.KillAndRestartAsync(Settings);

    public virtual async Task InitializeAsync()
    {
        Settings = await SettingsAsync();
        Process = await ExchangeProcess.StartAsync(environment: Settings);
    }

    public virtual async Task DisposeAsync() => await Process.DisposeAsync();

    protected virtual Task<Dictionary<string, string>?> SettingsAsync() => Task.FromResult<Dictionary<string, string>?>(null);
}

/// <summary>The same over PostgreSQL.</summary>
public sealed class RunningPostgresExchange : RunningExchange
{
    private readonly PostgresCluster postgres = new();

    public override async Task InitializeAsync()
    {
        await postgres.InitializeAsync();
        await base.InitializeAsync();
    }

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        await postgres.DisposeAsync();
    }

    protected override async Task<Dictionary<string, string>?> SettingsAsync() => PostgresTests.Settings(await PostgresCluster.CreateDatabaseAsync());
}
