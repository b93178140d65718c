using Exchange.Engine.Filters;

namespace Exchange.Engine.Deliveries;

/// <summary>What a delivery that is not due yet waits for. Its number stands in rows.</summary>
public enum DeliveryWait : byte
{
    None = 0,
    /// <summary>A moment.</summary>
    Moment = 1,
    /// <summary>Fields that satisfy a condition, until a moment at the latest.</summary>
    Fields = 2,
    /// <summary>The sale of its copy: only then its own wait begins.</summary>
    Sale = 3,
    /// <summary>The end of its held copy: its time was over without its fields, and nobody is called for it any more.</summary>
    Drop = 4,
}

/// <summary>A wait that has begun: for a moment, or for fields with that moment as the latest. Unix milliseconds.</summary>
public readonly record struct Waiting(DeliveryWait For, long UntilMs);

/// <summary>How long a lead is held, before its auction or before its delivery.</summary>
public abstract record WaitModel
{
    /// <summary>The wait of a lead for which it begins now. Null: it is over at once.</summary>
    public abstract Waiting? Begin(Subject subject, long nowMs);

    private protected static Waiting? EndsAt(long untilMs, long nowMs) => untilMs > nowMs ? new(DeliveryWait.Moment, untilMs) : null;
}

/// <summary><c>{ for: 10m }</c></summary>
public sealed record WaitFor(TimeSpan Span) : WaitModel
{
    public override Waiting? Begin(Subject subject, long nowMs) => EndsAt(nowMs + (long)Span.TotalMilliseconds, nowMs);
}
