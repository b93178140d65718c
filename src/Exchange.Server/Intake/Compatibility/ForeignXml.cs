using System.Text;
using System.Text.Json.Nodes;
using System.Xml;
using Exchange.Server.Answers;

namespace Exchange.Server.Intake.Compatibility;

/// <summary>An answer as these products write XML: members as elements, a list as its element repeated.</summary>
internal static class ForeignXml
{
    public static byte[] Write(string root, JsonObject body)
    {
        using var stream = new MemoryStream(512);
        using (var xml = XmlWriter.Create(stream, new() { Encoding = new UTF8Encoding(false) })) Element(xml, root, body);
        return stream.ToArray();
    }

    private static void Element(XmlWriter xml, string name, JsonNode? value)
    {
        if (value is JsonArray list)
        {
            foreach (var item in list) Element(xml, name, item);
            return;
        }
        xml.WriteStartElement(name);
        if (value is JsonObject members) foreach (var (member, inner) in members) Element(xml, member, inner);
        else if (value is not null) xml.WriteString(AnswerXml.Clean(value.ToString()));
        xml.WriteEndElement();
    }
}
