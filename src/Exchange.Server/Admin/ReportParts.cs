using System.Globalization;
using Exchange.Grains.Intake;
using Exchange.Server.Answers;

namespace Exchange.Server.Admin;

/// <summary>What every report reads of its request, and writes alike.</summary>
internal static class ReportParts
{
    public const string CsvType = "text/csv; charset=utf-8";

    /// <summary>Two decimals, half to even; empty of nothing.</summary>
    public static string Percent(long part, long whole) => whole == 0 ? "" : decimal.Round(part * 100m / whole, 2, MidpointRounding.ToEven).ToString("0.00", CultureInfo.InvariantCulture);

    /// <summary>From the beginning of today until now, unless told. Where one publisher is asked about, days are that publisher's.</summary>
    public static Problem? ReadSpan(ApiCall call, out DateTimeOffset from, out DateTimeOffset until, out TimeZoneInfo zone)
    {
        var model = call.Catalog.Current;
        (from, until, zone) = (default, call.Now, Publisher(call) is { } publisher ? model.Publishers.GetValueOrDefault(publisher)?.Zone ?? model.Zone : model.Zone);
        if (call.Query("time_zone") is { } id)
        {
            if (!TimeZoneInfo.TryFindSystemTimeZoneById(id, out var found)) return ApiCall.InvalidQuery("time_zone", "unknown_zone", "This is not the IANA name of a time zone, such as America/New_York.");
            zone = found;
        }
        from = BeginningOf(DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(call.Now, zone).DateTime), zone);
        if (call.Query("from") is { } first && !TryRead(first, zone, out from)) return NoTime("from");
        if (call.Query("to") is { } last && !TryRead(last, zone, out until)) return NoTime("to");
        return until < from ? ApiCall.InvalidQuery("to", "out_of_range", "to lies before from.") : null;

        static Problem NoTime(string name) => ApiCall.InvalidQuery(name, "invalid_format", $"{name} is a date such as 2026-11-22 or a time such as 2026-11-22T08:00:00Z.");
    }

    /// <summary>Whose rows alone are summed; null: everybody's.</summary>
    public static string? Publisher(ApiCall call) => call.Query("publisher");

    private static bool TryRead(string text, TimeZoneInfo zone, out DateTimeOffset moment)
    {
        if (DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date))
        {
            moment = BeginningOf(date, zone);
            return true;
        }
        return DateTimeOffset.TryParseExact(text, ["yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out moment);
    }

    /// <summary>Midnight, or the first moment after it where a clock change skips it.</summary>
    private static DateTimeOffset BeginningOf(DateOnly date, TimeZoneInfo zone)
    {
        var start = date.ToDateTime(TimeOnly.MinValue);
        while (zone.IsInvalidTime(start)) start = start.AddMinutes(1);
        var offset = zone.IsAmbiguousTime(start) ? zone.GetAmbiguousTimeOffsets(start).Max() : zone.GetUtcOffset(start);
        // The first and the last days of the calendar have no moment in every zone.
        return start.Ticks < TimeSpan.TicksPerDay ? DateTimeOffset.MinValue : new(start, offset);
    }

    /// <summary>CSV where it is liked better, or where JSON is not taken: one of the two is.</summary>
    public static bool AcceptsCsv(HttpRequest request)
    {
        var accepted = request.GetTypedHeaders().Accept;
        double Quality(string type) => accepted.Where(range => range.MediaType.Equals(type, StringComparison.OrdinalIgnoreCase)).Select(range => range.Quality ?? 1).DefaultIfEmpty(-1).Max();
        return Quality("text/csv") > Math.Max(0, Quality(Reply.JsonType)) || !AnswerFormats.Takes(request, [Reply.JsonType]);
    }
}
