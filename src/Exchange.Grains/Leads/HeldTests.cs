using Exchange.Storage;
using Microsoft.Extensions.Logging;
using Orleans;

namespace Exchange.Grains.Leads;

/// <summary>
/// Tests that are open long after everybody has stopped calling for them: their process died, or the buyer's word for it was "later". They end with nothing.
/// </summary>
public sealed class HeldTests(IExchangeStore store, IGrainFactory grains, ILogger<HeldTests> log)
{
    /// <summary>A test calls for minutes at the most; whoever tries an integration looks at what became of it within the hour.</summary>
    public static readonly TimeSpan EndAfter = TimeSpan.FromHours(1);

    /// <summary>Called now and then by one silo for all. Returns how many it ended.</summary>
    public async Task<int> SweepAsync(long nowMs, CancellationToken cancel)
    {
        var ended = 0;
        foreach (var lead in await store.Leads.HeldTestsAsync(nowMs - (long)EndAfter.TotalMilliseconds, Engine.Limits.PageRows, cancel))
        {
            try
            {
                await grains.Lead(lead).TestOver();
                ended++;
            }
            catch (Exception fault) when (fault is not OutOfMemoryException)
            {
                // One bad lead stops no other; it is found again.
                log.LogWarning(fault, "Test {Lead} could not be ended", lead);
            }
        }
        return ended;
    }
}
