namespace Exchange.Engine.Connectors;

/// <summary><c>name=value&amp;name=value</c> to a tree; a name given several times is a list.</summary>
internal static class ReplyForm
{
    public static ReplyNode? Read(string body)
    {
        var values = new Dictionary<string, List<ReplyNode>>(StringComparer.Ordinal);
        foreach (var pair in body.Trim().Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var at = pair.IndexOf('=', StringComparison.Ordinal);
            var name = Unescape(at < 0 ? pair : pair[..at]);
            var value = ReplyNode.OfText(at < 0 ? "" : Unescape(pair[(at + 1)..]));
            if (values.TryGetValue(name, out var known)) known.Add(value);
            else values[name] = [value];
        }
        return values.Count == 0 ? null : ReplyNode.Map([.. values.Select(entry => KeyValuePair.Create(entry.Key, entry.Value is [var only] ? only : ReplyNode.List(entry.Value)))]);
    }

    private static string Unescape(string text) => Uri.UnescapeDataString(text.Replace('+', ' '));
}
