using Exchange.Engine.Caps;
using Exchange.Engine.Catalog.Reading;
using Exchange.Engine.Filters;
using Exchange.Engine.Values;

namespace Exchange.Engine.Catalog.Sections;

/// <summary><c>campaigns</c>: the standing orders of buyers.</summary>
internal static class CampaignSection
{
    public const int MostWeight = 1_000_000;

    private static readonly MapKeys Keys = new(
        [
            "name", "note", "status", "buyer", "vertical", "publishers", "filter", "post_filter", "bid", "sharing", "caps", "schedule", "weight", "handicap",
            "consent", "delivery", "duplicate", "tell_losses", "returns",
        ]);

    private static readonly (string, Sharing)[] Sharings = [("exclusive", Sharing.Exclusive), ("shared", Sharing.Shared), ("either", Sharing.Either)];

    public static void Read(ConfigNode node, CatalogDraft draft)
    {
        if (MapReader.Map(node, draft.Errors) is not { } campaigns) return;
        if (campaigns.Entries.Count > Limits.CampaignsPerCatalog)
        {
            draft.Errors.Add(node.Path, ConfigCodes.OutOfRange, $"A catalog may have at most {Limits.CampaignsPerCatalog} campaigns.");
            return;
        }
        // A campaign's bit in its vertical's index is its place by id, so that the same catalog always compiles to the same model.
        var ordinals = new Dictionary<string, int>(StringComparer.Ordinal);
        var read = (string id, ConfigNode entry) => Read(id, entry, ordinals, draft);
        var moved = (CampaignDraft known) => Moved(known, ordinals, draft);
        foreach (var (id, entry) in ById(campaigns.Entries))
            draft.Takeover.Entry(draft.Campaigns, id, entry, read, moved);
    }

    private static IReadOnlyList<KeyValuePair<string, ConfigNode>> ById(IReadOnlyList<KeyValuePair<string, ConfigNode>> written)
    {
        for (var i = 1; i < written.Count; i++)
            if (string.CompareOrdinal(written[i - 1].Key, written[i].Key) > 0) return [.. written.OrderBy(entry => entry.Key, StringComparer.Ordinal)];
        return written;
    }

    private static void Read(string id, ConfigNode node, Dictionary<string, int> ordinals, CatalogDraft draft)
    {
        if (Campaign(id, node, ordinals, draft) is { } campaign) draft.Campaigns[id] = campaign;
    }

    private static CampaignDraft Moved(CampaignDraft known, Dictionary<string, int> ordinals, CatalogDraft draft)
    {
        var (model, to) = (known.Model, draft.Takeover);
        var buyer = draft.Buyers.Peek(model.Buyer.Id) ?? throw new InvariantException("a campaign taken over has its buyer");
        var ordinal = ordinals.GetValueOrDefault(model.Vertical);
        ordinals[model.Vertical] = ordinal + 1;
        if (ordinal == model.Ordinal && ReferenceEquals(buyer, model.Buyer) && ReferenceEquals(to.Moved(model.Gate), model.Gate)) return known;
        return known with
        {
            Model = model with
            {
                Ordinal = ordinal, Buyer = buyer, Gate = to.Moved(model.Gate), Caps = to.Moved(model.Caps), Counted = to.Moved(model.Counted), Takes = to.Moved(model.Takes),
            },
        };
    }

    private static CampaignDraft? Campaign(string id, ConfigNode node, Dictionary<string, int> ordinals, CatalogDraft draft)
    {
        var errors = draft.Errors;
        ValueReader.IsId(id, node.Path, errors);
        if (MapReader.Open(node, Keys, errors) is not { } map) return null;
        var name = draft.NameOf(map, id);
        var status = draft.StatusOf(map, mayTest: true);
        var buyerId = map.Required("buyer", "the id of who pays", errors) is { } buyerNode ? draft.Reference(buyerNode, "buyers", "buyer") : null;
        var verticalId = map.Required("vertical", "the id of what it buys", errors) is { } verticalNode ? draft.Reference(verticalNode, "verticals", "vertical") : null;
        var bidNode = map.Required("bid", "money, or { fixed: … } or { rules: … }", errors);
        var publishers = PublisherSetReader.Read(map["publishers"], mayExcept: true, draft);
        var sharing = (map["sharing"] is { } sharingNode ? ValueReader.Word(sharingNode, Sharings, errors) : null) ?? Sharing.Exclusive;
        var weight = (map["weight"] is { } weightNode ? ValueReader.Number(weightNode, 0, MostWeight, errors) : null) ?? 1;
        var handicap = map["handicap"] is { } handicapNode ? Handicap(handicapNode, errors) : default;
        var consent = ConsentWord.Read(map["consent"], errors);
        var tellLosses = map["tell_losses"] is { } tell && ValueReader.Boolean(tell, errors) == true;
        var returns = map["returns"] is { } returnsNode ? ReturnsSection.Read(returnsNode, CapScope.Campaign, id, errors) : null;
        var schedule = map["schedule"] is { } scheduleNode ? ScheduleReader.Read(scheduleNode, draft) : null;
        var vertical = verticalId is null ? null : draft.Verticals.GetValueOrDefault(verticalId);
        var limits = CapSection.Read(map["caps"], new(CapScope.Campaign, id, status, () => vertical is null ? [] : [vertical], schedule?.Zone), draft);

        var buyer = buyerId is null ? null : draft.Buyers.GetValueOrDefault(buyerId);
        var endpoints = buyer is null ? null : new EndpointReader(buyer, (draft.Declared["buyers"][buyer.Id] as ConfigMap)?.Find("endpoints"), errors);
        if (verticalId is null || vertical is null)
        {
            if (endpoints is not null) DeliverySection.Read(map["delivery"], endpoints, null, null, errors);
            return null;
        }

        var zone = schedule?.Zone ?? draft.Zone;
        var range = default(PriceRange);
        var bid = bidNode is null ? null : PriceSection.Read(bidNode, new(draft, vertical, ConditionPlace.Price, zone: zone), isBid: true, out range, node => endpoints?.Find(node));
        var delivery = endpoints is null ? null : DeliverySection.Read(map["delivery"], endpoints, bid?.Live, DeliveryScope.Of(draft, vertical, zone, buyer!.Office), errors);
        var filter = map["filter"] is { } filterNode ? new ConditionScope(draft, vertical, ConditionPlace.Filter, zone: zone).Read(filterNode) : Condition.Always;
        WarnOfCapsApart(map, filter, vertical, limits, errors);
        var postFilter = map["post_filter"] is { } postNode ? new ConditionScope(draft, vertical, ConditionPlace.Filter, pingOnly: false, zone: zone).Read(postNode) : Condition.Always;
        var duplicate = map["duplicate"] is { } duplicateNode ? DuplicateSection.ReadCampaigns(duplicateNode, vertical, errors) : null;
        if (consent < vertical.Consent)
            errors.Add(map.At("consent"), ConfigCodes.OutOfRange, "A campaign may ask for more consent than its vertical, never for less.");
        if (buyer is null || bid is null || delivery is null) return null;

        var all = CapSection.InOrder(limits.Caps.Concat(buyer.Caps)).ToArray();
        var ordinal = ordinals.GetValueOrDefault(verticalId);
        ordinals[verticalId] = ordinal + 1;
        var model = new CampaignModel
        {
            Ordinal = ordinal, Id = id, Name = name, Buyer = buyer, Vertical = verticalId, Status = status, Publishers = publishers, Filter = filter,
            PostFilter = postFilter, Bid = bid, Sharing = sharing, Schedule = schedule, Weight = (int)weight, Handicap = handicap,
            Consent = consent ?? vertical.Consent, Delivery = delivery, Duplicate = duplicate, TellLosses = tellLosses, OwnReturns = returns, Gate = limits.Gate, Caps = limits.Caps,
            Takes = [limits.Gate, buyer.Gate, .. all.Where(cap => cap.IsTake), buyer.Balance], Counted = [.. all.Where(cap => !cap.IsTake)],
        };
        return new(model, range, map["weight"], node);
    }

    /// <summary>A cap that counts only what the filter never lets through.</summary>
    private static void WarnOfCapsApart(MapReader map, Condition filter, VerticalDraft vertical, OwnerLimits limits, ConfigErrors errors)
    {
        if (map["filter"] is not { } filterNode || map["caps"] is not ConfigList caps) return;
        foreach (var item in caps.Items)
        {
            if (ConfigPatch.Find(item, "when") is not { } whenNode || CapName.Of(item) is not { } name) continue;
            if (limits.Caps.FirstOrDefault(cap => cap.Name == name)?.When is { } byVertical && byVertical.TryGetValue(vertical.Id, out var when)
                && Exclusion.IsSure(filter, filterNode, when, whenNode))
                errors.Warn(whenNode.Path, ConfigCodes.NeverUsed, "The campaign's filter lets nothing through that this cap counts.");
        }
    }

    private static Percent Handicap(ConfigNode node, ConfigErrors errors)
    {
        if (ValueReader.Percent(node, errors) is not { } handicap) return default;
        if (handicap.Millionths < Percent.One) return handicap;
        errors.Add(node.Path, ConfigCodes.OutOfRange, "A handicap is below 100%; pause a campaign that must never win.");
        return default;
    }
}
