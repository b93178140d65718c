using Exchange.Engine.Ledger;
using Exchange.Engine.Values;

namespace Exchange.Engine.Audit.Checks;

/// <summary>Every booking takes from one account what it gives to another, above zero, between accounts of known kinds; all accounts together have nothing.</summary>
public sealed class LedgerSumsToZero() : AuditCheck("I10", "ledger sums to zero")
{
    private readonly Dictionary<string, Int128> accounts = new(StringComparer.Ordinal);

    public override void See(TransferFact booking) => See("booking", booking);

    public override void See(LeadFacts lead)
    {
        foreach (var booked in lead.Transfers) See(lead.CopyId(booked.CopyNo).ToString(), booked);
    }

    private void See(string name, in TransferFact booking)
    {
        Looked++;
        Require(booking.Amount > Money.Zero, name, $"{booking.Kind} of {booking.Amount}");
        Require(booking.Debit != booking.Credit, name, $"{booking.Kind} from {booking.Debit} to itself");
        Require(Accounts.Exists(booking.Debit) && Accounts.Exists(booking.Credit), name, $"{booking.Kind} between {booking.Debit} and {booking.Credit}: no such accounts");
        accounts[booking.Debit] = accounts.GetValueOrDefault(booking.Debit) - booking.Amount.Micros;
        accounts[booking.Credit] = accounts.GetValueOrDefault(booking.Credit) + booking.Amount.Micros;
    }

    protected override void Conclude()
    {
        var sum = accounts.Values.Aggregate(Int128.Zero, static (sum, balance) => sum + balance);
        Require(sum == 0, "ledger", $"all accounts together have {sum} micros");
    }
}
