using System.Globalization;

namespace Exchange.Storage.Sqlite;

/// <summary>Seven limits, Monday first, as a cap's row has them: numbers parted by commas.</summary>
internal static class WeekdayLimits
{
    public static string? Write(IReadOnlyList<long>? limits) =>
        limits is null ? null : string.Join(',', limits.Select(static limit => limit.ToString(CultureInfo.InvariantCulture)));

    public static long[] Read(string limits) => Array.ConvertAll(limits.Split(','), static limit => long.Parse(limit, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture));
}
