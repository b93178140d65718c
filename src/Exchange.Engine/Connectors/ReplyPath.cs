using System.Globalization;

namespace Exchange.Engine.Connectors;

/// <summary>
/// Where in a reply: names joined by dots, or <c>http.status</c>, <c>http.header.NAME</c>, <c>body</c> (the whole reply as text). In XML the root element
/// may be named or left out, so that one path reads both formats.
/// </summary>
public sealed class ReplyPath
{
    private const string HeaderPrefix = "http.header.";

    private readonly string[] names;

    private ReplyPath(string text, string[] names, bool isStatus, string? header, bool isBody)
    {
        Text = text;
        this.names = names;
        IsStatus = isStatus;
        Header = header;
        IsBody = isBody;
    }

    /// <summary>As written.</summary>
    public string Text { get; }
    public bool IsStatus { get; }
    public bool IsBody { get; }
    /// <summary>Name of the header it reads, in lower case; else null.</summary>
    public string? Header { get; }
    /// <summary>It looks into the reply, which must therefore be readable.</summary>
    public bool IsInside => !IsStatus && !IsBody && Header is null;

    /// <param name="mayBeMany">The last name may end in <c>*</c>.</param>
    public static ReplyPath? Parse(string text, bool mayBeMany = false)
    {
        if (text.Length > Limits.RegexChars) return null;
        if (text == "http.status") return new(text, [], true, null, false);
        if (text == "body") return new(text, [], false, null, true);
        if (text.StartsWith(HeaderPrefix, StringComparison.Ordinal))
            return text.Length > HeaderPrefix.Length ? new(text, [], false, text[HeaderPrefix.Length..].ToLowerInvariant(), false) : null;
        var names = text.Split('.');
        if (names.Length > Limits.BuyerReplyDepth || names[0] == "http" || names.Any(string.IsNullOrWhiteSpace)) return null;
        var stars = text.Count(c => c == '*');
        return stars == 0 || mayBeMany && stars == 1 && text[^1] == '*' ? new(text, names, false, null, false) : null;
    }

    /// <summary>Null: nothing is there.</summary>
    /// <param name="each">One of several bids, in which it is looked for first.</param>
    public ReplyNode? Find(ReplyView view, ReplyNode? each = null)
    {
        if (IsStatus) return ReplyNode.OfText(view.Reply.Status.ToString(CultureInfo.InvariantCulture));
        if (IsBody) return view.Body.Length == 0 ? null : ReplyNode.OfText(view.Body);
        if (Header is not null) return view.Reply.Headers?.GetValueOrDefault(Header) is { Length: > 0 } value ? ReplyNode.OfText(value) : null;
        return Given(Down(each)) ?? Given(Down(view.Root)) ?? (view.IsXml ? Given(Down(view.Root?.Members[0].Value)) : null);
    }

    /// <summary>Every one of a list, or of the members whose names begin as the path ends (<c>Result.Bid*</c>).</summary>
    public IReadOnlyList<ReplyNode> FindAll(ReplyView view)
    {
        if (!Text.EndsWith('*')) return Find(view) is { } node ? node.Items ?? [node] : [];
        foreach (var start in (ReplyNode?[])[view.Root, view.IsXml ? view.Root?.Members[0].Value : null])
        {
            var parent = start;
            for (var i = 0; i < names.Length - 1 && parent is not null; i++) parent = parent.Find(names[i]);
            var found = parent?.Members.Where(member => member.Key.StartsWith(names[^1].AsSpan(0, names[^1].Length - 1), StringComparison.Ordinal))
                .SelectMany(member => member.Value.Items ?? [member.Value]).Where(node => node.IsGiven).ToArray() ?? [];
            if (found.Length > 0) return found;
        }
        return [];
    }

    private ReplyNode? Down(ReplyNode? node)
    {
        foreach (var name in names) node = node?.Find(name);
        return node;
    }

    private static ReplyNode? Given(ReplyNode? node) => node?.IsGiven == true ? node : null;
}
