using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Exchange.Delivery;

/// <summary>
/// How many calls run and wait at one address. There is one gate per URL ever called; URLs come from the catalog, so their number is bounded by it.
/// </summary>
internal sealed class EndpointGates(int inFlight, int waiting)
{
    private readonly ConcurrentDictionary<string, Gate> gates = new(StringComparer.Ordinal);

    public Gate For(Uri url) => gates.GetOrAdd(url.AbsoluteUri, static (_, bounds) => new(bounds.inFlight, bounds.waiting), (inFlight, waiting));

    // Without a wait handle a semaphore holds nothing to free, and disposing it would fail the calls that still run.
    [SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "Holds no native resource")]
    internal sealed class Gate(int inFlight, int waiting)
    {
        private readonly SemaphoreSlim free = new(inFlight);
        private int queued;

        /// <summary>False: the queue is full. Throws <see cref="OperationCanceledException"/> at the deadline. True obliges to <see cref="Leave"/>.</summary>
        public async ValueTask<bool> EnterAsync(CancellationToken deadline)
        {
            if (free.Wait(0, CancellationToken.None)) return true;
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
