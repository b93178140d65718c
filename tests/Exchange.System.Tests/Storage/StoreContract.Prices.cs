using Exchange.Engine.Caps;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Storage;
using Shouldly;
using static Exchange.System.Tests.Storage.Sample;

namespace Exchange.System.Tests.Storage;

/// <summary>A held copy is taken at a lower price than it was held at.</summary>
public abstract partial class StoreContract
{
    private static LimitModel[] Spending() =>
    [
        .. Limits(), DayCap("c:a1:spend:day:UTC", CapScope.Campaign, "a1", 20_000_000, CapMetric.Spend), DayCap("p:p:spend:day:UTC", CapScope.Publisher, "p", 20_000_000, CapMetric.Spend),
        DayCap("b:a:leads:day:UTC", CapScope.Buyer, "a", 9),
    ];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Capture_AtALowerPrice_BooksIt_AndFreesTheRest(bool afterDoubt)
    {
        var (limits, lower) = (Spending(), Money.Parse("9.25"));
        await Store.ApplyAsync(limits);
        await Store.SubmitAsync(Post(Lead(1), [Copy(1, limits, CopyMove.Hold)]));
        (await UsedAsync("c:a1:spend:day:UTC")).ShouldBe("0+11000000");
        if (afterDoubt) await Store.SubmitAsync(End(Lead(1), CopyMove.Doubt));
        List<CounterValue> told = [];
        Store.Journal.Committed = told.AddRange;

        var capture = End(Lead(1), CopyMove.Capture) with { Ends = [new(1, CopyMove.Capture, Engine.Reason.None, Transfers("a", lower)) { Price = lower }] };
        (await Store.SubmitAsync(capture)).Code.ShouldBe(VerdictCode.Done);
        (await Store.SubmitAsync(capture)).Code.ShouldBe(VerdictCode.AlreadyThere);
        Store.Journal.Committed = null;

        (await Store.Leads.FindAsync(Lead(1), default))!.Copies[0].Price.ShouldBe(lower);
        (await UsedAsync("c:a1:spend:day:UTC"), await UsedAsync("bal:a"), await UsedAsync("p:p:spend:day:UTC"), await UsedAsync("b:a:leads:day:UTC"), await UsedAsync("c:a1:leads:day:UTC"))
            .ShouldBe(("9250000+0", "9250000+0", "8800000+0", "1+0", "1+0"));
        told.Single(counter => counter.LimitId == "bal:a").Used.ShouldBe(9_250_000);
        (await Store.Ledger.BalanceAsync("buyer:a", default)).ShouldBe(Money.Zero - lower);
        // The room is somebody's again: 9.25 + 10.75 fit into 20.
        (await Store.SubmitAsync(Post(Lead(2), [Copy(1, limits, price: Money.Parse("10.75"))]))).Code.ShouldBe(VerdictCode.Done);
        // What comes back is what was paid.
        (await Store.SubmitAsync(Return(Lead(1)) with { Ends = [new(1, CopyMove.Reverse, Engine.Reason.None, [])] })).Code.ShouldBe(VerdictCode.Done);
        (await UsedAsync("bal:a")).ShouldBe("10750000+0");
    }
}
