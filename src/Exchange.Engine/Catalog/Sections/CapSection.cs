using System.Security.Cryptography;
using System.Text;
using Exchange.Engine.Caps;
using Exchange.Engine.Catalog.Reading;

namespace Exchange.Engine.Catalog.Sections;

/// <summary>The gate of an owner and its caps.</summary>
internal sealed record OwnerLimits(LimitModel Gate, IReadOnlyList<LimitModel> Caps);

/// <summary><c>caps</c> of publishers, buyers, campaigns and trees, and the gate that stands before them.</summary>
internal static class CapSection
{
    private static readonly MapKeys Keys = new(
        ["per", "leads", "spend", "time_zone"], "pings", "offers", "when", "each", "pace", "soft", "warn_at", "count");

    /// <summary>Shortest first: the order in which reasons are told.</summary>
    private static readonly string[] Periods = ["hour", "day", "week", "month", "total"];

    public static OwnerLimits Read(ConfigNode? node, CapScope scope, string owner, EntryStatus status, CatalogDraft draft)
    {
        var caps = new List<(LimitModel Cap, ConfigNode At)>();
        foreach (var item in node is null ? [] : ValueReader.List(node, draft.Errors)?.Items ?? [])
        {
            if (Cap(item, scope, owner, draft) is not { } cap) continue;
            if (caps.Exists(other => other.Cap.Id == cap.Id))
                draft.Errors.Add(item.Path, ConfigCodes.Repeated, "There is a cap of this period, kind and zone already; keep the lower one.");
            else caps.Add((cap, item));
        }
        WarnOfUnreachable(caps, draft.Errors);
        var gate = Gate(scope, owner, status, caps.Select(pair => pair.Cap), draft);
        return new(gate, [.. caps.Select(pair => Registered(pair.Cap, draft)).OrderBy(PlaceOf)]);
    }

    /// <summary>Shortest period first; within one period as written.</summary>
    public static int PlaceOf(LimitModel cap) => Array.IndexOf(Periods, cap.Period!.Name);

    public static LimitModel Balance(string buyer, long creditMicros, CatalogDraft draft) => Registered(new LimitModel
    {
        Ordinal = 0, Kind = LimitKind.Balance, Id = $"bal:{buyer}", Reason = Reason.Balance, Scope = CapScope.Buyer, Owner = buyer, Limit = creditMicros,
    }, draft);

    private static LimitModel Gate(CapScope scope, string owner, EntryStatus status, IEnumerable<LimitModel> caps, CatalogDraft draft)
    {
        var revision = Revision(caps);
        return Registered(new LimitModel
        {
            Ordinal = 0,
            Kind = LimitKind.Gate,
            Id = scope switch
            {
                CapScope.Campaign => $"open:{owner}:{revision}",
                CapScope.Buyer => $"open:buyer:{owner}:{revision}",
                CapScope.Tree => $"open:tree:{owner}:{revision}",
                _ => $"open:publisher:{owner}:{revision}",
            },
            Reason = scope switch { CapScope.Campaign => Reason.CampaignPaused, CapScope.Buyer => Reason.BuyerPaused, CapScope.Tree => Reason.NoTree, _ => Reason.PublisherPaused },
            Scope = scope,
            Owner = owner,
            Limit = status == EntryStatus.Active ? 0 : -1,
        }, draft);
    }

    /// <summary>The same for the same set of caps, whatever their order and limits; another set is another gate.</summary>
    private static string Revision(IEnumerable<LimitModel> caps)
    {
        var ids = string.Join('\n', caps.Select(cap => cap.Id).Order(StringComparer.Ordinal));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(ids)).AsSpan(0, 4));
    }

    private static LimitModel? Cap(ConfigNode node, CapScope scope, string owner, CatalogDraft draft)
    {
        var errors = draft.Errors;
        if (MapReader.Open(node, Keys, errors) is not { } map) return null;
        var zone = map["time_zone"] is { } zoneNode ? ValueReader.Zone(zoneNode, errors) : draft.Zone;
        var period = map.Required("per", "one of hour, day, week, month, total", errors) is { } perNode ? Period(perNode, errors) : null;
        var (leads, spend) = (map["leads"], map["spend"]);
        if (leads is not null && spend is not null)
        {
            errors.Add(spend.Path, ConfigCodes.Conflict, "One cap limits one thing; write `leads` and `spend` as two caps.");
            return null;
        }
        if (leads is null && spend is null)
        {
            if (map["pings"] is null && map["offers"] is null) errors.Add(map.At("leads"), ConfigCodes.MissingKey, "A cap needs `leads` or `spend` with its limit.");
            return null;
        }
        var limit = leads is not null ? Leads(leads, errors) : ValueReader.Money(spend!, errors)?.Micros;
        if (spend is not null && limit == 0)
        {
            errors.Add(spend.Path, ConfigCodes.OutOfRange, "A cap of nothing never sells; write `status: paused` instead.");
            return null;
        }
        if (period is null || zone is null || limit is null) return null;
        var metric = leads is not null ? CapMetric.Leads : CapMetric.Spend;
        var prefix = scope switch { CapScope.Campaign => "c", CapScope.Buyer => "b", CapScope.Tree => "t", _ => "p" };
        return new LimitModel
        {
            Ordinal = 0,
            Kind = LimitKind.Cap,
            Id = $"{prefix}:{owner}:{(leads is not null ? "leads" : "spend")}:{period.Name}:{zone.Id}",
            Reason = scope == CapScope.Publisher ? Reason.PublisherCap : period.Reason,
            Scope = scope,
            Owner = owner,
            Limit = limit.Value,
            Period = period,
            Metric = metric,
            Zone = zone,
        };
    }

    private static ICapPeriod? Period(ConfigNode node, ConfigErrors errors)
    {
        if (ValueReader.Text(node, errors) is not { } text) return null;
        if (CapPeriods.Find(text) is { } period && Periods.Contains(text)) return period;
        if (text == "minute") MapReader.NotYet(node.Path, errors);
        else errors.Add(node.Path, ConfigCodes.UnknownValue, Nearest.Fix("There is no such period", text, Periods, errors));
        return null;
    }

    private static long? Leads(ConfigNode node, ConfigErrors errors)
    {
        if (node is ConfigMap)
        {
            // A limit per weekday.
            MapReader.NotYet(node.Path, errors);
            return null;
        }
        if (node is ConfigText { Text: "0" })
        {
            errors.Add(node.Path, ConfigCodes.OutOfRange, "A cap of 0 leads never sells; write `status: paused` instead.");
            return null;
        }
        return ValueReader.Number(node, 1, 1_000_000_000_000, errors);
    }

    /// <summary>A day's cap above the month's is never reached: somebody mistyped one of them.</summary>
    private static void WarnOfUnreachable(List<(LimitModel Cap, ConfigNode At)> caps, ConfigErrors errors)
    {
        foreach (var (cap, at) in caps)
            if (caps.Exists(other => other.Cap.Metric == cap.Metric && PlaceOf(other.Cap) > PlaceOf(cap) && other.Cap.Limit <= cap.Limit))
                errors.Warn(at.Path, ConfigCodes.NeverUsed, "This cap is never reached: a longer period of the same owner is capped as low or lower.");
    }

    private static LimitModel Registered(LimitModel limit, CatalogDraft draft) => draft.Takeover.Placed(limit);
}
