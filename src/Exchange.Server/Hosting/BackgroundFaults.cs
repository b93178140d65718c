namespace Exchange.Server.Hosting;

/// <summary>
/// A background service that fails ends its host, in good order (the framework's rule, and a good one: half a server would look whole). Whoever started the
/// server is told by the exit code that nobody asked for that end.
/// </summary>
internal static class BackgroundFaults
{
    /// <summary>Watches a host that has not started yet. What comes back says, once it has ended, the name of the service that failed; null: it was asked to end.</summary>
    public static Func<string?> Watch(IHost host)
    {
        string? failed = null;
        // Looked at as the stop begins: who is stopped by it is cancelled a moment later, and would look like one that broke off by itself.
        host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.Register(() => failed = host.Services.GetServices<IHostedService>()
            .OfType<BackgroundService>().FirstOrDefault(static service => service.ExecuteTask is { IsCompleted: true, IsCompletedSuccessfully: false })?.GetType().Name);
        return () => failed;
    }
}
