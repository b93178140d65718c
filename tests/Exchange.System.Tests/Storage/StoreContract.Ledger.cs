using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Storage;
using Shouldly;
using static Exchange.System.Tests.Storage.Sample;

namespace Exchange.System.Tests.Storage;

/// <summary>What accounts come to, and what buyers may pay in.</summary>
public abstract partial class StoreContract
{
    private async Task<bool?> FundAsync(string buyer, string amount, string reference)
    {
        try { return await Store.Ledger.FundAsync(buyer, Money.Parse(amount), reference, Now, default); }
        catch (FundsAboveMostException) { return null; }
    }

    [Fact]
    public async Task Fund_ThatWouldBeTooMuch_BooksNothing_AndARepeatIsARepeat()
    {
        var limits = Limits();
        await Store.ApplyAsync(limits);
        (await FundAsync("a", "999999990.00", "wire-1")).ShouldBe(true);

        (await FundAsync("a", "10.01", "wire-2")).ShouldBeNull();
        (await FundAsync("a", "999999999999.00", "wire-3")).ShouldBeNull();
        (await FundAsync("a", "999999990.00", "wire-1")).ShouldBe(false);
        (await Store.Ledger.BalanceAsync("buyer:a", default)).ShouldBe(Money.Parse("999999990.00"));
        // Nothing is left of what was refused: the reference is free.
        (await FundAsync("a", "10.00", "wire-2")).ShouldBe(true);
        (await FundAsync("a", "10.00", "wire-2")).ShouldBe(false);
        (await FundAsync("a", "0.01", "wire-4")).ShouldBeNull();

        // What was spent may be paid in again, whatever the credit.
        (await Store.SubmitAsync(Post(Lead(1), [Copy(1, limits)]))).Code.ShouldBe(VerdictCode.Done);
        await Store.ApplyAsync([.. limits.Where(limit => limit.Id != "bal:a"), Balance("a", Money.Parse("5"))]);
        (await FundAsync("a", "11.01", "wire-4")).ShouldBeNull();
        (await FundAsync("a", "11.00", "wire-4")).ShouldBe(true);
        (await Store.Ledger.BalanceAsync("buyer:a", default)).ShouldBe(ILedgerStore.MostFunds);
        (await Store.CounterAsync("bal:a"))!.Value.Limit.ShouldBe(Money.Parse("1000000016.00").Micros);
    }

    [Fact]
    public async Task Funds_AtOnce_DoNotPassWhatABuyerMayHave_Together()
    {
        await Store.ApplyAsync(Limits());
        (await FundAsync("a", "999999990.00", "wire-1")).ShouldBe(true);

        var booked = await Task.WhenAll(Enumerable.Range(2, 8).Select(n => FundAsync("a", "4.00", $"wire-{n}")));

        booked.Count(done => done == true).ShouldBe(2);
        (await Store.Ledger.BalanceAsync("buyer:a", default)).ShouldBe(Money.Parse("999999998.00"));
    }

    [Fact]
    public async Task Balances_OfAllAccounts_ComeToNothing_BuyersWithoutACatalogToo()
    {
        var limits = Limits();
        (await Store.Ledger.BalancesAsync(default)).ShouldBeEmpty();
        await Store.ApplyAsync(limits);
        for (var n = 1; n <= 3; n++) (await Store.SubmitAsync(Post(Lead(n), [Copy(1, limits, buyer: n == 3 ? "b" : "a")]))).Code.ShouldBe(VerdictCode.Done);
        (await Store.SubmitAsync(Return(Lead(2)))).Code.ShouldBe(VerdictCode.Done);
        (await FundAsync("a", "20.00", "wire-1")).ShouldBe(true);
        (await FundAsync("gone", "5.00", "wire-1")).ShouldBe(true);
        await Store.ApplyAsync();

        await BalancesAreAsync(("bank", "-25.00"), ("buyer:a", "9.00"), ("buyer:b", "-11.00"), ("buyer:gone", "5.00"), ("house", "4.40"), ("publisher:p", "17.60"));
    }

    [Fact]
    public async Task Close_StretchByStretch_WhileMoreIsBooked_LeavesBalancesAsTheyAre()
    {
        var limits = Limits();
        await Store.ApplyAsync(limits);
        (await Store.Ledger.CloseAsync(1, default)).ShouldBeFalse();
        // Two bookings each.
        for (var n = 1; n <= 5; n++) (await Store.SubmitAsync(Post(Lead(n), [Copy(1, limits)]))).Code.ShouldBe(VerdictCode.Done);
        (await FundAsync("a", "20.00", "wire-1")).ShouldBe(true);
        await BalancesAreAsync(("bank", "-20.00"), ("buyer:a", "-35.00"), ("house", "11.00"), ("publisher:p", "44.00"));

        (await Store.Ledger.CloseAsync(12, default)).ShouldBeFalse();
        List<bool> left = [];
        for (var i = 0; i < 3; i++)
        {
            left.Add(await Store.Ledger.CloseAsync(4, default));
            await BalancesAreAsync(("bank", "-20.00"), ("buyer:a", "-35.00"), ("house", "11.00"), ("publisher:p", "44.00"));
        }
        left.ShouldBe([true, false, false]);

        var sales = Task.WhenAll(Enumerable.Range(6, 40).Select(n => Store.SubmitAsync(Post(Lead(n), [Copy(1, limits, buyer: n % 2 == 0 ? "a" : "b")]))));
        while (!sales.IsCompleted) await Store.Ledger.CloseAsync(3, default);
        (await sales).ShouldAllBe(verdict => verdict.Code == VerdictCode.Done);
        while (await Store.Ledger.CloseAsync(3, default)) { }
        await BalancesAreAsync(("bank", "-20.00"), ("buyer:a", "-255.00"), ("buyer:b", "-220.00"), ("house", "99.00"), ("publisher:p", "396.00"));
    }

    private async Task BalancesAreAsync(params (string Account, string Balance)[] expected)
    {
        var balances = await Store.Ledger.BalancesAsync(default);
        balances.Select(row => (row.Account, row.Balance.ToString())).ShouldBe(expected);
        balances.Sum(row => row.Balance.Micros).ShouldBe(0);
        foreach (var row in balances) (await Store.Ledger.BalanceAsync(row.Account, default)).ShouldBe(row.Balance, row.Account);
    }
}
