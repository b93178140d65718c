using Exchange.Engine.Fields;
using Exchange.Engine.Values;

namespace Exchange.Engine.Filters;

public enum Sharing { Exclusive, Shared, Either }

/// <summary>
/// What a condition is asked about: one ping or lead, and where prices are concerned one campaign's bid. Mutable so that one
/// object serves a whole walk; owned by that walk.
/// </summary>
public sealed class Subject
{
    public required string Vertical { get; init; }
    public required string Publisher { get; init; }
    public string? SubId { get; init; }
    public string? Channel { get; init; }
    /// <summary>By ordinal of the vertical's fields.</summary>
    public required FieldValue[] Values { get; init; }
    /// <summary>The moment of the decision; <c>today</c>, <c>hour</c> and <c>weekday</c> are read from it in the condition's zone.</summary>
    public required DateTimeOffset Now { get; init; }

    /// <summary>In bids, floors and payouts: exclusive or shared.</summary>
    public Sharing Sharing { get; set; }
    /// <summary>In payouts.</summary>
    public string? Buyer { get; set; }
    public string? Campaign { get; set; }
    public Money Price { get; set; }
}

/// <summary>A compiled condition. Never throws for any subject of the vertical it was compiled for.</summary>
public abstract class Condition
{
    public static Condition Always { get; } = new AlwaysCondition();

    public abstract bool Holds(Subject subject);

    private sealed class AlwaysCondition : Condition
    {
        public override bool Holds(Subject subject) => true;
    }
}
