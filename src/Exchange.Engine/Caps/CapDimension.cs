using System.Security.Cryptography;
using System.Text;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;

namespace Exchange.Engine.Caps;

/// <summary>What a cap counts apart (<c>each</c>): a ping field that is neither contact data nor sensitive, the publisher, or the sub id.</summary>
/// <param name="Name">As in the catalog.</param>
/// <param name="Ordinals">Fields: the ordinal by vertical; a vertical without the field counts as not given.</param>
/// <param name="FoldsCase">False for types whose values are always written one way.</param>
public sealed record CapDimension(string Name, IReadOnlyDictionary<string, int> Ordinals, bool FoldsCase = true)
{
    public const string Publisher = "publisher", SubId = "sub_id";

    public bool IsField => Name is not (Publisher or SubId);

    /// <summary>Longer values are counted under their beginning and a hash: a value is part of its counter's key.</summary>
    private const int LongestValue = 100, KeptOfLong = 64;

    /// <summary>Empty where it was not given: such leads have a count of their own together. Texts are compared without case.</summary>
    public string ValueOf(Subject subject) => Name switch
    {
        Publisher => subject.Publisher,
        SubId => subject.SubId is { } given ? Key(given) : "",
        _ => Ordinals.TryGetValue(subject.Vertical, out var ordinal) && ordinal < subject.Values.Length && subject.Values[ordinal].Text is { } text ? Key(text) : "",
    };

    /// <summary>The value as it is counted: without case, not too long. Most are so already and cost nothing.</summary>
    private string Key(string value)
    {
        if (FoldsCase) value = FieldFormat.Folded(value);
        if (value.Length <= LongestValue) return value;
        var kept = char.IsHighSurrogate(value[KeptOfLong - 1]) ? KeptOfLong - 1 : KeptOfLong;
        return $"{value.AsSpan(0, kept)}…{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(value)).AsSpan(0, 16))}";
    }
}
