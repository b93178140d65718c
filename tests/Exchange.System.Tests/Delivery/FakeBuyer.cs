using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Exchange.System.Tests.Delivery;

/// <summary>A buyer's server on a free loopback port, down to the bytes: what it does with a connection is the test's to say.</summary>
internal sealed class FakeBuyer : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stop = new();
    private readonly ConcurrentBag<Task> calls = [];
    private readonly Func<FakeCall, Task> handle;
    private readonly Task accepting;

    private FakeBuyer(Func<FakeCall, Task> handle)
    {
        this.handle = handle;
        listener.Start();
        Port = ((IPEndPoint)listener.LocalEndpoint).Port;
        accepting = AcceptAsync();
    }

    public int Port { get; }
    public Uri Url => new($"http://127.0.0.1:{Port}/leads?from=exchange");
    public ConcurrentQueue<FakeRequest> Requests { get; } = [];
    public int Connections;

    public static FakeBuyer Start(Func<FakeCall, Task> handle) => new(handle);

    /// <summary>Reads each request whole and answers it with these bytes.</summary>
    public static FakeBuyer Answering(string response) => Start(async call =>
    {
        while (await call.ReadAsync() is not null) await call.WriteAsync(response);
    });

    public static string Response(int status, string body = "", string headers = "") =>
        $"HTTP/1.1 {status} X\r\n{headers}Content-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}";

    private async Task AcceptAsync()
    {
        while (!stop.IsCancellationRequested)
        {
            Socket socket;
            try { socket = await listener.AcceptSocketAsync(stop.Token); }
            catch (OperationCanceledException) { return; }
            Interlocked.Increment(ref Connections);
            calls.Add(Task.Run(async () =>
            {
                using var call = new FakeCall(socket, Requests, stop.Token);
                // A connection that the exchange cuts is part of what is tested.
                try { await handle(call); }
                catch (Exception fault) when (fault is IOException or OperationCanceledException or SocketException or ObjectDisposedException) { }
            }));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await accepting;
        listener.Stop();
        await Task.WhenAll(calls);
        stop.Dispose();
    }
}

internal sealed record FakeRequest(string Line, IReadOnlyDictionary<string, string> Headers, byte[] Body);

internal sealed class FakeCall(Socket socket, ConcurrentQueue<FakeRequest> requests, CancellationToken stopping) : IDisposable
{
    private readonly NetworkStream stream = new(socket, ownsSocket: true);

    public Stream Stream => stream;
    public CancellationToken Stopping => stopping;

    /// <summary>The next request on this connection, also kept in the buyer's list; null when the other side has closed.</summary>
    public async Task<FakeRequest?> ReadAsync()
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            if (await stream.ReadAsync(one, stopping) == 0) return null;
            head.Append((char)one[0]);
        }
        var lines = head.ToString().Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        var headers = lines.Skip(1).Select(line => line.Split(": ", 2)).ToDictionary(pair => pair[0], pair => pair[1], StringComparer.OrdinalIgnoreCase);
        var body = new byte[int.Parse(headers.GetValueOrDefault("Content-Length", "0"), global::System.Globalization.CultureInfo.InvariantCulture)];
        await stream.ReadExactlyAsync(body, stopping);
        var request = new FakeRequest(lines[0], headers, body);
        requests.Enqueue(request);
        return request;
    }

    public async Task WriteAsync(string text) => await stream.WriteAsync(Encoding.UTF8.GetBytes(text), stopping);

    public Task HangAsync() => Task.Delay(Timeout.Infinite, stopping);

    public void Reset()
    {
        socket.LingerState = new LingerOption(true, 0);
        socket.Close();
    }

    public void Dispose() => stream.Dispose();
}
