using Exchange.Engine.Ledger;
using Exchange.Engine.Values;

namespace Exchange.Engine.Audit.Checks;

/// <summary>
/// A captured copy is booked once: its buyer paid the price, its publisher got the payout, the house the rest. One that was given back: the buyer has
/// all of it back, the publisher kept the payout or gave it back. Nobody else has a part in it. Nothing is booked for any other copy, and nothing for a test.
/// Without a lead there is only what a buyer paid in.
/// </summary>
public sealed class LedgerMatchesCopies() : AuditCheck("I12", "bookings = captured copies: price, payout, margin")
{
    public override void See(TransferFact booking)
    {
        Looked++;
        Require(booking.Kind == "fund" && booking.Debit == Accounts.Bank && Accounts.IsBuyer(booking.Credit), "booking", $"{booking.Kind} from {booking.Debit} to {booking.Credit}, and of no lead");
    }

    public override void See(LeadFacts lead)
    {
        if (lead.Lead is null) return;
        foreach (var copy in lead.Copies)
        {
            Looked++;
            var name = lead.CopyId(copy.No).ToString();
            var buyer = Net(lead, copy.No, Accounts.Buyer(copy.Buyer));
            var publisher = Net(lead, copy.No, Accounts.Publisher(lead.Lead.Publisher));
            var house = Net(lead, copy.No, Accounts.House);
            var all = lead.Transfers.Where(booked => booked.CopyNo == copy.No).ToList();
            if (lead.Id.IsTest || !copy.IsSold)
            {
                Require(all.Count == 0, name, $"is {copy.State} and has {all.Count} bookings");
                continue;
            }
            var isBack = copy.State == CopyState.Reversed;
            var paid = isBack ? Money.Zero : copy.Price;
            Require(buyer == Money.Zero - paid, name, $"is {copy.State} at {copy.Price}, its buyer's bookings come to {buyer}");
            Require(publisher == copy.Payout || isBack && publisher == Money.Zero, name, $"pays {copy.Payout}, its publisher's bookings come to {publisher}");
            Require(house == paid - publisher, name, $"leaves {paid - publisher} to the house, whose bookings come to {house}");
            // The three may be right beside money that goes past them.
            string[] parties = [Accounts.Buyer(copy.Buyer), Accounts.Publisher(lead.Lead.Publisher), Accounts.House];
            foreach (var booked in all)
                Require(parties.Contains(booked.Debit) && parties.Contains(booked.Credit), name, $"a booking ({booked.Kind}) from {booked.Debit} to {booked.Credit}");
        }
        foreach (var booked in lead.Transfers)
            Require(lead.Copies.Any(copy => copy.No == booked.CopyNo), lead.CopyId(booked.CopyNo).ToString(), $"a booking ({booked.Kind}) of a copy that is not there");
    }

    private static Money Net(LeadFacts lead, int copyNo, string account)
    {
        var net = Money.Zero;
        foreach (var booked in lead.Transfers)
        {
            if (booked.CopyNo != copyNo) continue;
            if (booked.Credit == account) net += booked.Amount;
            if (booked.Debit == account) net -= booked.Amount;
        }
        return net;
    }
}
