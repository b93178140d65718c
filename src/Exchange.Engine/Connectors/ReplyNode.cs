using System.Globalization;

namespace Exchange.Engine.Connectors;

/// <summary>
/// One value of a buyer's reply, the same for JSON, XML and forms: a text (numbers and booleans as written), a map or a list. What is null or empty
/// is as if it were not there. An XML element may have a text beside its attributes (<c>@name</c>).
/// </summary>
public sealed class ReplyNode
{
    public static ReplyNode Nothing { get; } = new(null, [], null);

    private ReplyNode(string? text, IReadOnlyList<KeyValuePair<string, ReplyNode>> members, IReadOnlyList<ReplyNode>? items)
    {
        Text = string.IsNullOrEmpty(text) ? null : text;
        Members = members;
        Items = items;
    }

    /// <summary>Its own text, never empty; null: it has none.</summary>
    public string? Text { get; }
    /// <summary>In the order of the reply, each name once.</summary>
    public IReadOnlyList<KeyValuePair<string, ReplyNode>> Members { get; }
    /// <summary>Null: it is no list.</summary>
    public IReadOnlyList<ReplyNode>? Items { get; }

    public static ReplyNode OfText(string text) => new(text, [], null);
    public static ReplyNode Map(IReadOnlyList<KeyValuePair<string, ReplyNode>> members, string? text = null) => new(text, members, null);
    public static ReplyNode List(IReadOnlyList<ReplyNode> items) => new(null, [], items);

    /// <summary>Whether anything is in it.</summary>
    public bool IsGiven
    {
        get
        {
            if (Text is not null) return true;
            for (var i = 0; i < Members.Count; i++) if (Members[i].Value.IsGiven) return true;
            for (var i = 0; i < Items?.Count; i++) if (Items[i].IsGiven) return true;
            return false;
        }
    }

    /// <summary>Its text, or that of its only item: a list of several says several things, and so none for sure.</summary>
    public string? Single => Items is [var only] ? only.Single : Text;

    /// <summary>Its text, or that of its first item that has one.</summary>
    public string? First
    {
        get
        {
            for (var i = 0; i < Items?.Count; i++) if (Items[i].First is { } text) return text;
            return Text;
        }
    }

    /// <summary>In words, for people: of a map, its first member with its name.</summary>
    public string? Told
    {
        get
        {
            if (Text is not null) return Text;
            foreach (var item in Items ?? []) if (item.Told is { } told) return told;
            foreach (var (name, member) in Members) if (member.Told is { } told) return told == name ? told : $"{name}: {told}";
            return null;
        }
    }

    /// <summary>The member of this name. <c>0</c> is the first of a list, or the only one that there is.</summary>
    public ReplyNode? Find(string name)
    {
        for (var i = 0; i < Members.Count; i++) if (Members[i].Key == name) return Members[i].Value;
        if (name.Length > 4 || !int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var index)) return null;
        return Items is null ? index == 0 ? this : null : index < Items.Count ? Items[index] : null;
    }
}
