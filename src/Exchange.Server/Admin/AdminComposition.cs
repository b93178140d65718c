namespace Exchange.Server.Admin;

public static class AdminComposition
{
    /// <summary>Needs IExchangeStore, ICatalogHost, ILiveView, DeliveryPump, PostbackPump, ReturnDesk, TimeProvider and ApiKeys.</summary>
    public static IServiceCollection AddAdmin(this IServiceCollection services) => services.AddSingleton<Operations>();

    /// <summary>Everything under /v1/admin.</summary>
    public static IEndpointRouteBuilder MapAdmin(this IEndpointRouteBuilder routes)
    {
        routes.MapCatalogRoutes();
        routes.MapSecretRoutes();
        routes.MapListRoutes();
        routes.MapEntryRoutes();
        routes.MapCampaignRoutes();
        routes.MapTrialRoutes();
        routes.MapAlertRoutes();
        routes.MapLiveRoutes();
        routes.MapBuyerRoutes();
        routes.MapKeyRoutes();
        routes.MapExplanationRoutes();
        routes.MapLeadRoutes();
        routes.MapLedgerRoutes();
        routes.MapDeliveryRoutes();
        routes.MapPostbackRoutes();
        routes.MapReturnRoutes();
        routes.MapReportRoutes();
        routes.MapAuditRoutes();
        routes.MapErasureRoutes();
        routes.MapDoubtRoutes();
        routes.MapOperationRoutes();
        return routes;
    }
}
