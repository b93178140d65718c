using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;

namespace Exchange.Engine.Explanations;

/// <summary>Which tree was chosen for a ping and why, and why each of the others was passed over.</summary>
internal static class ChosenTree
{
    public const string Paused = "paused";

    public static IReadOnlyList<TreeExplanation> Of(VerticalModel vertical, Subject subject, ulong seed)
    {
        var chosen = TreeChoice.For(vertical, subject, seed);
        var equals = chosen is null ? [] : vertical.Trees.Where(tree => TreeChoice.IsEligible(tree, subject, TreeChoice.RankOf(chosen))).ToArray();
        var told = new List<TreeExplanation>();
        foreach (var tree in vertical.Trees.OrderBy(tree => tree.Id, StringComparer.Ordinal))
        {
            if (ReferenceEquals(tree, chosen)) told.Add(new(tree.Id, true, $"{Claim(tree)}{Draw(tree, equals, seed)}"));
            else told.Add(Passed(tree, subject, chosen, equals));
        }
        return told;
    }

    private static TreeExplanation Passed(TreeModel tree, Subject subject, TreeModel? chosen, TreeModel[] equals)
    {
        if (tree.IsGroup) return new(tree.Id, false, "only other trees ask it");
        if (tree.Status == EntryStatus.Paused) return new(tree.Id, false, Paused);
        if (!tree.Publishers.Has(subject.Publisher)) return new(tree.Id, false, "does not take the publisher");
        if (tree.When?.Explain(subject) is { } miss) return new(tree.Id, false, $"its condition: {miss}") { Miss = miss };
        // It takes the ping, so some tree was chosen.
        if (equals.Contains(tree)) return new(tree.Id, false, $"the draw by traffic went to {chosen!.Id}");
        return new(tree.Id, false, $"{chosen!.Id} comes before it: {Claim(chosen)}");
    }

    private static string Claim(TreeModel tree) => (tree.Publishers.AllExcept, tree.When is null) switch
    {
        (false, false) => "names the publisher, its condition holds",
        (false, true) => "names the publisher",
        (true, false) => "its condition holds",
        _ => "takes all",
    };

    private static string Draw(TreeModel tree, TreeModel[] equals, ulong seed)
    {
        if (equals.Length < 2) return "";
        var traffic = equals.Sum(equal => equal.Traffic.Millionths);
        var drawn = new Percent(TreeChoice.Draw(seed, traffic));
        return $", traffic {tree.Traffic} of {new Percent(traffic)}: drew {drawn}";
    }
}
