using System.Collections.Concurrent;
using Exchange.Engine.Caps;

namespace Exchange.Grains.Limits;

[Flags]
public enum AlertLevel { None = 0, Warned = 1, Reached = 2 }

/// <summary>A cap that tells (<c>warn_at</c>) or a soft one that was reached.</summary>
/// <param name="Value">Of a cap with a count for each value: which.</param>
public sealed record CapAlert(DateTimeOffset At, AlertLevel Level, LimitModel Limit, string? Value, Window Window, long Max, long Used);

/// <summary>What was told of one counter: each level once in a window.</summary>
internal sealed class AlertMarks
{
    private Window window;
    private AlertLevel told;

    /// <summary>The levels told in this window.</summary>
    public AlertLevel In(Window current) { lock (this) return window == current ? told : 0; }

    /// <summary>False: told before.</summary>
    public bool TryMark(Window current, AlertLevel level)
    {
        lock (this)
        {
            if (window != current) (window, told) = (current, 0);
            if ((told & level) != 0) return false;
            told |= level;
            return true;
        }
    }
}

/// <summary>
/// Alerts of caps, once per cap, value, window and level. Kept in memory, the newest thousand; after a start those that stand are there again, but
/// nothing is told twice: neither logged nor counted, and by one silo only.
/// </summary>
public sealed class CapAlerts(TimeProvider time)
{
    private const int Kept = 1_000;

    private readonly ConcurrentQueue<CapAlert> alerts = new();
    private readonly ConcurrentQueue<CapAlert> untold = new();
    private readonly ConcurrentDictionary<(CapScope Scope, AlertLevel Level), long> sums = new();

    /// <summary>
    /// Whether this silo is the one that tells of a limit, by its id. All silos list an alert, one counts and logs it.
    /// </summary>
    public Func<string, bool> Tells { get; set; } = static _ => true;

    /// <summary>Newest first.</summary>
    public IReadOnlyList<CapAlert> Newest(int atMost) => [.. alerts.Reverse().Take(atMost)];

    /// <summary>Raised since the start, by the owner's kind and level.</summary>
    public IEnumerable<KeyValuePair<(CapScope Scope, AlertLevel Level), long>> Sums => sums;

    /// <summary>The next one that was not logged yet.</summary>
    public bool TryTell(out CapAlert alert) => untold.TryDequeue(out alert!);

    /// <summary>Looks whether a counter has come so far. Quick: called on the journal's thread.</summary>
    /// <param name="quiet">Already so when the process started.</param>
    internal void Look(LimitModel limit, Cell cell, bool quiet)
    {
        if (limit.Kind != LimitKind.Cap || !limit.Soft && limit.WarnAt is null) return;
        var now = cell.Now;
        if (!now.IsHeard || now.Counted <= 0) return;
        var most = limit.LimitIn(now.Window);
        if (limit.WarnAt is { } share && (Int128)now.Counted * Engine.Values.Percent.One >= (Int128)most * share.Millionths) Raise(AlertLevel.Warned);
        if (limit.Soft && now.Counted >= most) Raise(AlertLevel.Reached);

        void Raise(AlertLevel level)
        {
            if (!cell.Alerts.TryMark(now.Window, level)) return;
            var alert = new CapAlert(time.GetUtcNow(), level, limit, cell.Value, now.Window, most, now.Counted);
            alerts.Enqueue(alert);
            while (alerts.Count > Kept) alerts.TryDequeue(out _);
            if (quiet || !Tells(limit.Id)) return;
            sums.AddOrUpdate((limit.Scope, level), 1, static (_, sum) => sum + 1);
            if (untold.Count < Kept) untold.Enqueue(alert);
        }
    }
}
