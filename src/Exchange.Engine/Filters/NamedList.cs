using System.Collections.Frozen;
using Exchange.Engine.Fields;

namespace Exchange.Engine.Filters;

/// <summary>
/// A list of the catalog (<c>lists: NAME</c>), normalized by its type. One object serves every condition that names it, so that ten
/// thousand zip codes exist once.
/// </summary>
public sealed class NamedList
{
    public NamedList(string name, FieldType type, IReadOnlyList<FieldValue> values)
    {
        Name = name;
        Type = type;
        Values = values;
        Set = new(type, values);
    }

    public string Name { get; }
    public FieldType Type { get; }
    /// <summary>In the catalog's order.</summary>
    public IReadOnlyList<FieldValue> Values { get; }
    public ValueSet Set { get; }
}

/// <summary>
/// Values to be equal to: by number where the type has one, else by text without case.
/// </summary>
public sealed class ValueSet
{
    /// <summary>Up to so many a walk through them is faster than a set, and a catalog holds tens of thousands of such sets.</summary>
    private const int Few = 8;

    private readonly string[] texts = [];
    private readonly long[] numbers = [];
    private readonly FrozenSet<string>? manyTexts;
    private readonly FrozenSet<long>? manyNumbers;
    private readonly bool byNumber;
    private EligibilityTerm? term;

    public ValueSet(FieldType type, IReadOnlyList<FieldValue> values)
    {
        Type = type;
        byNumber = IsByNumber(type);
        if (byNumber)
        {
            numbers = [.. values.Select(value => value.Number).Distinct()];
            if (numbers.Length > Few) manyNumbers = numbers.ToFrozenSet();
        }
        else
        {
            texts = [.. values.Select(value => value.Text!).Distinct(StringComparer.OrdinalIgnoreCase)];
            if (texts.Length > Few) manyTexts = texts.ToFrozenSet(StringComparer.OrdinalIgnoreCase);
        }
    }

    public FieldType Type { get; }
    public IReadOnlyCollection<long> Numbers => numbers;
    public IReadOnlyCollection<string> Texts => texts;

    /// <summary>A field with one of these values, as the index asks it; one for all who name the same list.</summary>
    internal EligibilityTerm Term => term ??= byNumber ? NumberTerm.Of(numbers) : TextTerm.Of(texts);

    public bool Contains(FieldValue value) => byNumber
        ? manyNumbers?.Contains(value.Number) ?? Array.IndexOf(numbers, value.Number) >= 0
        : manyTexts?.Contains(value.Text!) ?? HasText(value.Text!);

    /// <summary>True for types whose equality is that of <see cref="FieldValue.Number"/>.</summary>
    public static bool IsByNumber(FieldType type) =>
        type is FieldType.Integer or FieldType.Decimal or FieldType.Boolean or FieldType.Choice or FieldType.Date or FieldType.UsZip;

    private bool HasText(string text)
    {
        foreach (var candidate in texts) if (candidate.Equals(text, StringComparison.OrdinalIgnoreCase)) return true;
        return false;
    }
}
