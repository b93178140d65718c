using System.Data.Common;
using System.Globalization;

namespace Exchange.LoadTests.Crash;

/// <summary>
/// Looks into the books while servers die: a limit that is raised later would hide that it was passed, and what is delivered by then must not be sent again.
/// </summary>
/// <param name="open">A connection to the books, not open yet.</param>
internal sealed class Watch(Func<DbConnection> open)
{
    /// <summary>A delivery is committed so long after its time at most; one that took longer is not noted, so it is not judged either.</summary>
    private const long CommitsWithinMs = 30_000;

    private readonly Dictionary<string, long> _delivered = [];
    private readonly List<Violation> _found = [];
    private long _sinceMs;

    public int Looks { get; private set; }
    public IReadOnlyCollection<Violation> Found => _found;
    /// <summary>Copies that were stored as delivered, and a moment by which they were.</summary>
    public IReadOnlyDictionary<string, long> Delivered => _delivered;

    /// <summary>False: the books could not be read just now.</summary>
    /// <param name="cap">The highest that <see cref="CrashMarket.Capped"/> may have by now.</param>
    public async Task<bool> LookAsync(int cap, CancellationToken cancel)
    {
        try
        {
            var beganMs = NowMs;
            await using var database = open();
            await database.OpenAsync(cancel);
            var (atCap, spent, funds) = await Books.LimitsAsync(database, cancel);
            if (atCap > cap) _found.Add(new(Judge.Caps, $"{CrashMarket.Capped} had {atCap} of {cap} at look {Looks}"));
            if (OverLimit(spent, funds) is { } words) _found.Add(new(Judge.Caps, string.Create(CultureInfo.InvariantCulture, $"{words} at look {Looks}")));
            var delivered = await Books.DeliveredAsync(database, _sinceMs, cancel);
            var seenMs = NowMs;
            foreach (var copy in delivered) _delivered.TryAdd(copy, seenMs);
            _sinceMs = beganMs - CommitsWithinMs;
            Looks++;
            return true;
        }
        catch (Exception fault) when (fault is DbException or OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>In words: <see cref="CrashMarket.Tight"/> has spent more than it had. Null: it has not.</summary>
    public static string? OverLimit(long spentMicros, long fundsMicros)
    {
        var most = fundsMicros + (long)(CrashMarket.TightCredit * 1_000_000m);
        return spentMicros > most ? string.Create(CultureInfo.InvariantCulture, $"{CrashMarket.Tight} spent {spentMicros} of {most}") : null;
    }

    private static long NowMs => TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
}
