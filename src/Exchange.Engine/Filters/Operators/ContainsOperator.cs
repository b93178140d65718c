using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;

namespace Exchange.Engine.Filters.Operators;

/// <summary>Has the text anywhere in it, without case.</summary>
internal sealed class ContainsOperator : IFilterOperator
{
    public string Name => "contains";
    public bool Suits(FieldType type) => Operators.Suits.Text(type);

    public ValueTest? Compile(ConfigNode value, Operand operand, ConditionContext context, ConfigErrors errors) =>
        Constants.Text(value, errors) is { } part ? new ContainsTest(part) : null;

    private sealed class ContainsTest(string part) : ValueTest
    {
        public override bool Holds(FieldValue value, Subject subject) => value.Text!.Contains(part, StringComparison.OrdinalIgnoreCase);
    }
}
