using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Exchange.System.Tests.Delivery;

/// <summary>
/// A mail server on a loopback port that keeps every line it hears and every mail it gets. What it answers to a command is the test's to say: a reply, or that it
/// hangs or hangs up.
/// </summary>
internal sealed class SmtpServer : IAsyncDisposable
{
    /// <summary>In the place of a reply.</summary>
    public const string HangUp = "hang up", Silent = "silent";

    private readonly TcpListener listener;
    private readonly ConcurrentDictionary<TcpClient, bool> open = new();
    private int connections;
    private readonly CancellationTokenSource stopping = new();
    private readonly ConcurrentBag<Task> sessions = [];
    private readonly ConcurrentDictionary<string, ConcurrentQueue<string>> answers = new(StringComparer.Ordinal);

    public SmtpServer()
    {
        listener = new(IPAddress.Loopback, FreePorts.Next());
        listener.Start();
        sessions.Add(AcceptAsync());
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;
    /// <summary>Everything clients said but the mails' lines.</summary>
    public ConcurrentQueue<string> Heard { get; } = new();
    /// <summary>Every mail that came to its dot, also one that was then refused.</summary>
    public ConcurrentQueue<string> Mails { get; } = new();
    /// <summary>Connections so far.</summary>
    public int Connections => connections;
    /// <summary>Extensions told after EHLO.</summary>
    public string[] Extensions { get; set; } = [];

    /// <summary>The next time this is heard (MAIL, RCPT, DATA, AUTH, or DOT after a mail), it is answered so; after that as usual.</summary>
    public void Answer(string command, string reply) => answers.GetOrAdd(command, _ => new()).Enqueue(reply);

    /// <summary>Whoever is connected loses the connection.</summary>
    public void DropAll()
    {
        // A reset, as of a server that was restarted: the other side hears of it when it writes.
        foreach (var client in open.Keys) client.Client.Close(0);
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) sessions.Add(ServeAsync(await listener.AcceptTcpClientAsync(stopping.Token)));
        }
        catch (OperationCanceledException) { }
    }

    private async Task ServeAsync(TcpClient client)
    {
        Interlocked.Increment(ref connections);
        open[client] = true;
        using (client)
        {
            try
            {
                await using var stream = client.GetStream();
                using var reader = new StreamReader(stream, Encoding.UTF8);
                await SayAsync(stream, "220 test");
                while (await reader.ReadLineAsync(stopping.Token) is { } line)
                {
                    Heard.Enqueue(line);
                    var command = line.Split(' ')[0].ToUpperInvariant();
                    var reply = Next(command) ?? command switch
                    {
                        "EHLO" => string.Join("\r\n", [.. Extensions.Select(extension => "250-" + extension), "250 SIZE"]),
                        "DATA" => "354 go on",
                        "QUIT" => "221 bye",
                        "AUTH" => "235 in",
                        _ => "250 fine",
                    };
                    if (!await ReplyAsync(stream, reply)) return;
                    if (command == "DATA" && reply.StartsWith("354", StringComparison.Ordinal))
                    {
                        if (await MailAsync(reader) is not { } mail) return;
                        Mails.Enqueue(mail);
                        if (!await ReplyAsync(stream, Next("DOT") ?? "250 taken")) return;
                    }
                    if (command == "QUIT") return;
                }
            }
            catch (Exception fault) when (fault is IOException or OperationCanceledException or ObjectDisposedException) { }
            finally
            {
                open.TryRemove(client, out _);
            }
        }
    }

    private string? Next(string command) => answers.TryGetValue(command, out var queue) && queue.TryDequeue(out var reply) ? reply : null;

    /// <summary>False: the connection is to end.</summary>
    private async Task<bool> ReplyAsync(Stream stream, string reply)
    {
        if (reply == Silent) await Task.Delay(Timeout.Infinite, stopping.Token);
        if (reply == HangUp) return false;
        await SayAsync(stream, reply);
        return true;
    }

    private async Task<string?> MailAsync(StreamReader reader)
    {
        var mail = new StringBuilder();
        while (await reader.ReadLineAsync(stopping.Token) is { } line)
        {
            if (line == ".") return mail.ToString();
            mail.Append(line.StartsWith('.') ? line[1..] : line).Append('\n');
        }
        return null;
    }

    private static Task SayAsync(Stream stream, string line) => stream.WriteAsync(Encoding.UTF8.GetBytes(line + "\r\n")).AsTask();

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        listener.Stop();
        foreach (var session in sessions.ToArray()) await session;
        stopping.Dispose();
    }
}
