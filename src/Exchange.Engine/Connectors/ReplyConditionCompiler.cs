using System.Globalization;
using Exchange.Engine.Catalog;
using Exchange.Engine.Catalog.Reading;
using Exchange.Engine.Filters;

namespace Exchange.Engine.Connectors;

/// <summary>
/// Compiles <c>{ at: PATH, OP: V }</c>, <c>all</c>, <c>any</c> and <c>not</c>: the grammar of every condition, about a reply instead of a lead. Reports
/// everything that is wrong, each with its path and the fix.
/// </summary>
internal sealed class ReplyConditionCompiler(Func<string, NamedList?> list, ConfigErrors errors)
{
    private int leaves;

    /// <summary>Null after every error was reported.</summary>
    public static ReplyCondition? Compile(ConfigNode node, Func<string, NamedList?> list, ConfigErrors errors) =>
        new ReplyConditionCompiler(list, errors).Read(node, 1);

    private ReplyCondition? Read(ConfigNode node, int depth)
    {
        if (node is not ConfigMap map)
            return Wrong(node.Path, ConditionErrors.WrongKind, $"A condition on a reply is a map such as {{ at: result, is: success }}, not {node.Kind}.");
        if (depth > Limits.ConditionDepth)
            return Wrong(map.Path, ConditionErrors.OverLimit, string.Create(CultureInfo.InvariantCulture, $"Conditions nest at most {Limits.ConditionDepth} deep."));
        var groups = map.Entries.Where(entry => entry.Key is "all" or "any" or "not").ToArray();
        if (groups.Length == 0) return Leaf(map);
        if (map.Entries.Count > 1)
            return Wrong(map.Path, ConditionErrors.UnknownKey, "A map with all, any or not has no other key; put the conditions into one all: [ … ].");
        var (key, inner) = groups[0];
        if (key == "not") return Read(inner, depth + 1) is { } negated ? new ReplyNot(negated) : null;
        if (inner is not ConfigList { Items.Count: > 0 } parts) return Wrong(inner.Path, ConditionErrors.WrongKind, $"{key} wants a list of at least one condition.");
        var read = parts.Items.Select(part => Read(part, depth + 1)).ToArray();
        return Array.Exists(read, part => part is null) ? null : new ReplyGroup(read!, key == "all");
    }

    private ReplyCondition? Leaf(ConfigMap map)
    {
        if (++leaves > Limits.ConditionLeaves)
            return leaves == Limits.ConditionLeaves + 1
                ? Wrong(map.Path, ConditionErrors.OverLimit, string.Create(CultureInfo.InvariantCulture, $"A condition has at most {Limits.ConditionLeaves} parts.")) : null;
        if (map.Find("at") is not { } atNode) return Wrong(map.Path, ConditionErrors.MissingKey, "A condition on a reply needs at: PATH, or all, any or not.");
        var others = map.Entries.Where(entry => entry.Key != "at").ToArray();
        var unknown = others.FirstOrDefault(entry => !FilterOperators.Names.Contains(entry.Key));
        if (unknown.Key is not null)
            return Wrong(unknown.Value.Path, ConditionErrors.UnknownKey, $"There is no operator {unknown.Key}; use one of: {string.Join(", ", FilterOperators.Names)}.");
        if (others.Length != 1)
            return Wrong(map.Path, ConditionErrors.MissingKey, $"A condition carries one operator: one of {string.Join(", ", FilterOperators.Names)}.");
        var path = PathOf(atNode, errors);
        var test = Test(others[0].Key, others[0].Value);
        return path is null || test is null ? null : new ReplyLeaf(path, test);
    }

    /// <summary>Null after <c>invalid_format</c>.</summary>
    public static ReplyPath? PathOf(ConfigNode node, ConfigErrors errors, bool mayBeMany = false)
    {
        if (ValueReader.Text(node, errors) is not { } text) return null;
        if (ReplyPath.Parse(text, mayBeMany) is { } path) return path;
        errors.Add(node.Path, ConfigCodes.InvalidFormat,
            "A place in a reply is names joined by dots, as response.status or errors.0, or http.status, http.header.NAME or body.");
        return null;
    }

    private ReplyTest? Test(string name, ConfigNode value)
    {
        switch (name)
        {
            case "exists":
                return ValueReader.Boolean(value, errors) is { } wanted ? new ReplyExists(wanted) : null;
            case "is" or "is_not":
                return Text(value) is { } one ? new ReplyIn([one], name == "is_not") : null;
            case "in" or "not_in":
                return Values(value) is { } several ? new ReplyIn(several, name == "not_in") : null;
            case "contains":
                return Text(value) is { } part ? ReplySearch.Contains(part) : null;
            case "starts_with":
                return Text(value) is { } start ? ReplySearch.StartsWith(start) : null;
            case "matches":
                if (Text(value) is not { } pattern) return null;
                if (BoundedRegex.TryCreate(pattern, out var regex, out var problem)) return ReplySearch.Matches(regex!);
                return Refused(value, $"The regular expression is refused: {problem}.");
            case "at_least":
                return Number(value) is { } least ? new ReplyRange(least, null) : null;
            case "at_most":
                return Number(value) is { } most ? new ReplyRange(null, most) : null;
            default: // between
                if (value is not ConfigList { Items: [var from, var to] }) return Refused(value, "Wants two numbers, [low, high].");
                if (Number(from) is not { } low || Number(to) is not { } high) return null;
                return low.CompareTo(high) <= 0 ? new ReplyRange(low, high) : Refused(value, "The first value is above the second: nothing can be between them.");
        }
    }

    private string? Text(ConfigNode node)
    {
        if (ValueReader.Text(node, errors) is not { } text) return null;
        if (text.Length <= Limits.TextChars) return text;
        errors.Add(node.Path, ConditionErrors.InvalidValue, $"Wants a text of 1 to {Limits.TextChars} characters.");
        return null;
    }

    private PlainNumber? Number(ConfigNode node)
    {
        if (ValueReader.Text(node, errors) is not { } text) return null;
        if (PlainNumber.TryParse(text, out var number)) return number;
        errors.Add(node.Path, ConditionErrors.InvalidValue, "This is a number, as 10 or 12.50.");
        return null;
    }

    private string[]? Values(ConfigNode node)
    {
        if (node is not ConfigMap map)
        {
            var texts = ValueReader.Texts(node, errors);
            return texts.Count > 0 ? [.. texts.Select(text => text.Text)] : null;
        }
        if (map.Entries.Count != 1 || map.Find("list") is not ConfigText name)
        {
            Refused(map, "Wants [a, b], or { list: NAME } and nothing else.");
            return null;
        }
        if (list(name.Text) is { } named) return [.. named.Values.Select(value => value.Text!)];
        errors.Add(name.Path, ConditionErrors.UnknownList, "There is no list of this name; add it under lists.");
        return null;
    }

    private ReplyTest? Refused(ConfigNode node, string message)
    {
        errors.Add(node.Path, ConditionErrors.InvalidValue, message);
        return null;
    }

    private ReplyCondition? Wrong(string path, string code, string message)
    {
        errors.Add(path, code, message);
        return null;
    }
}
