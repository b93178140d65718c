using System.Globalization;
using System.Text;
using System.Text.Json;
using Exchange.Engine.Values;
using Exchange.Storage;
using static Exchange.Server.Admin.ReportParts;

namespace Exchange.Server.Admin;

/// <summary>What came back of what was sold in a span: a copy counts where it was sold, whenever it came back, so that a rate compares like with like.</summary>
internal static class ReturnReport
{
    private sealed record Row(string Key, long Sold, long Returned, long Requested, Money Price, Money Refunded);

    public static void MapReturnReport(this IEndpointRouteBuilder routes) =>
        routes.Read("/v1/admin/reports/returns",
            "Copies sold between ?from= (included) and ?to= (not included) and how many of them came back, ?group_by= buyer (default), campaign or publisher; dates, ?time_zone= and ?publisher= as in the other reports.",
            GetAsync).Produces(200, contentType: CsvType).ProducesProblem(422);

    private static async Task<Reply> GetAsync(ApiCall call)
    {
        if (ReadSpan(call, out var from, out var until, out var zone) is { } problem) return problem;
        var by = call.Query("group_by") ?? "buyer";
        Func<ReturnSum, string>? keyOf = by switch { "buyer" => sum => sum.Buyer, "campaign" => sum => sum.Campaign, "publisher" => sum => sum.Publisher, _ => null };
        if (keyOf is null) return ApiCall.InvalidQuery("group_by", "invalid_field", "This report groups by buyer, campaign or publisher.");
        var (all, publisher) = (await call.Store.Returns.SumsAsync(from.ToUnixTimeMilliseconds(), until.ToUnixTimeMilliseconds(), call.Cancel), Publisher(call));
        ReturnSum[] sums = [.. all.Where(sum => publisher is null || sum.Publisher == publisher)];
        Row[] rows = [.. sums.GroupBy(keyOf, StringComparer.Ordinal).OrderBy(group => group.Key, StringComparer.Ordinal).Select(group => Total(group.Key, group))];
        if (AcceptsCsv(call.Request))
        {
            var text = new StringBuilder(by).Append(",sold,returned,requested,returned_percent,price,refunded\r\n");
            // Ids have neither commas nor quotes.
            foreach (var row in rows)
                text.Append(CultureInfo.InvariantCulture, $"{row.Key},{row.Sold},{row.Returned},{row.Requested},{Percent(row.Returned, row.Sold)},{row.Price},{row.Refunded}\r\n");
            return new(200, Encoding.UTF8.GetBytes(text.ToString()), CsvType);
        }
        return Reply.Json(json =>
        {
            json.WriteTime("from", from.ToUnixTimeMilliseconds());
            json.WriteTime("to", until.ToUnixTimeMilliseconds());
            json.WriteString("time_zone", zone.Id);
            json.WriteString("group_by", by);
            json.WriteObjects("rows", rows, row => { json.WriteString(by, row.Key); Write(json, row); });
            json.WriteStartObject("total");
            Write(json, Total("", sums));
            json.WriteEndObject();
        });
    }

    private static Row Total(string key, IEnumerable<ReturnSum> sums) => sums.Aggregate(new Row(key, 0, 0, 0, Money.Zero, Money.Zero), static (row, sum) => row with
    {
        Sold = row.Sold + sum.Sold, Returned = row.Returned + sum.Returned, Requested = row.Requested + sum.Requested, Price = row.Price + sum.Price,
        Refunded = row.Refunded + sum.Refunded,
    });

    /// <summary><c>price</c>: of all that was sold; <c>refunded</c>: of what came back.</summary>
    private static void Write(Utf8JsonWriter json, Row row)
    {
        json.WriteNumber("sold", row.Sold);
        json.WriteNumber("returned", row.Returned);
        json.WriteNumber("requested", row.Requested);
        json.WriteString("returned_percent", Percent(row.Returned, row.Sold));
        json.WriteString("price", row.Price.ToString());
        json.WriteString("refunded", row.Refunded.ToString());
    }
}
