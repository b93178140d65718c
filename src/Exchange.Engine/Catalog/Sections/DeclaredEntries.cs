using System.Collections;

namespace Exchange.Engine.Catalog.Sections;

/// <summary>A section as written, by id. Who asks is noted: see <see cref="Takeover"/>.</summary>
internal sealed class DeclaredEntries : IEnumerable<KeyValuePair<string, ConfigNode>>
{
    private readonly string section;
    private readonly Dictionary<string, ConfigNode> entries;
    private readonly Action<Question> ask;

    public DeclaredEntries(string section, ConfigNode? node, Action<Question> ask)
    {
        this.section = section;
        this.ask = ask;
        var written = (node as ConfigMap)?.Entries ?? [];
        entries = new(written.Count, StringComparer.Ordinal);
        foreach (var (id, entry) in written) entries[id] = entry;
    }

    public int Count => entries.Count;

    /// <summary>Without a note.</summary>
    public IReadOnlyDictionary<string, ConfigNode> All => entries;

    /// <summary>For the fix of an error.</summary>
    public IReadOnlyCollection<string> Keys => entries.Keys;

    public ConfigNode this[string id]
    {
        get
        {
            ask(new(QuestionKind.Node, section, id));
            return entries[id];
        }
    }

    public bool ContainsKey(string id)
    {
        var known = entries.ContainsKey(id);
        ask(new(QuestionKind.Declared, section, id, known));
        return known;
    }

    /// <summary>Without a note.</summary>
    public ConfigNode? Peek(string id) => entries.GetValueOrDefault(id);

    public IEnumerator<KeyValuePair<string, ConfigNode>> GetEnumerator()
    {
        ask(new(QuestionKind.AllNodes, section));
        return entries.GetEnumerator();
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
