using Exchange.Storage;

namespace Exchange.Server.Admin;

/// <summary>A delivery's status as the wire says it.</summary>
internal static class DeliveryWords
{
    public static string Wire(DeliveryStatus status) => status switch
    {
        DeliveryStatus.Waiting => "waiting",
        DeliveryStatus.Delivered => "delivered",
        DeliveryStatus.Failed => "failed",
        DeliveryStatus.Cancelled => "cancelled",
        _ => "dead",
    };

    /// <summary>False for a word that is none; nothing given is no filter.</summary>
    public static bool TryParse(string? wire, out DeliveryStatus? status)
    {
        status = wire switch
        {
            "waiting" => DeliveryStatus.Waiting,
            "delivered" => DeliveryStatus.Delivered,
            "failed" => DeliveryStatus.Failed,
            "dead" => DeliveryStatus.Dead,
            "cancelled" => DeliveryStatus.Cancelled,
            _ => null,
        };
        return wire is null || status is not null;
    }

    public const string Known = "The status is waiting, delivered, failed, dead or cancelled.";
}
