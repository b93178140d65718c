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
    private readonly FrozenSet<string>? texts;
    private readonly FrozenSet<long>? numbers;

    public ValueSet(FieldType type, IReadOnlyList<FieldValue> values)
    {
        Type = type;
        if (IsByNumber(type)) numbers = values.Select(value => value.Number).ToFrozenSet();
        else texts = values.Select(value => value.Text!).ToFrozenSet(StringComparer.OrdinalIgnoreCase);
    }

    public FieldType Type { get; }
    public IReadOnlyCollection<long> Numbers => numbers ?? [];
    public IReadOnlyCollection<string> Texts => texts ?? [];

    public bool Contains(FieldValue value) => numbers is not null ? numbers.Contains(value.Number) : texts!.Contains(value.Text!);

    /// <summary>True for types whose equality is that of <see cref="FieldValue.Number"/>.</summary>
    public static bool IsByNumber(FieldType type) =>
        type is FieldType.Integer or FieldType.Decimal or FieldType.Boolean or FieldType.Choice or FieldType.Date or FieldType.UsZip;
}
