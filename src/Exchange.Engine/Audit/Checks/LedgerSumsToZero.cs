using Exchange.Engine.Ledger;
using Exchange.Engine.Values;

namespace Exchange.Engine.Audit.Checks;

/// <summary>
/// Every booking takes from one account what it gives to another, above zero, between accounts of known kinds. Each account is said to have what its bookings come to,
/// so all that are told together have nothing: a closing row that says something else would be believed from then on.
/// </summary>
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

    public override void See(AccountFact account)
    {
        Looked++;
        accounts.Remove(account.Account, out var sum);
        Require(account.Balance.Micros == sum, account.Account, $"is said to have {account.Balance.Micros} micros, its bookings come to {sum}");
    }

    protected override void Conclude()
    {
        foreach (var (account, sum) in accounts) Find(account, FormattableString.Invariant($"is not told of, its bookings come to {sum} micros"));
    }
}
