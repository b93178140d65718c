namespace Exchange.System.Tests.BlackBox;

/// <summary>One exchange for all tests of a class. Each test applies a catalog of its own, with ids that no other test of the class uses.</summary>
public sealed class RunningExchange : IAsyncLifetime
{
    public ExchangeProcess Process { get; private set; } = null!;

    public async Task InitializeAsync() => Process = await ExchangeProcess.StartAsync();

    public async Task DisposeAsync() => await Process.DisposeAsync();
}
