using Exchange.Engine.Filters;
using Exchange.Engine.Schedules;

namespace Exchange.Engine.Deliveries;

/// <summary><c>{ until: office }</c>: no wait while the office is open, else until it opens.</summary>
public sealed record WaitForOffice(Schedule Office) : WaitModel
{
    public override Waiting? Begin(Subject subject, long nowMs)
    {
        var state = Office.At(DateTimeOffset.FromUnixTimeMilliseconds(nowMs));
        // An office that never opens again would keep for ever what its buyer has paid for.
        return !state.Open && state.NextChange is { } opens ? EndsAt(opens.ToUnixTimeMilliseconds(), nowMs) : null;
    }
}
