using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Engine.Schedules;

namespace Exchange.Engine.Filters.Operators;

/// <summary>Reads the value of a leaf by the type of what it is compared with.</summary>
internal static class Constants
{
    public static string? Text(ConfigNode node, ConfigErrors errors)
    {
        if (node is not ConfigText text) { errors.Add(node.Path, ConditionErrors.WrongKind, $"Wants one value, not {node.Kind}."); return null; }
        if (text.Text.Length is > 0 and <= Limits.TextChars) return text.Text;
        errors.Add(node.Path, ConditionErrors.InvalidValue, $"Wants a text of 1 to {Limits.TextChars} characters.");
        return null;
    }

    public static FieldValue? Value(ConfigNode node, Operand operand, ConditionContext context, ConfigErrors errors)
    {
        if (Text(node, errors) is not { } text) return null;
        var reading = FieldReader.ReadConstant(operand.Schema, text, context.Parsers);
        if (!reading.Ok) { errors.Add(node.Path, ConditionErrors.InvalidValue, $"The value {reading.Message}."); return null; }
        if (operand is BuiltInOperand && context.KnownIdOf(operand.Name) is { } known && !known(reading.Value.Text!))
        {
            errors.Add(node.Path, ConditionErrors.UnknownId, $"There is no {operand.Name} with this id; correct it or add the {operand.Name} to the catalog.");
            return null;
        }
        return reading.Value;
    }

    /// <summary>A number to compare with: fixed, or for dates so many days from today.</summary>
    public static DateOrNumber? Bound(ConfigNode node, Operand operand, ConditionContext context, ConfigErrors errors)
    {
        if (operand.Type == FieldType.Date && node is ConfigText text && DateBound.TryParse(text.Text, out var bound))
            return bound.RelativeToToday ? new(true, bound.DayNumberOrOffset) : new(false, bound.DayNumberOrOffset);
        return Value(node, operand, context, errors) is { } value ? new(false, value.Number) : null;
    }

    /// <summary>The values of <c>[a, b]</c> or <c>{ list: NAME }</c>.</summary>
    public static ValueSet? Set(ConfigNode node, Operand operand, ConditionContext context, ConfigErrors errors) => node switch
    {
        ConfigList list => Listed(list, operand, context, errors),
        ConfigMap map => Named(map, operand, context, errors),
        _ => Refused(node, ConditionErrors.WrongKind, "Wants a list such as [a, b], or { list: NAME }.", errors),
    };

    private static ValueSet? Listed(ConfigList list, Operand operand, ConditionContext context, ConfigErrors errors)
    {
        if (list.Items.Count == 0) return Refused(list, ConditionErrors.InvalidValue, "The list is empty; name at least one value.", errors);
        var values = new List<FieldValue>(list.Items.Count);
        var whole = true;
        foreach (var item in list.Items)
        {
            if (operand.Name == "weekday" && operand.Ordinal < 0 && item is ConfigText days && Weekdays.TryParse(days.Text, out var set))
            {
                for (var day = 0; day < 7; day++) if (set.Has(day)) values.Add(new(Weekdays.Names[day], day));
                continue;
            }
            if (Value(item, operand, context, errors) is { } value) values.Add(value);
            else whole = false;
        }
        return whole ? new(operand.Type, values) : null;
    }

    private static ValueSet? Named(ConfigMap map, Operand operand, ConditionContext context, ConfigErrors errors)
    {
        if (map.Entries.Count != 1 || map.Find("list") is not ConfigText name)
            return Refused(map, ConditionErrors.UnknownKey, "Wants [a, b], or { list: NAME } and nothing else.", errors);
        if (context.List(name.Text) is not { } list)
            return Refused(name, ConditionErrors.UnknownList, "There is no list of this name; add it under lists.", errors);
        if (operand.Type == FieldType.Choice && list.Type is FieldType.Choice or FieldType.Text) return Chosen(name, list, operand, errors);
        if (list.Type != operand.Type)
            return Refused(name, ConditionErrors.InvalidValue,
                $"The list holds values of type {FieldTypes.NameOf(list.Type)}, the field is of type {FieldTypes.NameOf(operand.Type)}.", errors);
        return list.Set;
    }

    private static ValueSet? Chosen(ConfigText name, NamedList list, Operand operand, ConfigErrors errors)
    {
        var values = new List<FieldValue>(list.Values.Count);
        foreach (var value in list.Values)
        {
            var index = FieldFormat.IndexOf(operand.Schema.Values, value.Text!);
            if (index < 0) return Refused(name, ConditionErrors.InvalidValue, "The list holds a word that is no choice of the field.", errors);
            values.Add(new(operand.Schema.Values[index], index));
        }
        return new(FieldType.Choice, values);
    }

    private static ValueSet? Refused(ConfigNode node, string code, string message, ConfigErrors errors)
    {
        errors.Add(node.Path, code, message);
        return null;
    }
}

/// <summary>A fixed number, or an offset in days from today.</summary>
internal readonly record struct DateOrNumber(bool RelativeToToday, long Number)
{
    public long At(int today) => RelativeToToday ? today + Number : Number;
}

internal static class Suits
{
    /// <summary>Types read as a text by contains, starts_with and matches.</summary>
    public static bool Text(FieldType type) =>
        type is FieldType.Text or FieldType.UsZip or FieldType.Email or FieldType.Phone or FieldType.Ip or FieldType.Url;

    /// <summary>Types with an order that an admin would expect. Zip codes are ordered by number.</summary>
    public static bool Order(FieldType type) => type is FieldType.Integer or FieldType.Decimal or FieldType.Date or FieldType.UsZip;
}
