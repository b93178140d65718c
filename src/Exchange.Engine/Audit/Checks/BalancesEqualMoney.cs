using Exchange.Engine.Caps;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;

namespace Exchange.Engine.Audit.Checks;

/// <summary>
/// A buyer's limit is what was paid in and its credit; what is left of it is what its account has, its credit and its holds apart. So neither the fence nor
/// the ledger can drift from the other. Whoever has bookings has a row.
/// </summary>
public sealed class BalancesEqualMoney() : AuditCheck("I11", "balances = paid in + credit − sold")
{
    private readonly List<CounterFact> balances = [];
    private readonly Dictionary<string, Int128> accounts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Int128> paidIn = new(StringComparer.Ordinal);

    public override void See(CounterFact counter)
    {
        if (counter.Kind == LimitKind.Balance) balances.Add(counter);
    }

    public override void See(TransferFact booking)
    {
        Add(accounts, booking);
        Add(paidIn, booking);
    }

    public override void See(LeadFacts lead)
    {
        foreach (var booked in lead.Transfers) Add(accounts, booked);
    }

    protected override void Conclude()
    {
        foreach (var balance in balances)
        {
            Looked++;
            var account = Accounts.Buyer(LimitNames.BuyerOf(balance.LimitId));
            var credit = balance.Catalog?[0] ?? 0;
            var has = accounts.GetValueOrDefault(account);
            var paid = paidIn.GetValueOrDefault(account);
            Require(balance.Limit == paid + credit, balance.Name, $"has the limit {balance.Limit}, paid in {paid} and credit {credit} make {paid + credit}");
            Require(balance.Limit - balance.Used == has + credit, balance.Name, $"leaves {balance.Limit - balance.Used}, the account has {has} and {credit} credit");
        }
        var known = balances.Select(static balance => Accounts.Buyer(LimitNames.BuyerOf(balance.LimitId))).ToHashSet(StringComparer.Ordinal);
        foreach (var (account, has) in accounts) Require(known.Contains(account), account, $"has {has}, and no row says what it may spend");
    }

    private static void Add(Dictionary<string, Int128> sums, in TransferFact booking)
    {
        if (Accounts.IsBuyer(booking.Debit)) sums[booking.Debit] = sums.GetValueOrDefault(booking.Debit) - booking.Amount.Micros;
        if (Accounts.IsBuyer(booking.Credit)) sums[booking.Credit] = sums.GetValueOrDefault(booking.Credit) + booking.Amount.Micros;
    }
}
