using System.Diagnostics.CodeAnalysis;

namespace Exchange.Grains.Deliveries;

/// <summary>
/// What is ready to be delivered, by buyer: those that hang hold a share of the workers and never all of them. What was sold just now goes before what
/// waited; among buyers that have something to be delivered each takes its turn.
/// </summary>
/// <remarks>
/// A share is a third of the workers that are free, at least one: one buyer alone comes to a quarter of all, four together to four sevenths, twenty to seven eighths
/// (a dynamic threshold: Choudhury and Hahne, IEEE/ACM Transactions on Networking 6(2), 1998).
/// </remarks>
/// <param name="workers">How many may be under way at once, of all buyers.</param>
/// <param name="perSecond">At which pace what is over a buyer's share is due again.</param>
public sealed class BuyerQueues<T>(int workers, int perSecond)
{
    /// <summary>Of the free workers, one buyer may hold one in so many.</summary>
    private const int ShareOfFree = 3;

    private readonly Lock gate = new();
    private readonly Dictionary<string, Buyer> buyers = new(StringComparer.Ordinal);
    private readonly LinkedList<Buyer> fresh = new(), late = new();
    /// <summary>Each permit is one look at what may go.</summary>
    private readonly SemaphoreSlim changed = new(0);
    private int calling;

    private int Share => Math.Max(1, (workers - calling) / ShareOfFree);

    private sealed class Buyer(string id)
    {
        public string Id => id;
        public Queue<T> Fresh { get; } = new();
        public Queue<T> Late { get; } = new();
        public int Calling;
        public long PacedToMs;
        public long PacedAtMs;
        public bool IsIdle => Calling == 0 && Fresh.Count == 0 && Late.Count == 0;
    }

    /// <summary>How many wait for nothing but somebody to take them: what is over a buyer's share waits for that buyer, and is nobody else's concern.</summary>
    public int MayGo { get { lock (gate) return Going; } }

    /// <summary>Looked for among those that have something: there may be very many that have nothing.</summary>
    private int Going
    {
        get
        {
            var (share, going) = (Share, 0);
            foreach (var buyer in fresh) going += Math.Clamp(share - buyer.Calling, 0, buyer.Fresh.Count + buyer.Late.Count);
            foreach (var buyer in late) if (buyer.Fresh.Count == 0) going += Math.Clamp(share - buyer.Calling, 0, buyer.Late.Count);
            return going;
        }
    }

    /// <summary>Takes out all that was not begun, when nobody serves it any more.</summary>
    public IReadOnlyList<T> TakeRest()
    {
        lock (gate)
        {
            T[] rest = [.. buyers.Values.SelectMany(static buyer => buyer.Fresh.Concat(buyer.Late))];
            foreach (var buyer in buyers.Values) { buyer.Fresh.Clear(); buyer.Late.Clear(); }
            fresh.Clear();
            late.Clear();
            return rest;
        }
    }

    /// <param name="soldNow">Goes before what waited.</param>
    public void Add(string buyer, T item, bool soldNow)
    {
        lock (gate)
        {
            var queues = Of(buyer);
            var (queue, ring) = soldNow ? (queues.Fresh, fresh) : (queues.Late, late);
            queue.Enqueue(item);
            if (queue.Count == 1) ring.AddLast(queues);
        }
        changed.Release();
    }

    /// <summary>Waits for the next that may be delivered; whoever takes it says <see cref="Left"/> when it is over.</summary>
    public async Task<(string Buyer, T Item)> TakeAsync(CancellationToken stopping)
    {
        while (true)
        {
            await changed.WaitAsync(stopping);
            lock (gate)
                if (TryTake(fresh, static buyer => buyer.Fresh) is { } now) return now;
                else if (TryTake(late, static buyer => buyer.Late) is { } then) return then;
        }
    }

    /// <summary>Does what is ready, so many at once, until it is stopped.</summary>
    /// <param name="failed">Told of what broke off: it stops nobody else.</param>
    public Task ServeAsync(int atOnce, Func<T, Task> work, Action<T, Exception> failed, CancellationToken stopping) =>
        Task.WhenAll(Enumerable.Range(0, atOnce).Select(_ => ServeOneByOneAsync(work, failed, stopping)).ToArray());

    [SuppressMessage("Design", "CA1031", Justification = "A worker that ended would be one fewer for good, and nobody would notice before the last.")]
    private async Task ServeOneByOneAsync(Func<T, Task> work, Action<T, Exception> failed, CancellationToken stopping)
    {
        try
        {
            while (true)
            {
                var (buyer, item) = await TakeAsync(stopping);
                try
                {
                    await work(item);
                }
                // Also where memory ran out at that moment: what it was about has its lease, and comes again when that is over.
                catch (Exception fault)
                {
                    Tell(failed, item, fault);
                }
                finally
                {
                    Left(buyer);
                }
            }
        }
        catch (OperationCanceledException) { }
    }

    private static void Tell(Action<T, Exception> failed, T item, Exception fault)
    {
        try
        {
            failed(item, fault);
        }
        // Nor is there enough of it to say so.
        catch (Exception) { }
    }

    public void Left(string buyer)
    {
        lock (gate)
        {
            var queues = buyers[buyer];
            queues.Calling--;
            calling--;
            if (queues.IsIdle && queues.PacedToMs == 0) buyers.Remove(buyer);
            // What was passed over for this buyer's sake may go now, and one more of each that stood at its share.
            var looks = Going;
            if (changed.CurrentCount < looks) changed.Release(looks - changed.CurrentCount);
        }
    }

    /// <summary>Whether one more of this buyer is to be taken from the rows: null, or the moment at which it is due instead.</summary>
    /// <param name="taken">Of this buyer, taken and not added yet.</param>
    public long? Pace(string buyer, int taken, long nowMs)
    {
        lock (gate)
        {
            var queues = Of(buyer);
            // Also where the clock has been set back: what was due by it then would be far away.
            if (queues.PacedToMs < nowMs || nowMs < queues.PacedAtMs) queues.PacedToMs = 0;
            queues.PacedAtMs = nowMs;
            if (queues.Calling + queues.Fresh.Count + queues.Late.Count + taken < Share) return null;
            queues.PacedToMs = Math.Max(queues.PacedToMs, nowMs + 1_000) + 1_000 / perSecond;
            return queues.PacedToMs;
        }
    }

    private Buyer Of(string id)
    {
        if (!buyers.TryGetValue(id, out var buyer)) buyers.Add(id, buyer = new(id));
        return buyer;
    }

    private (string, T)? TryTake(LinkedList<Buyer> ring, Func<Buyer, Queue<T>> of)
    {
        for (var node = ring.First; node is not null; node = node.Next)
        {
            var buyer = node.Value;
            if (buyer.Calling >= Share) continue;
            var item = of(buyer).Dequeue();
            buyer.Calling++;
            calling++;
            ring.Remove(node);
            if (of(buyer).Count > 0) ring.AddLast(node);
            return (buyer.Id, item);
        }
        return null;
    }
}
