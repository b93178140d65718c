using System.Collections.Concurrent;
using Exchange.Engine.Catalog;

namespace Exchange.Delivery.Connectors;

/// <summary>
/// Connections that have just brought a mail, kept for the next one of the same endpoint: one each, for a moment, and not too many in all. Whoever takes one has it
/// alone, and brings it back or closes it.
/// </summary>
internal sealed class SmtpConnections(TimeProvider time)
{
    /// <summary>Of a burst of leads; shorter than any mail server's patience.</summary>
    public static readonly TimeSpan Idle = TimeSpan.FromSeconds(15);
    /// <summary>Kept at once; more are closed after their mail, as mail servers bound how many one client may have.</summary>
    public const int Most = 32;

    private readonly ConcurrentDictionary<EndpointKey, Kept> kept = new();

    /// <summary>Null: none is kept.</summary>
    public SmtpConnection? Take(EndpointKey endpoint)
    {
        if (!kept.TryRemove(endpoint, out var found)) return null;
        found.Closing?.Dispose();
        if (found.Connection.IsConnected) return found.Connection;
        found.Connection.Dispose();
        return null;
    }

    /// <summary>After a mail that was taken. Does not wait for a goodbye.</summary>
    public void Keep(EndpointKey endpoint, SmtpConnection connection)
    {
        var mine = new Kept(connection);
        if (kept.Count >= Most || !kept.TryAdd(endpoint, mine))
        {
            _ = connection.LeaveAsync();
            return;
        }
        mine.Closing = time.CreateTimer(_ => Close(endpoint, mine), null, Idle, Timeout.InfiniteTimeSpan);
        // Taken before there was a timer to stop: this one finds nothing of its own any more.
        if (!kept.TryGetValue(endpoint, out var now) || now != mine) mine.Closing.Dispose();
    }

    private void Close(EndpointKey endpoint, Kept mine)
    {
        if (!kept.TryRemove(KeyValuePair.Create(endpoint, mine))) return;
        mine.Closing?.Dispose();
        _ = mine.Connection.LeaveAsync();
    }

    private sealed class Kept(SmtpConnection connection)
    {
        public SmtpConnection Connection => connection;
        public ITimer? Closing { get; set; }
    }
}
