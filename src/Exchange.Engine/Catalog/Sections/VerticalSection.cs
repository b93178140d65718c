using System.Collections.Frozen;
using System.Globalization;
using Exchange.Engine.Catalog.Reading;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;

namespace Exchange.Engine.Catalog.Sections;

/// <summary><c>verticals</c>: kinds of lead and their fields.</summary>
internal static class VerticalSection
{
    private static readonly MapKeys Keys = new(
        ["name", "note", "fields", "ping_ttl", "ping_deadline", "post_deadline", "post_changes", "duplicate", "consent", "suppress", "payout"]);

    public static void Read(ConfigNode node, CatalogDraft draft)
    {
        if (MapReader.Map(node, draft.Errors) is not { } verticals) return;
        var read = (string id, ConfigNode entry) => Vertical(id, entry, draft);
        foreach (var (id, entry) in verticals.Entries) draft.Takeover.Entry(draft.Verticals, id, entry, read, static vertical => vertical);
    }

    private static void Vertical(string id, ConfigNode node, CatalogDraft draft)
    {
        var errors = draft.Errors;
        ValueReader.IsId(id, node.Path, errors);
        if (MapReader.Open(node, Keys, errors) is not { } map) return;
        draft.NameOf(map, id);
        var fieldsNode = map.Required("fields", "the fields of its leads", errors);
        var fields = fieldsNode is null ? new FieldSet([]) : FieldSection.Read(fieldsNode, draft);
        var vertical = new VerticalDraft(id, fields, fieldsNode as ConfigMap)
        {
            PingTtl = Ttl(map, draft),
            PingDeadline = Deadline(map, "ping_deadline", TimeSpan.FromSeconds(3), errors),
            PostDeadline = Deadline(map, "post_deadline", TimeSpan.FromSeconds(20), errors),
            PostChanges = map["post_changes"] is { } changes
                ? ValueReader.Word(changes, [("refuse", PostChanges.Refuse), ("ignore", PostChanges.Ignore)], errors) ?? PostChanges.Refuse
                : PostChanges.Refuse,
            Consent = ConsentWord.Read(map["consent"], errors) ?? ConsentLevel.None,
            Duplicate = map["duplicate"] is { } duplicate ? DuplicateSection.Read(duplicate, fields, fieldsNode, errors) : null,
            Suppressed = map["suppress"] is { } suppress ? Suppressed(suppress, draft) : FrozenSet<string>.Empty,
        };
        var payout = map["payout"] is { } payoutNode ? PayoutSection.Read(payoutNode, new(draft, vertical, ConditionPlace.Payout)) : null;
        draft.Verticals[id] = vertical with { Payout = payout };
    }

    private static TimeSpan Duration(MapReader map, string key, TimeSpan usual, ConfigErrors errors) =>
        map[key] is { } node ? ValueReader.Duration(node, errors) ?? usual : usual;

    /// <summary>No offer outlives the record of its ping, without which a server that was restarted cannot sell it.</summary>
    private static TimeSpan Ttl(MapReader map, CatalogDraft draft)
    {
        var ttl = Duration(map, "ping_ttl", TimeSpan.FromMinutes(5), draft.Errors);
        if (ttl > TimeSpan.FromHours(Limits.PingTtlHours) && draft.RefusesWhatWasTaken)
            draft.Errors.Add(map["ping_ttl"]!.Path, ConfigCodes.OutOfRange, string.Create(CultureInfo.InvariantCulture, $"An offer is good for at most {Limits.PingTtlHours}h."));
        return ttl;
    }

    /// <summary>No caller may wait longer either.</summary>
    private static TimeSpan Deadline(MapReader map, string key, TimeSpan usual, ConfigErrors errors)
    {
        var deadline = Duration(map, key, usual, errors);
        if (deadline <= TimeSpan.FromMilliseconds(Limits.DeadlineMs)) return deadline;
        errors.Add(map[key]!.Path, ConfigCodes.OutOfRange, string.Create(CultureInfo.InvariantCulture, $"A deadline is at most {Limits.DeadlineMs / 1_000}s."));
        return usual;
    }

    private static FrozenSet<string> Suppressed(ConfigNode node, CatalogDraft draft)
    {
        var suppressed = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var text in ValueReader.Texts(node, draft.Errors))
        {
            if (draft.Lists.TryGetValue(text.Text, out var list))
            {
                if (list.Type is FieldType.Phone or FieldType.Email) suppressed.UnionWith(list.Values.Select(value => value.Text!));
                else draft.Errors.Add(text.Path, ConfigCodes.WrongType, "Only lists of phone numbers or e-mail addresses can suppress.");
            }
            else if (!draft.Declared["lists"].ContainsKey(text.Text))
            {
                draft.Errors.Add(text.Path, ConfigCodes.UnknownList, Nearest.Fix("There is no list of this name", text.Text, draft.Declared["lists"].Keys, draft.Errors));
            }
        }
        return suppressed.ToFrozenSet(StringComparer.OrdinalIgnoreCase);
    }
}
