namespace Exchange.Grains.Intake;

/// <summary>
/// How long an item that comes now would wait for the journal: what waits, divided by what gets through in a second (Little's law). Measured while it is asked
/// again and again, as in an overload; not safe for two at once.
/// </summary>
/// <param name="journalDone">Items that came through since the start.</param>
internal sealed class JournalWait(TimeProvider time, Func<long> journalDone)
{
    /// <summary>Items come through in groups: of a shorter time the number would be chance.</summary>
    private static readonly TimeSpan Window = TimeSpan.FromMilliseconds(50);
    private const double Share = 1.0 / 4;

    // From one item to the next; zero: not known yet.
    private TimeSpan pace;
    private long lookedAt, since, doneThen;

    /// <param name="waiting">Items that wait now.</param>
    public TimeSpan Of(int waiting, long now)
    {
        // Nobody asked for a while: it may have had nothing to do.
        if (time.GetElapsedTime(lookedAt, now) > Window) (since, doneThen) = (now, journalDone());
        lookedAt = now;
        if (time.GetElapsedTime(since, now) is var elapsed && elapsed >= Window && journalDone() is var done && done > doneThen)
        {
            var measured = elapsed / (done - doneThen);
            pace = pace == TimeSpan.Zero ? measured : pace + (measured - pace) * Share;
            (since, doneThen) = (now, done);
        }
        return pace * waiting;
    }
}
