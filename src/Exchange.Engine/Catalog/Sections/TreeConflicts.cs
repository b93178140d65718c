using Exchange.Engine.Catalog.Reading;
using Exchange.Engine.Filters;
using Exchange.Engine.Values;

namespace Exchange.Engine.Catalog.Sections;

/// <summary>
/// That every ping finds its tree: of the trees that would take the same ping on the same level (naming the publisher, or for all; with a condition,
/// or without) either one is alone, or all share by <c>traffic</c>, together 100%.
/// </summary>
internal static class TreeConflicts
{
    public static void Check(IReadOnlyList<TreeDraft> trees, ConfigErrors errors)
    {
        var told = new HashSet<(string, string)>();
        var settled = new HashSet<(string, string)>();
        foreach (var vertical in trees.Where(tree => tree.IsChosen).GroupBy(tree => tree.Vertical.Id, StringComparer.Ordinal))
        {
            Level([.. vertical.Where(tree => tree.Publishers.AllExcept)], null);
            var byPublisher = vertical.Where(tree => !tree.Publishers.AllExcept)
                .SelectMany(tree => tree.Publishers.Ids.Select(publisher => (publisher, tree)))
                .GroupBy(pair => pair.publisher, pair => pair.tree, StringComparer.Ordinal).OrderBy(group => group.Key, StringComparer.Ordinal);
            foreach (var group in byPublisher) Level([.. group], group.Key);
        }

        void Level(List<TreeDraft> level, string? publisher)
        {
            Equals([.. level.Where(tree => tree.When is null)], publisher);
            var classes = level.Where(tree => tree.When is not null).GroupBy(tree => ConfigJson.WriteText(tree.Map["when"]!), StringComparer.Ordinal).Select(group => group.ToList()).ToList();
            foreach (var same in classes) Equals(same, publisher);
            for (var i = 1; i < classes.Count; i++) for (var j = 0; j < i; j++) Apart(classes[j][0], classes[i][0]);
        }

        void Equals(List<TreeDraft> equals, string? publisher)
        {
            if (equals.Count == 0) return;
            var of = publisher is null ? "" : $" of {publisher}";
            var ids = string.Join(", ", equals.Select(tree => tree.Id));
            if (equals.Count > 1 && equals.FindLast(tree => tree.Map["traffic"] is null) is { } silent)
                Tell(silent.Map.At("traffic"), $"The trees {ids} would take the same pings{of}; give each its part as `traffic`, together 100%, or tell them apart by `publishers` or `when`.");
            else if (equals.Sum(tree => tree.Traffic.Millionths) is var sum && sum != Percent.One)
                Tell(equals[^1].Map.At("traffic"), $"The `traffic` of {ids} adds up to {new Percent(sum)}{(of.Length == 0 ? "" : $" for pings{of}")}; make it 100%.");
        }

        void Apart(TreeDraft first, TreeDraft second)
        {
            if (!settled.Add((first.Id, second.Id))) return;
            if (!Exclusion.IsSure(first.When!, first.Map["when"]!, second.When!, second.Map["when"]!))
                Tell(second.Map.At("when"), $"One ping may fit this condition and that of {first.Id}, and then neither tree goes first; let one say {{ not: … }} to the other's condition, or give both the same condition and `traffic`.");
        }

        void Tell(string path, string message)
        {
            if (told.Add((path, path))) errors.Add(path, ConfigCodes.Conflict, message);
        }
    }
}
