extern alias server;

using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using Exchange.Engine.Values;
using Exchange.Grains.Catalog;
using Exchange.Grains.Intake;
using Exchange.Storage;
using Exchange.Storage.Sqlite;
using Exchange.V1;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using server::Exchange.Server.Access;
using server::Exchange.Server.Grpc;
using server::Exchange.Server.Hosting;
using server::Exchange.Server.Intake;
using server::Exchange.Server.Intake.Compatibility;
using server::Exchange.Server.Observability;
using server::Exchange.Server.OpenApi;
using server::Exchange.Server.Problems;

namespace Exchange.System.Tests.Intake;

/// <summary>The server's outer rooms on real sockets, over a real store for the keys and a desk that only records.</summary>
public sealed class IntakeHost : IAsyncLifetime
{
    private readonly string folder = Path.Combine(Path.GetTempPath(), $"exchange-intake-{Guid.NewGuid():N}");
    private SqliteStore store = null!;
    private WebApplication app = null!;
    private GrpcChannel channel = null!;
    private int managementPort;

    internal RecordingDesk Desk { get; } = new();
    public ApiKeys Keys => app.Services.GetRequiredService<ApiKeys>();
    public ExchangeMetrics Metrics => app.Services.GetRequiredService<ExchangeMetrics>();
    public HttpClient Http { get; private set; } = null!;
    public HttpClient Management { get; private set; } = null!;
    public IntakeService.IntakeServiceClient Grpc { get; private set; } = null!;
    public string GrpcAddress { get; private set; } = "";
    public string PublisherKey { get; private set; } = "";
    public string TestKey { get; private set; } = "";
    public string BuyerKey { get; private set; } = "";
    public bool IsReady { get; set; } = true;
    /// <summary>This machine is a proxy of the operator's.</summary>
    private static IpRanges TrustedProxies { get; } = new([new(IpAddress.FromBytes([127, 0, 0, 1]), 128)]);
    /// <summary>From where publishers may call; who is not here may from anywhere.</summary>
    public ConcurrentDictionary<string, IpRanges> Allowed { get; } = [];
    /// <summary>What the journal says waits for it.</summary>
    public int JournalWaiting { get; set; }

    public async Task InitializeAsync()
    {
        store = await SqliteStore.OpenAsync(new SqliteStoreOptions { Folder = folder });
        managementPort = FreePorts.Next();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http1);
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2);
            kestrel.Listen(IPAddress.Loopback, managementPort, listen => listen.Protocols = HttpProtocols.Http1);
        });
        builder.Services.AddSingleton(TimeProvider.System).AddSingleton<ILeadIntake>(Desk).AddSingleton(store.Access).AddSingleton(store.Vault);
        builder.Services.AddSingleton(new Admission(TimeProvider.System, TimeSpan.FromMinutes(1), () => JournalWaiting, static () => 0));
        builder.Services.AddSingleton(provider => new Drain(new ClusteringOptions(), store, TimeProvider.System, provider.GetRequiredService<ILogger<Drain>>()));
        builder.Services.AddAccess(TrustedProxies, _ => publisher => Allowed.GetValueOrDefault(publisher)).AddObservability().AddIntake().AddExchangeGrpc().AddExchangeOpenApi();
        // Forms of other products look up what a publisher's words mean; here they are nobody's.
        builder.Services.AddSingleton(Stub.Of<ICatalogHost>(static (_, _) => Storage.Sample.Model)).AddCompatibility();
        builder.Services.AddReadiness("switch", (_, _) => Task.FromResult(IsReady));
        app = builder.Build();
        app.UseProblems();
        app.UseManagementPort(managementPort);
        app.UseAdmission();
        app.MapIntake();
        app.MapCompatibility();
        app.MapIntakeGrpc(reflection: true);
        app.MapObservability();
        app.MapExchangeOpenApi();
        app.MapGet("/broken", () => { throw new InvalidOperationException("secret 4111"); });

        PublisherKey = (await Keys.CreateAsync(KeyRole.Publisher, "search-partner", false, default)).Plain;
        TestKey = (await Keys.CreateAsync(KeyRole.Publisher, "search-partner", true, default)).Plain;
        BuyerKey = (await Keys.CreateAsync(KeyRole.Buyer, "acme", false, default)).Plain;
        await app.StartAsync();
        var addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.ToArray();
        Http = new HttpClient { BaseAddress = new Uri(addresses[0]) };
        Management = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{managementPort}") };
        GrpcAddress = addresses[1];
        channel = GrpcChannel.ForAddress(GrpcAddress);
        Grpc = new IntakeService.IntakeServiceClient(channel);
    }

    public async Task DisposeAsync()
    {
        channel.Dispose();
        Http.Dispose();
        Management.Dispose();
        await app.DisposeAsync();
        await store.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>Sends JSON as the publisher; more headers as "Name: value", which replace the usual ones.</summary>
    internal Task<HttpResponseMessage> SendAsync(string method, string path, byte[]? body, params string[] headers)
    {
        var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }
        request.Headers.TryAddWithoutValidation("X-Api-Key", PublisherKey);
        foreach (var header in headers)
        {
            var colon = header.IndexOf(':', StringComparison.Ordinal);
            var (name, value) = (header[..colon], header[(colon + 1)..].Trim());
            var isContent = name.StartsWith("Content-", StringComparison.OrdinalIgnoreCase);
            HttpHeaders target = isContent ? request.Content!.Headers : request.Headers;
            target.Remove(name);
            if (value.Length > 0) target.TryAddWithoutValidation(name, value);
        }
        return Http.SendAsync(request);
    }

    internal Task<HttpResponseMessage> PostJsonAsync(string path, string json, params string[] headers) => SendAsync("POST", path, Encoding.UTF8.GetBytes(json), headers);
}
