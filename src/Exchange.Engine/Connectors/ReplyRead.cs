using System.Text.RegularExpressions;

namespace Exchange.Engine.Connectors;

/// <summary>A value taken out of a reply: the first of its places that has one.</summary>
public sealed class ReplyRead(IReadOnlyList<ReplyPlace> places)
{
    public IReadOnlyList<ReplyPlace> Places => places;

    /// <summary>Never empty; null: there is none.</summary>
    public string? Text(ReplyView view, ReplyNode? each = null)
    {
        for (var i = 0; i < places.Count; i++) if (places[i].Text(view, each) is { } text) return text;
        return null;
    }

    /// <summary>In words for people, also where it is a map.</summary>
    public string? Told(ReplyView view, ReplyNode? each = null)
    {
        foreach (var place in places) if (place.Told(view, each) is { } text) return text;
        return null;
    }
}

/// <summary>A path, and of the text there the part that fits (the first group), translated back into our words.</summary>
public sealed class ReplyPlace(ReplyPath path, Regex? matches, ValueMap? map)
{
    public ReplyPath Path => path;

    public string? Text(ReplyView view, ReplyNode? each) => Of(path.Find(view, each)?.First);

    public string? Told(ReplyView view, ReplyNode? each) => Of(path.Find(view, each)?.Told);

    private string? Of(string? text)
    {
        text = text?.Trim();
        if (text is not null && matches is not null)
        {
            var match = matches.Match(text);
            text = match.Success ? match.Groups[match.Groups.Count > 1 ? 1 : 0].Value : null;
        }
        if (string.IsNullOrEmpty(text)) return null;
        return map is null ? text : map.Ours(text);
    }
}
