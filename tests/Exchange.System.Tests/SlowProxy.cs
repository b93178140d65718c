using System.Net;
using System.Net.Sockets;

namespace Exchange.System.Tests;

/// <summary>Passes TCP connections on, each piece of an answer as late as it is told to, or nothing at all for a while.</summary>
internal sealed class SlowProxy : IAsyncDisposable
{
    private readonly TcpListener listener;
    private readonly CancellationTokenSource stop = new();
    private readonly int target;
    private readonly Task accepting;

    public SlowProxy(int target)
    {
        this.target = target;
        Port = FreePorts.Next();
        listener = new(IPAddress.Loopback, Port);
        listener.Start();
        accepting = AcceptAsync();
    }

    public int Port { get; }
    /// <summary>How late answers are.</summary>
    public TimeSpan Delay { get; set; }

    private volatile TaskCompletionSource? held;

    /// <summary>Nothing passes in either direction and no end of a connection either, as over a network that is gone; until <see cref="Release"/>.</summary>
    public void Hold() => held = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What was held goes on its way.</summary>
    public void Release()
    {
        var waited = held;
        held = null;
        waited?.SetResult();
    }

    private volatile int swallowed;

    /// <summary>The connections that are there now pass nothing from here on, and nobody ends them, as where packets are dropped; new ones pass all.</summary>
    public void Swallow() => swallowed++;

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = PassAsync(await listener.AcceptTcpClientAsync(stop.Token));
        }
        catch (Exception fault) when (fault is OperationCanceledException or SocketException) { }
    }

    private async Task PassAsync(TcpClient client)
    {
        using (client)
        using (var server = new TcpClient())
        {
            try
            {
                await server.ConnectAsync(IPAddress.Loopback, target, stop.Token);
                var before = swallowed;
                await Task.WhenAny(CopyAsync(client, server, late: false, before), CopyAsync(server, client, late: true, before));
            }
            catch (Exception fault) when (fault is OperationCanceledException or SocketException) { }
        }
    }

    private async Task CopyAsync(TcpClient from, TcpClient to, bool late, int before)
    {
        var buffer = new byte[16 * 1024];
        try
        {
            while (await from.GetStream().ReadAsync(buffer, stop.Token) is > 0 and var count)
            {
                if (late && Delay > TimeSpan.Zero) await Task.Delay(Delay, stop.Token);
                if (held is { } wait) await wait.Task.WaitAsync(stop.Token);
                if (swallowed != before) await Task.Delay(Timeout.Infinite, stop.Token);
                await to.GetStream().WriteAsync(buffer.AsMemory(0, count), stop.Token);
            }
        }
        catch (Exception fault) when (fault is OperationCanceledException or IOException or ObjectDisposedException or InvalidOperationException) { }
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        listener.Stop();
        await accepting;
        stop.Dispose();
    }
}
