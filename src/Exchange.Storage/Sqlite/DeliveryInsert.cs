using Exchange.Engine.Deliveries;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;

namespace Exchange.Storage.Sqlite;

/// <summary>A new delivery's row; one that is there already stays as it is (false).</summary>
internal static class DeliveryInsert
{
    public static bool Run(Database database, CopyId copy, in NewDelivery delivery, bool isSold, string owner, long fence, long nowMs)
    {
        var leased = delivery.IsLeased;
        return database.Prepare("""
            INSERT INTO delivery (lead_id, no, endpoint, status, pulled, due_at, lease_owner, lease_until, fence, attempts, created_ms, changed_ms, wait, wait_ms)
            VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (lead_id, no, endpoint) DO NOTHING
            """)
            .Bind(copy.Lead).Bind(copy.No).Bind(delivery.Endpoint).Bind(delivery.DueAtMs == NewDelivery.NeverDue && !leased)
            .Bind(delivery.FirstDueMs(isSold)).Bind(leased ? owner : null).Bind(leased ? delivery.LeaseUntilMs : 0)
            .Bind(fence).Bind(leased ? 1 : 0).Bind(nowMs).Bind(nowMs)
            .Bind((long)delivery.Wait).Bind(delivery.Wait == DeliveryWait.None ? 0 : delivery.DueAtMs).Run() == 1;
    }
}
