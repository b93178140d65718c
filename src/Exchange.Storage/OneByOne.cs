using System.Collections.Concurrent;

namespace Exchange.Storage;

/// <summary>Something whose callers are to be told that it has ended.</summary>
internal interface ICompletion
{
    void Complete();
}

/// <summary>
/// Tells callers that a commit is done, one after the other. A commit ends up to five hundred items at once, and what follows each is work: told all at once
/// they would fill the queue for a thread, and whoever comes meanwhile, and the refusals of an overload, would stand behind them. Each teller (one per processor) goes
/// to the end of that queue after every item; when many wait it takes several at a time, so that they become fewer.
/// </summary>
internal sealed class OneByOne
{
    /// <summary>This part of those that wait is told before anybody else has a turn.</summary>
    private const int Part = 32;

    private readonly ConcurrentQueue<ICompletion> ended = new();
    private readonly Action<IThreadPoolWorkItem> send;
    private readonly Teller[] tellers;

    /// <param name="queue">Puts a work item at the end of the queue for a thread; null: of this process.</param>
    /// <param name="atOnce">How many tellers there are; 0: one per processor.</param>
    public OneByOne(Action<IThreadPoolWorkItem>? queue = null, int atOnce = 0)
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

    private sealed class Teller(OneByOne all) : IThreadPoolWorkItem
    {
        private int awake;

        public void Wake()
        {
            if (!all.ended.IsEmpty && Interlocked.Exchange(ref awake, 1) == 0) all.send(this);
        }

        void IThreadPoolWorkItem.Execute()
        {
            for (var some = 1 + all.ended.Count / Part; some > 0 && all.ended.TryDequeue(out var completion); some--) completion.Complete();
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
