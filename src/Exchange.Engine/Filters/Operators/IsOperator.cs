using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;

namespace Exchange.Engine.Filters.Operators;

/// <summary>Equals; texts without case.</summary>
internal sealed class IsOperator : IFilterOperator
{
    public string Name => "is";
    public bool Suits(FieldType type) => true;

    public ValueTest? Compile(ConfigNode value, Operand operand, ConditionContext context, ConfigErrors errors) =>
        Constants.Value(value, operand, context, errors) is { } wanted ? new SetTest(new(operand.Type, [wanted])) : null;
}
