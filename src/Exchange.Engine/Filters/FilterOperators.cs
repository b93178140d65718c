using Exchange.Engine.Filters.Operators;

namespace Exchange.Engine.Filters;

/// <summary>
/// The explicit list of operators. Adding one touches its own file, this list and its tests. <c>exists</c> is beside the list because it
/// alone asks about a field that was not given.
/// </summary>
internal static class FilterOperators
{
    public const string Exists = "exists";

    public static IReadOnlyList<IFilterOperator> All { get; } =
    [
        new IsOperator(), new IsNotOperator(), new InOperator(), new NotInOperator(), new ContainsOperator(), new StartsWithOperator(),
        new MatchesOperator(), new AtLeastOperator(), new AtMostOperator(), new BetweenOperator(),
    ];

    public static IReadOnlyList<string> Names { get; } = [.. All.Select(candidate => candidate.Name), Exists];

    public static IFilterOperator? Find(string name)
    {
        foreach (var candidate in All) if (candidate.Name == name) return candidate;
        return null;
    }
}
