using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Grains.Intake;
using Exchange.Simulation.World;
using Exchange.Storage;

namespace Exchange.Simulation.Checks;

/// <summary>What must be so at the very moment: before bytes leave, when they arrive, before a publisher is answered, at every commit.</summary>
internal sealed class Laws(SimWorld world)
{
    private readonly Dictionary<CopyId, int> sent = [];

    /// <summary>No lead leaves before its hold and this attempt's lease are durable, and only to the buyer that holds it.</summary>
    public void Leaving(SimSilo silo, CopyId copy, string buyer, string path)
    {
        var lead = world.Database.Find(copy.Lead);
        if (lead?.Copies.Find(row => row.No == copy.No) is not { } row)
        {
            world.Violates("law (a)", $"{copy} leaves and is not durable");
            return;
        }
        if (lead.Wait?.DueAtMs is not null) world.Violates("law (a)", $"{copy} leaves while its lead waits for its auction");
        // The lease may be another silo's, whose pump asked this one's lead: it must be somebody's and not over. Another attempt's yes may have ended it a
        // moment ago: then its buyer has the copy, and gets it once more under the same id.
        var delivery = lead.Deliveries.Find(delivery => delivery.Copy == copy && delivery is { Pulled: false, Attempts: > 0 });
        var now = silo.Clock.NowMs;
        if (delivery is null || !(delivery.Owner is not null && delivery.LeaseUntilMs > now || delivery.Status == DeliveryStatus.Delivered && delivery.LastLeaseMs > now))
            world.Violates("law (a)", $"{copy} leaves {silo.Process.Name} without a lease");
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
            if (copy.State == CopyState.Captured && !row.Copies.Exists(held => held.OfferId == copy.OfferId && held.State == CopyState.Captured && held.Payout == copy.Payout))
                world.Violates("law (b)", $"{answer.LeadId} is answered sold and its rows do not say so");
        if (answer.State == LeadState.Unsold && row.State != LeadState.Unsold) world.Violates("law (b)", $"{answer.LeadId} is answered unsold, its row says {row.State}");
    }

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
        var lead = world.Database.Find(item.Lead)!;
        if (lead.State == LeadState.Unsold && lead.Copies.Exists(copy => copy.IsOpen)) world.Violates("I5", $"{item.Lead} is unsold and has open copies");
    }

    private bool IsExclusive(CopyId copy) => world.Database.Find(copy.Lead)?.Copies.Find(row => row.No == copy.No)?.Exclusive == true;
}
