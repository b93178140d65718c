using System.Globalization;
using Exchange.Engine.Catalog.Reading;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Fields;
using Exchange.Engine.Schedules;

namespace Exchange.Engine.Catalog.Sections;

/// <summary>What conditions and waits of one delivery, or the wait of one tree, are about.</summary>
/// <param name="Conditions">Over every field of the vertical: a lead has more than its ping.</param>
/// <param name="Office">Of the buyer, if it has hours; null in trees.</param>
/// <param name="Zone">Of clock times: the office's, else the exchange's.</param>
internal sealed record DeliveryScope(ConditionScope Conditions, FieldSet Fields, Func<string, bool> IsDeclared, Schedule? Office, TimeZoneInfo Zone)
{
    public static DeliveryScope Of(CatalogDraft draft, VerticalDraft vertical, TimeZoneInfo conditionZone, Schedule? office) => new(
        new(draft, vertical, Filters.ConditionPlace.Filter, pingOnly: false, zone: conditionZone), vertical.Fields, name => vertical.DeclaredFields?.Find(name) is not null,
        office, office?.Zone ?? draft.Zone);
}

/// <summary><c>wait</c> of a delivery, of one of its destinations, or of a tree: exactly one of <c>for</c>, <c>until</c> and <c>before</c>.</summary>
internal static class WaitSection
{
    private const string Office = "office";
    private static readonly string[] Kinds = ["for", "until", "before"];
    private static readonly MapKeys Keys = new(["for", "until", "before", "by", "at", "at_most", "then"]);

    /// <param name="ofDelivery">Only a delivery has a buyer with an office.</param>
    public static WaitModel? Read(ConfigNode node, DeliveryScope scope, bool ofDelivery)
    {
        var errors = scope.Conditions.Errors;
        if (MapReader.Open(node, Keys, errors) is not { } map) return null;
        var given = Array.FindAll(Kinds, kind => map[kind] is not null);
        if (given.Length == 0)
        {
            errors.Add(node.Path, ConfigCodes.MissingKey, "A wait says `for` how long, `until` when or until which condition holds, or `before` which date field.");
            return null;
        }
        if (given.Length > 1)
        {
            errors.Add(map.At(given[1]), ConfigCodes.Conflict, "A wait has one of `for`, `until` and `before`.");
            return null;
        }
        var untilFields = map["until"] is ConfigMap;
        OnlyBeside(map, ["by", "at"], map["before"] is not null, "`by` and `at` stand beside `before`.", errors);
        OnlyBeside(map, ["at_most", "then"], untilFields, "`at_most` and `then` stand beside `until: { field: … }`.", errors);
        if (map["for"] is { } span) return ValueReader.Duration(span, errors) is { } read ? new WaitFor(read) : null;
        if (map["before"] is { } date) return Before(map, date, scope);
        return untilFields ? Fields(map, scope) : Moment(map["until"]!, scope, ofDelivery);
    }

    private static void OnlyBeside(MapReader map, string[] keys, bool allowed, string why, ConfigErrors errors)
    {
        if (!allowed) foreach (var key in keys) if (map[key] is not null) errors.Add(map.At(key), ConfigCodes.MisplacedKey, why);
    }

    private static WaitModel? Moment(ConfigNode node, DeliveryScope scope, bool ofDelivery)
    {
        var errors = scope.Conditions.Errors;
        if (ValueReader.Text(node, errors) is not { } text) return null;
        if (text == Office)
        {
            if (!ofDelivery)
                errors.Add(node.Path, ConfigCodes.Conflict, "A tree has no office: before its auction no buyer is known. Write this wait into the campaign's `delivery`.");
            else if (scope.Office is { } office) return new WaitForOffice(office);
            else if (ofDelivery) errors.Warn(node.Path, ConfigCodes.NeverUsed, "The buyer has no `office` hours, so it is always open and nothing waits.");
            return null;
        }
        if (DateTime.TryParseExact(text, ["yyyy-MM-dd'T'HH:mm", "yyyy-MM-dd'T'HH:mm:ss"], CultureInfo.InvariantCulture, DateTimeStyles.None, out var local))
            return new WaitUntilMoment((local - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerSecond, scope.Zone);
        errors.Add(node.Path, ConfigCodes.InvalidFormat, ofDelivery
            ? "Write office, a moment as \"2026-12-01T09:00\", or a condition as { field: …, … }." : "Write a moment as \"2026-12-01T09:00\", or a condition as { field: …, … }.");
        return null;
    }

    private static WaitForFields? Fields(MapReader map, DeliveryScope scope)
    {
        var errors = scope.Conditions.Errors;
        var until = scope.Conditions.Read(map["until"]!);
        var atMost = map.Required("at_most", "how long fields are waited for", errors) is { } longest ? ValueReader.Duration(longest, errors) : null;
        var drop = map["then"] is { } then && ValueReader.Word(then, [("go", false), ("drop", true)], errors) == true;
        return atMost is null ? null : new(until, atMost.Value, drop);
    }

    private static WaitBeforeDate? Before(MapReader map, ConfigNode node, DeliveryScope scope)
    {
        var errors = scope.Conditions.Errors;
        var minute = map["at"] is { } at ? Minute(at, errors) : 0;
        var days = 0;
        if (map["by"] is { } by && ValueReader.Duration(by, errors) is { } span)
        {
            days = span.Days;
            if (span != TimeSpan.FromDays(days)) errors.Add(by.Path, ConfigCodes.OutOfRange, "Counted from a date these are calendar days: write whole ones, as 30d; `at` gives the time.");
        }
        if (ValueReader.Text(node, errors) is not { } name) return null;
        if (scope.Fields.Find(name) is not { } field)
        {
            // A field that is itself wrong was reported where it is declared.
            if (!scope.IsDeclared(name)) errors.Add(node.Path, ConfigCodes.UnknownField, Nearest.Fix("The vertical has no such field", name, scope.Fields.All.Select(each => each.Name), errors));
            return null;
        }
        if (field.Type == FieldType.Date) return new(field, days, minute, scope.Zone);
        errors.Add(node.Path, ConfigCodes.Conflict, "This field is no date.");
        return null;
    }

    private static int Minute(ConfigNode node, ConfigErrors errors)
    {
        if (ValueReader.Text(node, errors) is not { } text) return 0;
        if (TimeOnly.TryParseExact(text, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out var time)) return time.Hour * 60 + time.Minute;
        errors.Add(node.Path, ConfigCodes.InvalidFormat, "A time of day is written as \"09:00\".");
        return 0;
    }
}
