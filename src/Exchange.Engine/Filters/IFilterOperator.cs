using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;

namespace Exchange.Engine.Filters;

/// <summary>One operator of the condition grammar. One file each under <c>Operators</c>, registered in <see cref="FilterOperators"/>.</summary>
internal interface IFilterOperator
{
    /// <summary>The key in a leaf.</summary>
    string Name { get; }
    bool Suits(FieldType type);
    /// <summary>The test, or null after every error was reported.</summary>
    ValueTest? Compile(ConfigNode value, Operand operand, ConditionContext context, ConfigErrors errors);
}
