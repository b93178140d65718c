using Exchange.Engine.Ledger;
using Exchange.Engine.Postbacks;
using Exchange.Simulation.Store;
using Exchange.Simulation.World;

namespace Exchange.Simulation.Checks;

/// <summary>
/// Every publisher of a simulation wants to hear of everything: so what the rows tell it is all that happened, each thing once. What a real one wanted at the time
/// the auditor cannot know; here it is known.
/// </summary>
internal static class Postbacks
{
    public static void Check(SimWorld world)
    {
        foreach (var lead in world.Database.Leads) if (Wrong(lead) is { } wrong) world.Violates("I16", $"{lead.Id} {wrong}");
    }

    private static string? Wrong(LeadEntry lead)
    {
        // Of what was held at a ping and never posted nobody is told, nor of tests.
        if (lead.OfferUntilMs > 0 || lead.Id.IsTest) return lead.Postbacks.Count > 0 ? "is told of and is no lead" : null;
        var told = lead.Postbacks.ToLookup(postback => postback.Event);
        var sold = lead.Copies.Where(copy => copy.State is CopyState.Captured or CopyState.Reversed).ToArray();
        var change = told[PostbackEvent.Sold].Sum(postback => postback.Change.Micros);
        var payout = sold.Sum(copy => copy.Payout.Micros);
        if (sold.Length > 0 != told[PostbackEvent.Sold].Any() || change != payout) return $"sold {sold.Length} copies for {payout}, told are {told[PostbackEvent.Sold].Count()} sales for {change}";
        if (told[PostbackEvent.Sold].Any(postback => !sold.Any(copy => copy.No == postback.No))) return "is told sold by a copy that is not";
        var unsold = told[PostbackEvent.Unsold].Count();
        if (unsold != (lead.State == LeadState.Unsold ? 1 : 0)) return $"is {lead.State} and told unsold {unsold} times";
        var back = sold.Where(copy => copy.State == CopyState.Reversed).Select(copy => copy.No);
        return told[PostbackEvent.Returned].Select(postback => postback.No).Order().SequenceEqual(back.Order()) ? null : "has returns that are not those told";
    }
}
