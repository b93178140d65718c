using Exchange.Server.Admin;
using Exchange.Storage;

namespace Exchange.Server.Buyers;

/// <summary>What the buyer that calls has left to spend.</summary>
internal static class BalanceRoutes
{
    public static void MapBalanceRoutes(this IEndpointRouteBuilder routes) =>
        routes.Map(HttpMethods.Get, "/v1/buyer/balance", "The buyer's balance, credit, what is held and what it may still spend.", GetAsync, KeyRole.Buyer).ProducesProblem(404);

    private static async Task<Reply> GetAsync(ApiCall call)
    {
        if (!call.Catalog.Current.Buyers.TryGetValue(call.Caller.For, out var buyer)) return ApiCall.NotFound("This buyer is not in the catalog any more.");
        var money = await BuyerMoney.ReadAsync(call, buyer);
        return Reply.Json(money.WriteMembers);
    }
}
