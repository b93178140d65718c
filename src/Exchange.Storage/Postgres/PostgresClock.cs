using Npgsql;

namespace Exchange.Storage.Postgres;

/// <summary>
/// The database's time: measured by round trips now and then, and run on by this machine's monotonic clock. All silos go by one clock, no statement asks for it, and a jump
/// of this machine's wall clock moves it until the next measurement at most.
/// </summary>
/// <remarks>
/// A wall clock that jumps says one of two things: somebody set it, which means nothing here; or the machine stood still (a virtual machine that was put to sleep), in which
/// case the monotonic clock may have stood still too. Until the next measurement tells which, the time is not sure: it is taken for the later of the two, so that no lease
/// is thought to last that may be over, and whoever takes things up by the time waits (<see cref="IMeasuredClock"/>).
/// </remarks>
public sealed class PostgresClock : TimeProvider, IMeasuredClock
{
    /// <summary>A silo whose wall clock is further away than this is not ready: somebody should look after its machine.</summary>
    public static readonly TimeSpan MostOffset = TimeSpan.FromSeconds(2);

    /// <summary>More than clocks drift apart between two measurements.</summary>
    private static readonly TimeSpan Jump = TimeSpan.FromSeconds(1);

    private const int RoundTrips = 5;

    private readonly NpgsqlDataSource source;
    private readonly TimeProvider local;
    private volatile Reading last;

    /// <summary>Three clocks at one moment: the database's, and this machine's wall clock and monotonic one.</summary>
    private sealed record Reading(DateTimeOffset Time, DateTimeOffset Wall, long Stamp);

    /// <param name="source">The database whose time counts.</param>
    /// <param name="local">This machine's clocks.</param>
    public PostgresClock(NpgsqlDataSource source, TimeProvider local)
    {
        this.source = source;
        this.local = local;
        var (wall, stamp) = (local.GetUtcNow(), local.GetTimestamp());
        last = new(wall, wall, stamp);
    }

    /// <summary>The database's clock less this machine's wall clock, as last measured.</summary>
    public TimeSpan Offset => last is var reading ? reading.Time - reading.Wall : default;

    /// <summary>Whether the wall clock is near enough to the database's to take part.</summary>
    public bool IsNear => Offset.Duration() <= MostOffset;

    /// <inheritdoc/>
    public bool IsSure => JumpSince(last, out _).Duration() <= Jump;

    public override DateTimeOffset GetUtcNow()
    {
        var jump = JumpSince(last, out var steady);
        return jump > Jump ? steady + jump : steady;
    }

    public override long GetTimestamp() => local.GetTimestamp();
    public override long TimestampFrequency => local.TimestampFrequency;
    public override TimeZoneInfo LocalTimeZone => local.LocalTimeZone;
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => local.CreateTimer(callback, state, dueTime, period);

    /// <summary>
    /// Asks the database a few times and believes the shortest round trip, which is wrong by half its length at most. A time that is as good within that
    /// is kept, so that time does not tremble.
    /// </summary>
    public async Task MeasureAsync(CancellationToken cancel)
    {
        var (shortest, best) = (TimeSpan.MaxValue, last);
        await using (var connection = await source.OpenConnectionAsync(cancel).ConfigureAwait(false))
        {
            // The one statement that asks: it is what is measured.
            await using var ask = new NpgsqlCommand("SELECT clock_timestamp()", connection);
            for (var i = 0; i < RoundTrips; i++)
            {
                var sent = local.GetTimestamp();
                var told = (DateTime)(await ask.ExecuteScalarAsync(cancel).ConfigureAwait(false))!;
                var (wall, stamp) = (local.GetUtcNow(), local.GetTimestamp());
                var trip = local.GetElapsedTime(sent, stamp);
                if (trip >= shortest) continue;
                (shortest, best) = (trip, new(new DateTimeOffset(told, TimeSpan.Zero) + trip / 2, wall, stamp));
            }
        }
        var kept = last.Time + local.GetElapsedTime(last.Stamp, best.Stamp);
        last = (best.Time - kept).Duration() > shortest / 2 ? best : best with { Time = kept };
    }

    /// <param name="steady">The time by the monotonic clock.</param>
    /// <returns>By how much the wall clock went otherwise.</returns>
    private TimeSpan JumpSince(Reading reading, out DateTimeOffset steady)
    {
        var (wall, went) = (local.GetUtcNow(), local.GetElapsedTime(reading.Stamp));
        steady = reading.Time + went;
        return wall - reading.Wall - went;
    }
}
