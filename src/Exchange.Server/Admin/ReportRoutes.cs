using System.Globalization;
using System.Text;
using System.Text.Json;
using static Exchange.Server.Admin.ReportParts;

namespace Exchange.Server.Admin;

/// <summary>Sums over rows between two moments: exact, from what is stored. JSON, or <c>text/csv</c> where the caller accepts it.</summary>
internal static class ReportRoutes
{
    public static void MapReportRoutes(this IEndpointRouteBuilder routes)
    {
        routes.MapReturnReport();
        routes.Read("/v1/admin/reports/promises",
            "Posts in time and how many were sold for at least the payout they were offered, ?group_by= publisher (default) or vertical. ?from= (included) and ?to= (not included) are dates or times; days begin in ?time_zone=, else in the zone of the one publisher that ?publisher= asks about, else in the exchange's.",
            PromisesAsync).Produces(200, contentType: CsvType).ProducesProblem(422);
    }

    private static async Task<Reply> PromisesAsync(ApiCall call)
    {
        if (ReadSpan(call, out var from, out var until, out var zone) is { } problem) return problem;
        var by = call.Query("group_by") ?? "publisher";
        if (by is not ("publisher" or "vertical")) return ApiCall.InvalidQuery("group_by", "invalid_field", "This report groups by publisher or vertical.");
        var (rows, publisher) = (await call.Store.Leads.PromisesAsync(from.ToUnixTimeMilliseconds(), until.ToUnixTimeMilliseconds(), call.Cancel), Publisher(call));
        var sums = rows.Where(row => publisher is null || row.Publisher == publisher).GroupBy(row => by == "publisher" ? row.Publisher : row.Vertical).OrderBy(group => group.Key, StringComparer.Ordinal)
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
}
