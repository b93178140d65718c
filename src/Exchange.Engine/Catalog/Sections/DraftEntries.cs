using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace Exchange.Engine.Catalog.Sections;

/// <summary>What a section's entries were compiled to so far, by id. Who asks is noted: see <see cref="Takeover"/>.</summary>
/// <param name="count">How many there will be, or about.</param>
internal sealed class DraftEntries<T>(string section, int count, Action<Question> ask) : IEnumerable<KeyValuePair<string, T>> where T : class
{
    private readonly Dictionary<string, T> entries = new(count, StringComparer.Ordinal);

    public string Section => section;

    public IEnumerable<T> Values
    {
        get
        {
            ask(new(QuestionKind.AllProducts, section));
            return entries.Values;
        }
    }

    public T this[string id] { set => entries[id] = value; }

    public T? GetValueOrDefault(string id)
    {
        ask(new(QuestionKind.Product, section, id));
        return entries.GetValueOrDefault(id);
    }

    public bool TryGetValue(string id, [NotNullWhen(true)] out T? product)
    {
        product = GetValueOrDefault(id);
        return product is not null;
    }

    /// <summary>Without a note.</summary>
    public T? Peek(string id) => entries.GetValueOrDefault(id);

    public IEnumerator<KeyValuePair<string, T>> GetEnumerator()
    {
        ask(new(QuestionKind.AllProducts, section));
        return entries.GetEnumerator();
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
