using Exchange.Engine.Deliveries;
using Exchange.Engine.Leads;
using Exchange.Engine.Values;
using Exchange.Storage;

namespace Exchange.Grains.Deliveries;

/// <summary>
/// What came of an attempt is told once. Where it is not recorded, the next attempt takes this one for one that may have arrived: a doubt, a dead letter, the same again.
/// </summary>
internal static class SureRecord
{
    private static readonly TimeSpan BeforeAgain = TimeSpan.FromMilliseconds(250);

    /// <summary>While the store is busy it is asked again, for as long as a lease outlasts its call. False: a newer attempt holds it.</summary>
    /// <exception cref="StorageBusyException">It was busy all that time.</exception>
    public static async Task<bool> RecordSurelyAsync(this IDeliveryStore deliveries, CopyId copy, string endpoint, long fence, DeliveryResult result, TimeProvider time)
    {
        var began = time.GetTimestamp();
        while (true)
        {
            try
            {
                return await deliveries.RecordAsync(copy, endpoint, fence, result, time.GetUtcNow().ToUnixTimeMilliseconds(), CancellationToken.None);
            }
            catch (StorageBusyException) when (time.GetElapsedTime(began).TotalMilliseconds < LeadMachine.LeaseGraceMs) { }
            await Task.Delay(BeforeAgain, time);
        }
    }
}
