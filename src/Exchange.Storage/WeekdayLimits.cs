using System.Globalization;

namespace Exchange.Storage;

/// <summary>Seven limits, Monday first, as text: numbers parted by commas.</summary>
internal static class WeekdayLimits
{
    public static string? Write(IReadOnlyList<long>? limits) =>
        limits is null ? null : string.Join(',', limits.Select(static limit => limit.ToString(CultureInfo.InvariantCulture)));

    public static long[] Read(string limits) => Array.ConvertAll(limits.Split(','), static limit => long.Parse(limit, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture));
}
