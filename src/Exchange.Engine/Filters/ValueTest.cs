using Exchange.Engine.Fields;

namespace Exchange.Engine.Filters;

/// <summary>What an operator asks of a value that was given.</summary>
internal abstract class ValueTest
{
    public abstract bool Holds(FieldValue value, Subject subject);

    /// <summary>Set if the test holds for exactly these values: the index can answer it.</summary>
    public virtual ValueSet? Set => null;
    /// <summary>Set if the test holds for exactly these numbers, whatever the day.</summary>
    public virtual NumberRange? Range => null;
    /// <summary>Set if the test holds for exactly all values but these.</summary>
    public virtual ValueSet? Except => null;
}

/// <summary>Both bounds included.</summary>
internal readonly record struct NumberRange(long Low, long High)
{
    public bool Has(long number) => number >= Low && number <= High;
}

internal sealed class SetTest(ValueSet set) : ValueTest
{
    public override bool Holds(FieldValue value, Subject subject) => set.Contains(value);
    public override ValueSet Set => set;
}

internal sealed class NotTest(ValueTest inner) : ValueTest
{
    public ValueTest Inner => inner;

    public override bool Holds(FieldValue value, Subject subject) => !inner.Holds(value, subject);
    public override ValueSet? Except => inner.Set;
}

internal sealed class RangeTest(NumberRange range) : ValueTest
{
    public override bool Holds(FieldValue value, Subject subject) => range.Has(value.Number);
    public override NumberRange? Range => range;
}
