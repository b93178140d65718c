using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Exchange.Engine.Catalog;

/// <summary>
/// Reads and writes the canonical JSON form of a catalog: what the store keeps and the API takes as application/json. Numbers and
/// booleans are read as their text and written as strings, because the place that reads a value decides what it is. Maps keep the
/// order in which they were written, so that an export reads as its author wrote it; the order means nothing.
/// </summary>
public static class ConfigJson
{
    /// <summary>
    /// Null with <c>invalid_json</c>, <c>too_deep</c> or <c>too_large</c> when it cannot be read at all. A key given twice is reported
    /// (<c>duplicate_key</c>) and its first value kept. Lines count from 1.
    /// </summary>
    public static ConfigNode? Parse(ReadOnlySpan<byte> utf8, ConfigErrors errors)
    {
        if (utf8.Length > Limits.CatalogBytes)
        {
            errors.Add("", "too_large", $"A catalog may have at most {Limits.CatalogBytes / (1024 * 1024)} MiB; keep long lists apart with PUT /v1/admin/lists.");
            return null;
        }
        try
        {
            var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = Limits.CatalogDepth + 1, CommentHandling = JsonCommentHandling.Disallow });
            var parser = new Parser(utf8, errors);
            reader.Read();
            var root = parser.Read(ref reader, "", 0);
            reader.Read(); // anything behind the root throws
            return parser.TooDeep ? null : root;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            var line = e is JsonException { LineNumber: { } zeroBased } ? zeroBased + 1 : 1;
            errors.Add("", "invalid_json", $"Line {line}: this is not JSON that can be read; check commas, quotes and brackets before it.");
            return null;
        }
    }

    public static byte[] Write(ConfigNode node, bool indented = false)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = indented })) Write(node, writer);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The same on one line, for a plan's old and new values.</summary>
    public static string WriteText(ConfigNode node)
    {
        var buffer = new ArrayBufferWriter<byte>();
        // For people's eyes, and escaped again by whoever puts it into an answer: an apostrophe stays one.
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping })) Write(node, writer);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>Into an answer that is being written, for the admin API.</summary>
    public static void Write(ConfigNode node, Utf8JsonWriter writer)
    {
        switch (node)
        {
            case ConfigMap map:
                writer.WriteStartObject();
                foreach (var (key, value) in map.Entries)
                {
                    writer.WritePropertyName(key);
                    Write(value, writer);
                }
                writer.WriteEndObject();
                break;
            case ConfigList list:
                writer.WriteStartArray();
                foreach (var item in list.Items) Write(item, writer);
                writer.WriteEndArray();
                break;
            case ConfigText text:
                writer.WriteStringValue(text.Text);
                break;
            default:
                writer.WriteNullValue();
                break;
        }
    }

    private ref struct Parser(ReadOnlySpan<byte> utf8, ConfigErrors errors)
    {
        private readonly ReadOnlySpan<byte> utf8 = utf8;
        private long countedTo;
        private int line = 1;

        public bool TooDeep { get; private set; }

        public ConfigNode Read(ref Utf8JsonReader reader, string path, int depth)
        {
            var at = LineOf(reader.TokenStartIndex);
            if (depth >= Limits.CatalogDepth && reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray)
            {
                if (!TooDeep) errors.Add(path, "too_deep", $"Line {at}: more than {Limits.CatalogDepth} levels of maps and lists.");
                TooDeep = true;
                reader.Skip();
                return new ConfigNull(path, at);
            }
            switch (reader.TokenType)
            {
                case JsonTokenType.StartObject:
                    var entries = new List<KeyValuePair<string, ConfigNode>>();
                    var seen = new HashSet<string>(StringComparer.Ordinal);
                    while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
                    {
                        var key = reader.GetString()!;
                        var keyLine = LineOf(reader.TokenStartIndex);
                        reader.Read();
                        var value = Read(ref reader, ConfigErrors.At(path, key), depth + 1);
                        if (seen.Add(key)) entries.Add(new(key, value));
                        else errors.Add(value.Path, "duplicate_key", $"Line {keyLine}: this key is given twice; keep one.");
                    }
                    return new ConfigMap(path, at, entries);
                case JsonTokenType.StartArray:
                    var items = new List<ConfigNode>();
                    while (reader.Read() && reader.TokenType != JsonTokenType.EndArray) items.Add(Read(ref reader, ConfigErrors.At(path, items.Count), depth + 1));
                    return new ConfigList(path, at, items);
                case JsonTokenType.String:
                    return new ConfigText(path, at, reader.GetString()!);
                case JsonTokenType.Null:
                    return new ConfigNull(path, at);
                default: // number, true, false: exactly as written
                    return new ConfigText(path, at, Encoding.UTF8.GetString(reader.ValueSpan));
            }
        }

        private int LineOf(long index)
        {
            line += utf8[(int)countedTo..(int)index].Count((byte)'\n');
            countedTo = index;
            return line;
        }
    }
}
