using Exchange.Engine.Fields;

namespace Exchange.Engine.Filters;

/// <summary>One field, one operator, one value. False for a field that was not given.</summary>
internal sealed class LeafCondition(Operand operand, string operatorName, string wanted, ValueTest test) : Condition
{
    public Operand Operand => operand;
    public ValueTest Test => test;

    public override bool Holds(Subject subject)
    {
        var value = operand.Read(subject);
        return value.IsGiven && test.Holds(value, subject);
    }

    public override ConditionMiss? Explain(Subject subject) => Holds(subject) ? null : Miss(subject, operatorName);

    internal ConditionMiss Miss(Subject subject, string told)
    {
        var given = operand.Tell(subject);
        var hidden = given is not null && operand.Hides(subject);
        return new(operand.Name, told, wanted, hidden ? null : given, hidden);
    }

    internal ConditionMiss NotMiss(Subject subject) => Miss(subject, "not " + operatorName);
}

internal sealed class ExistsCondition(Operand operand, bool wanted) : Condition
{
    public Operand Operand => operand;
    public bool Wanted => wanted;

    public override bool Holds(Subject subject) => operand.Read(subject).IsGiven == wanted;

    public override ConditionMiss? Explain(Subject subject) => Holds(subject) ? null : Miss(subject, wanted);

    internal ConditionMiss Miss(Subject subject, bool want)
    {
        var given = operand.Tell(subject);
        var hidden = given is not null && operand.Hides(subject);
        return new(operand.Name, "exists", want ? "true" : "false", hidden ? null : given, hidden);
    }
}

/// <summary>A leaf on a field that this vertical does not have but another of the publisher's has: as if it was not given.</summary>
internal sealed class AbsentCondition(string field, string operatorName, string wanted, bool holds) : Condition
{
    public bool Value => holds;

    public override bool Holds(Subject subject) => holds;
    public override ConditionMiss? Explain(Subject subject) => holds ? null : new(field, operatorName, wanted, null, false);
    internal ConditionMiss NotMiss() => new(field, "not " + operatorName, wanted, null, false);
}

internal sealed class AllCondition(Condition[] parts) : Condition
{
    public Condition[] Parts => parts;

    public override bool Holds(Subject subject)
    {
        foreach (var part in parts) if (!part.Holds(subject)) return false;
        return true;
    }

    public override ConditionMiss? Explain(Subject subject)
    {
        foreach (var part in parts) if (part.Explain(subject) is { } miss) return miss;
        return null;
    }
}

internal sealed class AnyCondition(Condition[] parts) : Condition
{
    public Condition[] Parts => parts;

    public override bool Holds(Subject subject)
    {
        foreach (var part in parts) if (part.Holds(subject)) return true;
        return false;
    }

    /// <summary>None of them holds; the first is told.</summary>
    public override ConditionMiss? Explain(Subject subject) => Holds(subject) ? null : parts[0].Explain(subject);
}

internal sealed class NotCondition(Condition inner) : Condition
{
    public override bool Holds(Subject subject) => !inner.Holds(subject);

    public override ConditionMiss? Explain(Subject subject) => Holds(subject) ? null : Held(inner, subject);

    /// <summary>The first leaf that made <paramref name="condition"/> hold although it should not.</summary>
    private static ConditionMiss? Held(Condition condition, Subject subject)
    {
        switch (condition)
        {
            case LeafCondition leaf: return leaf.NotMiss(subject);
            case ExistsCondition exists: return exists.Miss(subject, !exists.Wanted);
            case AbsentCondition absent: return absent.NotMiss();
            case AllCondition all: return Held(all.Parts[0], subject);
            case AnyCondition any:
                foreach (var part in any.Parts) if (part.Holds(subject)) return Held(part, subject);
                return null;
            case NotCondition not: return not.Inner.Explain(subject);
            default: return null;
        }
    }

    internal Condition Inner => inner;
}
