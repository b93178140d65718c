using System.Globalization;

namespace Exchange.Storage;

/// <summary>What a counter's key says of its window.</summary>
internal static class CounterKey
{
    /// <summary>The number behind the last colon of <c>cap:ID:WINDOW_START</c> (Unix seconds); 0 for limits without windows.</summary>
    public static long WindowStart(string key) =>
        key.StartsWith("cap:", StringComparison.Ordinal)
        && long.TryParse(key.AsSpan(key.LastIndexOf(':') + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var start) ? start : 0;
}
