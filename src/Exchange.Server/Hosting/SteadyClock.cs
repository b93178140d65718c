namespace Exchange.Server.Hosting;

/// <summary>
/// The wall clock of this process's start and what monotonic time has passed since: it never jumps, whatever is done to the machine's clock. For the runtime's
/// own upkeep, which takes a clock that is set back for a bug and activates nothing more; the exchange itself goes by the wall clock or the database's.
/// </summary>
public sealed class SteadyClock : TimeProvider
{
    private readonly DateTimeOffset from = System.GetUtcNow();
    private readonly long since = System.GetTimestamp();

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => from + System.GetElapsedTime(since);
}
