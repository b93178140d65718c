using System.Collections.Frozen;
using Exchange.Engine.Catalog.Reading;

namespace Exchange.Engine.Catalog.Sections;

/// <summary><c>publishers</c> of campaigns and trees: <c>all</c>, a list of ids, and for campaigns <c>{ except: [ids] }</c>.</summary>
internal static class PublisherSetReader
{
    private static readonly MapKeys Keys = new(["except"]);

    public static PublisherSet Read(ConfigNode? node, bool mayExcept, CatalogDraft draft)
    {
        if (node is null or ConfigText { Text: "all" }) return PublisherSet.All;
        if (node is ConfigMap && mayExcept)
        {
            return MapReader.Open(node, Keys, draft.Errors)?.Required("except", "a list of publishers", draft.Errors) is { } except
                ? new(true, Ids(except, draft)) : PublisherSet.All;
        }
        if (node is ConfigList) return new(false, Ids(node, draft));
        draft.Errors.Add(node.Path, node is ConfigText ? ConfigCodes.UnknownValue : ConfigCodes.WrongType,
            mayExcept ? "Publishers are `all`, a list of ids, or { except: [ids] }." : "Publishers are `all` or a list of ids.");
        return PublisherSet.All;
    }

    private static FrozenSet<string> Ids(ConfigNode node, CatalogDraft draft) =>
        draft.References(node, "publishers", "publisher").Select(reference => reference.Id).ToFrozenSet(StringComparer.Ordinal);
}
