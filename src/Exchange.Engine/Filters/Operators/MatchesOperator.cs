using System.Text.RegularExpressions;
using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;

namespace Exchange.Engine.Filters.Operators;

/// <summary>Fits the regular expression anywhere in it: see <see cref="BoundedRegex"/>.</summary>
internal sealed class MatchesOperator : IFilterOperator
{
    public string Name => "matches";
    public bool Suits(FieldType type) => Operators.Suits.Text(type);

    public ValueTest? Compile(ConfigNode value, Operand operand, ConditionContext context, ConfigErrors errors)
    {
        if (Constants.Text(value, errors) is not { } pattern) return null;
        if (BoundedRegex.TryCreate(pattern, out var regex, out var problem)) return new MatchesTest(regex!);
        errors.Add(value.Path, pattern.Length > Limits.RegexChars ? ConditionErrors.OverLimit : ConditionErrors.InvalidValue, $"The regular expression is refused: {problem}.");
        return null;
    }

    private sealed class MatchesTest(Regex regex) : ValueTest
    {
        public override bool Holds(FieldValue value, Subject subject) => regex.IsMatch(value.Text!);
    }
}
