using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;

namespace Exchange.Engine.Filters.Operators;

/// <summary><c>[low, high]</c>, both included.</summary>
internal sealed class BetweenOperator : IFilterOperator
{
    public string Name => "between";
    public bool Suits(FieldType type) => Operators.Suits.Order(type);

    public ValueTest? Compile(ConfigNode value, Operand operand, ConditionContext context, ConfigErrors errors)
    {
        if (value is not ConfigList { Items.Count: 2 } pair)
        {
            errors.Add(value.Path, ConditionErrors.WrongKind, "Wants two values, [low, high].");
            return null;
        }
        var low = Constants.Bound(pair.Items[0], operand, context, errors);
        var high = Constants.Bound(pair.Items[1], operand, context, errors);
        if (low is null || high is null) return null;
        if (low.Value.RelativeToToday == high.Value.RelativeToToday && low.Value.Number > high.Value.Number)
        {
            errors.Add(value.Path, ConditionErrors.InvalidValue, "The first value is above the second: nothing can be between them.");
            return null;
        }
        return OrderTest.Create(low, high, context);
    }
}
