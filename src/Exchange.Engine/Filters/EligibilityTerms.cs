using Exchange.Engine.Fields;

namespace Exchange.Engine.Filters;

/// <summary>
/// A filter as the index can ask it: terms that must all hold, each of one field. What they cannot say (texts by their parts, the time, an
/// <c>any</c> over several fields) they leave open, so they hold at least wherever the filter does; where <see cref="Exact"/>, nowhere else.
/// </summary>
internal sealed class EligibilityTerms : IEquatable<EligibilityTerms>
{
    /// <summary>In place of a field's ordinal: the publisher of the ping.</summary>
    public const int Publisher = -1;

    private static readonly EligibilityTerms Always = new([], exact: true);
    private static readonly EligibilityTerms Open = new([], exact: false);
    private static readonly EligibilityTerms Nothing = new([], exact: true) { Never = true };

    private EligibilityTerms((int Field, EligibilityTerm Term)[] all, bool exact)
    {
        All = all;
        Exact = exact;
    }

    /// <summary>Two of one field only where they are too long to be worked into one.</summary>
    public (int Field, EligibilityTerm Term)[] All { get; }
    public bool Exact { get; }
    /// <summary>It holds for nothing.</summary>
    public bool Never { get; private init; }

    public bool Equals(EligibilityTerms? other) =>
        ReferenceEquals(this, other) || other is not null && Exact == other.Exact && Never == other.Never && All.AsSpan().SequenceEqual(other.All);

    public override bool Equals(object? obj) => Equals(obj as EligibilityTerms);
    public override int GetHashCode() => HashCode.Combine(All.Length, Exact, Never);

    private bool IsAlways => All.Length == 0 && Exact && !Never;

    public static EligibilityTerms Of(Condition filter) => Of(filter, negated: false);

    private static EligibilityTerms Of(Condition condition, bool negated) => condition switch
    {
        NotCondition not => Of(not.Inner, !negated),
        AllCondition all => Joined(all.Parts, negated, any: negated),
        AnyCondition one => Joined(one.Parts, negated, any: !negated),
        AbsentCondition absent => absent.Value != negated ? Always : Nothing,
        ExistsCondition { Operand: FieldOperand field } exists => Single(field, Given(field.Type).With(flipped: !exists.Wanted, !exists.Wanted), negated, exact: true),
        LeafCondition leaf => Leaf(leaf.Operand, leaf.Test, negated),
        _ => condition != Condition.Always ? Open : negated ? Nothing : Always,
    };

    private static EligibilityTerms Leaf(Operand operand, ValueTest test, bool negated)
    {
        if (operand is not FieldOperand && operand.Name != "publisher") return Open;
        var (asked, flipped) = test is NotTest not ? (not.Inner, true) : (test, false);
        if (asked.Set is { } set) return Single(operand, set.Term.With(flipped, ifAbsent: false), negated, exact: true);
        if (asked.Range is { } range) return Single(operand, NumberTerm.Of(range).With(flipped, ifAbsent: false), negated, exact: true);
        // Whatever it asks, it asks it of a value that was given; the contrary may hold of anything.
        return negated ? Open : Single(operand, Given(operand.Type), negated: false, exact: false);
    }

    private static EligibilityTerms Single(Operand operand, EligibilityTerm term, bool negated, bool exact)
    {
        if (negated) term = term.Not();
        if (term.IsNever) return Nothing;
        return term.IsAlways ? exact ? Always : Open : new([(operand is FieldOperand ? operand.Ordinal : Publisher, term)], exact);
    }

    private static EligibilityTerm Given(FieldType type) => ValueSet.IsByNumber(type) ? NumberTerm.Given : TextTerm.Given;

    /// <summary>Halves first, so that a thousand parts of one field are worked into one term in as many steps as sorting them takes.</summary>
    private static EligibilityTerms Joined(ReadOnlySpan<Condition> parts, bool negated, bool any)
    {
        if (parts.Length == 1) return Of(parts[0], negated);
        var (first, second) = (Joined(parts[..(parts.Length / 2)], negated, any), Joined(parts[(parts.Length / 2)..], negated, any));
        return any ? Or(first, second) : And(first, second);
    }

    private static EligibilityTerms And(EligibilityTerms a, EligibilityTerms b)
    {
        if (a.Never || b.IsAlways) return a;
        if (b.Never || a.IsAlways) return b;
        var terms = a.All.ToList();
        foreach (var (field, term) in b.All)
        {
            var at = terms.FindIndex(known => known.Field == field);
            if (at < 0 || terms[at].Term.And(term) is not { } both) { terms.Add((field, term)); continue; }
            if (both.IsNever) return Nothing;
            terms[at] = (field, both);
        }
        return new([.. terms], a.Exact && b.Exact);
    }

    /// <summary>What both say of a field; exact only where that one field is all they speak of.</summary>
    private static EligibilityTerms Or(EligibilityTerms a, EligibilityTerms b)
    {
        if (a.Never || b.IsAlways) return b;
        if (b.Never || a.IsAlways) return a;
        var terms = new List<(int Field, EligibilityTerm Term)>();
        var whole = a.Exact && b.Exact && a.All.Length == 1 && b.All.Length == 1;
        foreach (var (field, term) in a.All)
        {
            var at = Array.FindIndex(b.All, other => other.Field == field);
            if (at < 0 || term.Or(b.All[at].Term) is not { } either) whole = false;
            else if (!either.IsAlways) terms.Add((field, either));
        }
        return terms.Count > 0 ? new([.. terms], whole) : whole ? Always : Open;
    }
}
