using System.Collections.Concurrent;
using System.Text;
using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
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
    private const int ModelsKept = 16;

    private readonly SemaphoreSlim changing = new(1, 1);
    private readonly ConcurrentDictionary<long, CatalogModel> models = new();
    private volatile Serving? serving;

    private sealed record Serving(CatalogModel Model, ConfigNode Config);

    public CatalogModel Current => serving?.Model ?? throw new InvalidOperationException("No catalog is loaded yet");
    public ConfigNode CurrentConfig => serving?.Config ?? throw new InvalidOperationException("No catalog is loaded yet");
    public bool IsLoaded => serving is not null;

    /// <summary>At start: the newest version and every counter. False: the store has no catalog yet.</summary>
    public async Task<bool> LoadAsync(CancellationToken cancel)
    {
        if (await store.Catalog.LatestAsync(cancel) is not { } latest) return false;
        await ServeAsync(latest, cancel);
        return true;
    }

    /// <summary>Serves the newest version if it is not the one served. True: it changed.</summary>
    public async Task<bool> RefreshAsync(CancellationToken cancel)
    {
        var latest = await store.Catalog.LatestAsync(cancel);
        if (latest is null || latest.Version == serving?.Model.Version) return false;
        await changing.WaitAsync(cancel);
        try
        {
            if (latest.Version <= serving?.Model.Version) return true;
            await ServeAsync(latest, cancel);
            return true;
        }
        finally
        {
            changing.Release();
        }
    }

    /// <summary>Heals the live view by a full read.</summary>
    public async Task HealAsync(CancellationToken cancel) => live.Apply(await store.Catalog.ReadCountersAsync(NowMs(), cancel));

    public async ValueTask<CatalogModel> ModelAsync(long version, CancellationToken cancel)
    {
        if (serving?.Model is { } current && current.Version == version) return current;
        if (models.TryGetValue(version, out var known)) return known;
        var stored = await store.Catalog.FindAsync(version, cancel) ?? throw new Engine.InvariantException("a recorded catalog version is stored");
        var model = Compile(stored).Model;
        Keep(model);
        return model;
    }

    public async Task<ApplyOutcome> ApplyAsync(ConfigNode config, long? expectedVersion, string author, bool dryRun, CancellationToken cancel)
    {
        await changing.WaitAsync(cancel);
        try
        {
            var now = serving;
            var version = now?.Model.Version ?? 0;
            var compiled = CatalogCompiler.Compile(config, version + 1, await rules.OptionsAsync(store.Access, cancel));
            var (model, canonical, errors) = compiled;
            if (model is not null && now is not null)
            {
                CatalogCompiler.CompareIdentity(now.Model, model, errors);
                await CompareArchivedAsync(now.Model, model, errors, cancel);
            }
            var changes = CatalogDiff.Between(now?.Config, canonical);
            if (model is null || errors.Any) return new(version, false, errors.Errors, errors.Warnings, changes);
            if (expectedVersion is { } expected && expected != version) return new(version, true, [], errors.Warnings, changes);
            // What changes nothing makes no version: an export applied again leaves no trace.
            if (dryRun || now is not null && changes.Count == 0) return new(version, false, [], errors.Warnings, changes);

            var json = ConfigJson.Write(canonical);
            var stored = await store.Catalog.ApplyAsync(new(json, author, now is null ? null : version, model.Limits) { Facts = new CopyFacts(model, store.Vault, rules.Parsers) }, NowMs(), cancel);
            if (stored is not { } storedVersion) return new(version, true, [], errors.Warnings, changes);
            await ServeAsync(new(storedVersion, NowMs(), author, json), cancel);
            log.LogInformation("Catalog version {Version} applied by {Author}: {Changes} changes", storedVersion, author, changes.Count);
            return new(storedVersion, false, [], errors.Warnings, changes);
        }
        finally
        {
            changing.Release();
        }
    }

    /// <summary>
    /// A campaign that left the catalog may come back only as it was. Looked up in the versions before, newest first; only an apply that brings
    /// new ids pays for it.
    /// </summary>
    private async Task CompareArchivedAsync(CatalogModel previous, CatalogModel next, ConfigErrors errors, CancellationToken cancel)
    {
        var unseen = next.Campaigns.Keys.Where(id => !previous.Campaigns.ContainsKey(id)).ToHashSet(StringComparer.Ordinal);
        for (var version = previous.Version - 1; version > 0 && unseen.Count > 0; version--)
        {
            if (await store.Catalog.FindAsync(version, cancel) is not { } stored || ConfigJson.Parse(stored.Json, new ConfigErrors()) is not ConfigMap root) continue;
            if (root.Find("campaigns") is not ConfigMap campaigns) continue;
            foreach (var (id, entry) in campaigns.Entries)
            {
                if (!unseen.Remove(id) || entry is not ConfigMap campaign) continue;
                Same(campaign, id, "buyer", next.Campaigns[id].Buyer.Id);
                Same(campaign, id, "vertical", next.Campaigns[id].Vertical);
            }
        }

        void Same(ConfigMap campaign, string id, string key, string now)
        {
            if (campaign.Find(key) is ConfigText before && before.Text != now)
                errors.Add($"campaigns.{id}.{key}", ConfigCodes.IdentityChanged, $"This id belonged to a campaign with another {key} and keeps it for ever; give the new one another id.");
        }
    }

    public IReadOnlyList<LimitState> StateOf(CampaignModel campaign)
    {
        var seconds = NowMs() / 1000;
        return [.. campaign.Takes.Select(limit =>
        {
            var reading = live.Read(limit, seconds);
            limit.KeyAt(seconds, out var window);
            return new LimitState(limit, reading.Limit, reading.Used, reading.Held, window.End == long.MaxValue ? null : DateTimeOffset.FromUnixTimeSeconds(window.End));
        })];
    }

    private async Task ServeAsync(CatalogVersion stored, CancellationToken cancel)
    {
        var next = Compile(stored);
        live.Install(next.Model);
        await HealAsync(cancel);
        await live.LoadAsync(store.Counts, NowMs(), cancel);
        Keep(next.Model);
        serving = next;
    }

    /// <summary>A stored catalog was checked when it was applied; checks that need the world (secrets, addresses) are not repeated.</summary>
    private Serving Compile(CatalogVersion stored)
    {
        var errors = new ConfigErrors();
        var config = ConfigJson.Parse(stored.Json, errors);
        var compiled = config is null ? null : CatalogCompiler.Compile(config, stored.Version, rules.Stored);
        if (compiled?.Model is { } model) return new(model, compiled.Canonical);
        var told = (compiled?.Errors ?? errors).Errors.Take(5).Select(error => $"{error.Pointer}: {error.Message}");
        throw new StorageOpenException($"Catalog version {stored.Version} cannot be read by this build: {string.Join("; ", told)}");
    }

    private void Keep(CatalogModel model)
    {
        models[model.Version] = model;
        while (models.Count > ModelsKept) models.TryRemove(models.Keys.Min(), out _);
    }

    private long NowMs() => time.GetUtcNow().ToUnixTimeMilliseconds();
}

/// <summary>What an apply is checked against besides the file: the secrets that are set and the addresses that may be called.</summary>
public sealed class CatalogRules(FieldParsers parsers, Func<Uri, string?> checkUrl)
{
    public FieldParsers Parsers => parsers;

    /// <summary>For a catalog that was checked when it was applied.</summary>
    public CompileOptions Stored { get; } = new() { Parsers = parsers };

    public async Task<CompileOptions> OptionsAsync(IAccessStore access, CancellationToken cancel) =>
        new() { Parsers = parsers, KnownSecrets = (await access.SecretNamesAsync(cancel)).ToHashSet(StringComparer.Ordinal), CheckUrl = checkUrl };
}
