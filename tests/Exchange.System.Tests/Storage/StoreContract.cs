using Exchange.Engine;
using Exchange.Engine.Caps;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Storage;
using Shouldly;
using static Exchange.System.Tests.Storage.Sample;

namespace Exchange.System.Tests.Storage;

/// <summary>What every store must do, whatever database is below it.</summary>
public abstract partial class StoreContract : IAsyncLifetime
{
    protected IExchangeStore Store { get; private set; } = null!;

    /// <summary>An empty store of its own for each call.</summary>
    protected abstract Task<IExchangeStore> OpenEmptyAsync();

    /// <summary>One number from the facts of <see cref="Store"/>, past it.</summary>
    protected abstract Task<long> ReadAsync(string sql);

    public virtual async Task InitializeAsync() => Store = await OpenEmptyAsync();

    public virtual async Task DisposeAsync() => await Store.DisposeAsync();

    [Fact]
    public async Task Sell_Fits_BooksCopyMoneyAndLimits()
    {
        var limits = Limits();
        await Store.ApplyAsync(limits);
        var lead = Lead(1);
        var item = Post(lead, [Copy(1, limits, deliveries: [new("inbox", NewDelivery.NeverDue, 0), new("hook", Now, Now + 15_000)])], "key-1", answer: "{}"u8.ToArray());

        (await Store.SubmitAsync(item)).Code.ShouldBe(VerdictCode.Done);

        var row = (await Store.Leads.FindAsync(lead, default))!;
        row.State.ShouldBe(LeadState.Sold);
        row.Answer.ShouldBe("{}"u8.ToArray());
        row.SubId.ShouldBe("kw-17");
        var copy = row.Copies.ShouldHaveSingleItem();
        (copy.State, copy.Price, copy.Payout, copy.Buyer, copy.Campaign).ShouldBe((CopyState.Captured, Price, Payout, "a", "a1"));
        (await Store.CounterAsync("c:a1:leads:day:UTC")).ShouldBe(new CounterValue($"cap:c:a1:leads:day:UTC:{Now / 1000 / Day * Day}", "c:a1:leads:day:UTC", 100, 1, 0));
        (await Store.CounterAsync("bal:a"))!.Value.Used.ShouldBe(Price.Micros);
        (await Store.Ledger.BalanceAsync("buyer:a", default)).ShouldBe(Money.Parse("-11.00"));
        (await Store.Ledger.BalanceAsync("publisher:p", default)).ShouldBe(Payout);
        (await Store.Ledger.BalanceAsync("house", default)).ShouldBe(Money.Parse("2.20"));
        (await Store.Leads.FindRequestAsync("p", "key-1", default))!.Value.Lead.ShouldBe(lead);
    }
}
