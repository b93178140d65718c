using System.Globalization;

namespace Exchange.Server.Intake;

/// <summary>A moment as callers write it.</summary>
internal static class TimeText
{
    public const string Needed = "A time such as 2026-11-22T12:05:00Z is needed.";

    public static bool TryParse(string text, out DateTimeOffset time)
    {
        time = default;
        // K takes a missing offset too, which would leave the moment open.
        var hasZone = text.Length > 19 && (text[^1] == 'Z' || text[^6] is '+' or '-');
        return hasZone && DateTimeOffset.TryParseExact(text, "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal, out time);
    }
}
