using Exchange.Engine;
using Exchange.Engine.Ledger;
using Exchange.Simulation.World;
using Exchange.Storage;

namespace Exchange.Simulation.Store;

/// <summary>
/// Group commit: all that waits goes in one commit, one on its way at a time. A commit whose reply is lost is submitted again, the same batch, until
/// it is known; verdicts are handed out after it. What is found to be there then is done where its leases are its own still.
/// </summary>
internal sealed class SimJournal(SimStore store) : IJournal
{
    private const int LongestBatch = 8;

    private readonly List<Queued> queue = [];
    private bool running;

    private readonly record struct Queued(JournalItem Item, TaskCompletionSource<Verdict> Verdict);

    public Action<IReadOnlyList<CounterValue>>? Committed { get; set; }
    public Action<SoldNews>? Sold { get; set; }
    public (long Commits, long Items) Done => default;
    public int Waiting => queue.Count;

    public Task<Verdict> SubmitAsync(JournalItem item, CancellationToken whileQueued)
    {
        var world = store.World;
        item = world.Seams.Submitted(item);
        if (world.IsFaulty && world.Random.Chance(world.Plan.QueueFull))
        {
            world.Count(Fault.QueueFull);
            throw new StorageBusyException("The journal's queue is full");
        }
        var waiting = new Queued(item, new());
        queue.Add(waiting);
        if (!running)
        {
            running = true;
            Send(Take());
        }
        if (world.Seams.ToldAtOnce(item) is { } told) waiting.Verdict.TrySetResult(told);
        return waiting.Verdict.Task;
    }

    /// <summary>Two items that touch the same lead or request never share a batch.</summary>
    private List<Queued> Take()
    {
        var batch = new List<Queued>();
        for (var i = 0; i < queue.Count && batch.Count < LongestBatch; i++)
        {
            var next = queue[i];
            if (batch.Exists(other => other.Item.Lead == next.Item.Lead || other.Item.Requests.Any(request => next.Item.Requests.Any(its => its.Key == request.Key)))) continue;
            batch.Add(next);
        }
        queue.RemoveAll(batch.Contains);
        return batch;
    }

    /// <summary>The commit leaves, arrives or not, and its reply comes back or not. It arrives also if the silo has died meanwhile.</summary>
    /// <param name="again">It was sent before, and nobody knows whether it arrived.</param>
    private void Send(List<Queued> batch, bool again = false)
    {
        var world = store.World;
        var plan = world.Plan;
        var fate = world.IsFaulty ? world.Random.Next(1000) : 1000;
        var there = world.Random.Between(0, plan.StoreMs);
        if (fate < plan.CommitLost)
        {
            world.Count(Fault.CommitLost);
            if (world.Seams.LostIsDone) world.Loop.After(there, store.Silo, () => End(batch, [.. batch.Select(static _ => new Verdict(VerdictCode.Done))], [], new()));
            else world.Loop.After(there + 20, store.Silo, () => Send(batch, again: true));
            return;
        }
        world.Loop.After(there, world.Outside, () =>
        {
            var news = new News();
            store.Database.Counters.Touched.Clear();
            Verdict[] verdicts = [.. batch.Select(waiting => Apply(waiting.Item, news, again))];
            CounterValue[] counters = [.. store.Database.Counters.Touched.Select(row => row.Value)];
            store.Silo.Note(verdicts[0].Code == VerdictCode.Done ? "commits" : "is refused", batch[0].Item.Lead.ToString(), batch.Count);
            var back = world.Random.Between(0, plan.StoreMs);
            if (fate < plan.CommitLost + plan.CommitUnknown)
            {
                world.Count(Fault.CommitUnknown);
                world.Loop.After(back + 20, store.Silo, () => Send(batch, again: true));
            }
            else world.Loop.After(back, store.Silo, () => End(batch, verdicts, counters, news));
        });
    }

    /// <summary>An item that can never be right ends the run: its author has a bug.</summary>
    private Verdict Apply(JournalItem item, News news, bool again)
    {
        try
        {
            var verdict = store.Database.Apply(item, store.Silo.Name, news);
            return again && verdict.Code == VerdictCode.AlreadyThere && IsOwn(item) ? new Verdict(VerdictCode.Done) : verdict;
        }
        catch (InvariantException fault)
        {
            store.World.Saw(store.Silo, fault);
            return new(VerdictCode.EndedOtherwise);
        }
    }

    /// <summary>The leases that it took are there as it wrote them, and nobody has claimed them since.</summary>
    private bool IsOwn(JournalItem item)
    {
        if (store.Database.Find(item.Lead) is not { Sealed.Length: > 0 } lead) return false;
        var leased = item.Starts.SelectMany(static start => start.Deliveries, static (start, delivery) => (start.No, Delivery: delivery))
            .Concat(item.Ends.SelectMany(static end => end.Deliveries, static (end, delivery) => (end.No, Delivery: delivery))).Where(static each => each.Delivery.IsLeased).ToArray();
        return leased.Length > 0 && Array.TrueForAll(leased, each => lead.Deliveries.Exists(row =>
            row.Copy.No == each.No && row.Endpoint == each.Delivery.Endpoint && row is { Status: DeliveryStatus.Waiting, Fence: IDeliveryStore.FirstFence, Attempts: 1 }
            && row.Owner == store.Silo.Name && row.LeaseUntilMs == each.Delivery.LeaseUntilMs && row.CreatedMs == item.AtMs));
    }

    private void End(List<Queued> batch, Verdict[] verdicts, CounterValue[] counters, News news)
    {
        Committed?.Invoke(counters);
        if (news.Sold is { } sold) Sold?.Invoke(sold);
        store.World.Tell(store.Silo, counters, news);
        for (var i = 0; i < batch.Count; i++) batch[i].Verdict.TrySetResult(verdicts[store.World.Seams.VerdictOf(i, batch.Count)]);
        running = queue.Count > 0;
        if (running) Send(Take());
    }
}
