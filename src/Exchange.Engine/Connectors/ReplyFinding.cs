namespace Exchange.Engine.Connectors;

/// <summary>What one key of a connector's <c>reply</c> found in a reply, for people who try a connector.</summary>
/// <param name="Key">As the catalog writes it, as <c>accepted_when</c> or <c>carry.id</c>.</param>
/// <param name="At">The paths that it looks at.</param>
/// <param name="Found">What is there; null: nothing.</param>
/// <param name="Holds">Of a condition, whether it decides; null: it is no condition.</param>
public sealed record ReplyFinding(string Key, string At, string? Found, bool? Holds)
{
    internal static ReplyFinding Of(string key, ReplyRead read, ReplyView view, ReplyNode? each, bool told = false) =>
        new(key, string.Join(", ", read.Places.Select(place => place.Path.Text)), told ? read.Told(view, each) : read.Text(view, each), null);

    internal static ReplyFinding Of(string key, ReplyCondition condition, ReplyView view, ReplyNode? each, bool holds)
    {
        var paths = condition.Paths.DistinctBy(path => path.Text).ToArray();
        var found = paths.Select(path => path.Find(view, each)?.Told).OfType<string>().ToArray();
        return new(key, string.Join(", ", paths.Select(path => path.Text)), found.Length == 0 ? null : string.Join(", ", found), holds);
    }
}
