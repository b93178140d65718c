using CsCheck;
using Exchange.Engine.Filters;
using Exchange.Engine.Pricing;
using Exchange.Engine.Values;
using Shouldly;

namespace Exchange.Engine.Tests.Pricing;

public class PayoutModelTests
{
    private static readonly Money Cent = Money.Parse("0.01");
    private static Money M(string text) => Money.Parse(text);
    private static Percent P(string text) => Percent.TryParse(text, out var percent) ? percent : throw new FormatException(text);

    [Theory]
    [InlineData("80%", "11.00", "8.80")]
    [InlineData("75%", "27.00", "20.25")]
    [InlineData("82%", "62.00", "50.84")]
    [InlineData("50%", "0.01", "0.00")] // half a cent: to the even side
    [InlineData("50%", "0.03", "0.02")]
    [InlineData("0%", "10.00", "0.00")]
    public void Payout_Share_IsRoundedHalfToEven(string share, string price, string payout) =>
        PayoutModel.Share(P(share)).PayoutFor(M(price), TestSubject.Of(), Cent).ShouldBe(M(payout));

    [Theory]
    [InlineData("5.00", "7.00", "5.00")]
    [InlineData("5.00", "3.00", "5.00")]
    public void Payout_Fixed_IsThatAmount(string amount, string price, string payout) =>
        PayoutModel.Fixed(M(amount)).PayoutFor(M(price), TestSubject.Of(), Cent).ShouldBe(M(payout));

    [Theory]
    [InlineData("2.00", "7.00", "5.00")]
    [InlineData("2.00", "1.50", "0.00")] // never negative
    public void Payout_Margin_IsThePriceLessTheMargin(string margin, string price, string payout) =>
        PayoutModel.Margin(M(margin)).PayoutFor(M(price), TestSubject.Of(), Cent).ShouldBe(M(payout));

    [Fact]
    public void Payout_Rules_FirstMatchElseOtherwise()
    {
        var model = new PayoutModel([new(When.Exclusive, PayoutTerms.Share(P("82%")))], PayoutTerms.Share(P("75%")), M("1.50"));
        model.PayoutFor(M("62.00"), TestSubject.Of(sharing: Sharing.Exclusive), Cent).ShouldBe(M("50.84"));
        model.PayoutFor(M("24.00"), TestSubject.Of(sharing: Sharing.Shared), Cent).ShouldBe(M("18.00"));
    }

    [Theory]
    [InlineData("8.80", "11.00")]
    [InlineData("8.81", "11.01")] // 11.01 × 80 % = 8.808
    [InlineData("0.00", "0.00")]
    public void LowestPrice_Share_IsTheFirstThatPaysThePromise(string promise, string price) =>
        PayoutModel.Share(P("80%")).LowestPrice(M(promise), TestSubject.Of(), Cent).ShouldBe(M(price));

    [Fact]
    public void LowestPrice_BelowWhatTermsEverPay_IsNone()
    {
        PayoutModel.Share(P("0%")).LowestPrice(M("1.00"), TestSubject.Of(), Cent).ShouldBeNull();
        PayoutModel.Fixed(M("2.00")).LowestPrice(M("2.01"), TestSubject.Of(), Cent).ShouldBeNull();
        PayoutModel.Fixed(M("2.00")).LowestPrice(M("2.00"), TestSubject.Of(), Cent).ShouldBe(Money.Zero);
    }

    [Fact]
    public void LowestPrice_BetterTermsFromAPriceOn_AreNotUsedBelowIt()
    {
        var model = new PayoutModel([new(When.PriceAtLeast("50.00"), PayoutTerms.Share(P("90%")))], PayoutTerms.Share(P("75%")), Money.Zero, [M("50.00")]);
        model.LowestPrice(M("36.00"), TestSubject.Of(), Cent).ShouldBe(M("48.00"));
        model.LowestPrice(M("38.00"), TestSubject.Of(), Cent).ShouldBe(M("50.00"));
        model.LowestPrice(M("54.00"), TestSubject.Of(), Cent).ShouldBe(M("60.00"));
    }

    [Theory]
    [InlineData("75%", "1.50", "5.98")] // 5.98 × 75 % = 4.485, paid 4.48
    [InlineData("80%", "0.00", "0.00")]
    [InlineData("100%", "0.00", "0.00")]
    [InlineData("100%", "0.01", null)]
    public void LowestPriceWithMargin_Share(string share, string margin, string? price) =>
        new PayoutModel([], PayoutTerms.Share(P(share)), M(margin)).LowestPriceWithMargin(TestSubject.Of(), Cent)
            .ShouldBe(price is null ? null : M(price));

    [Fact]
    public void LowestPriceWithMargin_FixedPayout_IsPayoutPlusMargin() =>
        new PayoutModel([], PayoutTerms.Fixed(M("5.00")), M("1.50")).LowestPriceWithMargin(TestSubject.Of(), Cent).ShouldBe(M("6.50"));

    private static readonly Gen<PayoutTerms> Terms = Gen.OneOf(
        Gen.Long[0, 100].Select(hundredths => PayoutTerms.Share(new(hundredths * 10_000))),
        Gen.Long[0, 120].Select(steps => PayoutTerms.Fixed(new(steps * 10_000))),
        Gen.Long[0, 60].Select(steps => PayoutTerms.Margin(new(steps * 10_000))));

    private static readonly Gen<PayoutModel> Models =
        Gen.Select(Terms, Terms, Gen.Long[0, 300], Gen.Long[0, 20]).Select((above, otherwise, from, margin) =>
        {
            var price = new Money(from * 10_000);
            return new PayoutModel([new(new When(subject => subject.Price > price), above)], otherwise, new(margin * 10_000), [price]);
        });

    [Fact]
    public void LowestPrices_AnyTerms_AreWhatTryingEveryPriceFinds()
    {
        Gen.Select(Models, Gen.Long[0, 200], Gen.Int[1, 5]).Sample((model, promised, cents) =>
        {
            var (subject, step, promise) = (TestSubject.Of(), new Money(cents * 10_000), new Money(promised * 10_000));
            Money? pays = null, leaves = null;
            for (var price = Money.Zero; price < M("30.00"); price += step)
            {
                var payout = model.PayoutFor(price, subject, step);
                if (payout >= promise) pays ??= price;
                if (price - payout >= model.MinMargin) leaves ??= price;
            }
            var found = model.LowestPrice(promise, subject, step);
            if (pays is null) (found is null || found > M("29.00")).ShouldBeTrue(); else found.ShouldBe(pays);
            var floor = model.LowestPriceWithMargin(subject, step);
            if (leaves is null) (floor is null || floor > M("29.00")).ShouldBeTrue(); else floor.ShouldBe(leaves);
        }, iter: 5_000);
    }
}
