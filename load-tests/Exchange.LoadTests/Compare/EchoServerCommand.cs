using System.CommandLine;
using Exchange.V1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Exchange.LoadTests.Compare;

/// <summary>
/// The floor of the comparison: the same gRPC method, the same message in, an answer of the same shape and size out, and nothing in
/// between. What it reaches is what the transport allows on this machine.
/// </summary>
internal static class EchoServerCommand
{
    public static Command Create()
    {
        var port = new Option<int>("--port") { Description = "Loopback port, HTTP/2 without TLS.", DefaultValueFactory = _ => 8091 }.AtLeast(1);
        var command = new Command("echo-server", "A bare gRPC service that answers every ping with the same offer. compare starts it by itself.") { port };
        command.SetAction(async (parsed, cancel) =>
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.SetMinimumLevel(LogLevel.Warning);
            builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenLocalhost(parsed.GetValue(port), listen => listen.Protocols = HttpProtocols.Http2));
            builder.Services.AddGrpc();
            await using var app = builder.Build();
            app.MapGrpcService<EchoService>();
            await app.StartAsync(cancel);
            await app.WaitForShutdownAsync(cancel);
            return 0;
        });
        return command;
    }

    private sealed class EchoService : IntakeService.IntakeServiceBase
    {
        private static readonly Task<PingResponse> Answer = Task.FromResult(new PingResponse
        {
            PingId = "01980000000070008000000000000000",
            Status = PingStatus.Offered,
            PayoutMicros = 8_800_000,
            Best = { "1" },
            Currency = "USD",
            ExpiresAt = new Timestamp { Seconds = 1_800_000_000 },
            Offers = { new Offer { OfferId = "1", PayoutMicros = 8_800_000, Sharing = Sharing.Exclusive } },
        });

        public override Task<PingResponse> Ping(PingRequest request, ServerCallContext context) => Answer;
    }
}
