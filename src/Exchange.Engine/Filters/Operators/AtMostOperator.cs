using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;

namespace Exchange.Engine.Filters.Operators;

/// <summary>Not above the bound.</summary>
internal sealed class AtMostOperator : IFilterOperator
{
    public string Name => "at_most";
    public bool Suits(FieldType type) => Operators.Suits.Order(type);

    public ValueTest? Compile(ConfigNode value, Operand operand, ConditionContext context, ConfigErrors errors) =>
        Constants.Bound(value, operand, context, errors) is { } high ? OrderTest.Create(null, high, context) : null;
}
