namespace Exchange.Grains.Deliveries;

/// <summary>
/// What is ready to be delivered, by buyer: at most so many of one buyer are under way at once, so that one that hangs holds its own share and no more.
/// What was sold just now goes before what waited; among buyers that have something to be delivered each takes its turn.
/// </summary>
/// <param name="perBuyer">Under way at once for one buyer.</param>
/// <param name="perSecond">At which pace what is over that is due again.</param>
public sealed class BuyerQueues<T>(int perBuyer, int perSecond)
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, Buyer> buyers = new(StringComparer.Ordinal);
    private readonly LinkedList<Buyer> fresh = new(), late = new();
    private readonly SemaphoreSlim changed = new(0);

    private sealed class Buyer(string id)
    {
        public string Id => id;
        public Queue<T> Fresh { get; } = new();
        public Queue<T> Late { get; } = new();
        public int Calling;
        public long PacedToMs;
        public bool IsIdle => Calling == 0 && Fresh.Count == 0 && Late.Count == 0;
    }

    /// <summary>How many wait for nothing but somebody to take them: what is over a buyer's share waits for that buyer, and is nobody else's concern.</summary>
    public int MayGo { get { lock (gate) return buyers.Values.Sum(buyer => Math.Min(buyer.Fresh.Count + buyer.Late.Count, perBuyer - buyer.Calling)); } }

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
                catch (Exception fault) when (fault is not OutOfMemoryException)
                {
                    failed(item, fault);
                }
                finally
                {
                    Left(buyer);
                }
            }
        }
        catch (OperationCanceledException) { }
    }

    public void Left(string buyer)
    {
        lock (gate)
        {
            var queues = buyers[buyer];
            queues.Calling--;
            if (queues.IsIdle && queues.PacedToMs == 0) buyers.Remove(buyer);
        }
        // What was passed over for this buyer's sake may go now.
        changed.Release();
    }

    /// <summary>Whether one more of this buyer is to be taken from the rows: null, or the moment at which it is due instead.</summary>
    /// <param name="taken">Of this buyer, taken and not added yet.</param>
    public long? Pace(string buyer, int taken, long nowMs)
    {
        lock (gate)
        {
            var queues = Of(buyer);
            if (queues.PacedToMs < nowMs) queues.PacedToMs = 0;
            if (queues.Calling + queues.Fresh.Count + queues.Late.Count + taken < perBuyer) return null;
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
            if (buyer.Calling >= perBuyer) continue;
            var item = of(buyer).Dequeue();
            buyer.Calling++;
            ring.Remove(node);
            if (of(buyer).Count > 0) ring.AddLast(node);
            return (buyer.Id, item);
        }
        return null;
    }
}
