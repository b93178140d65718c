using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;

namespace Exchange.Engine.Filters.Operators;

/// <summary>Not below the bound.</summary>
internal sealed class AtLeastOperator : IFilterOperator
{
    public string Name => "at_least";
    public bool Suits(FieldType type) => Operators.Suits.Order(type);

    public ValueTest? Compile(ConfigNode value, Operand operand, ConditionContext context, ConfigErrors errors) =>
        Constants.Bound(value, operand, context, errors) is { } low ? OrderTest.Create(low, null, context) : null;
}
