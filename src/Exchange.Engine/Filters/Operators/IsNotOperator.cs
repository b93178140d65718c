using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;

namespace Exchange.Engine.Filters.Operators;

/// <summary>Was given and differs.</summary>
internal sealed class IsNotOperator : IFilterOperator
{
    public string Name => "is_not";
    public bool Suits(FieldType type) => true;

    public ValueTest? Compile(ConfigNode value, Operand operand, ConditionContext context, ConfigErrors errors) =>
        Constants.Value(value, operand, context, errors) is { } wanted ? new NotTest(new SetTest(new(operand.Type, [wanted]))) : null;
}
