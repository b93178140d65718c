using System.Collections.Frozen;
using Exchange.Engine.Caps;
using Exchange.Engine.Catalog.Reading;
using Exchange.Engine.Filters;
using Exchange.Engine.Pricing;

namespace Exchange.Engine.Catalog.Sections;

/// <summary><c>publishers</c>: who sends pings and posts, what it may send and what it is paid.</summary>
internal static class PublisherSection
{
    private static readonly MapKeys Keys = new(
        ["name", "note", "status", "verticals", "payout", "filter", "caps", "time_zone", "intake", "postback", "ips"]);

    public static void Read(ConfigNode node, CatalogDraft draft)
    {
        if (MapReader.Map(node, draft.Errors) is not { } publishers) return;
        var read = (string id, ConfigNode entry) => Publisher(id, entry, draft);
        var moved = (PublisherModel known) => Moved(known, draft.Takeover);
        foreach (var (id, entry) in publishers.Entries)
            draft.Takeover.Entry(draft.Publishers, id, entry, read, moved);
    }

    private static PublisherModel Moved(PublisherModel known, Takeover to) =>
        ReferenceEquals(to.Moved(known.Gate), known.Gate) ? known : known with { Gate = to.Moved(known.Gate), Caps = to.Moved(known.Caps) };

    private static void Publisher(string id, ConfigNode node, CatalogDraft draft)
    {
        var errors = draft.Errors;
        ValueReader.IsId(id, node.Path, errors);
        if (MapReader.Open(node, Keys, errors) is not { } map) return;
        var name = draft.NameOf(map, id);
        var status = draft.StatusOf(map, mayTest: true);
        var zone = map["time_zone"] is { } zoneNode ? ValueReader.Zone(zoneNode, errors) : null;
        var ids = map.Required("verticals", "a list of what it may send", errors) is { } list ? draft.References(list, "verticals", "vertical") : [];
        var verticals = new Dictionary<string, PublisherVertical>(StringComparer.Ordinal);
        var told = new HashSet<(string, string)>();
        foreach (var (vertical, at) in ids)
        {
            if (!draft.Verticals.TryGetValue(vertical, out var model)) continue;
            // Each vertical has its own fields, so the same text is compiled for each; what is wrong for several is told once.
            var found = new ConfigErrors();
            var filter = map["filter"] is { } filterNode ? new ConditionScope(draft, model, ConditionPlace.Filter, errors: found, elsewhere: Elsewhere).Read(filterNode) : Condition.Always;
            var payout = map["payout"] is { } payoutNode ? PayoutSection.Read(payoutNode, new(draft, model, ConditionPlace.Payout, errors: found, elsewhere: Elsewhere)) : model.Payout;
            foreach (var error in found.Errors) if (told.Add((error.Pointer, error.Code))) errors.Add(error.Pointer, error.Code, error.Message);
            if (payout is null && map["payout"] is null && (draft.Declared["verticals"][vertical] as ConfigMap)?.Find("payout") is null)
                errors.Add(map.At("payout"), ConfigCodes.MissingKey, "This publisher has no payout of its own and its vertical has none either; write one, as { share: 80% }.");
            if (payout is not null) verticals[vertical] = new(filter, payout);
        }
        // A field that only another of its verticals has is one that was not given.
        bool Elsewhere(string field) => ids.Exists(other => draft.Verticals.GetValueOrDefault(other.Id)?.DeclaredFields?.Find(field) is not null);

        var limits = CapSection.Read(map["caps"], new(CapScope.Publisher, id, status, () => [.. ids.Select(vertical => draft.Verticals.GetValueOrDefault(vertical.Id)).OfType<VerticalDraft>()]), draft);
        var intake = map["intake"] is { } intakeNode ? IntakeSection.Read(intakeNode, [.. ids.Select(vertical => vertical.Id)], draft) : null;
        draft.Publishers[id] = new()
        {
            Intake = intake ?? IntakeModel.Plain,
            Postback = map["postback"] is { } postbackNode ? PostbackSection.Read(postbackNode, draft) : null,
            Ips = map["ips"] is { } ipsNode ? IpsReader.Read(ipsNode, errors) : null,
            Id = id, Name = name, Status = status, Verticals = verticals.ToFrozenDictionary(StringComparer.Ordinal), Gate = limits.Gate, Caps = limits.Caps, Zone = zone,
        };
    }
}
