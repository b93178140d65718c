using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Exchange.System.Tests.Storage;

/// <summary>
/// Stands between a journal and its database and cuts connections at the worst moment: a COMMIT has gone to the server, which carries it out, and its reply is
/// thrown away. Everything else passes unchanged.
/// </summary>
internal sealed class CuttingProxy : IAsyncDisposable
{
    /// <summary>With the end of its text: a transaction begins as READ COMMITTED.</summary>
    private static readonly byte[] Commit = "COMMIT\0"u8.ToArray();
    private readonly TcpListener listener = new(IPAddress.Loopback, FreePorts.Next());
    private readonly CancellationTokenSource stopping = new();
    private readonly ConcurrentBag<Task> pumps = [];
    private readonly int server;
    private readonly Task accepting;
    private volatile byte[]? endAt;
    private int toCut;
    private int cut;

    public CuttingProxy(int server)
    {
        this.server = server;
        listener.Start();
        accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <summary>Commits whose reply nobody got.</summary>
    public int Cut => Volatile.Read(ref cut);

    public void CutNext(int commits) => Interlocked.Add(ref toCut, commits);

    /// <summary>Done between a commit and the moment at which somebody may know that its reply is lost.</summary>
    public Func<Task>? AfterCut { get; set; }

    /// <summary>The next connection on which these words pass ends before they reach the server.</summary>
    public void EndAt(string words) => endAt = Encoding.ASCII.GetBytes(words);

    /// <summary>Whether such a connection has ended.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>From here on all passes.</summary>
    public void CutNoMore() => Interlocked.Exchange(ref toCut, 0);

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await listener.AcceptTcpClientAsync(stopping.Token);
                pumps.Add(ServeAsync(client));
            }
        }
        catch (Exception end) when (end is OperationCanceledException or SocketException or ObjectDisposedException) { }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        using (var database = new TcpClient())
        {
            try
            {
                await database.ConnectAsync(IPAddress.Loopback, server, stopping.Token);
                client.NoDelay = database.NoDelay = true;
                var swallow = new Swallow();
                await Task.WhenAny(SendAsync(client.GetStream(), database.GetStream(), swallow), ReplyAsync(database.GetStream(), client.GetStream(), swallow));
            }
            catch (Exception end) when (end is OperationCanceledException or SocketException or IOException) { }
        }
    }

    /// <summary>One that passes while none is to be cut takes nothing from those that are.</summary>
    private bool IsToBeCut()
    {
        while (Volatile.Read(ref toCut) is > 0 and var left) if (Interlocked.CompareExchange(ref toCut, left - 1, left) == left) return true;
        return false;
    }

    private sealed class Swallow { public volatile bool On; }

    /// <summary>To the server, unchanged. A flush that ends with a commit marks its reply, if one is to be cut.</summary>
    private async Task SendAsync(NetworkStream from, NetworkStream to, Swallow swallow)
    {
        var buffer = new byte[1 << 20];
        while (await from.ReadAsync(buffer, stopping.Token) is > 0 and var length)
        {
            // Prepared or not, the statement's text is sent once on a connection; a new connection is what a cut leaves behind.
            if (buffer.AsSpan(0, length).IndexOf(Commit) >= 0 && IsToBeCut()) swallow.On = true;
            if (endAt is { } words && buffer.AsSpan(0, length).IndexOf(words) >= 0)
            {
                endAt = null;
                HasEnded = true;
                return;
            }
            await to.WriteAsync(buffer.AsMemory(0, length), stopping.Token);
        }
    }

    private async Task ReplyAsync(NetworkStream from, NetworkStream to, Swallow swallow)
    {
        var buffer = new byte[1 << 16];
        while (await from.ReadAsync(buffer, stopping.Token) is > 0 and var length)
        {
            // ReadyForQuery, outside a transaction: the commit is done, and this is all anybody hears of it.
            if (swallow.On && length >= 6 && buffer.AsSpan(length - 6, 6).SequenceEqual(new byte[] { (byte)'Z', 0, 0, 0, 5, (byte)'I' }))
            {
                Interlocked.Increment(ref cut);
                if (AfterCut is { } then) await then();
                return;
            }
            if (!swallow.On) await to.WriteAsync(buffer.AsMemory(0, length), stopping.Token);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        listener.Stop();
        await accepting;
        await Task.WhenAll(pumps);
        stopping.Dispose();
    }
}
