namespace Exchange.Grains.Intake;

/// <summary>What a call asks for, as far as it matters who is served first and who is turned away first.</summary>
public enum Work
{
    /// <summary>A ping or a direct post: nobody was promised anything yet.</summary>
    New,
    /// <summary>The post of an offer: its ping was paid for, and its publisher counts on it.</summary>
    Promised,
}

/// <summary>
/// The door that publishers' calls come in by, before anything is read. While the process has time they walk through. When they come faster than they are
/// served, they wait here and not in the queue for a thread: one at a time per processor comes in, promised work first, and takes its place behind all that is
/// under way. So what was let in ends soon, a refusal is told at once, and how long calls wait is known. When all have stood too long for some time, who comes
/// is turned away if it would wait too long as well, here and at the journal, by how many wait and how fast they come through; a queue that a burst or a pause
/// left behind is no overload.
/// </summary>
/// <param name="time">Of the waits; not the exchange's clock.</param>
/// <param name="patience">How long all that come in must have waited too long before anybody is turned away.</param>
/// <param name="journalWaiting">Items that wait for the journal: a slow disk leaves the processors idle.</param>
/// <param name="journalDone">Items that came through it since the start.</param>
/// <param name="queue">Puts a work item at the end of the queue for a thread; null: of this process.</param>
/// <param name="atOnce">How many come in at a time; 0: one per processor.</param>
public sealed class Admission(TimeProvider time, TimeSpan patience, Func<int> journalWaiting, Func<long> journalDone, Action<IThreadPoolWorkItem>? queue = null, int atOnce = 0) : IThreadPoolWorkItem
{
    /// <summary>New work has waited too long after this time: an answer that comes later is of less use than a refusal.</summary>
    public static readonly TimeSpan Target = TimeSpan.FromMilliseconds(50);
    /// <summary>Promised work has waited too long after this time.</summary>
    public static readonly TimeSpan PromisedTarget = TimeSpan.FromSeconds(1);
    /// <summary>Work that has stood so long, and longer than the patience, is not waited behind, whatever kept it.</summary>
    private static readonly TimeSpan Hopeless = TimeSpan.FromSeconds(2);
    /// <summary>An overload is made of calls: nobody is turned away while fewer wait. A machine that is busy with something else is slow, not full.</summary>
    public const int FewestCalls = 20;
    /// <summary>More than the next commit takes: what waits longer costs memory, and its publisher waits.</summary>
    public const int MostJournalItems = Engine.Limits.JournalBatchItems;
    /// <summary>A call that waited less for its thread came in at once; those that follow it in the next moment do not wait for one.</summary>
    private static readonly TimeSpan NoWait = TimeSpan.FromMilliseconds(1);

    private static readonly Problem Overloaded = Problem.Of(503, "overloaded", "More calls come than can be served; come again.", 1);

    private readonly Lock gate = new();
    private readonly Lane fresh = new(Target, time, patience), promised = new(PromisedTarget, time, patience);
    private readonly JournalWait journalWait = new(time, journalDone);
    private readonly int mostTurns = atOnce > 0 ? atOnce : Environment.ProcessorCount;
    // Work items under way, each of which lets one call in; those of them that still stand in the queue for a thread have a call waiting each.
    private int turns, queued;
    // Until this timestamp calls need not ask how long the queue for a thread is.
    private long openUntil;
    private long refused;

    private Action<IThreadPoolWorkItem> Send { get; } = queue ?? (static item => ThreadPool.UnsafeQueueUserWorkItem(item, preferLocal: false));

    /// <summary>Calls turned away since the start.</summary>
    public long Refused => Interlocked.Read(ref refused);

    /// <summary>Calls that wait to come in.</summary>
    public int Waiting
    {
        get { lock (gate) return fresh.Count + promised.Count; }
    }

    /// <summary>Null: come in. What follows in the same breath is done in this call's turn.</summary>
    public ValueTask<Problem?> EnterAsync(Work work)
    {
        // Posts of offers are let in whatever waits there: their publishers have no choice any more.
        var atJournal = work == Work.New ? journalWaiting() : 0;
        if (atJournal > MostJournalItems) return new(Refuse());
        var now = time.GetTimestamp();
        if (now < Volatile.Read(ref openUntil)) return new((Problem?)null);
        var lane = work == Work.New ? fresh : promised;
        var visitor = new Visitor(now);
        lock (gate)
        {
            if (lane.IsOverloaded(now, atJournal, journalWait)) return new(Refuse());
            lane.Add(visitor);
            if (turns == mostTurns) return new(visitor.Task);
            turns++;
            queued++;
        }
        Send(this);
        return new(visitor.Task);
    }

    private Problem Refuse()
    {
        Interlocked.Increment(ref refused);
        return Overloaded;
    }

    /// <summary>A turn: one call comes in, and the next turn goes to the end of the queue.</summary>
    void IThreadPoolWorkItem.Execute()
    {
        Visitor visitor;
        var now = time.GetTimestamp();
        lock (gate)
        {
            queued--;
            var lane = promised.Count > 0 ? promised : fresh;
            visitor = lane.Take(now);
            var isOpen = time.GetElapsedTime(visitor.At, now) < NoWait && promised.Count + fresh.Count == 0;
            Volatile.Write(ref openUntil, isOpen ? now + (long)(NoWait.TotalSeconds * time.TimestampFrequency) : 0);
        }
        // Goes on here and now, as far as it comes without waiting.
        visitor.SetResult(null);
        lock (gate)
        {
            if (fresh.Count + promised.Count == queued)
            {
                turns--;
                return;
            }
            queued++;
        }
        Send(this);
    }

    /// <summary>A call at the door.</summary>
    private sealed class Visitor(long at) : TaskCompletionSource<Problem?>
    {
        public long At => at;
    }

    /// <summary>Calls of one kind, the first come first.</summary>
    private sealed class Lane(TimeSpan target, TimeProvider time, TimeSpan patience)
    {
        /// <summary>One call's share in the pace: a pause of the collector among so many others moves it little.</summary>
        private const double Share = 1.0 / 64;

        /// <summary>
        /// While calls are turned away, those let in wait no longer than this, at the door and at the journal together: who waits is memory that every collection
        /// copies, and is of no use meanwhile.
        /// </summary>
        private readonly TimeSpan kept = target / 4;
        private readonly Queue<Visitor> queue = new();
        // Calls are turned away: all that came in had waited too long for some time, and with those that were turned away in the last moment they would again.
        private bool isLong;
        private readonly Lately turnedAway = new(target, time);
        // Since when all that came in say that it is the other way round; 0: they do not.
        private long changingSince;
        // From one that comes in to the next, while calls wait.
        private TimeSpan pace;
        private long lastTaken;
        private bool lastLeftOthers;

        public int Count => queue.Count;

        public void Add(Visitor visitor)
        {
            // Nobody waited, and nobody came in for as long as an overload takes to begin: what was before says nothing any more.
            if (queue.Count == 0 && time.GetElapsedTime(lastTaken, visitor.At) >= patience) (isLong, changingSince) = (false, 0);
            queue.Enqueue(visitor);
        }

        public Visitor Take(long now)
        {
            var visitor = queue.Dequeue();
            if (lastLeftOthers) pace += (time.GetElapsedTime(lastTaken, now) - pace) * Share;
            (lastTaken, lastLeftOthers) = (now, queue.Count > 0);
            var waited = time.GetElapsedTime(visitor.At, now);
            // Served at once, with others turned away: the disk is slow, and that is no overload.
            var isChanging = isLong ? waited < NoWait || pace * (queue.Count + turnedAway.Count(now)) < target : waited >= target;
            if (!isChanging) changingSince = 0;
            else if (changingSince == 0) changingSince = now;
            else if (time.GetElapsedTime(changingSince, now) >= patience) (isLong, changingSince) = (!isLong, 0);
            return visitor;
        }

        /// <summary>Who comes now would wait too long, and that since some time.</summary>
        /// <param name="atJournal">Items that it would wait behind once more when it is in.</param>
        public bool IsOverloaded(long now, int atJournal, JournalWait journalWait)
        {
            if (queue.Count >= FewestCalls && time.GetElapsedTime(queue.Peek().At, now) is var stood && stood > Hopeless && stood > patience) return true;
            if (!isLong) return false;
            var wait = pace * queue.Count + journalWait.Of(atJournal, now);
            if (queue.Count + atJournal < FewestCalls || wait <= kept) return false;
            turnedAway.Add(now);
            return true;
        }
    }

    /// <summary>How many there were in the last moment: between one and two spans of time.</summary>
    private sealed class Lately(TimeSpan span, TimeProvider time)
    {
        private long since;
        private int now, before;

        public void Add(long at)
        {
            Count(at);
            now++;
        }

        public int Count(long at)
        {
            var elapsed = time.GetElapsedTime(since, at);
            if (elapsed >= span) (since, before, now) = (at, elapsed < span * 2 ? now : 0, 0);
            return before + now;
        }
    }
}
