using System.Globalization;
using System.Text;
using System.Text.Unicode;
using System.Xml;
using System.Xml.Linq;
using Exchange.Engine;
using Exchange.Engine.Fields;
using Exchange.Grains.Intake;

namespace Exchange.Server.Intake;

/// <summary>
/// Reads an XML body into an <see cref="IntakeRequest"/>: <c>&lt;ping&gt;</c>, <c>&lt;post&gt;</c> or <c>&lt;lead&gt;</c> with members as elements, fields under
/// <c>&lt;fields&gt;</c>, lists as elements of any name. Names count, namespaces do not; white space around a text does not either. A document type, and so any
/// entity of one's own, is malformed.
/// </summary>
internal static class XmlRequestReader
{
    private static readonly XmlReaderSettings Strict = new()
    {
        DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null, IgnoreComments = true, IgnoreProcessingInstructions = true, IgnoreWhitespace = true,
        MaxCharactersInDocument = Limits.BodyBytes, MaxCharactersFromEntities = 1, CheckCharacters = true,
    };

    /// <summary>Null: read, perhaps with errors in <paramref name="into"/>.</summary>
    public static Problem? Read(ReadOnlySpan<byte> utf8, IntakeRequest into)
    {
        if (utf8.StartsWith("\uFEFF"u8)) utf8 = utf8["\uFEFF"u8.Length..];
        if (utf8.IsEmpty) return Malformed("The body is empty; an XML document is needed.");
        if (!Utf8.IsValid(utf8)) return Malformed("The body is not valid UTF-8.");
        var text = Encoding.UTF8.GetString(utf8);
        XDocument document;
        try
        {
            using var reader = XmlReader.Create(new StringReader(text), Strict);
            document = XDocument.Load(reader);
        }
        catch (XmlException fault)
        {
            return Malformed(text.Contains("<!", StringComparison.Ordinal) && text.Contains("DOCTYPE", StringComparison.OrdinalIgnoreCase)
                ? "The body must not have a document type."
                : string.Create(CultureInfo.InvariantCulture, $"The body is not valid XML at line {fault.LineNumber}, position {fault.LinePosition}."));
        }
        if (document.Declaration?.Encoding is { Length: > 0 } encoding && !encoding.Equals("utf-8", StringComparison.OrdinalIgnoreCase) && !encoding.Equals("us-ascii", StringComparison.OrdinalIgnoreCase))
            return Malformed("The body must be in UTF-8.");
        var root = RootOf(into.Kind);
        if (document.Root!.Name.LocalName != root) return Malformed($"The body must be one <{root}> element.");
        new Walk(into).Read(document.Root);
        return null;
    }

    private static string RootOf(RequestKind kind) => kind switch { RequestKind.Ping => "ping", RequestKind.Post => "post", _ => "lead" };

    private static Problem Malformed(string detail) => Problem.Of(400, "malformed", detail);

    private sealed class Walk(IntakeRequest into)
    {
        private readonly TextMembers members = new(into);

        public void Read(XElement root)
        {
            CheckText(root, "");
            foreach (var element in root.Elements())
            {
                var name = element.Name.LocalName;
                var member = TextMembers.Find(name);
                if (!members.Enter(member, name)) continue;
                switch (member)
                {
                    case Member.Fields:
                        into.FieldsGiven = true;
                        ReadFields(element);
                        break;
                    case Member.Tags: ReadTags(element); break;
                    case Member.Consent or Member.SoldElsewhere: ReadParts(element, name); break;
                    case Member.OfferIds:
                        if (ReadTexts(element, "/offer_ids") is { Length: > 0 } ids) into.OfferIds = ids;
                        break;
                    default:
                        if (TextOf(element, "/" + name) is { } text) members.Set(member, name, text);
                        break;
                }
            }
        }

        private void ReadFields(XElement fields)
        {
            CheckText(fields, "/fields");
            foreach (var field in fields.Elements())
            {
                // One more than allowed is kept, for the rules to see.
                if (into.Fields.Count > Limits.FieldsPerRequest) return;
                into.Fields.Add(new(NameOf(field, "field"), field.HasElements ? RawKind.Other : RawKind.String, field.HasElements ? "" : field.Value.Trim()));
            }
        }

        private void ReadTags(XElement tags)
        {
            CheckText(tags, "/tags");
            foreach (var tag in tags.Elements())
            {
                if (into.Tags.Count > Limits.TagsPerPing) return;
                var name = NameOf(tag, "tag");
                if (TextOf(tag, Pointers.To("/tags", name)) is { } text) into.AddTag(name, text);
            }
        }

        private void ReadParts(XElement element, string parent)
        {
            CheckText(element, "/" + parent);
            foreach (var part in element.Elements())
            {
                var name = part.Name.LocalName;
                if (!members.EnterPart(parent, name)) continue;
                if (name == "sellers") members.SetSellers(parent, ReadTexts(part, $"/{parent}/sellers"));
                else if (TextOf(part, $"/{parent}/{name}") is { } text) members.SetPart(parent, name, text);
            }
        }

        private string[] ReadTexts(XElement list, string pointer)
        {
            CheckText(list, pointer);
            var texts = new List<string>();
            foreach (var item in list.Elements())
                if (TextOf(item, string.Create(CultureInfo.InvariantCulture, $"{pointer}/{texts.Count}")) is { } text) texts.Add(text);
            return [.. texts];
        }

        /// <summary>A name that is no XML name stands in an attribute: <c>&lt;field name="First Name"&gt;</c>.</summary>
        private static string NameOf(XElement element, string plain) =>
            element.Name.LocalName == plain && element.Attribute("name") is { } name ? name.Value : element.Name.LocalName;

        private string? TextOf(XElement element, string pointer)
        {
            if (!element.HasElements) return element.Value.Trim();
            members.WrongType(pointer, "A text is needed.");
            return null;
        }

        private void CheckText(XElement parent, string pointer)
        {
            if (parent.Nodes().OfType<XText>().Any(text => !string.IsNullOrWhiteSpace(text.Value))) members.WrongType(pointer, "Elements are needed, not a text.");
        }
    }
}
