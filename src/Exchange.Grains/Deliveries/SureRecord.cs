using Exchange.Engine.Leads;
using Exchange.Engine.Postbacks;
using Exchange.Engine.Values;
using Exchange.Storage;

namespace Exchange.Grains.Deliveries;

/// <summary>
/// What came of an attempt is told once. Where it is not recorded, the next attempt takes this one for one that may have arrived: a doubt, a dead letter, the same again.
/// So it is tried again while the store is busy, or does not know whether it has it, for as long as a lease outlasts its call; under one fence it is the same each time.
/// </summary>
internal static class SureRecord
{
    private static readonly TimeSpan BeforeAgain = TimeSpan.FromMilliseconds(250);

    /// <summary>As <see cref="IDeliveryStore.RecordAsync"/>; its errors come when the store has had them all that time.</summary>
    public static Task<bool> RecordSurelyAsync(this IDeliveryStore deliveries, CopyId copy, string endpoint, long fence, DeliveryResult result, TimeProvider time) =>
        SurelyAsync(nowMs => deliveries.RecordAsync(copy, endpoint, fence, result, nowMs, CancellationToken.None), time);

    /// <summary>As <see cref="IDeliveryStore.RecordAllAsync"/>.</summary>
    public static Task<IReadOnlySet<CopyId>> RecordAllSurelyAsync(this IDeliveryStore deliveries, IReadOnlyList<(LeasedDelivery Delivery, DeliveryResult Result)> results, TimeProvider time) =>
        SurelyAsync(nowMs => deliveries.RecordAllAsync(results, nowMs, CancellationToken.None), time);

    /// <summary>As <see cref="IPostbackStore.RecordAsync"/>.</summary>
    public static Task<bool> RecordSurelyAsync(this IPostbackStore postbacks, PostbackId id, long fence, DeliveryResult result, TimeProvider time) =>
        SurelyAsync(nowMs => postbacks.RecordAsync(id, fence, result, nowMs, CancellationToken.None), time);

    private static async Task<T> SurelyAsync<T>(Func<long, Task<T>> record, TimeProvider time)
    {
        var began = time.GetTimestamp();
        while (true)
        {
            try
            {
                return await record(time.GetUtcNow().ToUnixTimeMilliseconds());
            }
            catch (Exception fault) when (fault is StorageBusyException or StorageFailedException && time.GetElapsedTime(began).TotalMilliseconds < LeadMachine.LeaseGraceMs) { }
            await Task.Delay(BeforeAgain, time);
        }
    }
}
