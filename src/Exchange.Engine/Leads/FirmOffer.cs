using System.Collections.Immutable;
using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.Ledger;
using Exchange.Engine.PingTrees;

namespace Exchange.Engine.Leads;

/// <summary>
/// Firm trees: the best offers of a ping are held before its answer, places and money, so that their post cannot find them gone. Copies are
/// numbered by their offers, from 1.
/// </summary>
public static class FirmOffer
{
    /// <summary>The item that holds them; the lead it makes is not posted yet.</summary>
    /// <param name="model">The catalog that the ping was walked on.</param>
    /// <param name="subject">The ping's.</param>
    /// <param name="sealedFields">What was pinged, sealed.</param>
    public static JournalItem Hold(PingRecord record, CatalogModel model, Subject subject, byte[] sealedFields, long nowMs)
    {
        var sale = new LeadSale
        {
            Rounds = [new SaleRound { Model = model, Record = record, Subject = subject }], Slots = [], MaxCopies = Held(record).Count(),
        };
        var context = new SaleContext { Current = model, NowMs = nowMs, Subject = subject, Walk = static _ => null };
        return new JournalItem
        {
            Lead = record.Id, AtMs = nowMs, State = LeadState.Open,
            New = new NewLead(record.Publisher, record.Vertical, record.SubId, false, sale.MaxCopies, [], sealedFields, record.CatalogVersion)
            {
                Channel = record.Channel, OfferUntilMs = record.ExpiresAtMs,
            },
            Starts = [.. Held(record).Select((offer, i) => CopyMaker.Reserve(sale, SlotOf(offer, i + 1), context))],
        };
    }

    /// <summary>The slots of a post that takes these offers: those that were held keep their copies, the others are sold as elsewhere.</summary>
    /// <param name="unwanted">Copies that were held and are not taken.</param>
    public static ImmutableArray<Slot> Slots(PingRecord record, IReadOnlyList<Offer> taken, out int[] unwanted, out int nextCopyNo)
    {
        Offer[] held = [.. Held(record)];
        unwanted = [.. Enumerable.Range(1, held.Length).Where(no => taken.All(offer => offer.OfferId != held[no - 1].OfferId))];
        nextCopyNo = held.Length + 1;
        return [.. taken.Select(offer => SlotOf(offer, Array.FindIndex(held, each => each.OfferId == offer.OfferId) + 1))];
    }

    /// <summary>An offer's time is over and nobody posted it: its copies give back what they held.</summary>
    public static JournalItem Expire(Values.LeadId lead, IEnumerable<int> held, long nowMs) => new()
    {
        Lead = lead, AtMs = nowMs, Ends = [.. held.Select(no => new CopyEnd(no, CopyMove.Expire, Reason.Expired, []))],
        State = LeadState.Unsold, Reason = Reason.Expired, ReleasePersons = true,
    };

    private static IEnumerable<Offer> Held(PingRecord record) => record.Offers.Where(offer => offer.Best);

    private static Slot SlotOf(Offer offer, int copyNo) =>
        new(offer.OfferId, offer.Sharing, offer.Payout, offer.BidIndex, offer.Price, copyNo, copyNo > 0 ? SlotState.Reserved : SlotState.Proposed);
}
