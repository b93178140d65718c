using Exchange.Engine.Caps;
using Exchange.Grains.Limits;

namespace Exchange.Server.Admin;

/// <summary>What caps told: warnings and soft caps that were reached, newest first, as far as memory goes.</summary>
internal static class AlertRoutes
{
    public static void MapAlertRoutes(this IEndpointRouteBuilder routes) =>
        routes.Read("/v1/admin/alerts", "Alerts of caps, newest first: warn_at passed, or a soft cap reached; each once a window. ?limit= rows.", ListAsync).ProducesProblem(422);

    private static Task<Reply> ListAsync(ApiCall call)
    {
        if (call.ReadLimit(out var limit) is { } problem) return Task.FromResult<Reply>(problem);
        return Task.FromResult(Reply.Json(json => json.WriteObjects("alerts", call.Service<CapAlerts>().Newest(limit), alert =>
        {
            json.WriteTime("at", alert.At);
            json.WriteString("level", WordOf(alert.Level));
            json.WriteString("of", WordOf(alert.Limit.Scope));
            json.WriteString("id", alert.Limit.Owner);
            json.WriteString("cap", alert.Limit.Name);
            if (alert.Value is not null) json.WriteString("value", alert.Value);
            CapState.WriteAmount(json, CapName.MetricOf(alert.Limit.Metric), alert.Limit.Metric, alert.Max);
            CapState.WriteAmount(json, "used", alert.Limit.Metric, alert.Used);
            json.WriteTime("since", alert.Window.Start * 1000);
            if (alert.Window.End == long.MaxValue) json.WriteNull("resets_at");
            else json.WriteTime("resets_at", alert.Window.End * 1000);
        })));
    }

    public static string WordOf(AlertLevel level) => level == AlertLevel.Reached ? "reached" : "warned";

    public static string WordOf(CapScope scope) => scope switch
    {
        CapScope.Campaign => "campaign",
        CapScope.Buyer => "buyer",
        CapScope.Tree => "ping_tree",
        _ => "publisher",
    };
}
