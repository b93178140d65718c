using System.Text;
using Exchange.Engine;
using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Exchange.Engine.Connectors;
using Exchange.Engine.Fields;
using Exchange.Grains.Limits;
using Exchange.Storage;
using Microsoft.Extensions.Logging;

namespace Exchange.Grains.Catalog;

/// <summary>
/// Holds the compiled catalog of this silo. The version row in the store is the truth; a change is stored in one transaction, then swapped
/// in with one write, so that the hot path never waits.
/// </summary>
public sealed class CatalogHost(IExchangeStore store, LiveView live, CatalogRules rules, TimeProvider time, ILogger<CatalogHost> log) : ICatalogHost
{
    /// <summary>They share what did not change between them: with 10,000 campaigns 64 take no more memory than 16 did (<c>load-tests swap</c>).</summary>
    private const int ModelsKept = 64;
    private const int ValuesShown = 50;

    /// <summary>Where more limits are new than this, all counters are read at once.</summary>
    private const int LimitsReadOneByOne = 1_000;

    private readonly CatalogTexts texts = new(store.Catalog);
    private readonly SemaphoreSlim changing = new(1, 1);
    private readonly SemaphoreSlim restoring = new(1, 1);
    private readonly RecentVersions<CatalogModel> models = new(ModelsKept);
    private volatile Serving? serving;
    /// <summary>The live view has the limits of a version whose counters could not be read. In the turn of whoever changes what is served.</summary>
    private bool countersAreDue;

    /// <param name="Compiled">What the next version takes over where it did not change.</param>
    private sealed record Serving(CatalogModel Model, CompileResult Compiled)
    {
        public ConfigNode Config => Compiled.Canonical;
    }

    public CatalogModel Current => serving?.Model ?? throw new InvalidOperationException("No catalog is loaded yet");
    public ConfigNode CurrentConfig => serving?.Config ?? throw new InvalidOperationException("No catalog is loaded yet");
    public bool IsLoaded => serving is not null;

    /// <summary>This process has stored another version, and serves it now or at its next look.</summary>
    public event Action<long>? Applied;

    /// <summary>At start: the newest version and every counter. False: the store has no catalog yet.</summary>
    public async Task<bool> LoadAsync(CancellationToken cancel)
    {
        if (await store.Catalog.LatestAsync(cancel) is not { } latest) return false;
        await ServeAsync(await CompileAsync(latest, cancel), cancel);
        return true;
    }

    /// <summary>Serves the newest version if it is newer than the one served. True: it changed.</summary>
    public async Task<bool> RefreshAsync(CancellationToken cancel)
    {
        var before = serving?.Model.Version ?? 0;
        if (await store.Catalog.LatestVersionAsync(cancel) is var newest && newest <= before) return false;
        await changing.WaitAsync(cancel);
        try
        {
            await ServeIfNewerAsync(newest, cancel);
            return serving?.Model.Version != before;
        }
        finally
        {
            changing.Release();
        }
    }

    /// <summary>In the turn of whoever changes what is served.</summary>
    private async Task ServeIfNewerAsync(long newest, CancellationToken cancel)
    {
        if (newest > (serving?.Model.Version ?? 0) && await store.Catalog.LatestAsync(cancel) is { } latest)
            await ServeAsync(await CompileAsync(latest, cancel), cancel);
    }

    /// <summary>Heals the live view by a full read.</summary>
    public async Task HealAsync(CancellationToken cancel)
    {
        var since = live.Now;
        live.Heal(await store.Catalog.ReadCountersAsync(NowMs(), cancel), since);
    }

    public async Task<(long Version, ConfigMap Config)> NewestAsync(CancellationToken cancel)
    {
        var newest = await store.Catalog.LatestVersionAsync(cancel);
        if (serving is { } here && here.Model.Version == newest) return (newest, (ConfigMap)here.Config);
        return await store.Catalog.LatestAsync(cancel) is { } row ? (row.Version, await texts.ReadAsync(row, cancel)) : (0, new ConfigMap("", 1, []));
    }

    public async Task<ConfigMap?> ConfigAsync(long version, CancellationToken cancel) =>
        await store.Catalog.FindAsync(version, cancel) is { } row ? await texts.ReadAsync(row, cancel) : null;

    public async ValueTask<CatalogModel> ModelAsync(long version, CancellationToken cancel)
    {
        if (serving?.Model is { } current && current.Version == version) return current;
        if (models.Find(version) is { } known) return known;
        // After a start many ask for the same one at once.
        await restoring.WaitAsync(cancel);
        try
        {
            if (models.Find(version) is { } restored) return restored;
            var stored = await store.Catalog.FindAsync(version, cancel) ?? throw new Engine.InvariantException("a recorded catalog version is stored");
            var model = (await CompileAsync(stored, cancel)).Model;
            models.Keep(version, model);
            return model;
        }
        finally
        {
            restoring.Release();
        }
    }

    public async Task<ApplyOutcome> ApplyAsync(ConfigNode config, long? expectedVersion, string author, bool dryRun, CancellationToken cancel)
    {
        var (outcome, planned, errors) = await ApplyOrPlanAsync(config, expectedVersion, author, dryRun, cancel);
        if (planned is null) return outcome;
        // Reads thousands of pings: nobody who changes the catalog, or has to have the newest, waits for that.
        await new YesterdaysPings(store.Pings, rules.Parsers).WarnAsync(planned, time.GetUtcNow(), ModelAsync, errors, cancel);
        return outcome with { Warnings = errors.Warnings };
    }

    /// <returns>Planned: what a dry run would have applied; null: it is refused, or was no dry run.</returns>
    private async Task<(ApplyOutcome Outcome, CatalogModel? Planned, ConfigErrors Errors)> ApplyOrPlanAsync(ConfigNode config, long? expectedVersion, string author, bool dryRun, CancellationToken cancel)
    {
        await changing.WaitAsync(cancel);
        try
        {
            // Another silo's change is not this caller's conflict: he may have it from there, and names it.
            await ServeIfNewerAsync(await store.Catalog.LatestVersionAsync(cancel), cancel);
            var now = serving;
            var version = now?.Model.Version ?? 0;
            var options = await rules.OptionsAsync(store.Access, cancel);
            var compiled = await rules.Apart(() => rules.Compile(config, version + 1, options, now?.Compiled));
            var (model, canonical, errors) = compiled;
            var unseen = NewIn(model, now?.Model);
            if (model is not null && now is not null)
            {
                CatalogCompiler.CompareIdentity(now.Model, model, errors);
                if (model.Currency != now.Model.Currency) await CompareCurrencyAsync(now.Model.Currency, errors, cancel);
                if (unseen.Count > 0) await CompareArchivedAsync(unseen, errors, cancel);
            }
            var changes = CatalogDiff.Between(now?.Config, canonical);
            if (model is null || errors.Any) return (new(version, false, errors.Errors, errors.Warnings, changes), null, errors);
            var isBehind = expectedVersion is { } expected && expected != version;
            // What changes nothing makes no version: an export applied again leaves no trace.
            if (dryRun || isBehind || now is not null && changes.Count == 0) return (new(version, isBehind, [], errors.Warnings, changes), dryRun ? model : null, errors);

            var text = texts.Write((ConfigMap)canonical);
            var stored = await store.Catalog.ApplyAsync(new(text.Json, author, version, model.Limits)
            {
                Base = text.Base,
                Facts = new CopyFacts(model, store.Vault, rules.Parsers), NewCampaigns = [.. unseen.Values],
            }, NowMs(), cancel);
            if (stored is not { } storedVersion) return (new(version, true, [], errors.Warnings, changes), null, errors);
            texts.Stored(storedVersion, (ConfigMap)canonical, text);
            FaultPoints.AfterCatalog.Pass();
            try
            {
                // What was compiled is what was stored, unless somebody's version came between. It is in force, so its caller's leaving calls nothing off.
                await ServeAsync(storedVersion == model.Version ? new(model, compiled) : await CompileAsync(canonical, storedVersion), CancellationToken.None);
            }
            // To say that this call did nothing would be wrong, and sent again it would be refused for its own change. Only a first start has nothing to serve meanwhile.
            catch (Exception fault) when (serving is not null && fault is StorageBusyException or StorageFailedException)
            {
                log.LogWarning("Catalog version {Version} is stored and cannot be served yet ({Fault}); the next look does it", storedVersion, fault.GetType().Name);
            }
            Applied?.Invoke(storedVersion);
            log.LogInformation("Catalog version {Version} applied by {Author}: {Changes} changes", storedVersion, author, changes.Count);
            return (new(storedVersion, false, [], errors.Warnings, changes), null, errors);
        }
        finally
        {
            changing.Release();
        }
    }

    /// <summary>Campaigns that the version before does not have, by id.</summary>
    private static Dictionary<string, CampaignIdentity> NewIn(CatalogModel? next, CatalogModel? previous)
    {
        var unseen = new Dictionary<string, CampaignIdentity>(StringComparer.Ordinal);
        if (previous is not null && next?.Campaigns.SharesIdsOf(previous.Campaigns) == true) return unseen;
        foreach (var campaign in next?.Campaigns.Values ?? [])
            if (previous?.Campaigns.ContainsKey(campaign.Id) != true) unseen[campaign.Id] = new(campaign.Id, campaign.Buyer.Id, campaign.Vertical);
        return unseen;
    }

    /// <summary>Amounts are stored without their currency, so it stays as it is from the first booking on. Before that, as over the sample catalog, any may be chosen.</summary>
    private async Task CompareCurrencyAsync(string before, ConfigErrors errors, CancellationToken cancel)
    {
        if ((await store.Ledger.ListAsync(null, null, 1, null, cancel)).Rows.Count > 0)
            errors.Add("exchange.currency", ConfigCodes.IdentityChanged, $"Money was booked in {before}, and what is stored would be read as another currency; write {before}, or begin with an empty database.");
    }

    /// <summary>A campaign that left the catalog may come back only as it was.</summary>
    private async Task CompareArchivedAsync(Dictionary<string, CampaignIdentity> unseen, ConfigErrors errors, CancellationToken cancel)
    {
        foreach (var before in (await store.Catalog.IdentitiesAsync(unseen.Keys, cancel)).OrderBy(identity => identity.Id, StringComparer.Ordinal))
        {
            var now = unseen[before.Id];
            if (before.Buyer != now.Buyer) Changed(before.Id, "buyer");
            if (before.Vertical != now.Vertical) Changed(before.Id, "vertical");
        }

        void Changed(string id, string key) =>
            errors.Add($"campaigns.{id}.{key}", ConfigCodes.IdentityChanged, $"This id belonged to a campaign with another {key} and keeps it for ever; give the new one another id.");
    }

    public IReadOnlyList<LimitState> StateOf(CampaignModel campaign) => StateOf(campaign.Takes.Concat(campaign.Counted));

    public IReadOnlyList<LimitState> StateOf(IEnumerable<LimitModel> limits)
    {
        var now = NowMs();
        return [.. limits.Select(limit => new LimitState(live.Report(limit, now), live.ValuesOf(limit, now, ValuesShown)))];
    }

    /// <summary>All that takes time comes before the one write that swaps it in.</summary>
    private async Task ServeAsync(Serving next, CancellationToken cancel)
    {
        next.Model.MakeReady();
        var since = live.Now;
        var unread = live.Install(next.Model);
        // What an earlier one could not read is not among the unread any more.
        var all = countersAreDue || unread.Count > LimitsReadOneByOne;
        countersAreDue = all || unread.Count > 0;
        if (all) await HealAsync(cancel);
        else if (unread.Count > 0) live.Heal(await store.Catalog.CountersOfAsync([.. unread.Select(limit => limit.Id)], NowMs(), cancel), since);
        countersAreDue = false;
        await live.LoadAsync(store.Counts, NowMs(), cancel);
        models.Keep(next.Model.Version, next.Model);
        serving = next;
    }

    /// <summary>A stored catalog was checked when it was applied; checks that need the world (secrets, addresses) are not repeated.</summary>
    private async Task<Serving> CompileAsync(CatalogVersion stored, CancellationToken cancel) => await CompileAsync(await texts.ReadAsync(stored, cancel), stored.Version);

    private async Task<Serving> CompileAsync(ConfigNode config, long version)
    {
        var compiled = await rules.Apart(() => rules.Compile(config, version, rules.Stored, serving?.Compiled));
        return compiled.Model is { } model ? new(model, compiled) : throw CatalogTexts.Unreadable(version, compiled.Errors);
    }

    private long NowMs() => time.GetUtcNow().ToUnixTimeMilliseconds();
}

/// <summary>What an apply is checked against besides the file: the secrets that are set and the addresses that may be called.</summary>
public sealed class CatalogRules(FieldParsers parsers, ParseTemplate parseTemplate, Func<Uri, string?> checkUrl)
{
    public FieldParsers Parsers => parsers;

    /// <summary>Config, version, options and an earlier result. Many hosts over the same catalogs may keep what was compiled before.</summary>
    public Func<ConfigNode, long, CompileOptions, CompileResult?, CompileResult> Compile { get; init; } =
        static (config, version, options, previous) => CatalogCompiler.Compile(config, version, options, null, previous);

    /// <summary>Where a compile runs. By default at once where it is asked for; a server runs it apart from the few threads that answer pings.</summary>
    public Func<Func<CompileResult>, Task<CompileResult>> Apart { get; init; } = static compile => Task.FromResult(compile());

    /// <summary>Whether there is a server for mails to buyers; null: not known.</summary>
    public bool? HasMailServer { get; init; }

    /// <summary>For a catalog that was checked when it was applied.</summary>
    public CompileOptions Stored { get; } = new() { Parsers = parsers, ParseTemplate = parseTemplate, IsStored = true };

    public async Task<CompileOptions> OptionsAsync(IAccessStore access, CancellationToken cancel) =>
        new() { Parsers = parsers, ParseTemplate = parseTemplate, HasMailServer = HasMailServer, KnownSecrets = (await access.SecretNamesAsync(cancel)).ToHashSet(StringComparer.Ordinal), CheckUrl = checkUrl };
}
