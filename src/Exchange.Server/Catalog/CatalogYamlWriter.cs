using System.Text;
using System.Text.RegularExpressions;
using Exchange.Engine.Catalog;

namespace Exchange.Server.Catalog;

/// <summary>
/// Writes a catalog for people. Whatever another YAML tool might read as something else than its text (money, times, dates, zips
/// with a leading zero, NO) is quoted; whole numbers, true, false, durations and percents are not.
/// </summary>
internal static partial class CatalogYamlWriter
{
    private const int LineChars = 110;

    private static readonly string[] Sections = ["version", "exchange", "lists", "verticals", "publishers", "connectors", "buyers", "campaigns", "ping_trees"];
    private static readonly HashSet<string> Misread = new(StringComparer.OrdinalIgnoreCase) { "y", "n", "yes", "no", "on", "off", "null", "nan" };

    public static string Write(ConfigNode root)
    {
        var text = new StringBuilder();
        if (root is not ConfigMap map) return Flow(root) + "\n";
        foreach (var (key, value) in map.Entries.OrderBy(entry => Place(entry.Key)))
        {
            if (text.Length > 0 && value is ConfigMap) text.Append('\n');
            Entry(Scalar(key), value, 0, text);
        }
        return text.ToString();
    }

    private static int Place(string section) => Array.IndexOf(Sections, section) is var place and >= 0 ? place : Sections.Length;

    private static void Entry(string head, ConfigNode value, int indent, StringBuilder text)
    {
        text.Append(' ', indent).Append(head).Append(':');
        // A section always takes one line per entry, deeper maps and lists only when they do not fit on one.
        if (indent > 0 || value is not ConfigMap { Entries.Count: > 0 })
        {
            var flow = Flow(value);
            if (IsLeaf(value) || indent + head.Length + flow.Length <= LineChars)
            {
                text.Append(' ').Append(flow).Append('\n');
                return;
            }
        }
        text.Append('\n');
        if (value is ConfigMap map) foreach (var (key, inner) in map.Entries) Entry(Scalar(key), inner, indent + 2, text);
        if (value is ConfigList list) foreach (var item in list.Items) Item(item, indent + 2, text);
    }

    private static void Item(ConfigNode item, int indent, StringBuilder text)
    {
        var flow = Flow(item);
        if (item is not ConfigMap { Entries.Count: > 0 } map || indent + flow.Length <= LineChars)
        {
            // A list of lists does not occur in the format; on one line it is right at any length.
            text.Append(' ', indent).Append("- ").Append(flow).Append('\n');
            return;
        }
        var start = text.Length;
        foreach (var (key, inner) in map.Entries) Entry(Scalar(key), inner, indent + 2, text);
        text[start + indent] = '-';
    }

    private static bool IsLeaf(ConfigNode node) => node is ConfigText or ConfigNull or ConfigMap { Entries.Count: 0 } or ConfigList { Items.Count: 0 };

    private static string Flow(ConfigNode node) => node switch
    {
        ConfigMap { Entries.Count: 0 } => "{}",
        ConfigMap map => "{ " + string.Join(", ", map.Entries.Select(entry => $"{Scalar(entry.Key)}: {Flow(entry.Value)}")) + " }",
        ConfigList { Items.Count: 0 } => "[]",
        ConfigList list when list.Items.Any(item => item is ConfigText text && !IsPlain(text.Text)) => // one style within a list of zips
            "[" + string.Join(", ", list.Items.Select(item => item is ConfigText text ? Quoted(text.Text) : Flow(item))) + "]",
        ConfigList list => "[" + string.Join(", ", list.Items.Select(Flow)) + "]",
        ConfigText text => Scalar(text.Text),
        _ => "null",
    };

    private static string Scalar(string text) => IsPlain(text) ? text : Quoted(text);

    private static bool IsPlain(string text) => PlainText().IsMatch(text) && !Misread.Contains(text);

    private static string Quoted(string text)
    {
        var quoted = new StringBuilder("\"", text.Length + 2);
        foreach (var c in text)
        {
            switch (c)
            {
                case '"': quoted.Append("\\\""); break;
                case '\\': quoted.Append("\\\\"); break;
                case '\n': quoted.Append("\\n"); break;
                case '\r': quoted.Append("\\r"); break;
                case '\t': quoted.Append("\\t"); break;
                case < ' ' or (>= '\x7f' and <= '\xa0') or '\u2028' or '\u2029' or '\ufeff': quoted.Append($"\\u{(int)c:x4}"); break;
                default: quoted.Append(c); break;
            }
        }
        return quoted.Append('"').ToString();
    }

    /// <summary>Words (single spaces between them), whole numbers without a leading zero, durations, percents.</summary>
    [GeneratedRegex(@"\A(?:[A-Za-z_][A-Za-z0-9_./@+-]*(?: [A-Za-z0-9_./@+-]+)*|0|[1-9][0-9]{0,8}|[0-9]+(?:ms|s|m|h|d|%)|[0-9]+\.[0-9]+%)\z")]
    private static partial Regex PlainText();
}
