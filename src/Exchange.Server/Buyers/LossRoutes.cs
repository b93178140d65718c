using System.Buffers.Text;
using System.Security.Cryptography;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Explanations;
using Exchange.Engine.Leads;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;
using Exchange.Grains.Bidding;
using Exchange.Grains.Intake;
using Exchange.Server.Admin;
using Exchange.Storage;

namespace Exchange.Server.Buyers;

/// <summary>
/// What a buyer's campaigns lost, where they may be told: the reason and the minimum that would have won, nothing else. Told once the ping's hour is over
/// and rounded up, so that it is no meter of single bids.
/// </summary>
internal static class LossRoutes
{
    /// <summary>Ping records looked at by one request; the cursor goes on from there.</summary>
    private const int RecordsPerRequest = 2_000;
    // What a cursor is sealed to: no ping has this id.
    private static readonly LeadId CursorContext = new(0, 0);

    public static void MapLossRoutes(this IEndpointRouteBuilder routes) =>
        routes.Map(HttpMethods.Get, "/v1/buyer/losses",
            "Bids of your campaigns (of those that tell losses) that were outbid: the minimum that would have won, rounded up to 0.50, oldest first, once the hour is over. "
            + "Starts a day ago; ?after= goes on from next, also where a page has no rows; ?campaign= names one.", ListAsync, KeyRole.Buyer)
            .ProducesProblem(404)
            .ProducesProblem(422);

    private static async Task<Reply> ListAsync(ApiCall call)
    {
        if (call.ReadLimit(out var limit) is { } problem) return problem;
        var buyer = call.Caller.For;
        var only = call.Query("campaign");
        var model = call.Catalog.Current;
        // Another's campaign does not exist for it.
        if (only is not null && (!model.Campaigns.TryGetValue(only, out var own) || own.Buyer.Id != buyer)) return ApiCall.NotFound("You have no such campaign.");
        var to = ToldLosses.OverAt(call.NowMs);
        var from = LeadId.Create(Math.Max(0, to.UnixMilliseconds - 24 * ToldLosses.HourMs), 0, false, 0);
        if (call.Query("after") is { } cursor && !TryOpen(call.Store.Vault, cursor, out from)) return ApiCall.InvalidQuery("after", "invalid_field", "after is the next of an answer.");
        var rows = new List<(PingRecord Ping, Loss Loss)>();
        if (model.Campaigns.Values.Any(campaign => (only is null || only == campaign.Id) && ToldLosses.IsTold(model, campaign.Id, buyer)))
        {
            var records = await call.Store.Pings.ReadAsync(from, to, RecordsPerRequest, call.Catalog.ModelAsync, call.Cancel);
            var isWhole = records.Count < RecordsPerRequest;
            foreach (var record in records)
            {
                // A ping's losses stay together on one page.
                if (rows.Count >= limit)
                {
                    isWhole = false;
                    break;
                }
                from = record.Id.Next;
                foreach (var loss in await ToldLosses.OfAsync(call.Store, call.Catalog, record, buyer, only, call.Cancel)) rows.Add((record, loss));
            }
            if (isWhole && from.CompareTo(to) < 0) from = to;
        }
        var vault = call.Store.Vault;
        return Reply.Json(json =>
        {
            json.WriteObjects("losses", rows, row =>
            {
                json.WriteString("bid_request_id", vault.BidRequest(row.Ping.Id, row.Loss.Campaign.Id));
                json.WriteString("campaign", row.Loss.Campaign.Id);
                json.WriteTime("hour", row.Ping.AtMs / ToldLosses.HourMs * ToldLosses.HourMs);
                json.WriteString("reason", Reason.Outbid.Wire());
                json.WriteString("minimum_to_win", ToldLosses.MinimumOf(row.Loss)?.ToString());
            });
            json.WriteString("next", Seal(vault, from));
        });
    }

    private static string Seal(IVault vault, LeadId from) => Base64Url.EncodeToString(vault.Seal(CursorContext, from.ToBytes()));

    private static bool TryOpen(IVault vault, string cursor, out LeadId from)
    {
        from = default;
        try
        {
            var bytes = vault.Open(CursorContext, Base64Url.DecodeFromChars(cursor));
            if (bytes.Length != 16) return false;
            from = LeadId.FromBytes(bytes);
            return true;
        }
        catch (Exception exception) when (exception is FormatException or CryptographicException)
        {
            return false;
        }
    }
}
