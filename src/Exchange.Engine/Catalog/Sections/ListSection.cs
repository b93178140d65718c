using Exchange.Engine.Catalog.Reading;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;

namespace Exchange.Engine.Catalog.Sections;

/// <summary><c>lists</c>: named values of one field type.</summary>
internal static class ListSection
{
    public static void Read(ConfigNode node, CatalogDraft draft)
    {
        if (MapReader.Map(node, draft.Errors) is not { } lists) return;
        var read = (string id, ConfigNode entry) => List(id, entry, draft);
        foreach (var (id, entry) in lists.Entries)
        {
            draft.Takeover.Entry(draft.Lists, id, entry, read, static list => list);
        }
    }

    private static void List(string id, ConfigNode node, CatalogDraft draft)
    {
        ValueReader.IsId(id, node.Path, draft.Errors);
        // One that is wrong stays known as an empty list, so that its users are not reported as well.
        draft.Lists[id] = ListCompiler.Compile(id, node, draft.Options.Parsers, draft.Errors)
            ?? new(id, (node as ConfigMap)?.Find("type") is ConfigText type && FieldTypes.TryParse(type.Text, out var read) ? read : FieldType.Text, []);
    }
}
