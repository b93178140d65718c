using Exchange.Engine.Fields;
using Exchange.Engine.Schedules;

namespace Exchange.Engine.Filters.Operators;

/// <summary>Bounds that move with the local date. Fixed ones are a <see cref="RangeTest"/>.</summary>
internal sealed class OrderTest : ValueTest
{
    private readonly DateOrNumber? low;
    private readonly DateOrNumber? high;
    private readonly ZoneClock clock;

    private OrderTest(DateOrNumber? low, DateOrNumber? high, ZoneClock clock)
    {
        this.low = low;
        this.high = high;
        this.clock = clock;
    }

    public static ValueTest Create(DateOrNumber? low, DateOrNumber? high, ConditionContext context) =>
        low is { RelativeToToday: true } || high is { RelativeToToday: true }
            ? new OrderTest(low, high, ZoneClock.Of(context.Zone))
            : new RangeTest(new(low?.Number ?? long.MinValue, high?.Number ?? long.MaxValue));

    public override bool Holds(FieldValue value, Subject subject)
    {
        var today = clock.DateAt(subject.Now.ToUnixTimeSeconds());
        return (low is not { } least || value.Number >= least.At(today)) && (high is not { } most || value.Number <= most.At(today));
    }
}
