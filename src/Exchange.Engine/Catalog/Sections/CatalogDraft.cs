using System.Collections.Frozen;
using System.Globalization;
using Exchange.Engine.Caps;
using Exchange.Engine.Catalog.Reading;
using Exchange.Engine.Connectors;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;

namespace Exchange.Engine.Catalog.Sections;

/// <summary>
/// What the sections share while one catalog is read: errors, what was read so far, and which ids the file declares. A reference to
/// a declared entry that is itself wrong is not reported again.
/// </summary>
internal sealed class CatalogDraft
{
    private static readonly string[] SectionsWithIds = ["lists", "verticals", "publishers", "connectors", "buyers", "campaigns", "ping_trees"];

    /// <param name="previous">Whose entries may be taken over: of the same zone, with the same parsers.</param>
    public CatalogDraft(ConfigMap root, TimeZoneInfo zone, ConfigErrors errors, CompileOptions options, CompiledCatalog? previous)
    {
        Errors = errors;
        Options = options;
        Zone = zone;
        Limits = new(previous?.Limits.Count ?? 0);
        Declared = SectionsWithIds.ToDictionary(section => section, section => new DeclaredEntries(section, root.Find(section), Ask), StringComparer.Ordinal);
        Lists = new("lists", Declared["lists"].Count, Ask);
        Verticals = new("verticals", Declared["verticals"].Count, Ask);
        Publishers = new("publishers", Declared["publishers"].Count, Ask);
        Connectors = new("connectors", Declared["connectors"].Count, Ask);
        Buyers = new("buyers", Declared["buyers"].Count, Ask);
        Campaigns = new("campaigns", Declared["campaigns"].Count, Ask);
        Takeover = new(this, previous) { Next = new(zone, options.Parsers, options.ParseTemplate, Declared.ToDictionary(section => section.Key, section => section.Value.All, StringComparer.Ordinal)) };
    }

    public ConfigErrors Errors { get; }
    public CompileOptions Options { get; }
    public List<LimitModel> Limits { get; }

    public TimeZoneInfo Zone { get; }

    /// <summary>Ids as declared, by section.</summary>
    public Dictionary<string, DeclaredEntries> Declared { get; }

    public DraftEntries<NamedList> Lists { get; }
    public DraftEntries<VerticalDraft> Verticals { get; }
    public DraftEntries<PublisherModel> Publishers { get; }
    public DraftEntries<ConnectorModel> Connectors { get; }
    public DraftEntries<BuyerModel> Buyers { get; }
    public DraftEntries<CampaignDraft> Campaigns { get; }
    public List<TreeModel> Trees { get; } = [];
    public Takeover Takeover { get; }

    /// <summary>Day number of today in the exchange's zone; null = unknown.</summary>
    public int? Today
    {
        get
        {
            Ask(new(QuestionKind.Today, "", Options.Today?.ToString(CultureInfo.InvariantCulture) ?? ""));
            return Options.Today;
        }
    }

    /// <summary>False: there surely is no secret of this name.</summary>
    public bool MayKnowSecret(string name)
    {
        Ask(new(QuestionKind.Secret, "", name));
        return Options.KnownSecrets?.Contains(name) != false;
    }

    /// <summary>Why an address may not be called; null: it may.</summary>
    public string? Refusal(Uri address)
    {
        Ask(new(QuestionKind.Address, "", address.AbsoluteUri));
        return Options.CheckUrl?.Invoke(address);
    }

    /// <summary>Whether that is refused which earlier builds took and never obeyed. Not in a catalog that is stored: no server could start on it.</summary>
    public bool RefusesWhatWasTaken
    {
        get
        {
            Ask(new(QuestionKind.Stored, "", Answer: Options.IsStored));
            return !Options.IsStored;
        }
    }

    private void Ask(Question question) => Takeover.Ask(question);

    private ILookup<string, string>? bought;

    /// <summary>The verticals of a buyer's campaigns; of one that has none yet all.</summary>
    public IReadOnlyList<VerticalDraft> BoughtBy(string buyer)
    {
        var ids = IdsBoughtBy(buyer);
        Ask(new(QuestionKind.Bought, buyer, ids));
        return [.. ids.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Verticals.GetValueOrDefault).OfType<VerticalDraft>()];
    }

    /// <summary>By id, separated by blanks. Read off the file once: buyers are read before their campaigns.</summary>
    public string IdsBoughtBy(string buyer)
    {
        bought ??= Declared["campaigns"].All.Values.OfType<ConfigMap>()
            .Select(campaign => (Buyer: (campaign.Find("buyer") as ConfigText)?.Text, Vertical: (campaign.Find("vertical") as ConfigText)?.Text))
            .Where(pair => pair.Buyer is not null && pair.Vertical is not null && Declared["verticals"].Peek(pair.Vertical) is not null)
            .Distinct().ToLookup(pair => pair.Buyer!, pair => pair.Vertical!, StringComparer.Ordinal);
        return string.Join(' ', (bought.Contains(buyer) ? bought[buyer] : Declared["verticals"].Keys).Order(StringComparer.Ordinal));
    }

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

    /// <param name="mayTest">Publishers and campaigns may be there for tests only.</param>
    public EntryStatus StatusOf(MapReader entry, bool mayTest = false) =>
        entry["status"] is { } status && ValueReader.Word(status, mayTest ? StatusesWithTest : Statuses, Errors) is { } read ? read : EntryStatus.Active;

    private static readonly (string, EntryStatus)[] Statuses = [("active", EntryStatus.Active), ("paused", EntryStatus.Paused)];
    private static readonly (string, EntryStatus)[] StatusesWithTest = [.. Statuses, ("test", EntryStatus.Test)];
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
    public required FrozenSet<string> Suppressed { get; init; }
    public Pricing.PayoutModel? Payout { get; init; }
}

/// <summary>A campaign with what the warnings about it need.</summary>
internal sealed record CampaignDraft(CampaignModel Model, PriceRange Bid, ConfigNode? Weight, ConfigNode Node);
