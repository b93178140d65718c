using System.Text.Json;
using Exchange.Engine.Catalog;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;

namespace Exchange.Server.Admin;

/// <summary>A buyer's money at one moment.</summary>
/// <param name="Balance">Paid in less bought, from the ledger; below zero by at most the credit limit.</param>
/// <param name="Held">For copies that are not decided yet.</param>
/// <param name="Available">What it may still spend: balance and credit less what is held.</param>
internal sealed record BuyerMoney(Money Balance, Money CreditLimit, Money Held, Money Available, string Currency)
{
    public static async Task<BuyerMoney> ReadAsync(ApiCall call, BuyerModel buyer)
    {
        // The ledger is what is owed; the counter is what a sale is judged by. Both are shown as they are.
        var balance = await call.Store.Ledger.BalanceAsync(Accounts.Buyer(buyer.Id), call.Cancel);
        var reading = call.Live.Read(buyer.Balance, call.Now.ToUnixTimeSeconds());
        return new(balance, new(buyer.Balance.Limit), new(reading.Held), new(reading.Left), call.Catalog.Current.Currency);
    }

    public void WriteMembers(Utf8JsonWriter json)
    {
        json.WriteString("balance", Balance.ToString());
        json.WriteString("credit_limit", CreditLimit.ToString());
        json.WriteString("held", Held.ToString());
        json.WriteString("available", Available.ToString());
        json.WriteString("currency", Currency);
    }
}
