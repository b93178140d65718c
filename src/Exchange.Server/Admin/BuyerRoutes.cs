using System.Text.Json;
using Exchange.Delivery;
using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Grains.Catalog;
using Exchange.Storage;

namespace Exchange.Server.Admin;

/// <summary>Buyers with their money and caps as they stand, and the money they pay in.</summary>
internal static class BuyerRoutes
{
    private const int ReferenceChars = 200;

    public static void MapBuyerRoutes(this IEndpointRouteBuilder routes)
    {
        routes.Read("/v1/admin/buyers", "Every buyer with its money.", ListAsync);
        routes.Read("/v1/admin/buyers/{id}", "One buyer as the catalog has it, with its money and caps.", GetAsync).ProducesProblem(404);
        routes.Change(HttpMethods.Post, "/v1/admin/buyers/{id}/funds", "Book money that a buyer paid in: {\"amount\", \"reference\"}. A reference books once.", FundAsync)
            .ProducesProblem(404).ProducesProblem(409).ProducesProblem(422);
    }

    private static async Task<Reply> ListAsync(ApiCall call)
    {
        var model = call.Catalog.Current;
        var rows = new List<(BuyerModel Buyer, BuyerMoney Money)>();
        foreach (var buyer in model.Buyers.Values.OrderBy(buyer => buyer.Id, StringComparer.Ordinal)) rows.Add((buyer, await BuyerMoney.ReadAsync(call, buyer)));
        return Reply.Json(json => json.WriteObjects("buyers", rows, row =>
        {
            json.WriteString("id", row.Buyer.Id);
            json.WriteString("name", row.Buyer.Name);
            json.WriteString("status", row.Buyer.Status.Wire());
            WriteState(json, call, row.Buyer, row.Money);
        })) with { Version = model.Version };
    }

    private static async Task<Reply> GetAsync(ApiCall call)
    {
        var model = call.Catalog.Current;
        var id = call.Route("id");
        if (!model.Buyers.TryGetValue(id, out var buyer)) return ApiCall.NotFound("The catalog has no such buyer.");
        var money = await BuyerMoney.ReadAsync(call, buyer);
        return Reply.Json(json =>
        {
            json.WriteString("id", id);
            if (ConfigPatch.Find(call.Catalog.CurrentConfig, "buyers", id) is { } config) EntryRoutes.WriteMembers(json, config);
            WriteState(json, call, buyer, money);
        }) with { Version = model.Version };
    }

    private static async Task<Reply> FundAsync(ApiCall call)
    {
        var (members, bytes, problem) = await Members.ReadAsync(call, "amount", "reference");
        if (problem is not null) return problem;
        var amount = members.Amount("amount");
        var reference = members.Required("reference", ReferenceChars);
        if (members.Problem is { } invalid) return invalid;
        if (!call.Catalog.Current.Buyers.TryGetValue(call.Route("id"), out var buyer)) return ApiCall.NotFound("The catalog has no such buyer.");
        return await call.Service<Operations>().RunAsync(call, bytes, async () =>
        {
            // Not to be broken off half way because the caller left: its key would not know what was done.
            bool booked;
            try
            {
                booked = await call.Store.Ledger.FundAsync(buyer.Id, amount, reference, call.NowMs, CancellationToken.None);
            }
            catch (ReferenceReusedException)
            {
                return Grains.Intake.Problem.Of(409, "reference_reused", "This reference of this buyer was booked before with another amount; nothing was booked now.");
            }
            catch (FundsAboveMostException)
            {
                return Grains.Intake.Problem.Invalid([new("/amount", "out_of_range", $"A buyer's balance is at most {ILedgerStore.MostFunds}; nothing was booked.")]);
            }
            // Also of a repeat: whoever booked it may have died before its line was written.
            await call.Store.Access.AuditAsync(call.Caller.Name, "buyer.fund", buyer.Id, $"{amount} {reference}{(booked ? "" : ", booked before")}", call.NowMs, CancellationToken.None);
            var balance = await call.Store.Ledger.BalanceAsync(Accounts.Buyer(buyer.Id), CancellationToken.None);
            return Reply.Json(json =>
            {
                json.WriteString("buyer", buyer.Id);
                json.WriteString("amount", amount.ToString());
                json.WriteString("reference", reference);
                json.WriteBoolean("booked", booked);
                json.WriteString("balance", balance.ToString());
                json.WriteString("currency", call.Catalog.Current.Currency);
            });
        });
    }

    private static void WriteState(Utf8JsonWriter json, ApiCall call, BuyerModel buyer, BuyerMoney money)
    {
        json.WriteStartObject("state");
        money.WriteMembers(json);
        CapState.Write(json, "caps", call.Catalog.StateOf(buyer.Caps), CapScope.Buyer);
        var breakers = call.Service<EndpointBreakers>();
        // As this server sees it: each rests an endpoint by itself.
        json.WriteObjects("endpoints", buyer.Endpoints.Values.Where(endpoint => endpoint.CanPing).OrderBy(endpoint => endpoint.Name, StringComparer.Ordinal), endpoint =>
        {
            json.WriteString("endpoint", endpoint.Name);
            json.WriteString("breaker", breakers.StateOf(endpoint) switch { BreakerState.Open => "open", BreakerState.HalfOpen => "half_open", _ => "closed" });
        });
        json.WriteEndObject();
    }
}
