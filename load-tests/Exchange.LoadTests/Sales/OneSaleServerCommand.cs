using System.CommandLine;
using Exchange.Engine.Ledger;
using Exchange.LoadTests.Journal;
using Exchange.LoadTests.Restart;
using Exchange.V1;
using Grpc.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Npgsql;

namespace Exchange.LoadTests.Sales;

/// <summary>The other side of the comparison: a bare gRPC service that answers each ping with the same offer and makes of each post one transaction with the same rows.</summary>
internal static class OneSaleServerCommand
{
    private const int Connections = 32;

    public static Command Create()
    {
        var port = new Option<int>("--port") { Description = "Loopback port, HTTP/2 without TLS.", Required = true }.AtLeast(1);
        var connection = new Option<string>("--connection") { Description = "The PostgreSQL database that an exchange has made.", Required = true };
        var command = new Command("one-sale-server", "Sells each post in a transaction of its own. sales starts it by itself.") { port, connection };
        command.SetAction(async (parsed, cancel) =>
        {
            await using var source = OneByOne.Source(parsed.GetValue(connection)!, Connections);
            Take[][] takes;
            await using (var database = await source.OpenConnectionAsync(cancel)) takes = await ManyLeads.TakesAsync(database, cancel);
            await OneByOne.PrepareAsync(source, []);
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.SetMinimumLevel(LogLevel.Warning);
            builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenLocalhost(parsed.GetValue(port), listen => listen.Protocols = HttpProtocols.Http2));
            builder.Services.AddGrpc();
            builder.Services.AddSingleton(new Sales(source, takes));
            await using var app = builder.Build();
            app.MapGrpcService<Service>();
            await app.StartAsync(cancel);
            await app.WaitForShutdownAsync(cancel);
            return 0;
        });
        return command;
    }

    private sealed record Sales(NpgsqlDataSource Source, Take[][] Takes)
    {
        private const int First = 500_000_000;
        private int last = First + (int)(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() % 1_000_000) * 1_000;
        public int Next() => Interlocked.Increment(ref last);
        public SemaphoreSlim Room { get; } = new(Connections);
    }

    private sealed class Service(Sales sales) : IntakeService.IntakeServiceBase
    {
        private static readonly Task<PingResponse> Offer = Task.FromResult(new PingResponse { PingId = "01980000000070008000000000", Status = PingStatus.Offered, PayoutMicros = 80_000, Currency = "USD" });

        public override Task<PingResponse> Ping(PingRequest request, ServerCallContext context) => Offer;

        public override async Task<PostResponse> Post(PostRequest request, ServerCallContext context)
        {
            var lead = sales.Next();
            await sales.Room.WaitAsync(context.CancellationToken);
            try
            {
                var item = ManyLeads.Sale(0, lead, TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(), sales.Takes[ManyLeads.CampaignOf(lead)]);
                await OneByOne.SellAsync(sales.Source, item);
                return new PostResponse { LeadId = item.Lead.ToString(), Status = LeadStatus.Sold, PayoutMicros = 80_000, Currency = "USD" };
            }
            finally
            {
                sales.Room.Release();
            }
        }
    }
}
