using System.Xml;

namespace Exchange.Engine.Connectors;

/// <summary>
/// XML to a tree: elements by their names without prefix, attributes as <c>@name</c>, elements of one name as a list. No document type, no
/// entities of its own, nothing fetched.
/// </summary>
internal static class ReplyXml
{
    /// <summary>A map with the root element as its only member; null: not XML that can be read.</summary>
    public static ReplyNode? Read(string body)
    {
        try
        {
            // Its prefixes need not be declared: many answers are glued together from text.
            using var reader = new XmlTextReader(body.Trim(), XmlNodeType.Document, null)
            {
                DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null, EntityHandling = EntityHandling.ExpandEntities, Namespaces = false, WhitespaceHandling = WhitespaceHandling.Significant,
            };
            while (reader.Read())
            {
                if (reader.NodeType != XmlNodeType.Element) continue;
                var name = Local(reader.Name);
                if (Element(reader) is not { } root) return null;
                while (reader.Read()) { } // anything wrong behind the root throws
                return ReplyNode.Map([new(name, root)]);
            }
            return null;
        }
        catch (XmlException)
        {
            return null;
        }
    }

    private static ReplyNode? Element(XmlTextReader reader)
    {
        if (reader.Depth >= Limits.BuyerReplyDepth) return null;
        var members = new Members();
        var isEmpty = reader.IsEmptyElement;
        var nil = false;
        while (reader.MoveToNextAttribute())
        {
            if (reader.Name == "xmlns" || reader.Name.StartsWith("xmlns:", StringComparison.Ordinal)) continue;
            if (reader.Name == "xsi:nil") nil = reader.Value is "true" or "1";
            else members.Add("@" + Local(reader.Name), ReplyNode.OfText(reader.Value));
        }
        reader.MoveToElement();
        var text = "";
        while (!isEmpty && reader.Read() && reader.NodeType != XmlNodeType.EndElement)
        {
            if (reader.NodeType == XmlNodeType.Element)
            {
                var name = Local(reader.Name);
                if (Element(reader) is not { } child) return null;
                members.Add(name, child);
            }
            else if (reader.NodeType is XmlNodeType.Text or XmlNodeType.CDATA or XmlNodeType.SignificantWhitespace) text += reader.Value;
        }
        return nil ? ReplyNode.Nothing : ReplyNode.Map(members.All, text.Trim());
    }

    private static string Local(string name) => name[(name.IndexOf(':', StringComparison.Ordinal) + 1)..];

    /// <summary>In order; elements of one name together.</summary>
    private sealed class Members
    {
        private readonly List<string> order = [];
        private readonly Dictionary<string, List<ReplyNode>> byName = new(StringComparer.Ordinal);

        public void Add(string name, ReplyNode node)
        {
            if (byName.TryGetValue(name, out var nodes)) nodes.Add(node);
            else
            {
                byName[name] = [node];
                order.Add(name);
            }
        }

        public KeyValuePair<string, ReplyNode>[] All => [.. order.Select(name => KeyValuePair.Create(name, byName[name] is [var only] ? only : ReplyNode.List(byName[name])))];
    }
}
