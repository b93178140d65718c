using System.Collections.Frozen;
using System.Globalization;
using Exchange.Engine.Caps;
using Exchange.Engine.Catalog.Reading;
using Exchange.Engine.Catalog.Sections;
using Exchange.Engine.Filters;

namespace Exchange.Engine.Catalog;

/// <summary>
/// Compiles a catalog as written to the one immutable model, or to everything that is wrong with it at once. Pure: the same tree,
/// version and options give the same model and the same errors in the same order. One section's reader lives in one file of
/// <c>Sections</c>.
/// </summary>
public static class CatalogCompiler
{
    private static readonly MapKeys Keys = new(
        ["version", "exchange", "lists", "verticals", "publishers", "connectors", "buyers", "campaigns", "ping_trees"]);

    /// <param name="root">As read from YAML or JSON.</param>
    /// <param name="version">What the model calls itself; the file's own <c>version</c> is <see cref="FileVersion"/>.</param>
    /// <param name="errors">Errors of reading the file, to which this adds; null = none.</param>
    /// <param name="previous">
    /// An earlier result, best the version before: what did not change since is taken over from it. The outcome is the same with and without, only
    /// sooner.
    /// </param>
    public static CompileResult Compile(ConfigNode root, long version, CompileOptions options, ConfigErrors? errors = null, CompileResult? previous = null)
    {
        errors ??= new();
        var canonical = Canonical(root);
        if (MapReader.Open(root, Keys, errors) is not { } map) return new(null, canonical, errors);
        if (map["version"] is { } versionNode) ValueReader.Number(versionNode, 0, long.MaxValue, errors);

        var (currency, zone, step) = ExchangeSection.Read(map["exchange"], errors);
        var before = previous is { Model: not null, Compiled: { } compiled } && compiled.Zone.Equals(zone) && ReferenceEquals(compiled.Parsers, options.Parsers)
            && compiled.ParseTemplate == options.ParseTemplate ? previous : null;
        var draft = new CatalogDraft((ConfigMap)root, zone, errors, options, before?.Compiled);
        if (map["lists"] is { } lists) ListSection.Read(lists, draft);
        if (map["verticals"] is { } verticals) VerticalSection.Read(verticals, draft);
        if (map["publishers"] is { } publishers) PublisherSection.Read(publishers, draft);
        if (map["connectors"] is { } connectors) ConnectorSection.Read(connectors, draft);
        if (map["buyers"] is { } buyers) BuyerSection.Read(buyers, draft);
        if (map["campaigns"] is { } campaigns) CampaignSection.Read(campaigns, draft);
        if (map["ping_trees"] is { } trees) TreeSection.Read(trees, draft);
        CrossChecks.Run(draft);
        if (errors.Any) return new(null, canonical, errors);

        var limits = before?.Model?.Limits is { } were && MovedLimits.Between(were, draft.Limits).None ? were : draft.Limits;
        draft.Takeover.Next.Limits = limits;
        // They were read in the order of their ids, and so of their ordinals.
        CampaignModel[] models = [.. draft.Campaigns.Values.Select(campaign => campaign.Model)];
        var countOf = models.CountBy(campaign => campaign.Vertical, StringComparer.Ordinal).ToDictionary(StringComparer.Ordinal);
        return new(new()
        {
            Version = version,
            Currency = currency,
            Zone = zone,
            PriceStep = step,
            Verticals = draft.Verticals.ToFrozenDictionary(
                entry => entry.Key, entry => Vertical(entry.Value, CampaignsOf(entry.Key), draft, before?.Model?.Verticals.GetValueOrDefault(entry.Key)), StringComparer.Ordinal),
            Publishers = draft.Publishers.ToFrozenDictionary(StringComparer.Ordinal),
            Buyers = draft.Buyers.ToFrozenDictionary(StringComparer.Ordinal),
            Campaigns = CampaignsById.Of(models, before?.Model?.Campaigns),
            Trees = draft.Trees.ToFrozenDictionary(tree => tree.Id, StringComparer.Ordinal),
            Limits = limits,
            Warnings = errors.Warnings,
        }, canonical, errors) { Compiled = draft.Takeover.Next };

        CampaignModel[] CampaignsOf(string vertical)
        {
            if (countOf.GetValueOrDefault(vertical) is var count && count == models.Length) return models;
            var of = new CampaignModel[count];
            var next = 0;
            foreach (var campaign in models) if (campaign.Vertical == vertical) of[next++] = campaign;
            return of;
        }
    }

    /// <summary>The version that a file says it was exported from; null where it says none (or none that can be read).</summary>
    public static long? FileVersion(ConfigNode root) =>
        (root as ConfigMap)?.Find("version") is ConfigText text && long.TryParse(text.Text, NumberStyles.None, CultureInfo.InvariantCulture, out var version) ? version : null;

    /// <summary>The catalog with the version it has in the store at its top, for an export.</summary>
    public static ConfigNode WithVersion(ConfigNode canonical, long version) => canonical is not ConfigMap map ? canonical : new ConfigMap(map.Path, map.Line,
        [new("version", new ConfigText("version", 1, version.ToString(CultureInfo.InvariantCulture))), .. map.Entries.Where(entry => entry.Key != "version")]);

    /// <summary>
    /// An id is for ever: a campaign that is in both catalogs must have the same buyer and vertical, or its history would be another's.
    /// </summary>
    public static void CompareIdentity(CatalogModel previous, CatalogModel next, ConfigErrors errors)
    {
        var shared = next.Campaigns.SharesIdsOf(previous.Campaigns);
        for (var i = 0; i < next.Campaigns.Count; i++)
        {
            var campaign = next.Campaigns.Values[i];
            var before = shared ? previous.Campaigns.Values[i] : previous.Campaigns.GetValueOrDefault(campaign.Id);
            if (before is null || ReferenceEquals(before, campaign)) continue;
            var id = campaign.Id;
            if (before.Buyer.Id != campaign.Buyer.Id)
                errors.Add($"campaigns.{id}.buyer", ConfigCodes.IdentityChanged, "A campaign keeps its buyer for ever; give the new one another id.");
            if (before.Vertical != campaign.Vertical)
                errors.Add($"campaigns.{id}.vertical", ConfigCodes.IdentityChanged, "A campaign keeps its vertical for ever; give the new one another id.");
        }
        foreach (var publisher in previous.Publishers.Values)
            if (publisher.Ips is not null && !next.Publishers.ContainsKey(publisher.Id))
                errors.Warn($"publishers.{publisher.Id}.ips", ConfigCodes.IpsEnd, "With this publisher goes the rule from where its keys may be used: revoke them, or leave it here and pause it.");
    }

    private static ConfigNode Canonical(ConfigNode root) =>
        root is ConfigMap map && map.Find("version") is not null ? new ConfigMap(map.Path, map.Line, [.. map.Entries.Where(entry => entry.Key != "version")]) : root;

    private static bool AskAlike(IReadOnlyList<CampaignModel> before, CampaignModel[] now)
    {
        if (before.Count != now.Length) return false;
        for (var i = 0; i < now.Length; i++)
            if (!ReferenceEquals(before[i], now[i]) && !IndexedFilter.Of(before[i]).AsksAs(IndexedFilter.Of(now[i]))) return false;
        return true;
    }

    private static VerticalModel Vertical(VerticalDraft vertical, CampaignModel[] campaigns, CatalogDraft draft, VerticalModel? before) => new()
    {
        Id = vertical.Id,
        Fields = vertical.Fields,
        PingTtl = vertical.PingTtl,
        PingDeadline = vertical.PingDeadline,
        PostDeadline = vertical.PostDeadline,
        PostChanges = vertical.PostChanges,
        Consent = vertical.Consent,
        Duplicate = vertical.Duplicate,
        Suppressed = vertical.Suppressed,
        Campaigns = campaigns,
        Index = before is not null && AskAlike(before.Campaigns, campaigns) ? before.Index : EligibilityIndex.Build([.. campaigns.Select(IndexedFilter.Of)]),
        Trees = [.. draft.Trees.Where(tree => tree.Vertical == vertical.Id).OrderBy(tree => tree.Publishers.AllExcept).ThenBy(tree => tree.Id, StringComparer.Ordinal)],
    };
}
