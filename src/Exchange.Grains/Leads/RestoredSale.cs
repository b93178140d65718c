using System.Collections.Immutable;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.Leads;
using Exchange.Engine.Ledger;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;
using Exchange.Storage;

namespace Exchange.Grains.Leads;

/// <summary>A lead as the machine needs it, read back from its rows after a crash or a long wait.</summary>
public static class RestoredSale
{
    public static LeadSale From(LeadRow row, PingRecord record, bool keepPersonsWhenUnsold)
    {
        var slots = row.Copies.GroupBy(copy => copy.OfferId, StringComparer.Ordinal).Select(group => SlotOf(record, group.MaxBy(copy => copy.Id.No)!)).ToImmutableArray();
        return new LeadSale
        {
            Record = record,
            Slots = slots,
            // Whoever fell out is not asked again.
            Out = [.. row.Copies.Where(copy => copy.State is CopyState.Voided or CopyState.Expired).Select(copy => BidOf(record, copy))],
            NextCopyNo = row.Copies.Count == 0 ? 1 : row.Copies.Max(copy => copy.Id.No) + 1,
            Tries = row.Copies.Count,
            Reason = row.Reason,
            KeepPersonsWhenUnsold = keepPersonsWhenUnsold,
        };
    }

    private static Slot SlotOf(PingRecord record, CopyRow copy) =>
        new(copy.OfferId, copy.Exclusive ? Sharing.Exclusive : Sharing.Shared, copy.Payout, BidOf(record, copy), copy.Price, copy.Id.No, copy.State switch
        {
            CopyState.Held => SlotState.Held,
            CopyState.InDoubt => SlotState.InDoubt,
            CopyState.Captured or CopyState.Reversed => SlotState.Captured,
            _ => SlotState.Lost,
        }) { RedirectUrl = copy.RedirectUrl, LostBy = copy.Reason };

    private static int BidOf(PingRecord record, CopyRow copy)
    {
        for (var i = 0; i < record.Bids.Length; i++)
            if (record.Bids[i].Campaign == copy.Campaign && (record.Bids[i].Sharing == Sharing.Exclusive) == copy.Exclusive) return i;
        throw new InvariantException("a copy without its bid");
    }
}

/// <summary>
/// A crash may lose the ping records of the last moments, never a lead's rows. What its copies say is enough to bring them to their end; only
/// the ranks after them are gone.
/// </summary>
public static class LostRecord
{
    /// <param name="model">Of the lead's catalog version: every campaign with a copy is in it.</param>
    public static PingRecord From(LeadRow row, CatalogModel model)
    {
        var bids = row.Copies.Select(copy => new RankedBid(
            0, model.Campaigns[copy.Campaign], copy.Exclusive ? Sharing.Exclusive : Sharing.Shared, copy.Price, copy.Price, true)).ToArray();
        return new PingRecord
        {
            Id = row.Id, AtMs = row.AtMs, Publisher = row.Publisher, Vertical = row.Vertical, Tree = null, SubId = row.SubId,
            CatalogVersion = row.CatalogVersion, Seed = 0, MinPayout = Money.Zero, MaxCopies = row.MaxCopies, Values = [], Bids = bids,
            Offers = [.. row.Copies.Select((copy, i) => (copy, i)).GroupBy(pair => pair.copy.OfferId).Select(group => group.MaxBy(pair => pair.copy.Id.No))
                .Select(pair => new Offer(pair.copy.OfferId, pair.i, bids[pair.i].Sharing, pair.copy.Price, pair.copy.Payout, null, true))],
            Notes = [], Turns = [], ExpiresAtMs = row.AtMs, Outcome = Reason.None,
        };
    }
}
