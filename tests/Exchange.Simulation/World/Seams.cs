using Exchange.Engine.Deliveries;
using Exchange.Engine.Leads;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Grains.Leads;
using Exchange.Simulation.Store;
using Exchange.Storage;

namespace Exchange.Simulation.World;

/// <summary>
/// The places where a planted bug gets into a world: what is written, told, leased and sent. As it is, nothing is planted. The product knows of none.
/// </summary>
internal class Seams
{
    public virtual SimDatabase NewDatabase() => new();

    public virtual LeadDecision Decide => LeadMachine.Step;

    /// <summary>An item on its way to the journal.</summary>
    public virtual JournalItem Submitted(JournalItem item) => item;

    /// <summary>A verdict that is told before the commit; null: after it.</summary>
    public virtual Verdict? ToldAtOnce(JournalItem item) => null;

    /// <summary>A commit that never arrived is taken for done.</summary>
    public virtual bool LostIsDone => false;

    /// <summary>Which verdict of a batch an item is told.</summary>
    public virtual int VerdictOf(int index, int count) => index;

    public virtual bool IsDue(DeliveryEntry delivery, CopyState copy, long nowMs) => delivery.DueAtMs <= nowMs;

    public virtual bool IsFenced(DeliveryEntry delivery, long fence) => delivery.Fence == fence;

    public virtual DeliveryResult Recorded(SimDatabase database, DeliveryEntry delivery, DeliveryResult result) => result;

    /// <summary>What a delivery that waited becomes.</summary>
    public virtual NewDelivery Turned(NewDelivery delivery) => delivery;

    public virtual bool OfferExpires(LeadEntry lead, long nowMs) => lead.OfferUntilMs > 0 && lead.OfferUntilMs < nowMs && lead.State == LeadState.Open;

    /// <summary>Housekeeping books the returns that a crash left.</summary>
    public virtual bool Sweeps => true;

    /// <summary>Somebody may be calling for it at this moment.</summary>
    public virtual bool IsLeased(DeliveryEntry delivery, long nowMs) => delivery.LeaseUntilMs > nowMs;

    /// <summary>Fields are added to what was read, or not at all.</summary>
    public virtual bool IsAsRead(LeadEntry lead, byte[] readSealed) => lead.Sealed.AsSpan().SequenceEqual(readSealed);

    /// <summary>The lead that is erased is the one that was read.</summary>
    public virtual bool IsAsRead(LeadErasure erasure, LeadEntry? lead) => erasure.Read!.Is(lead?.Sealed ?? [], lead?.Answer);

    /// <summary>Fields were added: what waits for fields is looked at.</summary>
    public virtual void Added(LeadEntry lead, long nowMs)
    {
        foreach (var delivery in lead.Deliveries) if (delivery is { Status: DeliveryStatus.Waiting, Wait: DeliveryWait.Fields }) delivery.Look(nowMs);
        lead.Wait?.Look(nowMs);
    }

    /// <summary>A return that is asked for: the copy's row of returns is not there yet.</summary>
    public virtual bool IsAskedFirst(SimDatabase database, CopyId copy) => !database.Returns.Exists(row => row.Copy == copy);

    /// <summary>The request for a bid that an answer is taken for.</summary>
    public virtual string AnsweredAs(string request) => request;

    /// <summary>A silo has died.</summary>
    public virtual void Crashed(SimWorld world) { }

    /// <summary>The id under which a copy leaves.</summary>
    public virtual CopyId IdOnTheWire(CopyId copy, int sentBefore) => copy;

    /// <summary>Another buyer that gets the same bytes.</summary>
    public virtual string? AlsoTo(string buyer) => null;
}
