using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;

namespace Exchange.Engine.Filters;

/// <summary>Reads one entry of the catalog's <c>lists</c>: <c>{ type: us_zip, values: [ … ] }</c>.</summary>
public static class ListCompiler
{
    /// <summary>Null if anything is wrong with it; every error is in <paramref name="errors"/>. A value given twice counts once.</summary>
    public static NamedList? Compile(string name, ConfigNode node, FieldParsers parsers, ConfigErrors errors)
    {
        if (node is not ConfigMap map)
        {
            errors.Add(node.Path, ConditionErrors.WrongKind, $"A list is a map with type and values, not {node.Kind}.");
            return null;
        }
        var before = errors.Errors.Count;
        foreach (var (key, child) in map.Entries)
            if (key is not ("type" or "values" or "name" or "note")) errors.Add(child.Path, ConditionErrors.UnknownKey, $"A list has no key {key}: it has type and values.");

        FieldSchema? schema = null;
        if (map.Find("type") is not ConfigText typeText)
            errors.Add(ConfigErrors.At(map.Path, "type"), ConditionErrors.MissingKey, "A list needs a type, such as us_zip.");
        else if (!FieldTypes.TryParse(typeText.Text, out var type))
            errors.Add(typeText.Path, ConditionErrors.InvalidValue, $"Is no field type; use one of: {string.Join(", ", FieldTypes.Names)}.");
        else
            schema = new() { Name = name, Type = type, Ordinal = 0 };

        if (map.Find("values") is not ConfigList list)
        {
            errors.Add(ConfigErrors.At(map.Path, "values"), ConditionErrors.MissingKey, "A list needs values: [ … ].");
            return null;
        }
        if (schema is null) return null;
        var values = new List<FieldValue>(list.Items.Count);
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var item in list.Items)
        {
            if (item is not ConfigText text) { errors.Add(item.Path, ConditionErrors.WrongKind, $"A value of a list is a text, not {item.Kind}."); continue; }
            // The words of a choice belong to a vertical and are checked where the list is used.
            var reading = schema.Type == FieldType.Choice
                ? new FieldReading(new(text.Text.Trim(), 0), null, null)
                : FieldReader.ReadConstant(schema, text.Text, parsers);
            if (!reading.Ok) errors.Add(item.Path, ConditionErrors.InvalidValue, $"The value {reading.Message}.");
            else if (seen.Add(reading.Value.Text!)) values.Add(reading.Value);
        }
        return errors.Errors.Count == before ? new(name, schema.Type, values) : null;
    }
}
