using System.Globalization;

namespace Exchange.Storage;

/// <summary>What a counter's key says of its window.</summary>
internal static class CounterKey
{
    /// <summary>The number behind the last colon of <c>cap:ID:WINDOW_START</c> (Unix seconds); 0 for limits without windows.</summary>
    public static long WindowStart(string key) =>
        key.StartsWith("cap:", StringComparison.Ordinal)
        && long.TryParse(key.AsSpan(key.LastIndexOf(':') + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var start) ? start : 0;

    /// <summary>The limit it counts for: <c>ID</c> of <c>cap:ID:WINDOW_START</c> or <c>cap:ID=VALUE:WINDOW_START</c> (no id has an equals sign), else the key itself.</summary>
    public static string LimitId(string key)
    {
        const int prefix = 4; // "cap:"
        if (!key.StartsWith("cap:", StringComparison.Ordinal)) return key;
        var value = key.IndexOf('=', StringComparison.Ordinal);
        return key[prefix..(value >= 0 ? value : key.LastIndexOf(':'))];
    }
}
