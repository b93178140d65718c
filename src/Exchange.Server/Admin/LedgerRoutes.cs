using Exchange.Engine.Catalog;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Storage;

namespace Exchange.Server.Admin;

/// <summary>Every move of money, newest first, and what accounts come to.</summary>
internal static class LedgerRoutes
{
    public static void MapLedgerRoutes(this IEndpointRouteBuilder routes)
    {
        routes.Read("/v1/admin/ledger", "Transfers, newest first; ?lead_id= and ?account= narrow them.", ListAsync).ProducesProblem(422);
        routes.Read("/v1/admin/ledger/balances", "What all accounts come to at one moment, those that left the catalog too, so together nothing; with ?account= that one.", BalancesAsync);
    }

    private static async Task<Reply> ListAsync(ApiCall call)
    {
        if (call.ReadLimit(out var limit) is { } problem) return problem;
        LeadId? lead = null;
        if (call.Query("lead_id") is { } text)
        {
            if (!LeadId.TryParse(text, out var id)) return ApiCall.InvalidQuery("lead_id", "invalid_format", "This is not the id of a lead.");
            lead = id;
        }
        var page = await call.Store.Ledger.ListAsync(lead, call.Query("account"), limit, call.Query("cursor"), call.Cancel);
        return Reply.Json(json =>
        {
            json.WriteObjects("transfers", page.Rows, row =>
            {
                json.WriteString("id", row.Id);
                json.WriteTime("at", row.AtMs);
                json.WriteString("lead_id", row.Lead?.ToString());
                json.WriteString("kind", row.Kind);
                json.WriteString("debit", row.Debit);
                json.WriteString("credit", row.Credit);
                json.WriteString("amount", row.Amount.ToString());
                json.WriteString("reference", row.Reference);
            });
            json.WriteString("next", page.Next);
        });
    }

    private static async Task<Reply> BalancesAsync(ApiCall call)
    {
        var model = call.Catalog.Current;
        List<AccountBalance> balances = call.Query("account") is { } one
            ? [new(one, await call.Store.Ledger.BalanceAsync(one, call.Cancel))]
            : WithUnbooked(await call.Store.Ledger.BalancesAsync(call.Cancel), model);
        return Reply.Json(json =>
        {
            json.WriteObjects("balances", balances, row =>
            {
                json.WriteString("account", row.Account);
                json.WriteString("balance", row.Balance.ToString());
            });
            json.WriteString("currency", model.Currency);
        });
    }

    /// <summary>House and bank, then buyers and publishers by their names; whoever is in the catalog and has no booking has nothing.</summary>
    private static List<AccountBalance> WithUnbooked(IReadOnlyList<AccountBalance> booked, CatalogModel model)
    {
        var all = booked.ToDictionary(row => row.Account, StringComparer.Ordinal);
        foreach (var account in (string[])[Accounts.House, Accounts.Bank, .. model.Buyers.Keys.Select(Accounts.Buyer), .. model.Publishers.Keys.Select(Accounts.Publisher)])
            all.TryAdd(account, new(account, Money.Zero));
        return [.. all.Values.OrderBy(row => row.Account switch { Accounts.House => 0, Accounts.Bank => 1, _ => 2 }).ThenBy(row => row.Account, StringComparer.Ordinal)];
    }
}
