using CsCheck;
using Exchange.Engine.Caps;
using Exchange.Engine.Ledger;
using Exchange.Engine.Returns;
using Exchange.Engine.Values;
using Shouldly;

namespace Exchange.Engine.Tests.Returns;

/// <summary>The money of a return is the mirror of its sale's, and only what may be given back is.</summary>
public sealed class ReturnBookingsTests
{
    [Theory]
    // price, payout, kept | the transfers
    [InlineData("11.00", "8.80", false, "publisher:p>buyer:a 8.80, house>buyer:a 2.20")]
    [InlineData("11.00", "8.80", true, "house>buyer:a 8.80, house>buyer:a 2.20")]
    [InlineData("11.00", "11.00", false, "publisher:p>buyer:a 11.00")]
    [InlineData("11.00", "0.00", false, "house>buyer:a 11.00")]
    [InlineData("0.00", "0.00", false, "")]
    public void Return_Books(string price, string payout, bool kept, string booked) =>
        string.Join(", ", ReturnBookings.Of("a", "p", Money.Parse(price), Money.Parse(payout), kept).Select(t => $"{t.Debit}>{t.Credit} {t.Amount}")).ShouldBe(booked);

    /// <summary>Whatever the amounts: every account that the sale moved is back where it was, or what the publisher keeps is what the house pays; all sums are zero.</summary>
    [Fact]
    public void SaleAndReturn_AnyAmounts_AreEachOthersMirror() =>
        Gen.Select(Gen.Long[0, 1_000_000_000_000], Gen.Long[0, 1_000_000_000_000], Gen.Bool).Sample((one, other, kept) =>
        {
            var (price, payout) = (new Money(Math.Max(one, other)), new Money(Math.Min(one, other)));
            var sold = Booked([.. Parts("payout", "publisher:p", payout), .. Parts("margin", "house", price - payout)]);
            var returned = ReturnBookings.Of("a", "p", price, payout, kept);
            var back = Booked(returned);
            returned.ShouldAllBe(transfer => transfer.Amount > Money.Zero && transfer.Kind == ReturnBookings.Kind);
            // What comes back is what was charged, to the micro.
            back["buyer:a"].ShouldBe(price.Micros);
            (sold["buyer:a"] + back["buyer:a"]).ShouldBe(0);
            (sold["publisher:p"] + back["publisher:p"]).ShouldBe(kept ? payout.Micros : 0);
            (sold["house"] + back["house"]).ShouldBe(kept ? -payout.Micros : 0);
            back.Values.Sum().ShouldBe(0);

            static IEnumerable<Transfer> Parts(string kind, string to, Money amount) => amount > Money.Zero ? [new(kind, "buyer:a", to, amount)] : [];
        }, iter: 2_000);

    private static Dictionary<string, long> Booked(Transfer[] transfers)
    {
        var sums = new Dictionary<string, long> { ["buyer:a"] = 0, ["publisher:p"] = 0, ["house"] = 0 };
        foreach (var transfer in transfers)
        {
            sums[transfer.Debit] -= transfer.Amount.Micros;
            sums[transfer.Credit] += transfer.Amount.Micros;
        }
        return sums;
    }

    [Theory]
    [InlineData("bal:acme", true)]
    [InlineData("c:acme-west:leads:day:America/New_York:count:kept", true)]
    [InlineData("c:acme-west:leads:day:America/New_York:by:zip:when:1f0c2a9b:count:kept", true)]
    [InlineData("c:acme-west:leads:day:America/New_York", false)]
    [InlineData("c:kept:leads:day:UTC:by:kept", false)] // a field may be called so
    [InlineData("c:kept:leads:day:UTC:by:count", false)]
    [InlineData("open:acme-west:1f0c2a9b", false)]
    public void Limit_IsGivenBack(string limitId, bool given) => LimitNames.IsGivenBack(limitId).ShouldBe(given);

    [Fact]
    public void Item_IsAReturnAlone()
    {
        var item = ReturnBookings.ItemOf(LeadId.Create(1, 1, false, 1), 2, ReturnBookings.Of("a", "p", Money.Parse("11.00"), Money.Parse("8.80"), false), 5);
        (item.IsReturn, item.Ends[0].No, item.Ends[0].Move, item.AtMs).ShouldBe((true, 2, CopyMove.Reverse, 5L));
        (item with { Ends = [] }).IsReturn.ShouldBeFalse();
    }
}
