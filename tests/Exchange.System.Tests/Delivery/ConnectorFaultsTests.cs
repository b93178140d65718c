using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Exchange.Delivery;
using Exchange.Delivery.Connectors;
using Exchange.Engine.Catalog;
using Exchange.Engine.Deliveries;
using Shouldly;
using static Exchange.System.Tests.Delivery.FakeBuyer;

namespace Exchange.System.Tests.Delivery;

/// <summary>What the network does to an attempt: only what certainly never left is NotSent, the rest is doubt.</summary>
public sealed class ConnectorFaultsTests
{
    public static TheoryData<string, string, string> Faults => new()
    {
        // fault, native, webhook
        { "hang without reading", "Unknown timeout", "Unknown timeout" },
        { "hang after reading", "Unknown timeout", "Unknown timeout" },
        { "hang inside the head", "Unknown timeout", "Unknown timeout" },
        { "reset before reading", "Unknown connection_lost", "Unknown connection_lost" },
        { "reset after reading", "Unknown connection_lost", "Unknown connection_lost" },
        { "close after reading", "Unknown connection_lost", "Unknown connection_lost" },
        { "garbage instead of http", "Unknown answer_malformed", "Unknown answer_malformed" },
        { "head over 16 KiB", "Unknown answer_too_large", "Unknown answer_too_large" },
        { "announced body over 64 KiB", "Unknown answer_too_large", "Accepted -" },
        { "endless chunks", "Unknown answer_too_large", "Accepted -" },
        { "slow drip", "Unknown timeout", "Accepted -" },
        { "reset inside the body", "Unknown connection_lost", "Accepted -" },
        { "close inside the body", "Unknown connection_lost", "Accepted -" },
        { "gzip", "Unknown answer_unreadable", "Accepted -" },
        { "only interim answers", "Unknown timeout", "Unknown timeout" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task SendAsync_Fault_IsDoubtAndNeverSentTwice(string fault, string native, string webhook)
    {
        await Task.WhenAll(OnceAsync(ConnectorKind.Native, native), OnceAsync(ConnectorKind.Webhook, webhook));

        async Task OnceAsync(ConnectorKind kind, string expected)
        {
            await using var buyer = Start(call => FaultAsync(call, fault));
            using var http = new OutboundHttp(Samples.Loopback);
            var timeout = expected.EndsWith("timeout", StringComparison.Ordinal) ? 1_500 : 5_000;
            var result = await SendAsync(http, Samples.Endpoint(buyer.Url, kind, timeout));
            $"{result.Kind} {result.Error ?? "-"}".ShouldBe(expected);
            buyer.Requests.Count.ShouldBeLessThanOrEqualTo(1);
            SpinWait.SpinUntil(() => buyer.Connections == 1, TimeSpan.FromSeconds(20)).ShouldBeTrue();
        }
    }

    private static async Task FaultAsync(FakeCall call, string fault)
    {
        if (fault == "hang without reading") await call.HangAsync();
        if (fault == "reset before reading")
        {
            // Only after bytes have arrived, so that the reset always meets a request that was begun.
            await call.Stream.ReadExactlyAsync(new byte[1], call.Stopping);
            call.Reset();
            return;
        }
        await call.ReadAsync();
        switch (fault)
        {
            case "hang after reading": await call.HangAsync(); break;
            case "hang inside the head": await call.WriteAsync("HTTP/1.1 200 OK\r\nX-A:"); await call.HangAsync(); break;
            case "reset after reading": call.Reset(); break;
            case "close after reading": break;
            case "garbage instead of http": await call.WriteAsync("SSH-2.0-OpenSSH_9.2\r\n\r\n"); break;
            case "head over 16 KiB": await call.WriteAsync($"HTTP/1.1 200 OK\r\nX-A: {new string('a', 20_000)}\r\nContent-Length: 0\r\n\r\n"); await call.HangAsync(); break;
            case "announced body over 64 KiB": await call.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n{"); await call.HangAsync(); break;
            case "endless chunks":
                await call.WriteAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
                while (true) await call.WriteAsync($"1000\r\n{new string(' ', 4096)}\r\n");
            case "slow drip":
                await call.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
                while (true) { await call.WriteAsync(" "); await Task.Delay(20, call.Stopping); }
            case "reset inside the body": await call.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"answer\":"); await Task.Delay(200, call.Stopping); call.Reset(); break;
            case "close inside the body": await call.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"answer\":\"rejected\"}"); break;
            case "gzip": await call.WriteAsync("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\u001f\u0008\u0000"); await call.HangAsync(); break;
            case "only interim answers": while (true) { await call.WriteAsync("HTTP/1.1 102 Processing\r\n\r\n"); await Task.Delay(50, call.Stopping); }
            default: throw new ArgumentOutOfRangeException(nameof(fault));
        }
    }

    [Fact]
    public async Task SendAsync_NobodyListens_IsNotSent()
    {
        using var closed = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        closed.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        using var http = new OutboundHttp(Samples.Loopback);
        var url = new Uri($"http://127.0.0.1:{((IPEndPoint)closed.LocalEndPoint!).Port}/");
        (await SendAsync(http, Samples.Endpoint(url))).ShouldBe(new AttemptResult(AttemptKind.NotSent, "connect_refused"));
    }

    [Fact]
    public async Task SendAsync_DeadlineAlreadyOver_IsNotSent()
    {
        await using var buyer = Answering(Response(200));
        using var http = new OutboundHttp(Samples.Loopback);
        var result = await SendAsync(http, Samples.Endpoint(buyer.Url), new CancellationToken(canceled: true));
        result.ShouldBe(new AttemptResult(AttemptKind.NotSent, "timeout"));
        buyer.Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task SendAsync_CallersDeadlineBeforeTheEndpoints_EndsTheAttempt()
    {
        await using var buyer = Start(call => call.HangAsync());
        using var http = new OutboundHttp(Samples.Loopback);
        using var deadline = new CancellationTokenSource(2_000);
        (await SendAsync(http, Samples.Endpoint(buyer.Url, timeoutMs: 60_000), deadline.Token)).ShouldBe(new AttemptResult(AttemptKind.Unknown, "timeout"));
    }

    [Theory]
    [InlineData(60_000, "connect_timeout")]
    [InlineData(100, "timeout")]
    public async Task SendAsync_ResolverHangs_IsNotSent(int postTimeoutMs, string error)
    {
        using var http = new OutboundHttp(Samples.Loopback with { ConnectTimeout = TimeSpan.FromMilliseconds(postTimeoutMs > 1_000 ? 300 : 60_000) },
            async (_, cancel) => { await Task.Delay(Timeout.Infinite, cancel); return []; });
        (await SendAsync(http, Samples.Endpoint(new("http://buyer.example/"), timeoutMs: postTimeoutMs))).ShouldBe(new AttemptResult(AttemptKind.NotSent, error));
    }

    [Fact]
    public async Task SendAsync_NameNotFound_IsNotSent()
    {
        using var http = new OutboundHttp(Samples.Loopback, (_, _) => throw new SocketException((int)SocketError.HostNotFound));
        (await SendAsync(http, Samples.Endpoint(new("http://buyer.example/")))).ShouldBe(new AttemptResult(AttemptKind.NotSent, "name_not_found"));
    }

    [Fact]
    public async Task SendAsync_HandshakeThatNeverEnds_IsNotSent()
    {
        await using var buyer = Start(call => call.HangAsync());
        using var http = new OutboundHttp(Samples.Loopback with { ConnectTimeout = TimeSpan.FromMilliseconds(300) });
        (await SendAsync(http, Samples.Endpoint(new($"https://127.0.0.1:{buyer.Port}/")))).ShouldBe(new AttemptResult(AttemptKind.NotSent, "connect_timeout"));
    }

    [Fact]
    public async Task SendAsync_PlainTextWhereTlsIsExpected_IsNotSent()
    {
        await using var buyer = Start(async call => await call.WriteAsync("HTTP/1.1 400 Bad Request\r\n\r\n"));
        using var http = new OutboundHttp(Samples.Loopback);
        (await SendAsync(http, Samples.Endpoint(new($"https://127.0.0.1:{buyer.Port}/")))).ShouldBe(new AttemptResult(AttemptKind.NotSent, "tls_failed"));
    }

    [Fact]
    public async Task SendAsync_CertificateNobodyVouchesFor_IsNotSent()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero), new(2099, 1, 1, 0, 0, 0, TimeSpan.Zero));
        await using var buyer = Start(async call =>
        {
            using var tls = new SslStream(call.Stream);
            try { await tls.AuthenticateAsServerAsync(certificate); }
            catch (global::System.Security.Authentication.AuthenticationException) { return; }
            // Whatever comes through would be the lead.
            if (await tls.ReadAsync(new byte[1], call.Stopping) > 0) throw new InvalidOperationException("The lead was sent");
        });
        using var http = new OutboundHttp(Samples.Loopback);
        (await SendAsync(http, Samples.Endpoint(new($"https://127.0.0.1:{buyer.Port}/")))).ShouldBe(new AttemptResult(AttemptKind.NotSent, "tls_failed"));
    }

    [Fact]
    public async Task SendAsync_KeptConnectionCutAtTheSecondLead_SendsItOnceOnly()
    {
        var served = 0;
        await using var buyer = Start(async call =>
        {
            while (await call.ReadAsync() is not null)
            {
                if (Interlocked.Increment(ref served) > 1) return;
                await call.WriteAsync(Response(200));
            }
        });
        using var http = new OutboundHttp(Samples.Loopback);
        (await SendAsync(http, Samples.Endpoint(buyer.Url))).Kind.ShouldBe(AttemptKind.Accepted);
        (await SendAsync(http, Samples.Endpoint(buyer.Url))).ShouldBe(new AttemptResult(AttemptKind.Unknown, "connection_lost"));
        buyer.Requests.Count.ShouldBe(2);
        buyer.Connections.ShouldBe(1);
    }

    [Theory]
    [InlineData("http://169.254.169.254/latest/meta-data/")]
    [InlineData("file:///etc/passwd")]
    [InlineData("/leads")]
    public async Task SendAsync_Redirect_IsNeverFollowed(string location)
    {
        await using var buyer = Answering(Response(307, "", $"Location: {location}\r\n"));
        using var http = new OutboundHttp(Samples.Loopback);
        (await SendAsync(http, Samples.Endpoint(buyer.Url))).ShouldBe(new AttemptResult(AttemptKind.Unknown, "redirect_refused"));
        buyer.Requests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task SendAsync_NameThatChangesItsMind_IsRefusedAtTheSecondConnection()
    {
        await using var buyer = Answering(Response(200, "", "Connection: close\r\n"));
        var answers = new Queue<string>(["127.0.0.1", "169.254.169.254"]);
        using var http = new OutboundHttp(Samples.Loopback, (_, _) => Task.FromResult(new[] { IPAddress.Parse(answers.Dequeue()) }));
        var endpoint = Samples.Endpoint(new($"http://buyer.example:{buyer.Port}/"));
        (await SendAsync(http, endpoint)).Kind.ShouldBe(AttemptKind.Accepted);
        (await SendAsync(http, endpoint)).ShouldBe(new AttemptResult(AttemptKind.NotSent, "address_refused"));
        buyer.Connections.ShouldBe(1);
    }

    [Fact]
    public async Task SendAsync_NameWithPrivateAndAllowedAddresses_CallsTheAllowedOneOnly()
    {
        await using var buyer = Answering(Response(200));
        using var http = new OutboundHttp(Samples.Loopback, (_, _) => Task.FromResult(new[] { IPAddress.Parse("10.0.0.1"), IPAddress.Loopback }));
        (await SendAsync(http, Samples.Endpoint(new($"http://buyer.example:{buyer.Port}/")))).Kind.ShouldBe(AttemptKind.Accepted);
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    [InlineData("10.0.0.1")]
    [InlineData("169.254.169.254")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("fd00:ec2::254")]
    public async Task SendAsync_ProductionAndANameThatPointsInside_IsNotSent(string address)
    {
        using var http = new OutboundHttp(new(), (_, _) => Task.FromResult(new[] { IPAddress.Parse(address) }));
        (await SendAsync(http, Samples.Endpoint(new("http://buyer.example:8080/")))).ShouldBe(new AttemptResult(AttemptKind.NotSent, "address_refused"));
    }

    [Fact]
    public async Task SendAsync_ProductionAndLoopbackUrl_IsNotSent()
    {
        await using var buyer = Answering(Response(200));
        using var http = new OutboundHttp(new());
        (await SendAsync(http, Samples.Endpoint(buyer.Url))).ShouldBe(new AttemptResult(AttemptKind.NotSent, "url_refused"));
        buyer.Connections.ShouldBe(0);
    }

    [Fact]
    public async Task SendAsync_MoreCallsThanTheEndpointTakes_WaitThenAreRefusedUnsent()
    {
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var reached = new SemaphoreSlim(0);
        await using var buyer = Start(async call =>
        {
            while (await call.ReadAsync() is not null)
            {
                reached.Release();
                await go.Task;
                await call.WriteAsync(Response(200));
            }
        });
        using var http = new OutboundHttp(Samples.Loopback with { InFlightPerEndpoint = 2, WaitingPerEndpoint = 1 });
        var endpoint = Samples.Endpoint(buyer.Url, timeoutMs: 20_000);
        var running = new[] { SendAsync(http, endpoint), SendAsync(http, endpoint) };
        await reached.WaitAsync();
        await reached.WaitAsync();
        var waiting = SendAsync(http, endpoint);
        (await SendAsync(http, endpoint)).ShouldBe(new AttemptResult(AttemptKind.NotSent, "endpoint_busy"));
        // Another endpoint is not held up by this one.
        await using var other = Answering(Response(200));
        (await SendAsync(http, Samples.Endpoint(other.Url) with { Name = "other" })).Kind.ShouldBe(AttemptKind.Accepted);
        buyer.Requests.Count.ShouldBe(2);
        go.SetResult();
        (await Task.WhenAll([.. running, waiting])).ShouldAllBe(result => result.Kind == AttemptKind.Accepted);
        buyer.Requests.Count.ShouldBe(3);
    }

    private static Task<AttemptResult> SendAsync(OutboundHttp http, EndpointModel endpoint, CancellationToken deadline = default) =>
        ConnectorList.Create(http, new(), TimeProvider.System).Find(endpoint.Connector)!.SendAsync(endpoint, Samples.Secrets, Samples.Message, Samples.Now, deadline);
}
