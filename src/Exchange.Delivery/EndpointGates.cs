using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Exchange.Engine.Catalog;

namespace Exchange.Delivery;

/// <summary>
/// How many calls run and wait at one endpoint, and how fast they follow each other. There is one gate per endpoint ever called; endpoints come from the
/// catalog, so their number is bounded by it. A gate whose limits were changed is replaced; the calls inside the old one end there.
/// </summary>
internal sealed class EndpointGates(int inFlight, int waiting, TimeProvider time)
{
    private readonly ConcurrentDictionary<(EndpointKey Endpoint, bool Tokens), Gate> gates = new();

    /// <param name="tokens">Calls for tokens go to somebody else than the buyer's lead interface, and must not wait behind it.</param>
    public Gate For(EndpointModel endpoint, bool tokens = false)
    {
        var key = (endpoint.Key, tokens);
        var limits = tokens ? EndpointLimits.None : endpoint.Limits;
        return gates.TryGetValue(key, out var gate) && gate.Limits == limits ? gate : gates.AddOrUpdate(key, _ => Create(limits), (_, known) => known.Limits == limits ? known : Create(limits));
    }

    private Gate Create(EndpointLimits limits) => new(limits, limits.InFlight ?? inFlight, waiting, time);

    // Without a wait handle a semaphore holds nothing to free, and disposing it would fail the calls that still run.
    [SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "Holds no native resource")]
    internal sealed class Gate(EndpointLimits limits, int inFlight, int waiting, TimeProvider time)
    {
        private readonly SemaphoreSlim free = new(inFlight);
        private readonly TokenBucket? perSecond = limits.PerSecond is { } second ? new(second, TimeSpan.FromSeconds(1), time) : null;
        private readonly TokenBucket? perMinute = limits.PerMinute is { } minute ? new(minute, TimeSpan.FromMinutes(1), time) : null;
        private readonly Lock rate = new();
        private int queued;

        public EndpointLimits Limits => limits;

        /// <summary>Takes one call off the rate. Nothing is taken and false, with the time until there is one again, where the rate is used up.</summary>
        /// <param name="spare">A tenth is left for others: pings never take the last.</param>
        public bool TryTake(bool spare, out TimeSpan freeIn)
        {
            freeIn = TimeSpan.Zero;
            if (perSecond is null && perMinute is null) return true;
            lock (rate)
            {
                if (perSecond?.Has(spare, out freeIn) == false || perMinute?.Has(spare, out freeIn) == false) return false;
                perSecond?.Take();
                perMinute?.Take();
                return true;
            }
        }

        /// <summary>At once or not at all. True obliges to <see cref="Leave"/>.</summary>
        public bool TryEnter() => free.Wait(0, CancellationToken.None);

        /// <summary>False: the queue is full. Throws <see cref="OperationCanceledException"/> at the deadline. True obliges to <see cref="Leave"/>.</summary>
        public async ValueTask<bool> EnterAsync(CancellationToken deadline)
        {
            if (TryEnter()) return true;
            if (Interlocked.Increment(ref queued) > waiting)
            {
                Interlocked.Decrement(ref queued);
                return false;
            }
            try
            {
                await free.WaitAsync(deadline);
                return true;
            }
            finally
            {
                Interlocked.Decrement(ref queued);
            }
        }

        public void Leave() => free.Release();
    }
}
