namespace Exchange.Grains.Intake;

/// <summary>What a call asks for, as far as it matters who is turned away first.</summary>
public enum Work
{
    /// <summary>A ping or a direct post: nobody was promised anything yet.</summary>
    New,
    /// <summary>The post of an offer: its ping was paid for, and its publisher counts on it.</summary>
    Promised,
}

/// <summary>
/// Turns calls away while more come than this process can do: early, before anything is read, so that what a refusal costs leaves room for those that are let
/// in, and new work before promised work. The measure is the queue for a thread, in which everything waits that a call sets off: a work item is sent through
/// it, one at a time, and the time it takes is what the next call will wait. A queue that stands is an overload; one that a burst or a pause left behind is
/// not. Costs a call some hundred nanoseconds.
/// </summary>
/// <param name="patience">How long the queue must stand before anybody is turned away.</param>
/// <param name="time">Of the measurements; not the exchange's clock.</param>
/// <param name="journalWaiting">Items that wait for the journal: a slow disk leaves the threads idle.</param>
/// <param name="queue">Puts a work item at the end of the queue for a thread; null: of this process.</param>
public sealed class Admission(TimeProvider time, TimeSpan patience, Func<int> journalWaiting, Action<IThreadPoolWorkItem>? queue = null) : IThreadPoolWorkItem
{
    /// <summary>A wait for a thread that makes an overload if it stands: a call passes the queue about five times.</summary>
    public static readonly TimeSpan Long = TimeSpan.FromMilliseconds(50);
    /// <summary>An overload is made of calls: so many must have come since the queue stands. A machine that is busy with something else, or starts, turns nobody away.</summary>
    public const int FewestCalls = 50;
    /// <summary>
    /// In an overload new work is turned away above this wait. Much less, and callers who come again at once keep the server at refusing what it could do.
    /// </summary>
    public static readonly TimeSpan Target = TimeSpan.FromMilliseconds(20);
    /// <summary>In an overload promised work is turned away above this wait.</summary>
    public static readonly TimeSpan PromisedTarget = TimeSpan.FromMilliseconds(200);
    /// <summary>An overload is over when in so long a time less than a tenth of the new work was turned away.</summary>
    public static readonly TimeSpan Calm = TimeSpan.FromSeconds(1);
    /// <summary>So many items of the journal are more than a moment's work.</summary>
    public const int MostJournalItems = 4 * Engine.Limits.JournalBatchItems;
    /// <summary>An older measurement says nothing.</summary>
    private static readonly TimeSpan Stale = TimeSpan.FromMilliseconds(100);

    private static readonly Problem Overloaded = Problem.Of(503, "overloaded", "More calls come than can be served; come again.", 1);

    private Action<IThreadPoolWorkItem> Send { get; } = queue ?? (static item => ThreadPool.UnsafeQueueUserWorkItem(item, preferLocal: false));

    // Timestamps; 0: none. Of the work item, of which there is one at a time; sentAt also says that it is under way.
    private long sentAt, measuredAt, longSince, callsBefore;
    private long calls;
    private TimeSpan measured;
    private volatile bool isOverloaded;
    // Of the overload since it was last asked whether it is over.
    private long askedAt;
    private int seen, turnedAway;
    private long refused;

    /// <summary>Calls turned away since the start.</summary>
    public long Refused => Interlocked.Read(ref refused);

    /// <summary>Null: let in.</summary>
    public Problem? Refuse(Work work)
    {
        var now = time.GetTimestamp();
        Interlocked.Increment(ref calls);
        var wait = Wait(now);
        var isRefused = isOverloaded && wait > (work == Work.New ? Target : PromisedTarget);
        if (isOverloaded && work == Work.New) Count(isRefused, now);
        if (!isRefused && (work == Work.Promised || journalWaiting() <= MostJournalItems)) return null;
        Interlocked.Increment(ref refused);
        return Overloaded;
    }

    /// <summary>How long the queue is, as far as anybody knows; sends the next measurement on its way.</summary>
    private TimeSpan Wait(long now)
    {
        var sent = Volatile.Read(ref sentAt);
        var last = time.GetElapsedTime(Volatile.Read(ref measuredAt), now) < Stale ? measured : TimeSpan.Zero;
        if (sent == 0)
        {
            if (Interlocked.CompareExchange(ref sentAt, now, 0) == 0) Send(this);
            return last;
        }
        var underWay = time.GetElapsedTime(sent, now);
        return underWay > last ? underWay : last;
    }

    private void Count(bool isRefused, long now)
    {
        Interlocked.Increment(ref seen);
        if (isRefused) Interlocked.Increment(ref turnedAway);
        var asked = Volatile.Read(ref askedAt);
        if (time.GetElapsedTime(asked, now) < Calm || Interlocked.CompareExchange(ref askedAt, now, asked) != asked) return;
        if (Interlocked.Exchange(ref turnedAway, 0) * 10 < Interlocked.Exchange(ref seen, 0)) isOverloaded = false;
    }

    /// <summary>The measurement has come through the queue.</summary>
    void IThreadPoolWorkItem.Execute()
    {
        var now = time.GetTimestamp();
        measured = time.GetElapsedTime(sentAt, now);
        if (measured < Long || time.GetElapsedTime(measuredAt, now) > Stale + measured) longSince = 0;
        if (measured >= Long)
        {
            if (longSince == 0) (longSince, callsBefore) = (sentAt, Interlocked.Read(ref calls));
            if (!isOverloaded && time.GetElapsedTime(longSince, now) >= patience && Interlocked.Read(ref calls) - callsBefore >= FewestCalls)
            {
                (seen, turnedAway) = (0, 0);
                Volatile.Write(ref askedAt, now);
                isOverloaded = true;
            }
        }
        Volatile.Write(ref measuredAt, now);
        Volatile.Write(ref sentAt, 0);
    }
}
