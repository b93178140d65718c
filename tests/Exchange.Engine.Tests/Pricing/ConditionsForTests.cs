using Exchange.Engine.Filters;
using Exchange.Engine.Values;

namespace Exchange.Engine.Tests.Pricing;

/// <summary>A condition written in the test itself.</summary>
internal sealed class When(Func<Subject, bool> holds) : Condition
{
    public static When Exclusive { get; } = new(subject => subject.Sharing == Sharing.Exclusive);
    public static When PriceAtLeast(string price) => new(subject => subject.Price >= Money.Parse(price));
    public override bool Holds(Subject subject) => holds(subject);
}
