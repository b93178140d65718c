using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.Leads;
using Exchange.Engine.Ledger;

namespace Exchange.Engine.Deliveries;

/// <summary>A delivery whose wait may be over.</summary>
/// <param name="Asks">Its copy is held: the answer makes the sale.</param>
/// <param name="UntilMs">The latest end of its wait.</param>
public readonly record struct DueDelivery(string Endpoint, DeliveryWait Wait, long UntilMs, bool Asks);

/// <summary>What a delivery becomes whose wait may be over: rows in its place; or it is dropped, by a short stable code.</summary>
public readonly record struct DeliveryTurn(NewDelivery[] Become, string? Dropped);

/// <summary>
/// To which endpoints a copy goes, and when. The campaign's own wait comes first, then its conditions choose, then what was chosen waits for itself; where
/// all are sent to, each waits and is then asked for its own condition. Conditions read the lead as it is at that moment.
/// </summary>
public static class DeliveryPlan
{
    /// <summary>The endpoint of a delivery whose destination is not chosen yet; no endpoint can have this name.</summary>
    public const string Undecided = "*";

    /// <param name="asks">The copy is held: its first delivery asks the buyer, the others follow the sale.</param>
    /// <returns>At least one; leased are those that are called now.</returns>
    public static NewDelivery[] AtSale(DeliveryModel model, bool asks, Subject subject, long nowMs) =>
        model.Wait?.Begin(subject, nowMs) is { } waiting ? [Held(Undecided, waiting)] : Decide(model, asks, subject, nowMs);

    /// <summary>The wait of a delivery has ended, or fields were added for which it waits.</summary>
    public static DeliveryTurn Due(DeliveryModel model, in DueDelivery due, Subject subject, long nowMs)
    {
        var to = model.Find(due.Endpoint);
        if (due.Wait == DeliveryWait.Fields && (due.Endpoint == Undecided ? model.Wait : to?.Wait) is WaitForFields fields && !fields.Until.Holds(subject))
        {
            if (nowMs < due.UntilMs) return new([Held(due.Endpoint, new(DeliveryWait.Fields, due.UntilMs))], null);
            if (fields.Drop) return new([], "wait_over");
        }
        // Not chosen yet, or the campaign names another endpoint by now.
        if (to is null) return new(Decide(model, due.Asks, subject, nowMs), null);
        if (due.Wait == DeliveryWait.Sale && to.Wait?.Begin(subject, nowMs) is { } waiting) return new([Held(to.Endpoint.Name, waiting)], null);
        if (model.SendAll && !due.Asks && to.When?.Holds(subject) == false) return new([], "condition");
        return new([Now(to.Endpoint, due.Asks, nowMs)], null);
    }

    /// <summary>Where a test lead goes, once and at once, whatever waits there are: of what is chosen now, wherever tests may go.</summary>
    public static IEnumerable<EndpointModel> ForTest(DeliveryModel model, Subject subject) => Chosen(model, subject).Select(static to => to.Endpoint.Test).OfType<EndpointModel>();

    /// <summary>Whose answer makes the sale of a test lead; null: nobody's, since it is sold on the post or tests stay here.</summary>
    public static EndpointModel? AsksTest(DeliveryModel model, Subject subject) => model.Sold == SoldWhen.OnAccept ? Chosen(model, subject).FirstOrDefault()?.Endpoint.Test : null;

    private static IEnumerable<Destination> Chosen(DeliveryModel model, Subject subject)
    {
        var chosen = model.To.Where(to => to.When?.Holds(subject) != false);
        return model.SendAll ? chosen : chosen.Take(1);
    }

    private static NewDelivery[] Decide(DeliveryModel model, bool asks, Subject subject, long nowMs)
    {
        if (model.To is [{ When: null, Wait: null } only, ..] && (!model.SendAll || model.To.Count == 1)) return [Now(only.Endpoint, asks, nowMs)];
        var made = new List<NewDelivery>(model.To.Count);
        foreach (var to in model.To)
        {
            if (!model.SendAll && to.When?.Holds(subject) == false) continue;
            if (asks && made.Count > 0) made.Add(AfterSale(to, nowMs));
            else if (to.Wait?.Begin(subject, nowMs) is { } waiting) made.Add(Held(to.Endpoint.Name, waiting));
            else if (to.When?.Holds(subject) != false) made.Add(Now(to.Endpoint, asks, nowMs));
            if (!model.SendAll) break;
        }
        // Its buyer wants it nowhere: what is sold lies in the inbox; what is held is called there, which ends its hold.
        if (made.Count == 0) made.Add(Now(model.Inbox, asks, nowMs));
        return [.. made];
    }

    /// <summary>A copy whose buyer has to answer is called wherever it goes: an inbox answers nothing, and that ends its hold.</summary>
    private static NewDelivery Now(EndpointModel endpoint, bool asks, long nowMs) => endpoint.Connector == ConnectorKind.Inbox && !asks
        ? new(endpoint.Name, NewDelivery.NeverDue, 0)
        // Collected: nobody is called before the moment of its next file.
        : endpoint.Sftp is { } files && !asks ? new(endpoint.Name, files.NextFileMs(nowMs), 0)
        : new(endpoint.Name, nowMs, nowMs + (long)endpoint.PostTimeout.TotalMilliseconds + LeadMachine.LeaseGraceMs);

    private static NewDelivery AfterSale(Destination to, long nowMs) => to is { Endpoint.Connector: ConnectorKind.Inbox, When: null, Wait: null }
        ? new(to.Endpoint.Name, NewDelivery.NeverDue, 0)
        : new(to.Endpoint.Name, nowMs, 0) { Wait = DeliveryWait.Sale };

    private static NewDelivery Held(string endpoint, Waiting waiting) => new(endpoint, waiting.UntilMs, 0) { Wait = waiting.For };
}
