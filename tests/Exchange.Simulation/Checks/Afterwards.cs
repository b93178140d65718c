using System.Text;
using Exchange.Engine.Audit;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Grains.Intake;
using Exchange.Simulation.World;
using Exchange.Storage;

namespace Exchange.Simulation.Checks;

/// <summary>What must be so when everything has come to its end: what was told is what the rows say, what arrived is what was sold.</summary>
internal static class Afterwards
{
    public static void Check(SimWorld world)
    {
        Told(world);
        Received(world);
        Recount.Check(world);
        LaterOn.Check(world);
        LiveBidding.Check(world);
        Postbacks.Check(world);
        Audited(world);
    }

    private static void Told(SimWorld world)
    {
        foreach (var told in world.Witness.Told)
        {
            if (told.Answer is not { } bytes) continue;
            if (Encoding.UTF8.GetString(bytes).Contains("+1202", StringComparison.Ordinal)) world.Violates("I24", $"an answer to {told.Request} holds the person's phone");
            var answer = LeadAnswer.FromJson(bytes);
            var lead = world.Database.Find(answer.LeadId);
            if (lead is null)
            {
                world.Violates("I3", $"{told.Request} was answered {answer.State} and its lead is not there");
                continue;
            }
            if (lead.Publisher != told.Publisher) world.Violates("I26", $"{told.Request} was answered with a lead of {lead.Publisher}");
            if (!lead.PostHash.AsSpan().SequenceEqual(told.BodyHash)) world.Violates("I4", $"{told.Request} was answered with what another body made");
            // 200: nothing of it was open any more.
            if (told.Status != 200) continue;
            if (answer.State != lead.State) world.Violates("I3", $"{answer.LeadId} was answered {answer.State} and is {lead.State}");
            // What came back later leaves the recorded answer as it was.
            var owed = lead.Copies.Where(copy => copy.State is CopyState.Captured or CopyState.Reversed).Sum(copy => copy.Payout.Micros);
            if (answer.Payout.Micros != owed) world.Violates("I3", $"{answer.LeadId} was answered {answer.Payout}, its copies pay {owed}");
        }
        foreach (var same in world.Witness.Told.Where(told => told is { Status: 200, Answer: not null }).GroupBy(told => told.Request))
            if (same.Any(told => !told.Answer.AsSpan().SequenceEqual(same.First().Answer))) world.Violates("I4", $"{same.Key} was answered in two ways");
        foreach (var key in world.Witness.Told.Where(told => told is { Answer: not null, Key: not null }).GroupBy(told => told.Publisher + " " + told.Key))
            if (key.Select(told => LeadAnswer.FromJson(told.Answer!).LeadId).Distinct().Count() > 1) world.Violates("I4", $"{key.Key} made two leads");
    }

    /// <summary>The same checks as an installation's.</summary>
    private static void Audited(SimWorld world)
    {
        var report = Auditor.Run(new SimFacts(world.Database));
        foreach (var check in report.Checks)
            if (check.Found > 0) world.Violates(check.Id, $"{check.Name}: {check.Findings[0].Subject} {check.Findings[0].What}");
    }

    private static void Received(SimWorld world)
    {
        foreach (var messages in world.Witness.Received.GroupBy(message => message.Copy))
        {
            var bodies = messages.Select(message => Convert.ToHexString(message.Body)).Distinct().Count();
            // Attempts after an addition bring what was added.
            if (bodies > 1 + (world.Database.Find(messages.Key.Lead)?.Additions ?? 0)) world.Violates("I17", $"{messages.Key} arrived with {bodies} different bodies");
        }
        foreach (var lead in world.Database.Leads)
            foreach (var copy in lead.Copies)
            {
                var id = new CopyId(lead.Id, copy.No);
                var messages = world.Witness.Received.Where(message => message.Copy == id).ToArray();
                var said = Array.ConvertAll(messages, static message => message.Said);
                // Its buyer took it and never said anything else: it is sold, or openly in doubt.
                if (copy.State is CopyState.Voided or CopyState.Expired && !world.Witness.IsRejected(id) && said.Length > 0 && said.All(word => word == Word.Yes))
                    world.Violates("D4", $"{lead.Id}.{copy.No} is {copy.State} and its buyer has it");
                var delivered = lead.Deliveries.Find(delivery => delivery.Copy.No == copy.No && delivery.Status == DeliveryStatus.Delivered && !delivery.Pulled);
                // An operator may know better than what arrived.
                if (world.Witness.Resolved.Contains((id, true))) continue;
                if (delivered is not null && !messages.Any(static message => message.IsTaken))
                    world.Violates("I16", messages.Length == 0 ? $"{id} is delivered and never arrived" : $"{id} is delivered and nobody took it");
                // What its buyer was to say yes to before it is sold: what may have been a yes is one, a no never.
                var asked = messages.Where(static message => message.Path == "/leads").ToArray();
                if (copy.State is CopyState.Captured or CopyState.Reversed && asked.Length > 0 && asked.All(static message => message.Said is Word.No or Word.NotNow))
                    world.Violates("D4", $"{id} is {copy.State} and its buyer always said no");
            }
    }
}
