using System.Security.Cryptography;
using System.Text;
using Exchange.Engine.Catalog;

namespace Exchange.Engine.Caps;

/// <summary>
/// What people call a cap of an entry: <c>day.leads</c>, with a count for each value <c>day.leads.by.zip</c>, with a condition
/// <c>day.leads.when.1f0c2a9b</c>. The same cap in two zones has one name.
/// </summary>
public static class CapName
{
    /// <summary>What a cap may count, as the catalog calls it.</summary>
    public static IReadOnlyList<string> Metrics { get; } = ["leads", "spend", "pings", "offers"];

    public static string MetricOf(CapMetric metric) => metric switch
    {
        CapMetric.Leads => "leads",
        CapMetric.Spend => "spend",
        CapMetric.Pings => "pings",
        _ => "offers",
    };

    public static string Of(string period, string metric, string? each, string? whenHash) => $"{period}.{metric}{Suffix('.', each, whenHash)}";

    /// <summary>The name that a cap as written has; null where it says no period or not what it counts.</summary>
    public static string? Of(ConfigNode cap)
    {
        if (cap is not ConfigMap map || map.Find("per") is not ConfigText per) return null;
        var metric = Metrics.FirstOrDefault(metric => map.Find(metric) is not null);
        return metric is null ? null : Of(per.Text, metric, (map.Find("each") as ConfigText)?.Text, map.Find("when") is { } when ? HashOf(when) : null);
    }

    /// <summary>What tells apart caps that count the same in the same period; empty for a cap that counts everything together.</summary>
    public static string Suffix(char separator, string? each, string? whenHash) =>
        (each is null ? "" : $"{separator}by{separator}{each}") + (whenHash is null ? "" : $"{separator}when{separator}{whenHash}");

    /// <summary>
    /// Eight digits that a condition is known by, from its text: the order of keys does not matter. Another text is another cap, with a count of
    /// its own; a list or zone it refers to may change and it stays the same cap.
    /// </summary>
    public static string HashOf(ConfigNode when)
    {
        var text = new StringBuilder();
        Write(when, text);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())).AsSpan(0, 4));
    }

    // Every text is written with its length, so that no two conditions read alike.
    private static void Write(ConfigNode node, StringBuilder text)
    {
        switch (node)
        {
            case ConfigMap map:
                text.Append('{');
                foreach (var (key, value) in map.Entries.OrderBy(entry => entry.Key, StringComparer.Ordinal))
                {
                    text.Append(key.Length).Append(':').Append(key);
                    Write(value, text);
                }
                text.Append('}');
                break;
            case ConfigList list:
                text.Append('[');
                foreach (var item in list.Items) Write(item, text);
                text.Append(']');
                break;
            case ConfigText value:
                text.Append(value.Text.Length).Append(':').Append(value.Text);
                break;
        }
    }
}
