using Exchange.Engine.Filters;

namespace Exchange.Engine.Deliveries;

/// <summary><c>{ until: CONDITION, at_most: 24h, then: go | drop }</c>: no wait where it holds already; else it is asked again whenever fields are added.</summary>
/// <param name="Drop">What becomes of a lead whose time is over: dropped, or it goes all the same.</param>
public sealed record WaitForFields(Condition Until, TimeSpan AtMost, bool Drop) : WaitModel
{
    public override Waiting? Begin(Subject subject, long nowMs) =>
        Until.Holds(subject) ? null : new(DeliveryWait.Fields, nowMs + (long)AtMost.TotalMilliseconds);
}
