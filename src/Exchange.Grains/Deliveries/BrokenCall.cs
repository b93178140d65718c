using Exchange.Delivery;
using Exchange.Engine.Deliveries;
using Microsoft.Extensions.Logging;

namespace Exchange.Grains.Deliveries;

/// <summary>
/// A call that broke in our own hands. Whoever was called may have what was sent; and an attempt of which nothing is recorded is made again with each lease, for ever.
/// </summary>
internal static class BrokenCall
{
    /// <param name="of">What was brought.</param>
    public static async Task<AttemptResult> OrUnknownAsync<T>(this Task<AttemptResult> call, T of, ILogger log)
    {
        try
        {
            return await call;
        }
        catch (Exception fault) when (fault is not OutOfMemoryException)
        {
            log.LogError(fault, "The call with {Item} broke", of);
            return new(AttemptKind.Unknown, "call_failed");
        }
    }
}
