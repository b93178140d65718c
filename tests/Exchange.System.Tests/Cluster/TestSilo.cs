extern alias server;

using System.Net;
using Exchange.Engine.Fields;
using Exchange.Engine.Values;
using Exchange.Grains.Catalog;
using Exchange.Grains.Cluster;
using Exchange.Grains.Intake;
using Exchange.Grains.Memory;
using Exchange.Grains.Persons;
using Exchange.Storage;
using Exchange.Storage.Redis;
using Exchange.System.Tests.BlackBox;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Hosting;
using server::Exchange.Server.Hosting;

namespace Exchange.System.Tests.Cluster;

/// <summary>One silo of a cluster in this process: the server's own composition, without its ports for callers. Silos speak over sockets.</summary>
internal sealed class TestSilo : IAsyncDisposable
{
    private readonly IHost host;
    private bool stopped;

    private TestSilo(IHost host, IExchangeStore store) => (this.host, Store) = (host, store);

    public IExchangeStore Store { get; }
    public T Get<T>() where T : notnull => host.Services.GetRequiredService<T>();
    public ILeadIntake Intake => Get<ILeadIntake>();
    public Silos Silos => Get<Silos>();

    /// <param name="primary">The port of the silo that keeps the membership; null: this one does.</param>
    /// <param name="redis">Null: there is none.</param>
    public static async Task<TestSilo> StartAsync(IExchangeStore store, ushort number, int port, int? primary, RedisLink? redis = null)
    {
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.SetMinimumLevel(LogLevel.Error);
        var self = new SiloIdentity(number, "test-" + Market.Text(number));
        builder.Services.AddExchange(store, TimeProvider.System, allowLoopback: true).AddCluster(new ClusteringOptions(), self);
        if (redis is not null) builder.Services.AddRedis(redis).AddHostedService(provider => provider.GetRequiredService<PersonMarks>());
        builder.UseOrleans(silo =>
        {
            silo.UseExchangeSilo(new ClusteringOptions(), self);
            silo.UseLocalhostClustering(port, 0, primary is { } first ? new IPEndPoint(IPAddress.Loopback, first) : null, "exchange", "test");
            silo.AddMemoryGrainStorage(GrainMemoryNames.Store);
        });
        builder.Services.AddHostedService(provider => provider.GetRequiredService<NewsRelay>());
        var host = builder.Build();
        host.Services.UseCluster();
        await host.StartAsync();
        return new(host, store);
    }

    public async Task<PingReply> PingAsync(string publisher, string? key = null, bool test = false, string? result = null, string zip = "90210") => await Intake.PingAsync(new PingCommand
    {
        Publisher = publisher, ReceivedAt = TimeProvider.System.GetUtcNow(), Vertical = "auto", Fields = [new RawField("zip", RawKind.String, zip)],
        IdempotencyKey = key, BodyHash = new byte[32], Test = test, TestResult = result,
    }, CancellationToken.None);

    public Task<PostReply> PostAsync(string publisher, LeadId ping, byte body = 1, Dictionary<string, string>? person = null) => Intake.PostAsync(Post(publisher, ping, body, person), CancellationToken.None);

    public static PostCommand Post(string publisher, LeadId ping, byte body = 1, Dictionary<string, string>? person = null) => new()
    {
        Publisher = publisher, ReceivedAt = TimeProvider.System.GetUtcNow(), PingId = ping.ToBytes(), BodyHash = [.. Enumerable.Repeat(body, 32)], TestKey = ping.IsTest,
        Fields = [.. (person ?? Sender.NextPerson()).Select(field => new PostedField(field.Key, RawKind.String, field.Value))],
    };

    /// <summary>A direct post without a key.</summary>
    public Task<PostReply> DirectPostAsync(string publisher, byte[] body, DateTimeOffset receivedAt, Dictionary<string, string> person) => Intake.DirectPostAsync(new DirectPostCommand(
        new PingCommand
        {
            Publisher = publisher, ReceivedAt = receivedAt, Vertical = "auto", BodyHash = body,
            Fields = [new RawField("zip", RawKind.String, "90210"), .. person.Select(field => new RawField(field.Key, RawKind.String, field.Value))],
        }, null, null), CancellationToken.None);

    public async Task StopAsync()
    {
        if (stopped) return;
        stopped = true;
        await host.StopAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        host.Dispose();
    }
}
