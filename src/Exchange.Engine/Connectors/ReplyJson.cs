using System.Text;
using System.Text.Json;

namespace Exchange.Engine.Connectors;

/// <summary>JSON to a tree. A name given twice makes it unreadable: nobody knows which of the two was meant.</summary>
internal static class ReplyJson
{
    private const int Few = 16;

    public static ReplyNode? Read(string body)
    {
        try
        {
            var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(body), new JsonReaderOptions { MaxDepth = Limits.BuyerReplyDepth });
            if (!reader.Read() || Node(ref reader) is not { } root) return null;
            return reader.Read() ? null : root;
        }
        // InvalidOperationException: a string that is no Unicode text.
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static ReplyNode? Node(ref Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                var members = new List<KeyValuePair<string, ReplyNode>>();
                HashSet<string>? names = null;
                while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
                {
                    var name = reader.GetString()!;
                    reader.Read();
                    if (IsKnown(name) || Node(ref reader) is not { } member) return null;
                    members.Add(new(name, member));
                }
                return ReplyNode.Map(members);

                // Most have few members, which are soon looked through.
                bool IsKnown(string name)
                {
                    if (names is null && members.Count == Few) names = new(members.Select(member => member.Key), StringComparer.Ordinal);
                    if (names is not null) return !names.Add(name);
                    foreach (var (known, _) in members) if (known == name) return true;
                    return false;
                }
            case JsonTokenType.StartArray:
                var items = new List<ReplyNode>();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    if (Node(ref reader) is not { } item) return null;
                    items.Add(item);
                }
                return ReplyNode.List(items);
            case JsonTokenType.String:
                return ReplyNode.OfText(reader.GetString()!);
            case JsonTokenType.Null:
                return ReplyNode.Nothing;
            default: // number, true, false: as written
                return ReplyNode.OfText(Encoding.UTF8.GetString(reader.ValueSpan));
        }
    }
}
