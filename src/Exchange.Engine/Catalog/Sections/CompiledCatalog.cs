using Exchange.Engine.Caps;
using Exchange.Engine.Connectors;
using Exchange.Engine.Fields;

namespace Exchange.Engine.Catalog.Sections;

/// <summary>
/// What the entries of a catalog were compiled to, with all that each of them asked, so that the next version takes over those for which every
/// answer is still the same. See <see cref="Takeover"/>.
/// </summary>
internal sealed class CompiledCatalog(
    TimeZoneInfo zone, FieldParsers parsers, ParseTemplate parseTemplate, IReadOnlyDictionary<string, IReadOnlyDictionary<string, ConfigNode>> declared)
{
    private readonly Dictionary<string, Dictionary<string, CompiledEntry>> entries =
        declared.ToDictionary(section => section.Key, section => new Dictionary<string, CompiledEntry>(section.Value.Count, StringComparer.Ordinal), StringComparer.Ordinal);

    public TimeZoneInfo Zone => zone;
    public FieldParsers Parsers => parsers;
    public ParseTemplate ParseTemplate => parseTemplate;

    /// <summary>Every limit of the catalog, as in its model.</summary>
    public IReadOnlyList<LimitModel> Limits { get; set; } = [];

    public void Add(string section, string id, CompiledEntry entry) => entries[section][id] = entry;

    public CompiledEntry? Find(string section, string id) => entries[section].GetValueOrDefault(id);

    /// <summary>As it was written, or null.</summary>
    public ConfigNode? NodeOf(string section, string id) => declared[section].GetValueOrDefault(id);

    public int CountOf(string section) => declared[section].Count;
}

/// <summary>One entry of a section.</summary>
/// <param name="Product">Null where it made none.</param>
/// <param name="Limits">Those it registered, in order: a stretch of the catalog's list.</param>
/// <param name="Warnings">Those told of it while it was read, in order.</param>
internal sealed record CompiledEntry(object? Product, Question[] Asked, LimitModel[] Limits, InputError[] Warnings);

internal enum QuestionKind
{
    /// <summary>Is there an entry of this id in the section's text? <c>Answer</c> says.</summary>
    Declared,
    /// <summary>How is the entry written?</summary>
    Node,
    /// <summary>How are all entries of the section written?</summary>
    AllNodes,
    /// <summary>What was the entry compiled to?</summary>
    Product,
    /// <summary>What were all entries of the section compiled to?</summary>
    AllProducts,
    /// <summary>Which verticals do this buyer's campaigns buy? Of the id in <c>Section</c>; <c>Id</c> says.</summary>
    Bought,
    /// <summary>Which day is it?</summary>
    Today,
    /// <summary>Is there a secret of this name? (The answer was yes, or nobody knew.)</summary>
    Secret,
    /// <summary>May this address be called? (The answer was yes, or nobody knew.)</summary>
    Address,
    /// <summary>Is it a catalog that is stored, and so read with what earlier builds took? <c>Answer</c> says.</summary>
    Stored,
}

/// <summary>What an entry asked of the rest of the catalog, or of the world, while it was compiled.</summary>
internal readonly record struct Question(QuestionKind Kind, string Section, string Id = "", bool Answer = true);
