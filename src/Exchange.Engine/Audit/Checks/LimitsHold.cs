using Exchange.Engine.Caps;

namespace Exchange.Engine.Audit.Checks;

/// <summary>
/// Nothing is used and held beyond a limit, unless the limit was lowered below what stood already: that never un-sells, and is noted.
/// </summary>
public sealed class LimitsHold() : AuditCheck("I1", "used + held within the limit, or lowered since")
{
    public override void See(CounterFact counter)
    {
        if (counter.IsCounted) return;
        Looked++;
        var total = (Int128)counter.Used + counter.Held;
        Require(counter is { Used: >= 0, Held: >= 0 }, counter.Name, $"used {counter.Used}, held {counter.Held}: below zero");
        // A gate's number says open or paused; nothing is ever counted in it.
        if (counter.Kind == LimitKind.Gate)
        {
            Require(total == 0, counter.Name, $"a gate counts nothing, but has {total}");
            return;
        }
        if (total <= counter.Limit) return;
        if (total <= counter.Over) Note(counter.Name, $"{total} of {counter.Limit}: lowered when {counter.Over} stood");
        else Find(counter.Name, FormattableString.Invariant($"{total} of {counter.Limit}"));
    }
}
