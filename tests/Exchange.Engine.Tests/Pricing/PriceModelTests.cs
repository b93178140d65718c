using Exchange.Engine.Filters;
using Exchange.Engine.Pricing;
using Exchange.Engine.Values;
using Shouldly;

namespace Exchange.Engine.Tests.Pricing;

public class PriceModelTests
{
    private static readonly PriceModel ByRules = new(
        [new(When.Exclusive, Money.Parse("62.00")), new(new When(subject => subject.Publisher == "search"), Money.Parse("24.00"))], Money.Parse("17.00"));

    [Theory]
    [InlineData("search", Sharing.Exclusive, "62.00")] // both rules match: the first one counts
    [InlineData("search", Sharing.Shared, "24.00")]
    [InlineData("other", Sharing.Shared, "17.00")]
    public void Price_SeveralRules_FirstMatchWins(string publisher, Sharing sharing, string price) =>
        ByRules.PriceFor(TestSubject.Of(publisher, sharing)).ShouldBe(Money.Parse(price));

    [Fact]
    public void Price_NoRuleMatchesAndNothingOtherwise_IsNone() =>
        new PriceModel([new(When.Exclusive, Money.Parse("62.00"))], null).PriceFor(TestSubject.Of("p", Sharing.Shared)).ShouldBeNull();

    [Fact]
    public void Price_Fixed_IsForEverything() => PriceModel.Fixed(Money.Parse("5.00")).PriceFor(TestSubject.Of("p", Sharing.Shared)).ShouldBe(Money.Parse("5.00"));
}
