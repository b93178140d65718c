using System.Collections.Frozen;
using Exchange.Engine.Caps;
using Exchange.Engine.Catalog.Reading;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;

namespace Exchange.Engine.Catalog.Sections;

/// <summary>
/// What the sections share while one catalog is read: errors, what was read so far, and which ids the file declares. A reference to
/// a declared entry that is itself wrong is not reported again.
/// </summary>
internal sealed class CatalogDraft(ConfigErrors errors, CompileOptions options)
{
    public ConfigErrors Errors { get; } = errors;
    public CompileOptions Options { get; } = options;
    public List<LimitModel> Limits { get; } = [];

    public TimeZoneInfo Zone { get; set; } = TimeZoneInfo.Utc;

    /// <summary>Ids as declared, by section.</summary>
    public required FrozenDictionary<string, FrozenDictionary<string, ConfigNode>> Declared { get; init; }

    public Dictionary<string, NamedList> Lists { get; } = new(StringComparer.Ordinal);
    public Dictionary<string, VerticalDraft> Verticals { get; } = new(StringComparer.Ordinal);
    public Dictionary<string, PublisherModel> Publishers { get; } = new(StringComparer.Ordinal);
    public Dictionary<string, BuyerModel> Buyers { get; } = new(StringComparer.Ordinal);
    public Dictionary<string, CampaignDraft> Campaigns { get; } = new(StringComparer.Ordinal);
    public List<TreeModel> Trees { get; } = [];

    /// <summary>A reference to an entry: its id, or null after <c>unknown_id</c> with the nearest id.</summary>
    public string? Reference(ConfigNode node, string section, string what)
    {
        if (ValueReader.Text(node, Errors) is not { } id) return null;
        if (Declared[section].ContainsKey(id)) return id;
        Errors.Add(node.Path, ConfigCodes.UnknownId, Nearest.Fix($"There is no {what} of this id", id, Declared[section].Keys, Errors));
        return null;
    }

    /// <summary>The ids of a list of references; those that are unknown are reported and left out.</summary>
    public List<(string Id, ConfigNode At)> References(ConfigNode node, string section, string what)
    {
        var ids = new List<(string, ConfigNode)>();
        foreach (var text in ValueReader.Texts(node, Errors)) if (Reference(text, section, what) is { } id) ids.Add((id, text));
        return ids;
    }

    /// <summary>Every name and note is checked alike; what an entry is called where it has no name is its id.</summary>
    public string NameOf(MapReader entry, string id)
    {
        if (entry["note"] is { } note) ValueReader.Text(note, Errors);
        return entry["name"] is { } name ? ValueReader.Name(name, Errors) ?? id : id;
    }

    public EntryStatus StatusOf(MapReader entry) =>
        entry["status"] is { } status && ValueReader.Word(status, Statuses, Errors, "test") is { } read ? read : EntryStatus.Active;

    private static readonly (string, EntryStatus)[] Statuses = [("active", EntryStatus.Active), ("paused", EntryStatus.Paused)];
}

/// <summary>A vertical while campaigns and trees are still to come.</summary>
internal sealed record VerticalDraft(string Id, FieldSet Fields, ConfigMap? DeclaredFields)
{
    public required TimeSpan PingTtl { get; init; }
    public required TimeSpan PingDeadline { get; init; }
    public required TimeSpan PostDeadline { get; init; }
    public required PostChanges PostChanges { get; init; }
    public required ConsentLevel Consent { get; init; }
    public required DuplicateRule? Duplicate { get; init; }
    public required IReadOnlyCollection<string> Suppressed { get; init; }
    public Pricing.PayoutModel? Payout { get; init; }
}

/// <summary>A campaign with what the warnings about it need.</summary>
internal sealed record CampaignDraft(CampaignModel Model, PriceRange Bid, ConfigNode? Weight, ConfigNode Node);
