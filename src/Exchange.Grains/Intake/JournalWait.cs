namespace Exchange.Grains.Intake;

/// <summary>
/// How long an item that comes now would wait for the journal: what waits, divided by what gets through in a second (Little's law). Measured while it is asked
/// again and again, as in an overload; not safe for two at once.
/// </summary>
/// <param name="journal">Items that wait, and items that came through since the start.</param>
internal sealed class JournalWait(TimeProvider time, Func<(int Waiting, long Done)> journal)
{
    /// <summary>Items come through in groups: of a shorter time the number would be chance.</summary>
    private static readonly TimeSpan Window = TimeSpan.FromMilliseconds(50);
    private const double Share = 1.0 / 4;

    // From one item to the next; zero: not known yet.
    private TimeSpan pace;
    private long lookedAt, since, doneThen;

    public (int Items, TimeSpan Wait) Look(long now)
    {
        var (waiting, done) = journal();
        // Nobody asked for a while: it may have had nothing to do.
        if (time.GetElapsedTime(lookedAt, now) > Window) (since, doneThen) = (now, done);
        lookedAt = now;
        if (time.GetElapsedTime(since, now) is var elapsed && elapsed >= Window && done > doneThen)
        {
            var measured = elapsed / (done - doneThen);
            pace = pace == TimeSpan.Zero ? measured : pace + (measured - pace) * Share;
            (since, doneThen) = (now, done);
        }
        return (waiting, pace * waiting);
    }
}
