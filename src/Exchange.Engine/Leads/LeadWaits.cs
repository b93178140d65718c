using System.Collections.Immutable;
using Exchange.Engine.Catalog;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Values;

namespace Exchange.Engine.Leads;

/// <summary>
/// When a posted lead waits before a tree is asked: before its ping's own tree, on the way to one for what is unsold, before that one itself. What waits is
/// said by the catalog of the moment. Tests do not wait.
/// </summary>
public static class LeadWaits
{
    /// <summary>Clocks of two silos differ by less; a silo whose clock is farther off takes no traffic.</summary>
    private const long ClocksMs = 2_000;

    /// <summary>The tree that is asked now; null: it waits still, for something else now, or goes nowhere.</summary>
    public static string? Asked(LeadWait wait, SaleContext context) =>
        Longer(wait, context) is null && !IsDropped(wait, context) && BeforeTree(wait, context) is null ? wait.Trees[^1] : null;

    /// <summary>Before the ping's own tree is asked. What was held at the ping is sold at the post, whatever the tree says since.</summary>
    internal static LeadWait? BeforeFirst(LeadSale sale, SaleContext context)
    {
        if (sale.Test || sale.Record.Tree is not { } own || sale.Slots.Any(slot => slot.State == SlotState.Reserved)) return null;
        return Begin(TreeOf(own, context)?.Wait, sale, [own], isTrees: true, context) is not { } wait ? null : wait with
        {
            AtPing = true,
            Promised = sale.IsDirect ? [] : [.. sale.Slots.Where(slot => slot.State == SlotState.Proposed).Select(slot => new PromisedOffer(slot.OfferId, slot.Sharing, slot.Payout))],
        };
    }

    /// <summary>Before the last of <see cref="LeadSale.UnsoldTrees"/> is asked.</summary>
    internal static LeadWait? BeforeUnsold(LeadSale sale, SaleContext context)
    {
        if (sale.Test) return null;
        ImmutableArray<string> trees = [sale.Record.Tree!, .. sale.UnsoldTrees];
        return Begin(TreeOf(trees[^2], context)?.UnsoldWait, sale, trees, isTrees: false, context) ?? Begin(TreeOf(trees[^1], context)?.Wait, sale, trees, isTrees: true, context);
    }

    /// <summary>The way to a tree is waited for; does the tree itself wait?</summary>
    internal static LeadWait? BeforeTree(LeadWait wait, SaleContext context) =>
        !wait.IsTrees && TreeOf(wait.Trees[^1], context)?.Wait?.Begin(context.Subject, context.NowMs) is { } until ? wait with { IsTrees = true, Until = until } : null;

    /// <summary>The moment is not there yet (it was looked at early), or the fields it waits for are not.</summary>
    internal static LeadWait? Longer(LeadWait wait, SaleContext context) =>
        wait.Until.For == DeliveryWait.Moment ? context.NowMs < wait.Until.UntilMs - ClocksMs ? wait : null
        : IsUnsatisfied(wait, context, out _) && context.NowMs < wait.Until.UntilMs ? wait : null;

    /// <summary>Its time is over without what it waited for, and then it is to go nowhere.</summary>
    internal static bool IsDropped(LeadWait wait, SaleContext context) => IsUnsatisfied(wait, context, out var fields) && fields!.Drop;

    internal static ImmutableArray<Slot> SlotsOf(LeadWait wait) =>
        [.. wait.Promised.Select(offer => new Slot(offer.OfferId, offer.Sharing, offer.Payout, 0, Money.Zero, 0, SlotState.Lost))];

    private static LeadWait? Begin(WaitModel? model, LeadSale sale, ImmutableArray<string> trees, bool isTrees, SaleContext context) =>
        model?.Begin(context.Subject, context.NowMs) is { } until
            ? new() { Trees = trees, IsTrees = isTrees, Until = until, MinPayout = sale.MinPayout, AtPing = sale.Waited } : null;

    private static bool IsUnsatisfied(LeadWait wait, SaleContext context, out WaitForFields? fields)
    {
        fields = wait.Until.For != DeliveryWait.Fields ? null
            : (wait.IsTrees ? TreeOf(wait.Trees[^1], context)?.Wait : TreeOf(wait.Trees[^2], context)?.UnsoldWait) as WaitForFields;
        return fields?.Until.Holds(context.Subject) == false;
    }

    private static TreeModel? TreeOf(string id, SaleContext context) => context.Current.Trees.GetValueOrDefault(id);
}
