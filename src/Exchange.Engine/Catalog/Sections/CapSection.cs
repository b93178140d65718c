using System.Security.Cryptography;
using System.Text;
using Exchange.Engine.Caps;
using Exchange.Engine.Catalog.Reading;

namespace Exchange.Engine.Catalog.Sections;

/// <summary>The gate of an owner and all its caps, in the order in which their reasons are told.</summary>
internal sealed record OwnerLimits(LimitModel Gate, IReadOnlyList<LimitModel> Caps);

/// <summary>Whose caps are read: what they may count follows from it, and so does what their conditions may read.</summary>
/// <param name="Verticals">What it buys or sells: conditions are compiled for each. Asked only where a cap has any.</param>
/// <param name="Zone">Of <c>today</c>, <c>hour</c> and <c>weekday</c> in conditions; null = the exchange's.</param>
internal sealed record CapOwner(CapScope Scope, string Id, EntryStatus Status, Func<IReadOnlyList<VerticalDraft>> Verticals, TimeZoneInfo? Zone = null);

/// <summary><c>caps</c> of publishers, buyers, campaigns and trees, and the gate that stands before them.</summary>
internal static class CapSection
{
    public static OwnerLimits Read(ConfigNode? node, CapOwner owner, CatalogDraft draft)
    {
        var caps = new List<(LimitModel Cap, ConfigNode At)>();
        foreach (var item in node is null ? [] : ValueReader.List(node, draft.Errors)?.Items ?? [])
        {
            if (CapReader.Read(item, owner, draft) is not { } cap) continue;
            if (caps.Exists(other => IdentityOf(other.Cap) == IdentityOf(cap)))
                draft.Errors.Add(item.Path, ConfigCodes.Repeated, "There is a cap of this period, kind and zone already, with the same `each` and `when`; keep the lower one.");
            else caps.Add((cap, item));
        }
        WarnOfUnreachable(caps, draft.Errors);
        var gate = Gate(owner, caps.Select(pair => pair.Cap), draft);
        return new(gate, [.. InOrder([.. caps.Select(pair => draft.Takeover.Placed(pair.Cap))])]);
    }

    /// <summary>A cap that counts what was kept and one that counts all that was sold would bear one name.</summary>
    private static string IdentityOf(LimitModel cap) => cap.CountsKept ? cap.Id[..^LimitNames.KeptSuffix.Length] : cap.Id;

    /// <summary>The order of reasons: shortest period first, pings after the rest; within one period as given.</summary>
    public static IEnumerable<LimitModel> InOrder(IEnumerable<LimitModel> caps) => caps.OrderBy(cap => cap.Metric == CapMetric.Pings).ThenBy(PlaceOf);

    public static LimitModel Balance(string buyer, long creditMicros, CatalogDraft draft) => draft.Takeover.Placed(new LimitModel
    {
        Ordinal = 0, Kind = LimitKind.Balance, Id = LimitNames.Balance(buyer), Reason = Reason.Balance, Scope = CapScope.Buyer, Owner = buyer, Limit = creditMicros,
    });

    private static int PlaceOf(LimitModel cap)
    {
        for (var i = 0; i < CapPeriods.All.Count; i++) if (CapPeriods.All[i] == cap.Period) return i;
        throw new InvariantException("a cap's period is in the list");
    }

    private static LimitModel Gate(CapOwner owner, IEnumerable<LimitModel> caps, CatalogDraft draft)
    {
        return draft.Takeover.Placed(new LimitModel
        {
            Ordinal = 0,
            Kind = LimitKind.Gate,
            Id = LimitNames.Gate(owner.Scope, owner.Id, Revision(caps)),
            Reason = owner.Scope switch
            {
                CapScope.Campaign => Reason.CampaignPaused,
                CapScope.Buyer => Reason.BuyerPaused,
                CapScope.Tree => Reason.NoTree,
                _ => Reason.PublisherPaused,
            },
            Scope = owner.Scope,
            Owner = owner.Id,
            Limit = owner.Status == EntryStatus.Active ? 0 : -1,
        });
    }

    /// <summary>
    /// The same for the same set of caps that sales take, whatever their order and limits; another set is another gate, so that who still sells by the
    /// old set is refused. Caps on offers and pings are not taken and need no gate.
    /// </summary>
    private static string Revision(IEnumerable<LimitModel> caps)
    {
        var ids = string.Join('\n', caps.Where(cap => cap.IsTake).Select(cap => cap.Id).Order(StringComparer.Ordinal));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(ids)).AsSpan(0, 4));
    }

    /// <summary>A day's cap above the month's is never reached: somebody mistyped one of them.</summary>
    private static void WarnOfUnreachable(List<(LimitModel Cap, ConfigNode At)> caps, ConfigErrors errors)
    {
        foreach (var (cap, at) in caps)
            if (caps.Exists(other => Covers(other.Cap, cap) && other.Cap.Limit <= LeastOf(cap)))
                errors.Warn(at.Path, ConfigCodes.NeverUsed, "This cap is never reached: a longer period of the same owner is capped as low or lower.");
    }

    /// <summary>Whether all that one cap counts in its period the longer one counts too.</summary>
    private static bool Covers(LimitModel longer, LimitModel cap) =>
        longer.Metric == cap.Metric && PlaceOf(longer) > PlaceOf(cap) && !longer.Soft && longer.CountsKept == cap.CountsKept
        && (longer.Each is null || longer.Each.Name == cap.Each?.Name) && (longer.When is null || longer.WhenHash == cap.WhenHash);

    /// <summary>Of a limit by weekday the lowest on a day that has any.</summary>
    private static long LeastOf(LimitModel cap) => cap.WeekdayLimits?.Where(limit => limit > 0).Min() ?? cap.Limit;
}
