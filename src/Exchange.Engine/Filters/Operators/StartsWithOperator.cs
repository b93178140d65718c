using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;

namespace Exchange.Engine.Filters.Operators;

/// <summary>Begins with the text, without case: zip codes by their first three digits.</summary>
internal sealed class StartsWithOperator : IFilterOperator
{
    public string Name => "starts_with";
    public bool Suits(FieldType type) => Operators.Suits.Text(type);

    public ValueTest? Compile(ConfigNode value, Operand operand, ConditionContext context, ConfigErrors errors) =>
        Constants.Text(value, errors) is { } start ? new StartsWithTest(start) : null;

    private sealed class StartsWithTest(string start) : ValueTest
    {
        public override bool Holds(FieldValue value, Subject subject) => value.Text!.StartsWith(start, StringComparison.OrdinalIgnoreCase);
    }
}
