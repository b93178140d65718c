using System.Globalization;
using System.Text;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlScalar = YamlDotNet.Core.Events.Scalar;

namespace Exchange.Server.Catalog;

/// <summary>
/// Reads a catalog's YAML into the tree that the engine compiles. Only the part of YAML that cannot surprise is taken: one document
/// of maps, lists and scalars. A scalar stays the text it is, whatever YAML would make of it (state NO, zip 02139). Anchors, aliases,
/// tags and keys given twice are errors with their line, all of them at once; broken syntax ends the reading.
/// </summary>
public static class CatalogYaml
{
    /// <summary>
    /// Null when it cannot be read at all: <c>too_large</c>, <c>invalid_yaml</c>, <c>too_deep</c>. Where <paramref name="errors"/> got
    /// errors the tree may still be compiled, to tell everything that is wrong in one go.
    /// </summary>
    public static ConfigNode? Read(ReadOnlySpan<byte> utf8, ConfigErrors errors)
    {
        if (utf8.Length > Limits.CatalogBytes)
        {
            errors.Add("", "too_large", $"A catalog may have at most {Limits.CatalogBytes / (1024 * 1024)} MiB; keep long lists apart with PUT /v1/admin/lists.");
            return null;
        }
        string text;
        try
        {
            text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(utf8.StartsWith(Encoding.UTF8.Preamble) ? utf8[3..] : utf8);
        }
        catch (ArgumentException)
        {
            errors.Add("", "invalid_yaml", "The file is not UTF-8 text; save it as UTF-8.");
            return null;
        }
        return Read(text, errors);
    }

    public static ConfigNode? Read(string text, ConfigErrors errors)
    {
        try
        {
            return new Reader(new Parser(new Scanner(new StringReader(text), skipComments: true)), errors).Document();
        }
        catch (YamlException e)
        {
            // The library's message may quote the file, so it is not repeated.
            errors.Add("", "invalid_yaml", string.Create(CultureInfo.InvariantCulture, $"Line {e.Start.Line}: this is not YAML that can be read; check indentation, colons, quotes and brackets there and just before."));
            return null;
        }
    }

    /// <summary>Readable, and the same text for the same tree: sections in the format's order, entries in their own, short maps and lists on one line.</summary>
    public static string Write(ConfigNode root) => CatalogYamlWriter.Write(root);

    private sealed class Reader(Parser parser, ConfigErrors errors)
    {
        private bool tooDeep;

        public ConfigNode? Document()
        {
            Next(); // stream start
            Next();
            if (parser.Current is StreamEnd) return new ConfigMap("", 1, []);
            Next(); // document start
            var root = Node("", 0);
            Next(); // document end
            if (parser.Current is DocumentStart second)
                errors.Add("", "invalid_yaml", string.Create(CultureInfo.InvariantCulture, $"Line {second.Start.Line}: a catalog is one YAML document; take out what follows `---`."));
            return tooDeep ? null : root;
        }

        /// <summary>Reads the node at the parser's place and moves behind it.</summary>
        private ConfigNode Node(string path, int depth)
        {
            var at = parser.Current!;
            var line = (int)at.Start.Line;
            RefuseMarks(at, path, line);
            if (depth >= Limits.CatalogDepth && at is MappingStart or SequenceStart)
            {
                if (!tooDeep) errors.Add(path, "too_deep", string.Create(CultureInfo.InvariantCulture, $"Line {line}: more than {Limits.CatalogDepth} levels of maps and lists."));
                tooDeep = true;
                parser.SkipThisAndNestedEvents();
                return new ConfigNull(path, line);
            }
            Next();
            switch (at)
            {
                case MappingStart:
                    var entries = new List<KeyValuePair<string, ConfigNode>>();
                    var seen = new HashSet<string>(StringComparer.Ordinal);
                    while (parser.Current is not MappingEnd)
                    {
                        var keyAt = parser.Current!;
                        var keyLine = (int)keyAt.Start.Line;
                        if (keyAt is not YamlScalar { Value: var key })
                        {
                            errors.Add(path, ConfigCodes.WrongType, string.Create(CultureInfo.InvariantCulture, $"Line {keyLine}: a key is a single word, not a map, list or alias."));
                            RefuseMarks(keyAt, path, keyLine);
                            parser.SkipThisAndNestedEvents();
                            Node(path, depth + 1);
                            continue;
                        }
                        var entryPath = ConfigErrors.At(path, key);
                        RefuseMarks((YamlScalar)keyAt, entryPath, keyLine);
                        Next();
                        var value = Node(entryPath, depth + 1);
                        if (seen.Add(key)) entries.Add(new(key, value));
                        else errors.Add(entryPath, ConfigCodes.DuplicateKey, string.Create(CultureInfo.InvariantCulture, $"Line {keyLine}: this key is given twice; keep one."));
                    }
                    Next();
                    return new ConfigMap(path, line, entries);
                case SequenceStart:
                    var items = new List<ConfigNode>();
                    while (parser.Current is not SequenceEnd) items.Add(Node(ConfigErrors.At(path, items.Count), depth + 1));
                    Next();
                    return new ConfigList(path, line, items);
                case YamlScalar scalar:
                    return new ConfigText(path, line, scalar.Value);
                default: // an alias, reported above
                    return new ConfigNull(path, line);
            }
        }

        private void RefuseMarks(ParsingEvent at, string path, int line)
        {
            if (at is AnchorAlias)
                errors.Add(path, "alias", string.Create(CultureInfo.InvariantCulture, $"Line {line}: aliases are not taken; write the value out (a `*` at the start of a text needs quotes)."));
            if (at is not NodeEvent node) return;
            if (!node.Anchor.IsEmpty)
                errors.Add(path, "anchor", string.Create(CultureInfo.InvariantCulture, $"Line {line}: anchors are not taken; write the value out where it is used (a `&` at the start of a text needs quotes)."));
            if (!node.Tag.IsEmpty)
                errors.Add(path, "tag", string.Create(CultureInfo.InvariantCulture, $"Line {line}: tags are not taken; every value is read as its place asks (a `!` at the start of a text needs quotes)."));
        }

        private void Next() => parser.MoveNext();
    }
}
