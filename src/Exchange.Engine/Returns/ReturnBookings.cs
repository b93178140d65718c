using Exchange.Engine.Ledger;
using Exchange.Engine.Values;

namespace Exchange.Engine.Returns;

/// <summary>The money of a return: the mirror of what the sale booked, transfer by transfer, so that what comes back is what was charged, to the micro.</summary>
public static class ReturnBookings
{
    public const string Kind = "reverse";

    /// <summary>
    /// The buyer gets the whole price back. The publisher gives its payout back, or the house pays it where the publisher keeps what it earned
    /// (<paramref name="keepsPayout"/>). Amounts of nothing are not booked.
    /// </summary>
    public static Transfer[] Of(string buyer, string publisher, Money price, Money payout, bool keepsPayout)
    {
        Invariant.Require(price >= payout && payout >= Money.Zero, "a payout is part of its price");
        var to = Accounts.Buyer(buyer);
        var transfers = new List<Transfer>(2);
        if (payout > Money.Zero) transfers.Add(new(Kind, keepsPayout ? Accounts.House : Accounts.Publisher(publisher), to, payout));
        if (price > payout) transfers.Add(new(Kind, Accounts.House, to, price - payout));
        return [.. transfers];
    }

    /// <summary>
    /// The durable step. The takes stored in the copy say what its places and its balance are; a place comes back only where its cap counts
    /// what was kept (<c>count: kept</c>).
    /// </summary>
    public static JournalItem ItemOf(LeadId lead, int copyNo, Transfer[] transfers, long nowMs) => new()
    {
        Lead = lead, AtMs = nowMs, State = LeadState.Sold, Ends = [new(copyNo, CopyMove.Reverse, Reason.None, transfers)],
    };
}
