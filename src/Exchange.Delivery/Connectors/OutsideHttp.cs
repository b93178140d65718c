using Exchange.Engine.Catalog;
using Exchange.Engine.Deliveries;

namespace Exchange.Delivery.Connectors;

/// <summary>What calls that are no HTTP have in common: the endpoint's limits and its timeout.</summary>
internal sealed class OutsideHttp(int inFlight, TimeProvider time)
{
    private readonly EndpointGates gates = new(inFlight, waiting: 256, time);

    /// <param name="call">Gets what ends at the timeout; throws nothing of what the outside does.</param>
    public async Task<AttemptResult> RunAsync(EndpointModel endpoint, Func<CancellationToken, Task<AttemptResult>> call, CancellationToken deadline)
    {
        var gate = gates.For(endpoint);
        if (!gate.TryTake(spare: false, out var freeIn)) return new(AttemptKind.RetryLater, "rate_limited", RetryAfter: freeIn);
        using var limit = new CancellationTokenSource(endpoint.PostTimeout, time);
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(deadline, limit.Token);
        try
        {
            if (!await gate.EnterAsync(limited.Token)) return new(AttemptKind.NotSent, "endpoint_busy");
        }
        catch (OperationCanceledException)
        {
            return new(AttemptKind.NotSent, "timeout");
        }
        try
        {
            return await call(limited.Token);
        }
        finally
        {
            gate.Leave();
        }
    }
}
