using Exchange.Engine.Catalog;

namespace Exchange.Delivery;

/// <summary>How often buyers may pull their inbox, where the catalog limits it; each server by itself.</summary>
public sealed class InboxPulls(TimeProvider time)
{
    private readonly EndpointGates gates = new(int.MaxValue, 0, time);

    /// <summary>Takes one pull off the inbox's rate. Null: it may be pulled; else when it may be again.</summary>
    public TimeSpan? Refused(EndpointModel inbox) => gates.For(inbox).TryTake(spare: false, out var freeIn) ? null : freeIn;
}
