using System.Globalization;
using System.Text;
using System.Text.Json;
using Exchange.Grains.Intake;
using Exchange.Storage;

namespace Exchange.Server.Admin;

/// <summary>Sums over rows between two moments: exact, from what is stored. JSON, or <c>text/csv</c> where the caller accepts it.</summary>
internal static class ReportRoutes
{
    private const string CsvType = "text/csv; charset=utf-8";

    public static void MapReportRoutes(this IEndpointRouteBuilder routes) =>
        routes.Read("/v1/admin/reports/promises",
            "Posts in time and how many were sold for at least the payout they were offered, ?group_by= publisher (default) or vertical. ?from= (included) and ?to= (not included) are dates or times; days begin in ?time_zone=, else the exchange's.",
            PromisesAsync).Produces(200, contentType: CsvType).ProducesProblem(422);

    private static async Task<Reply> PromisesAsync(ApiCall call)
    {
        if (ReadSpan(call, out var from, out var until, out var zone) is { } problem) return problem;
        var by = call.Query("group_by") ?? "publisher";
        if (by is not ("publisher" or "vertical")) return ApiCall.InvalidQuery("group_by", "invalid_field", "This report groups by publisher or vertical.");
        var rows = await call.Store.Leads.PromisesAsync(from.ToUnixTimeMilliseconds(), until.ToUnixTimeMilliseconds(), call.Cancel);
        var sums = rows.GroupBy(row => by == "publisher" ? row.Publisher : row.Vertical).OrderBy(group => group.Key, StringComparer.Ordinal)
            .Select(group => (Key: group.Key, InTime: group.Sum(row => row.InTime), Kept: group.Sum(row => row.Kept), Open: group.Sum(row => row.Open))).ToArray();
        if (AcceptsCsv(call.Request))
        {
            var text = new StringBuilder(by).Append(",posts_in_time,promises_kept,open,kept_percent\r\n");
            // Ids have neither commas nor quotes.
            foreach (var sum in sums)
                text.Append(CultureInfo.InvariantCulture, $"{sum.Key},{sum.InTime},{sum.Kept},{sum.Open},{Percent(sum.Kept, sum.InTime)}\r\n");
            return new(200, Encoding.UTF8.GetBytes(text.ToString()), CsvType);
        }
        return Reply.Json(json =>
        {
            json.WriteTime("from", from.ToUnixTimeMilliseconds());
            json.WriteTime("to", until.ToUnixTimeMilliseconds());
            json.WriteString("time_zone", zone.Id);
            json.WriteString("group_by", by);
            json.WriteObjects("rows", sums, sum => { json.WriteString(by, sum.Key); Write(json, sum.InTime, sum.Kept, sum.Open); });
            json.WriteStartObject("total");
            Write(json, sums.Sum(sum => sum.InTime), sums.Sum(sum => sum.Kept), sums.Sum(sum => sum.Open));
            json.WriteEndObject();
        });
    }

    private static void Write(Utf8JsonWriter json, long inTime, long kept, long open)
    {
        json.WriteNumber("posts_in_time", inTime);
        json.WriteNumber("promises_kept", kept);
        json.WriteNumber("open", open);
        json.WriteString("kept_percent", Percent(kept, inTime));
    }

    /// <summary>Two decimals, half to even; empty where nothing was promised.</summary>
    private static string Percent(long part, long whole) => whole == 0 ? "" : decimal.Round(part * 100m / whole, 2, MidpointRounding.ToEven).ToString("0.00", CultureInfo.InvariantCulture);

    /// <summary>From the beginning of today until now, unless told.</summary>
    private static Problem? ReadSpan(ApiCall call, out DateTimeOffset from, out DateTimeOffset until, out TimeZoneInfo zone)
    {
        (from, until, zone) = (default, call.Now, call.Catalog.Current.Zone);
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

    private static bool AcceptsCsv(HttpRequest request)
    {
        var accepted = request.GetTypedHeaders().Accept;
        double Quality(string type) => accepted.Where(range => range.MediaType.Equals(type, StringComparison.OrdinalIgnoreCase)).Select(range => range.Quality ?? 1).DefaultIfEmpty(-1).Max();
        return Quality("text/csv") > Math.Max(0, Quality("application/json"));
    }
}
