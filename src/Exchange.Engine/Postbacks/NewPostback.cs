using Exchange.Engine.Catalog;
using Exchange.Engine.Leads;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;

namespace Exchange.Engine.Postbacks;

/// <summary>What a publisher is to be told of an item, written with it: durable when the item is, and never before.</summary>
/// <param name="No">As <see cref="PostbackId.No"/>.</param>
/// <param name="Change">How much more the lead earns by it; below zero of what came back.</param>
public readonly record struct NewPostback(PostbackEvent Event, int No, Money Change)
{
    /// <summary>Of an item that sells copies, or records that nobody took the lead. Null: its publisher does not want to hear of it.</summary>
    /// <param name="done">The lead as the item makes it.</param>
    public static NewPostback? Of(PublisherModel? publisher, LeadSale done, IReadOnlyList<CopyEnd> ends, IReadOnlyList<NewCopy> starts)
    {
        if (publisher?.Postback is not { } postback) return null;
        var (first, change) = (PostbackId.NoCopy, Money.Zero);
        foreach (var end in ends) if (end.Move == CopyMove.Capture) Sold(end.No);
        foreach (var start in starts) if (start.Move == CopyMove.Sell) Sold(start.No);
        if (first != PostbackId.NoCopy) return postback.Wants(PostbackEvent.Sold, done.Test) ? new(PostbackEvent.Sold, first, change) : null;
        return done.State == LeadState.Unsold && postback.Wants(PostbackEvent.Unsold, done.Test) ? new(PostbackEvent.Unsold, PostbackId.NoCopy, Money.Zero) : null;

        void Sold(int no)
        {
            if (first == PostbackId.NoCopy) first = no;
            change += done.SlotOfCopy(no)!.Payout;
        }
    }

    /// <summary>Of a copy that comes back. Null: its publisher does not want to hear of it.</summary>
    /// <param name="keeps">Its publisher keeps what it earned.</param>
    public static NewPostback? OfReturn(PublisherModel? publisher, int copyNo, Money payout, bool keeps) =>
        publisher?.Postback?.Wants(PostbackEvent.Returned, test: false) == true ? new(PostbackEvent.Returned, copyNo, keeps ? Money.Zero : Money.Zero - payout) : null;
}
