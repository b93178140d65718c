using Exchange.Engine;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Grains.Intake;
using Exchange.Grains.Leads;
using Exchange.Simulation.Store;
using Exchange.Simulation.World;
using Exchange.Storage;

namespace Exchange.Simulation.Checks;

/// <summary>What must be so at the very moment: before bytes leave, when they arrive, before a publisher is answered, at every commit.</summary>
internal sealed class Laws(SimWorld world)
{
    private readonly Dictionary<CopyId, int> sent = [];
    private readonly HashSet<CopyId> dropped = [];

    /// <summary>No lead leaves before its hold and this attempt's lease are durable, and only to the buyer that holds it.</summary>
    public void Leaving(SimSilo silo, CopyId copy, string buyer, string path)
    {
        var lead = world.Database.Find(copy.Lead);
        if (lead?.Copies.Find(row => row.No == copy.No) is not { } row)
        {
            world.Violates("law (a)", $"{copy} leaves and is not durable");
            return;
        }
        if (dropped.Contains(copy)) world.Violates("I18", $"{copy} leaves after its time was over and it was dropped");
        if (lead.Wait?.DueAtMs is not null) world.Violates("law (a)", $"{copy} leaves while its lead waits for its auction");
        // The lease may be another silo's, whose pump asked this one's lead: it must be somebody's and not over. Another attempt's yes may have ended it a
        // moment ago, or its return: then its buyer has the copy, and gets it once more under the same id.
        var delivery = lead.Deliveries.Find(delivery => delivery.Copy == copy && delivery is { Pulled: false, Attempts: > 0 });
        if (lead.ErasedMs is not null && delivery is not null && delivery.Attempts > (delivery.AttemptsBefore ?? 0)) world.Violates("I25", $"{copy} leaves in an attempt that began after its person was erased");
        var now = silo.Clock.NowMs;
        if (delivery is null || !(delivery.Owner is not null && delivery.LeaseUntilMs > now || (delivery.Status == DeliveryStatus.Delivered || row.State == CopyState.Reversed) && delivery.LastLeaseMs > now))
            world.Violates("law (a)", $"{copy} leaves {silo.Process.Name} without a lease: {delivery?.Status} {delivery?.Error}, {row.State}");
        else if ((sent[copy] = sent.GetValueOrDefault(copy) + 1) > delivery.Attempts) world.Violates("law (a)", $"{copy} leaves for the {sent[copy]}th time under {delivery.Attempts} leases");
        // One attempt at a time: what is still open was sent under a lease that is over by now, or by somebody who stands still.
        foreach (var earlier in world.Witness.Received)
            if (earlier.Copy == copy && earlier.Path == path && earlier.Said == Word.None && !earlier.IsLeft && !earlier.IsStopped) world.Violates("I17", $"{copy} leaves twice at once");
        if (row.State is CopyState.Expired) world.Violates("I12", $"{copy} leaves and is expired");
    }

    /// <summary>An exclusive lead never reaches a second buyer while the first may have it.</summary>
    public void Arriving(ReceivedEvent message)
    {
        var lead = message.Copy.Lead;
        var row = world.Database.Find(lead)?.Copies.Find(copy => copy.No == message.Copy.No);
        if (row is null) world.Violates("I17", $"{message.Copy} arrives at {message.Buyer} and is no copy");
        else if (row.Buyer != message.Buyer) world.Violates("I23", $"{message.Copy} of {row.Buyer} arrives at {message.Buyer}");
        var exclusive = IsExclusive(message.Copy);
        foreach (var earlier in world.Witness.Received)
            if (earlier.Copy.Lead == lead && earlier.Buyer != message.Buyer && (exclusive || IsExclusive(earlier.Copy)) && world.Witness.MayHave(earlier.Buyer, lead))
            {
                world.Violates("I2 on the wire", $"{message.Copy} arrives at {message.Buyer} while {earlier.Buyer} may have {earlier.Copy}");
                return;
            }
    }

    /// <summary>No answer to a post before its outcome is durable: what is said is what the rows say, now or a moment ago.</summary>
    public void Answering(PostReply reply)
    {
        if (reply.Answer is not { } bytes) return;
        var answer = LeadAnswer.FromJson(bytes);
        var row = world.Database.Find(answer.LeadId);
        if (row is null || row.OfferUntilMs > 0)
        {
            world.Violates("law (b)", $"{answer.LeadId} is answered {answer.State} and is not durable");
            return;
        }
        foreach (var copy in answer.Copies)
            if (copy.State == CopyState.Captured && !row.Copies.Exists(held => held.OfferId == copy.OfferId && held.State is CopyState.Captured or CopyState.Reversed && held.Payout == copy.Payout))
                world.Violates("law (b)", $"{answer.LeadId} is answered sold and its rows do not say so");
        if (answer.State == LeadState.Unsold && row.State != LeadState.Unsold) world.Violates("law (b)", $"{answer.LeadId} is answered unsold, its row says {row.State}");
    }

    /// <summary>What is told accepted is back: the money is there when the answer is.</summary>
    public void Returned(CopyId copy, ReturnStatus status)
    {
        world.Outside.Note("is returned", copy.ToString(), (long)status);
        if (status == ReturnStatus.Accepted && StateOf(copy) != CopyState.Reversed) world.Violates("I15", $"{copy} is told returned and is {StateOf(copy)}");
    }

    /// <summary>From the answer on nothing of the person is there, nothing waits to be brought to a buyer that has it, and what waits for a decision is looked at.</summary>
    public void Erased(LeadId id)
    {
        if (world.Database.Find(id) is not { ErasedMs: not null } lead) return;
        if (lead.Sealed.Length > 0) world.Violates("I25", $"{id} is told erased and its payload is there");
        if (world.Database.Pings.ContainsKey(id)) world.Violates("I25", $"{id} is told erased and its ping's record is there");
        foreach (var delivery in lead.Deliveries)
            if (delivery is { Status: DeliveryStatus.Waiting, WasSold: true } && lead.Copies.Exists(copy => copy.No == delivery.Copy.No && copy.State == CopyState.Captured))
                world.Violates("I25", $"{delivery.Copy} is told erased and waits to be delivered");
        foreach (var (field, name) in (ReadOnlySpan<(string, string)>)[("phone", "suppressed:phone"), ("email", "suppressed:email")])
            if (Recount.FieldOf(lead, field) is { } value && !world.Database.Suppressed.ContainsKey(Convert.ToHexString(SimVault.Instance.PersonHash(name, value)))) world.Violates("I25", $"{id} is told erased and its person is not suppressed");
    }

    /// <summary>Done means that it is so, for ever.</summary>
    public void Resolved(CopyId copy, bool accepted, ResolveReply reply)
    {
        world.Outside.Note("is resolved", copy + (accepted ? " accepted" : " rejected"), (long)reply);
        if (reply is not (ResolveReply.Done or ResolveReply.AlreadySo)) return;
        var state = StateOf(copy);
        if (accepted ? state is not (CopyState.Captured or CopyState.Reversed) : state != CopyState.Voided) world.Violates("I5", $"{copy} is told {(accepted ? "accepted" : "rejected")} and is {state}");
        world.Witness.Done.Add((copy, accepted));
    }

    /// <summary>What is told added is there.</summary>
    public void Added(LeadId id, string field)
    {
        var lead = world.Database.Find(id)!;
        if (lead.ErasedMs is null && LeadPayload.Read(lead.Sealed.AsMemory(16)).Fields.GetValueOrDefault(field) is null) world.Violates("I3", $"{id} is told to have got {field} and has not");
    }

    /// <summary>Nobody who waits for fields goes on waiting, or is let go, by what was there before they came.</summary>
    public void Turned(LeadEntry lead, CopyId copy, IReadOnlyList<NewDelivery> become)
    {
        if (become.Any(delivery => delivery.Wait == DeliveryWait.Drop)) dropped.Add(copy);
        if (lead.Sealed.Length > 0 && become.Any(delivery => delivery.Wait == DeliveryWait.Fields) && HasEmail(lead)) world.Violates("I18", $"{lead.Id} goes on waiting for what it was given");
    }

    private static bool HasEmail(LeadEntry lead) => LeadPayload.Read(lead.Sealed.AsMemory(16)).Fields.ContainsKey("email");

    private CopyState? StateOf(CopyId copy) => world.Database.Find(copy.Lead)?.Copies.Find(row => row.No == copy.No)?.State;

    /// <summary>After each item: limits fit where they were taken, a settled answer is never another, a sold lead stays sold.</summary>
    public void Committed(JournalItem item, Verdict verdict)
    {
        if (verdict.Code != VerdictCode.Done) return;
        foreach (var start in item.Starts)
            foreach (var take in start.Takes)
                if (take.Amount > 0 && world.Database.Counters.Find(take) is { } counter && counter.Used + counter.Held > counter.Limit)
                    world.Violates("I1", $"{take.Key}: {counter.Used} + {counter.Held} of {counter.Limit}");
        foreach (var start in item.Starts)
            foreach (var gate in world.Database.Counters.All)
                if (gate.LimitId.StartsWith($"open:{start.Campaign}:", StringComparison.Ordinal) && world.Database.Counters.LimitOf(gate.LimitId, out var isActive) is not null && isActive && gate.Row.Limit < 0)
                    world.Violates("I1", $"{start.Campaign} is paused and takes {item.Lead}");
        foreach (var end in item.Ends)
            if (end.Move == CopyMove.Doubt && dropped.Contains(new(item.Lead, end.No))) world.Violates("I18", $"{item.Lead} is in doubt, and nobody was asked: its time was over");
        var lead = world.Database.Find(item.Lead)!;
        if (lead.ErasedMs is not null && lead.Sealed.Length > 0) world.Violates("I25", $"{item.Lead} was erased and has a payload again");
        if (item is { EndsWait: not null, State: LeadState.Unsold, Reason: Reason.Expired } && lead.Sealed.Length > 0 && HasEmail(lead)) world.Violates("I18", $"{item.Lead} is let go for want of what it was given");
        if (lead.State == LeadState.Unsold && lead.Copies.Exists(copy => copy.IsOpen)) world.Violates("I5", $"{item.Lead} is unsold and has open copies");
    }

    private bool IsExclusive(CopyId copy) => world.Database.Find(copy.Lead)?.Copies.Find(row => row.No == copy.No)?.Exclusive == true;
}
