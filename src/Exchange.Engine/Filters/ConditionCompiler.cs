using System.Globalization;
using Exchange.Engine.Catalog;
using Exchange.Engine.Catalog.Reading;
using Exchange.Engine.Fields;

namespace Exchange.Engine.Filters;

/// <summary>
/// Compiles <c>{ field: F, OP: V }</c>, <c>all</c>, <c>any</c> and <c>not</c> for one vertical. Reports everything that is wrong, each with
/// its path and the fix, and then gives a condition that holds for nothing.
/// </summary>
public sealed class ConditionCompiler
{
    private readonly ConditionContext context;
    private readonly ConfigErrors errors;
    private int leaves;

    private ConditionCompiler(ConditionContext context, ConfigErrors errors)
    {
        this.context = context;
        this.errors = errors;
    }

    /// <summary>A missing node (null) is a condition that always holds.</summary>
    public static Condition Compile(ConfigNode? node, ConditionContext context, ConfigErrors errors) =>
        node is null ? Condition.Always : new ConditionCompiler(context, errors).Read(node, 1) ?? Refused;

    private static Condition Refused { get; } = new AbsentCondition("", "", "", holds: false);

    private Condition? Read(ConfigNode node, int depth)
    {
        if (node is not ConfigMap map)
            return Wrong(node.Path, ConditionErrors.WrongKind, $"A condition is a map such as {{ field: state, in: [CA, OR] }}, not {node.Kind}.");
        if (depth > Limits.ConditionDepth)
            return Wrong(map.Path, ConditionErrors.OverLimit, string.Create(CultureInfo.InvariantCulture, $"Conditions nest at most {Limits.ConditionDepth} deep."));

        var groups = map.Entries.Where(entry => entry.Key is "all" or "any" or "not").ToArray();
        if (groups.Length == 0) return ReadLeaf(map);
        if (map.Entries.Count > 1)
            return Wrong(map.Path, ConditionErrors.UnknownKey, "A map with all, any or not has no other key; put the conditions into one all: [ … ].");
        var (key, inner) = groups[0];
        if (key == "not") return Read(inner, depth + 1) is { } negated ? new NotCondition(negated) : null;
        return ReadGroup(key, inner, depth);
    }

    private Condition? ReadGroup(string key, ConfigNode inner, int depth)
    {
        if (inner is not ConfigList list)
            return Wrong(inner.Path, ConditionErrors.WrongKind, $"{key} wants a list of conditions, not {inner.Kind}.");
        if (list.Items.Count == 0)
            return Wrong(inner.Path, ConditionErrors.InvalidValue, $"{key} is empty; name at least one condition or leave it out.");
        var parts = new List<Condition>(list.Items.Count);
        foreach (var item in list.Items) if (Read(item, depth + 1) is { } part) parts.Add(part);
        if (parts.Count < list.Items.Count) return null;
        return key == "all" ? new AllCondition([.. parts]) : new AnyCondition([.. parts]);
    }

    private Condition? ReadLeaf(ConfigMap map)
    {
        if (++leaves > Limits.ConditionLeaves)
        {
            // Told once: a thousand more of the same help nobody.
            return leaves == Limits.ConditionLeaves + 1
                ? Wrong(map.Path, ConditionErrors.OverLimit,
                    string.Create(CultureInfo.InvariantCulture, $"A condition has at most {Limits.ConditionLeaves} parts; use in with a list instead."))
                : null;
        }
        var whole = true;
        KeyValuePair<string, ConfigNode>? found = null;
        foreach (var entry in map.Entries)
        {
            if (entry.Key == "field") continue;
            if (!FilterOperators.Names.Contains(entry.Key))
            {
                whole = false;
                Wrong(entry.Value.Path, ConditionErrors.UnknownKey,
                    $"There is no operator {entry.Key}; use one of: {string.Join(", ", FilterOperators.Names)}.");
            }
            else if (found is not null)
            {
                whole = false;
                Wrong(entry.Value.Path, ConditionErrors.UnknownKey, "One condition carries one operator; put two into all: [ … ].");
            }
            else found = entry;
        }
        if (map.Find("field") is not { } fieldNode)
            return Wrong(map.Path, ConditionErrors.MissingKey, "A condition needs field: NAME, or all, any or not.");
        if (fieldNode is not ConfigText field)
            return Wrong(fieldNode.Path, ConditionErrors.WrongKind, $"field wants a name, not {fieldNode.Kind}.");
        if (found is null)
            return whole
                ? Wrong(map.Path, ConditionErrors.MissingKey, $"A condition needs an operator: one of {string.Join(", ", FilterOperators.Names)}.")
                : null;
        var leaf = ReadLeaf(field, found.Value.Key, found.Value.Value);
        return whole ? leaf : null;
    }

    private Condition? ReadLeaf(ConfigText field, string operatorName, ConfigNode value)
    {
        var wanted = Written(value);
        if (operatorName == FilterOperators.Exists) return ReadExists(field, value);
        if (OperandOf(field, out var absent) is not { } operand) return absent ? new AbsentCondition(field.Text, operatorName, wanted, holds: false) : null;
        var known = FilterOperators.Find(operatorName)!;
        if (!known.Suits(operand.Type))
            return Wrong(value.Path, ConditionErrors.WrongOperator,
                $"{operatorName} does not suit {operand.Name}, which is of type {FieldTypes.NameOf(operand.Type)}; it takes {string.Join(", ", Suiting(operand.Type))}.");
        return known.Compile(value, operand, context, errors) is { } test ? new LeafCondition(operand, operatorName, wanted, test) : null;
    }

    private Condition? ReadExists(ConfigText field, ConfigNode value)
    {
        var operand = OperandOf(field, out var absent);
        if (value is not ConfigText { Text: "true" or "false" } text)
            return Wrong(value.Path, ConditionErrors.InvalidValue, "exists wants true or false.");
        var wanted = text.Text == "true";
        if (operand is not null) return new ExistsCondition(operand, wanted);
        return absent ? new AbsentCondition(field.Text, FilterOperators.Exists, text.Text, holds: !wanted) : null;
    }

    private Operand? OperandOf(ConfigText field, out bool absent)
    {
        absent = false;
        var name = field.Text;
        if (BuiltInNames.IsOpenTo(name, context.Place)) return BuiltInNames.Create(name, context);
        if (BuiltInNames.All.Contains(name))
        {
            Wrong(field.Path, ConditionErrors.FieldNotHere, name == "score"
                ? "score is reserved and cannot be read yet."
                : $"{name} cannot be read here: {(name == "sharing" ? "only bids, floors and payouts know it" : "only payouts know it")}.");
            return null;
        }
        if (context.Fields.Find(name) is { } schema)
        {
            if (!context.PingFieldsOnly || schema.Ping != FieldUse.None && !schema.Pii) return new FieldOperand(schema);
            Wrong(field.Path, ConditionErrors.FieldNotHere, $"{name} cannot be in a ping; a condition at the post (post_filter) may read it.");
            return null;
        }
        if (context.KnownElsewhere(name)) { absent = true; return null; }
        var known = context.Fields.All.Select(schema => schema.Name).Concat(BuiltInNames.All.Where(builtIn => BuiltInNames.IsOpenTo(builtIn, context.Place)));
        Wrong(field.Path, ConditionErrors.UnknownField, Nearest.Fix("The vertical has no such field; correct the name or add it to the vertical's `fields`", name, known, errors));
        return null;
    }

    private static IEnumerable<string> Suiting(FieldType type) =>
        FilterOperators.All.Where(candidate => candidate.Suits(type)).Select(candidate => candidate.Name).Append(FilterOperators.Exists);

    /// <summary>The value as written, cut where it is long: for explanations.</summary>
    private static string Written(ConfigNode value) => value switch
    {
        ConfigText text => text.Text.Length <= 100 ? text.Text : string.Concat(text.Text.AsSpan(0, 100), "…"),
        ConfigList list => $"[{string.Join(", ", list.Items.Take(20).Select(Written))}{(list.Items.Count > 20 ? ", …" : "")}]",
        ConfigMap map when map.Find("list") is ConfigText name => $"list {name.Text}",
        _ => "",
    };

    private Condition? Wrong(string path, string code, string message)
    {
        errors.Add(path, code, message);
        return null;
    }
}
