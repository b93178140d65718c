namespace Exchange.Server.Buyers;

public static class BuyersComposition
{
    /// <summary>Everything under /v1/buyer: a buyer sees its own copies and money, and nothing else exists for it. Needs AddAdmin.</summary>
    public static IEndpointRouteBuilder MapBuyers(this IEndpointRouteBuilder routes)
    {
        routes.MapCopyRoutes();
        routes.MapReturnRoutes();
        routes.MapDispositionRoutes();
        routes.MapBalanceRoutes();
        routes.MapLossRoutes();
        return routes;
    }
}
