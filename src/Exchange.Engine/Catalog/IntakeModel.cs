using System.Collections.Frozen;
using Exchange.Engine.Fields;

namespace Exchange.Engine.Catalog;

/// <summary>
/// A publisher's words for ours: what it calls verticals, fields and the values of fields. Our own words stay good beside them, unless the publisher uses
/// one for something else. Names are compared exactly, values without case.
/// </summary>
public sealed class IntakeModel
{
    /// <summary>Our own words, and no unknown field.</summary>
    public static IntakeModel Plain { get; } = new();

    /// <summary>Its word to our id.</summary>
    public FrozenDictionary<string, string> Verticals { get; init; } = FrozenDictionary<string, string>.Empty;
    /// <summary>Its word to our field, or to the hash of one.</summary>
    public FrozenDictionary<string, string> Fields { get; init; } = FrozenDictionary<string, string>.Empty;
    /// <summary>Our field to what it calls it: the first that the catalog names.</summary>
    public FrozenDictionary<string, string> Names { get; init; } = FrozenDictionary<string, string>.Empty;
    /// <summary>By our field: its word to our value.</summary>
    public FrozenDictionary<string, FrozenDictionary<string, string>> Values { get; init; } = FrozenDictionary<string, FrozenDictionary<string, string>>.Empty;
    /// <summary>A field that the vertical does not have is set aside with a warning instead of refused.</summary>
    public bool IgnoresUnknown { get; init; }

    /// <summary>Our id of a vertical, or the word itself.</summary>
    public string Vertical(string word) => Verticals.GetValueOrDefault(word, word);

    /// <summary>Our name of a field, or the word itself.</summary>
    public string Field(string word) => Fields.GetValueOrDefault(word, word);

    /// <summary>What the publisher calls a field of ours.</summary>
    public string NameOf(string field) => Names.GetValueOrDefault(field, field);

    /// <summary>The value in our words.</summary>
    public RawField Value(FieldSchema field, RawField raw) =>
        Values.Count > 0 && raw.Kind != RawKind.Other && Values.TryGetValue(field.Name, out var words) && words.TryGetValue(raw.Text.Trim(), out var ours)
            ? raw with { Kind = RawKind.String, Text = ours }
            : raw;
}
