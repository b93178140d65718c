using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;

namespace Exchange.Engine.Filters.Operators;

/// <summary>Equals one of a list.</summary>
internal sealed class InOperator : IFilterOperator
{
    public string Name => "in";
    public bool Suits(FieldType type) => true;

    public ValueTest? Compile(ConfigNode value, Operand operand, ConditionContext context, ConfigErrors errors) =>
        Constants.Set(value, operand, context, errors) is { } set ? new SetTest(set) : null;
}
