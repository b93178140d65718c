extern alias server;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using server::Exchange.Server.Hosting;
using Shouldly;

namespace Exchange.System.Tests.Faults;

public sealed class BackgroundFaultsTests
{
    private sealed class Fails : BackgroundService
    {
        protected override async Task ExecuteAsync(CancellationToken stoppingToken)
        {
            await Task.Delay(100, stoppingToken);
            throw new InvalidOperationException("broken");
        }
    }

    private sealed class GivesUp : BackgroundService
    {
        protected override async Task ExecuteAsync(CancellationToken stoppingToken)
        {
            await Task.Delay(100, stoppingToken);
            throw new OperationCanceledException("of something else");
        }
    }

    private sealed class Waits : BackgroundService
    {
        protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.Delay(Timeout.Infinite, stoppingToken);
    }

    [Fact]
    public Task ServiceThatFails_EndsItsHost_AndIsNamed() => IsNamedAsync<Fails>();

    /// <summary>A cancellation that nobody asked for is a failure like any other.</summary>
    [Fact]
    public Task ServiceThatIsCancelledByItself_EndsItsHost_AndIsNamed() => IsNamedAsync<GivesUp>();

    private static async Task IsNamedAsync<T>() where T : BackgroundService
    {
        using var host = HostOf<T>();
        var failed = BackgroundFaults.Watch(host);
        await host.StartAsync();
        await host.WaitForShutdownAsync().WaitAsync(TimeSpan.FromSeconds(60));
        failed().ShouldBe(typeof(T).Name);
    }

    [Fact]
    public async Task HostThatIsStopped_NamesNobody()
    {
        using var host = HostOf<Waits>();
        var failed = BackgroundFaults.Watch(host);
        await host.StartAsync();
        await host.StopAsync();
        failed().ShouldBeNull();
    }

    private static IHost HostOf<T>() where T : BackgroundService
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddHostedService<Waits>();
        builder.Services.AddHostedService<T>();
        return builder.Build();
    }
}
