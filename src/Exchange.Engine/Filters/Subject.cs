using Exchange.Engine.Fields;
using Exchange.Engine.Values;

namespace Exchange.Engine.Filters;

public enum Sharing : byte { Exclusive, Shared, Either }

/// <summary>
/// What a condition is asked about: one ping or lead, and where prices are concerned one campaign's bid. Mutable so that one
/// object serves a whole walk; owned by that walk.
/// </summary>
public sealed class Subject
{
    public required string Vertical { get; set; }
    public required string Publisher { get; set; }
    public string? SubId { get; set; }
    public string? Channel { get; set; }
    /// <summary>By ordinal of the vertical's fields.</summary>
    public required FieldValue[] Values { get; set; }
    /// <summary>The moment of the decision; <c>today</c>, <c>hour</c> and <c>weekday</c> are read from it in the condition's zone.</summary>
    public required DateTimeOffset Now { get; set; }

    /// <summary>In bids, floors and payouts: exclusive or shared.</summary>
    public Sharing Sharing { get; set; }
    /// <summary>In payouts.</summary>
    public string? Buyer { get; set; }
    public string? Campaign { get; set; }
    public Money Price { get; set; }

    /// <summary>For explanations: the vertical's fields as they are today. Values of those that it hides are not told, whatever the condition's own catalog says. Null: that one alone says.</summary>
    public FieldSet? Today { get; set; }

    /// <summary>The same ping or lead, asked about at another moment.</summary>
    public Subject At(DateTimeOffset now) => new() { Vertical = Vertical, Publisher = Publisher, SubId = SubId, Channel = Channel, Values = Values, Now = now };
}

/// <summary>A compiled condition. Never throws for any subject of the vertical it was compiled for.</summary>
public abstract class Condition
{
    public static Condition Always { get; } = new AlwaysCondition();

    private EligibilityTerms? terms;

    /// <summary>As the index asks it; worked out once, however many catalogs the condition lives through.</summary>
    internal EligibilityTerms Terms => terms ??= EligibilityTerms.Of(this);

    public abstract bool Holds(Subject subject);

    /// <summary>Why it does not hold: the first leaf that decided so. Null if it holds. For explanations, not for the hot path.</summary>
    public virtual ConditionMiss? Explain(Subject subject) => Holds(subject) ? null : new("condition", "is", "true", "false", false);

    private sealed class AlwaysCondition : Condition
    {
        public override bool Holds(Subject subject) => true;
        public override ConditionMiss? Explain(Subject subject) => null;
    }
}

/// <summary>A leaf that was not as a condition wants it.</summary>
/// <param name="Operator">As in the catalog; with <c>not</c> before it where the condition wants the leaf to fail.</param>
/// <param name="Wanted">As written in the catalog.</param>
/// <param name="Given">The value; null if none was given. Values of contact and sensitive fields are not told: see <see cref="Hidden"/>.</param>
public sealed record ConditionMiss(string Field, string Operator, string Wanted, string? Given, bool Hidden)
{
    /// <summary>"age between [25, 65] (value 70)".</summary>
    public override string ToString() => $"{Field} {Operator} {Wanted} ({(Hidden ? "value hidden" : Given is null ? "not given" : $"value {Given}")})";
}
