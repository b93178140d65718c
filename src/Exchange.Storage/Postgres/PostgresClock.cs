using Npgsql;

namespace Exchange.Storage.Postgres;

/// <summary>
/// The database's time, read off the local clock and an offset that is measured by round trips: all silos go by one clock, and no statement asks for it.
/// Until it is measured, and between two measurements, the local clock runs on with the last offset.
/// </summary>
public sealed class PostgresClock : TimeProvider
{
    /// <summary>A silo whose clock is further away than this does not take part: it would cost others their leases.</summary>
    public static readonly TimeSpan MostOffset = TimeSpan.FromSeconds(2);

    private const int RoundTrips = 5;

    private readonly NpgsqlDataSource source;
    private readonly TimeProvider local;
    private long offsetTicks;

    /// <param name="source">The database whose time counts.</param>
    /// <param name="local">This machine's clock.</param>
    public PostgresClock(NpgsqlDataSource source, TimeProvider local)
    {
        this.source = source;
        this.local = local;
    }

    /// <summary>The database's clock less the local one, as last measured.</summary>
    public TimeSpan Offset => new(Interlocked.Read(ref offsetTicks));

    /// <summary>Whether the local clock is near enough to the database's to take part.</summary>
    public bool IsNear => Offset.Duration() <= MostOffset;

    public override DateTimeOffset GetUtcNow() => local.GetUtcNow() + Offset;
    public override long GetTimestamp() => local.GetTimestamp();
    public override long TimestampFrequency => local.TimestampFrequency;
    public override TimeZoneInfo LocalTimeZone => local.LocalTimeZone;
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => local.CreateTimer(callback, state, dueTime, period);

    /// <summary>
    /// Asks the database a few times and believes the shortest round trip, which is wrong by half its length at most. An offset that is as good within that
    /// is kept, so that time does not tremble.
    /// </summary>
    public async Task MeasureAsync(CancellationToken cancel)
    {
        var (shortest, best) = (TimeSpan.MaxValue, TimeSpan.Zero);
        await using (var connection = await source.OpenConnectionAsync(cancel).ConfigureAwait(false))
        {
            // The one statement that asks: it is what is measured.
            await using var ask = new NpgsqlCommand("SELECT clock_timestamp()", connection);
            for (var i = 0; i < RoundTrips; i++)
            {
                var (sentAt, sent) = (local.GetUtcNow(), local.GetTimestamp());
                var told = (DateTime)(await ask.ExecuteScalarAsync(cancel).ConfigureAwait(false))!;
                var trip = local.GetElapsedTime(sent);
                if (trip >= shortest) continue;
                (shortest, best) = (trip, new DateTimeOffset(told, TimeSpan.Zero) - (sentAt + trip / 2));
            }
        }
        if ((best - Offset).Duration() > shortest / 2) Interlocked.Exchange(ref offsetTicks, best.Ticks);
    }
}
