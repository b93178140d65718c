using System.Collections.Concurrent;

namespace Exchange.Storage;

/// <summary>Something whose callers are to be told that it has ended.</summary>
internal interface ICompletion
{
    void Complete();
}

/// <summary>
/// Tells callers that a commit is done, a handful at a time. A commit ends up to five hundred items at once, and what follows each is work: told all at once
/// they would fill the queue for a thread, and whoever comes meanwhile, and the refusals of an overload, would stand behind them. Each teller (one per processor) goes
/// to the end of that queue after every handful; when many wait it takes more at a time, so that they become fewer (docs/decisions/0052).
/// </summary>
internal sealed class Handfuls
{
    /// <summary>So many have their turn together. Told singly, half of all that stood in an overload had long been committed, and stood for a turn to hear it.</summary>
    private const int Handful = 3;
    /// <summary>And this part of those that wait.</summary>
    private const int Part = 32;

    private readonly ConcurrentQueue<ICompletion> ended = new();
    private readonly Action<IThreadPoolWorkItem> send;
    private readonly Teller[] tellers;

    /// <param name="queue">Puts a work item at the end of the queue for a thread; null: of this process.</param>
    /// <param name="atOnce">How many tellers there are; 0: one per processor.</param>
    public Handfuls(Action<IThreadPoolWorkItem>? queue = null, int atOnce = 0)
    {
        send = queue ?? (static item => ThreadPool.UnsafeQueueUserWorkItem(item, preferLocal: false));
        tellers = [.. Enumerable.Range(0, atOnce > 0 ? atOnce : Environment.ProcessorCount).Select(_ => new Teller(this))];
    }

    /// <summary>In this order.</summary>
    public void Tell(IEnumerable<ICompletion> completions)
    {
        foreach (var completion in completions) ended.Enqueue(completion);
        foreach (var teller in tellers) teller.Wake();
    }

    private sealed class Teller(Handfuls all) : IThreadPoolWorkItem
    {
        private int awake;

        public void Wake()
        {
            if (!all.ended.IsEmpty && Interlocked.Exchange(ref awake, 1) == 0) all.send(this);
        }

        void IThreadPoolWorkItem.Execute()
        {
            for (var some = Handful + all.ended.Count / Part; some > 0 && all.ended.TryDequeue(out var completion); some--) completion.Complete();
            if (!all.ended.IsEmpty)
            {
                all.send(this);
                return;
            }
            Interlocked.Exchange(ref awake, 0);
            // What came in between found it awake still.
            Wake();
        }
    }
}
