using Exchange.Engine.Caps;
using Exchange.Engine.Catalog.Reading;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.Schedules;
using Exchange.Engine.Values;

namespace Exchange.Engine.Catalog.Sections;

/// <summary>One cap: <c>{ per, leads | spend | pings | offers, time_zone, when, each, pace, soft, warn_at, count }</c>.</summary>
internal static class CapReader
{
    private const long MostOfANumber = 1_000_000_000_000;

    private static readonly MapKeys Keys = new(
        ["per", "leads", "spend", "pings", "offers", "time_zone", "when", "each", "pace", "soft", "warn_at", "count"]);

    private static readonly (string, bool)[] Paces = [("even", true)];
    private static readonly (string, bool)[] Counts = [("kept", true)];

    public static LimitModel? Read(ConfigNode node, CapOwner owner, CatalogDraft draft)
    {
        var errors = draft.Errors;
        if (MapReader.Open(node, Keys, errors) is not { } map) return null;
        var before = errors.Errors.Count;
        var zone = map["time_zone"] is { } zoneNode ? ValueReader.Zone(zoneNode, errors) : draft.Zone;
        var period = map.Required("per", "one of minute, hour, day, week, month, total", errors) is { } perNode ? Period(perNode, errors) : null;
        var metric = Metric(map, owner.Scope, errors);
        if (period is MinutePeriod && metric is not (CapMetric.Pings or null))
            errors.Add(map.At("per"), ConfigCodes.Conflict, "Only `pings` are capped by the minute; for anything else use hour, day, week, month or total.");
        var (limit, weekdays) = metric is { } counted ? Amount(map[CapName.MetricOf(counted)]!, counted, period, errors) : default;
        var soft = map["soft"] is { } softNode && ValueReader.Boolean(softNode, errors) == true;
        var warnAt = map["warn_at"] is { } warnNode ? WarnAt(warnNode, errors) : null;
        var paced = map["pace"] is { } paceNode && ValueReader.Word(paceNode, Paces, errors) == true && MayPace(paceNode, owner.Scope, metric, period, soft, errors);
        var each = map["each"] is { } eachNode ? Each(eachNode, owner, draft) : null;
        var when = map["when"] is { } whenNode ? When(whenNode, owner, draft) : null;
        var kept = map["count"] is { } countNode && ValueReader.Word(countNode, Counts, errors) == true && MayCountKept(countNode, metric, errors);
        if (errors.Errors.Count > before || period is null || zone is null || metric is not { } what) return null;

        var hash = map["when"] is { } condition ? CapName.HashOf(condition) : null;
        var prefix = owner.Scope switch { CapScope.Campaign => "c", CapScope.Buyer => "b", CapScope.Tree => "t", _ => "p" };
        return new LimitModel
        {
            Ordinal = 0,
            Kind = LimitKind.Cap,
            Id = $"{prefix}:{owner.Id}:{CapName.MetricOf(what)}:{period.Name}:{zone.Id}{CapName.Suffix(':', each?.Name, hash)}{(kept ? LimitNames.KeptSuffix : "")}",
            Name = CapName.Of(period.Name, CapName.MetricOf(what), each?.Name, hash),
            Reason = owner.Scope == CapScope.Publisher ? Reason.PublisherCap : what == CapMetric.Pings ? Reason.PingCap : period.Reason,
            Scope = owner.Scope,
            Owner = owner.Id,
            Limit = limit,
            WeekdayLimits = weekdays,
            Period = period,
            Metric = what,
            Zone = zone,
            When = when,
            WhenHash = hash,
            Each = each,
            Paced = paced,
            Soft = soft,
            CountsKept = kept,
            WarnAt = warnAt,
        };
    }

    private static bool MayCountKept(ConfigNode node, CapMetric? metric, ConfigErrors errors)
    {
        if (metric is not (CapMetric.Pings or CapMetric.Offers)) return true;
        errors.Add(node.Path, ConfigCodes.MisplacedKey, "Only sales come back: `count: kept` goes with `leads` or `spend`.");
        return false;
    }

    private static ICapPeriod? Period(ConfigNode node, ConfigErrors errors)
    {
        if (ValueReader.Text(node, errors) is not { } text) return null;
        if (CapPeriods.Find(text) is { } period) return period;
        errors.Add(node.Path, ConfigCodes.UnknownValue, Nearest.Fix("There is no such period", text, CapPeriods.All.Select(known => known.Name), errors));
        return null;
    }

    /// <summary>What it counts: one thing, and one that its owner has.</summary>
    private static CapMetric? Metric(MapReader map, CapScope scope, ConfigErrors errors)
    {
        CapMetric? found = null;
        foreach (var metric in (ReadOnlySpan<CapMetric>)[CapMetric.Leads, CapMetric.Spend, CapMetric.Pings, CapMetric.Offers])
        {
            if (map[CapName.MetricOf(metric)] is not { } node) continue;
            if (found is { } other)
            {
                errors.Add(node.Path, ConfigCodes.Conflict, $"One cap limits one thing; write `{CapName.MetricOf(other)}` and `{CapName.MetricOf(metric)}` as two caps.");
                return null;
            }
            found = metric;
        }
        if (found is not { } what)
        {
            errors.Add(map.At("leads"), ConfigCodes.MissingKey, "A cap needs `leads`, `spend`, `pings` or `offers` with its limit.");
            return null;
        }
        var fix = (scope, what) switch
        {
            (CapScope.Publisher, CapMetric.Offers) => "A publisher's caps count its leads, its payout (`spend`) or its pings; offers are counted by campaigns and buyers.",
            (CapScope.Tree, CapMetric.Offers or CapMetric.Pings) => "A tree's caps count its sales: `leads` or `spend`.",
            _ => null,
        };
        if (fix is null) return what;
        errors.Add(map.At(CapName.MetricOf(what)), ConfigCodes.MisplacedKey, fix);
        return null;
    }

    private static (long Limit, long[]? Weekdays) Amount(ConfigNode node, CapMetric metric, ICapPeriod? period, ConfigErrors errors)
    {
        if (node is ConfigMap map)
        {
            if (period is not (DayPeriod or null))
            {
                errors.Add(node.Path, ConfigCodes.Conflict, "Only a cap `per: day` has a limit for each weekday; write one number.");
                return default;
            }
            return ByWeekday(map, metric, errors) is { } weekdays ? (weekdays.Max(), weekdays) : default;
        }
        if (One(node, metric, errors) is not { } limit) return default;
        if (limit == 0) errors.Add(node.Path, ConfigCodes.OutOfRange, "A cap of nothing never lets anything through; write `status: paused` instead.");
        return (limit, null);
    }

    private static long? One(ConfigNode node, CapMetric metric, ConfigErrors errors) =>
        metric == CapMetric.Spend ? ValueReader.Money(node, errors)?.Micros : ValueReader.Number(node, 0, MostOfANumber, errors);

    /// <summary>Seven limits, Monday first; each day once, none missing.</summary>
    private static long[]? ByWeekday(ConfigMap map, CapMetric metric, ConfigErrors errors)
    {
        var limits = new long?[7];
        var before = errors.Errors.Count;
        foreach (var (key, node) in map.Entries)
        {
            if (!Weekdays.TryParse(key, out var days))
            {
                errors.Add(node.Path, ConfigCodes.InvalidFormat, "This is no day: use mon, tue, wed, thu, fri, sat, sun, or a range as mon-fri that runs forward in the week.");
                continue;
            }
            var limit = One(node, metric, errors) ?? 0;
            for (var day = 0; day < 7; day++)
            {
                if (!days.Has(day)) continue;
                if (limits[day] is null) limits[day] = limit;
                else errors.Add(node.Path, ConditionErrors.Overlap, $"There is a limit for {Weekdays.Names[day]} already; name each day once.");
            }
        }
        for (var day = 0; day < 7; day++)
            if (limits[day] is null && errors.Errors.Count == before)
                errors.Add(ConfigErrors.At(map.Path, Weekdays.Names[day]), ConfigCodes.MissingKey, $"A limit by weekday covers all seven; {Weekdays.Names[day]} is missing (0 = none on that day).");
        if (errors.Errors.Count == before && limits.All(limit => limit == 0))
            errors.Add(map.Path, ConfigCodes.OutOfRange, "A cap of nothing on every day never lets anything through; write `status: paused` instead.");
        return errors.Errors.Count > before ? null : [.. limits.Select(limit => limit!.Value)];
    }

    private static Percent? WarnAt(ConfigNode node, ConfigErrors errors)
    {
        if (ValueReader.Percent(node, errors) is not { } percent) return null;
        if (percent.Millionths is > 0 and <= Percent.One) return percent;
        errors.Add(node.Path, ConfigCodes.OutOfRange, "`warn_at` is more than 0% and at most 100% of the cap.");
        return null;
    }

    private static bool MayPace(ConfigNode node, CapScope scope, CapMetric? metric, ICapPeriod? period, bool soft, ConfigErrors errors)
    {
        var fix = scope is not (CapScope.Campaign or CapScope.Buyer) ? "Only caps of campaigns and buyers are paced."
            : metric is CapMetric.Offers or CapMetric.Pings ? "Only `leads` and `spend` are paced: sales are what is spread."
            : period is TotalPeriod ? "A total has no end to spread it over; pace a cap per hour, day, week or month."
            : period is MinutePeriod ? "A minute is too short to spread anything over."
            : soft ? "A soft cap never stops anything, so it cannot be paced; take one of the two out."
            : null;
        if (fix is not null) errors.Add(node.Path, ConfigCodes.Conflict, fix);
        return fix is null;
    }

    /// <summary>A ping field that may be shown and kept in the clear, <c>publisher</c> or <c>sub_id</c>.</summary>
    private static CapDimension? Each(ConfigNode node, CapOwner owner, CatalogDraft draft)
    {
        var errors = draft.Errors;
        if (ValueReader.Text(node, errors) is not { } name) return null;
        if (name == CapDimension.Publisher)
        {
            if (owner.Scope == CapScope.Publisher) errors.Add(node.Path, ConfigCodes.Conflict, "A publisher's cap counts this publisher alone; take `each` out.");
            return new(name, new Dictionary<string, int>(), FoldsCase: false);
        }
        if (name == CapDimension.SubId) return new(name, new Dictionary<string, int>());
        var ordinals = new Dictionary<string, int>(StringComparer.Ordinal);
        var (known, folds, verticals) = (false, false, owner.Verticals());
        foreach (var vertical in verticals)
        {
            if (vertical.Fields.Find(name) is not { } field)
            {
                // A field that is itself wrong was reported where it is declared.
                known |= vertical.DeclaredFields is null || vertical.DeclaredFields.Find(name) is not null;
                continue;
            }
            known = true;
            if (field.Pii || field.Sensitive || field.Ping == FieldUse.None)
            {
                errors.Add(node.Path, ConditionErrors.FieldNotHere, "A value is counted apart only where a ping may carry it and anybody may see it: not contact data, not sensitive, and `ping: required` or `optional`.");
                return null;
            }
            ordinals[vertical.Id] = field.Ordinal;
            folds |= field.HasCase;
        }
        if (!known && verticals.Count > 0)
        {
            var names = verticals.SelectMany(vertical => vertical.Fields.All).Where(field => field is { Pii: false, Sensitive: false, Ping: not FieldUse.None }).Select(field => field.Name);
            errors.Add(node.Path, ConditionErrors.UnknownField, Nearest.Fix("There is no such field to count apart", name, names.Distinct().Append(CapDimension.Publisher).Append(CapDimension.SubId), errors));
            return null;
        }
        return new(name, ordinals, folds);
    }

    /// <summary>Compiled for each vertical; what is wrong for several is told once.</summary>
    private static Dictionary<string, Condition> When(ConfigNode node, CapOwner owner, CatalogDraft draft)
    {
        var conditions = new Dictionary<string, Condition>(StringComparer.Ordinal);
        var told = new HashSet<InputError>();
        var verticals = owner.Verticals();
        foreach (var vertical in verticals)
        {
            var found = new ConfigErrors();
            conditions[vertical.Id] = new ConditionScope(draft, vertical, ConditionPlace.Filter, zone: owner.Zone, errors: found, elsewhere: Elsewhere).Read(node);
            foreach (var error in found.Errors) if (told.Add(error)) draft.Errors.Add(error.Pointer, error.Code, error.Message);
        }
        return conditions;

        // A field that only another of its verticals has is one that was not given.
        bool Elsewhere(string field) => verticals.Any(other => other.DeclaredFields?.Find(field) is not null);
    }
}
