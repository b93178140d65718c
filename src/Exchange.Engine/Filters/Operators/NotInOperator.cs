using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;

namespace Exchange.Engine.Filters.Operators;

/// <summary>Was given and equals none of a list.</summary>
internal sealed class NotInOperator : IFilterOperator
{
    public string Name => "not_in";
    public bool Suits(FieldType type) => true;

    public ValueTest? Compile(ConfigNode value, Operand operand, ConditionContext context, ConfigErrors errors) =>
        Constants.Set(value, operand, context, errors) is { } set ? new NotTest(new SetTest(set)) : null;
}
