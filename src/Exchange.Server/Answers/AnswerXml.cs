using System.Text;
using System.Text.Json;
using System.Xml;

namespace Exchange.Server.Answers;

/// <summary>
/// A JSON answer as XML, member by member: an object's members are elements of their names, a list's items elements of the list's singular, what is null
/// is left out. Names of the caller's choosing (tags) that are no XML names stand in the attribute <c>name</c>. Characters that XML cannot hold
/// become U+FFFD.
/// </summary>
internal static class AnswerXml
{
    /// <summary>RFC 9457, appendix: the namespace of problems.</summary>
    private const string ProblemNamespace = "urn:ietf:rfc:7807";

    private static readonly XmlWriterSettings Settings = new() { Encoding = new UTF8Encoding(false), CheckCharacters = true, CloseOutput = false };

    public static byte[] Answer(ReadOnlyMemory<byte> json) => Write(json, "answer", null);

    public static byte[] Problem(ReadOnlyMemory<byte> json) => Write(json, "problem", ProblemNamespace);

    private static byte[] Write(ReadOnlyMemory<byte> json, string root, string? space)
    {
        using var document = JsonDocument.Parse(json);
        using var stream = new MemoryStream(json.Length * 2);
        using (var xml = XmlWriter.Create(stream, Settings))
        {
            xml.WriteStartElement(root, space);
            Content(xml, root, document.RootElement);
            xml.WriteEndElement();
        }
        return stream.ToArray();
    }

    private static void Content(XmlWriter xml, string name, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var member in value.EnumerateObject())
                {
                    if (member.Value.ValueKind == JsonValueKind.Null) continue;
                    Start(xml, name, member.Name);
                    Content(xml, member.Name, member.Value);
                    xml.WriteEndElement();
                }
                break;
            case JsonValueKind.Array:
                foreach (var item in value.EnumerateArray())
                {
                    xml.WriteStartElement(ItemOf(name));
                    Content(xml, name, item);
                    xml.WriteEndElement();
                }
                break;
            default:
                // As JSON writes a boolean, not as .NET does.
                xml.WriteString(value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetRawText() : Clean(value.ToString()));
                break;
        }
    }

    private static void Start(XmlWriter xml, string parent, string name)
    {
        if (parent != "tags" || IsName(name))
        {
            xml.WriteStartElement(name);
            return;
        }
        xml.WriteStartElement("tag");
        xml.WriteAttributeString("name", Clean(name));
    }

    private static bool IsName(string name)
    {
        if (name.Length == 0 || !XmlConvert.IsStartNCNameChar(name[0])) return false;
        foreach (var c in name) if (!XmlConvert.IsNCNameChar(c)) return false;
        return true;
    }

    private static string ItemOf(string list) => list switch
    {
        "best" => "offer_id",
        "copies" => "copy",
        _ => list.EndsWith('s') ? list[..^1] : "item",
    };

    /// <summary>With U+FFFD in the place of what XML cannot hold.</summary>
    internal static string Clean(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (XmlConvert.IsXmlChar(text[i])) continue;
            if (i + 1 < text.Length && XmlConvert.IsXmlSurrogatePair(text[i + 1], text[i])) { i++; continue; }
            text = string.Concat(text.AsSpan(0, i), "\uFFFD", text.AsSpan(i + 1));
        }
        return text;
    }
}
