using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Grains.Limits;

namespace Exchange.Grains.Catalog;

/// <summary>What became of an apply or a plan.</summary>
/// <param name="Version">The new version; with a dry run or an error the one that serves on.</param>
/// <param name="Conflict">The catalog moved on: the expected version is not the latest (412).</param>
/// <param name="Errors">Every error; the catalog was refused whole.</param>
public sealed record ApplyOutcome(long Version, bool Conflict, IReadOnlyList<InputError> Errors, IReadOnlyList<InputError> Warnings, IReadOnlyList<CatalogChange> Changes);

/// <summary>The catalog this process serves by, and the way to change it.</summary>
public interface ICatalogHost
{
    /// <summary>One volatile read.</summary>
    CatalogModel Current { get; }

    /// <summary>The current version as written.</summary>
    ConfigNode CurrentConfig { get; }

    /// <summary>
    /// The newest stored version as written, with its number: the two belong together, and may be a moment ahead of what is served. Version 0 and an
    /// empty map: there is none yet.
    /// </summary>
    Task<(long Version, ConfigMap Config)> NewestAsync(CancellationToken cancel);

    /// <summary>Any version as it was written; null: there is none of this number.</summary>
    Task<ConfigMap?> ConfigAsync(long version, CancellationToken cancel);

    /// <summary>An earlier (or the current) version, compiled; kept in a small cache.</summary>
    ValueTask<CatalogModel> ModelAsync(long version, CancellationToken cancel);

    /// <summary>Compiles, and unless <paramref name="dryRun"/> stores and serves it. Null expected version overwrites.</summary>
    Task<ApplyOutcome> ApplyAsync(ConfigNode config, long? expectedVersion, string author, bool dryRun, CancellationToken cancel);

    /// <summary>
    /// Live readings of a campaign's limits, for admins: what sales take, then what is counted, in the order of reasons. A cap with a count for each
    /// value shows the most used ones.
    /// </summary>
    IReadOnlyList<LimitState> StateOf(CampaignModel campaign);

    /// <summary>The same of any limits, such as a buyer's or publisher's caps.</summary>
    IReadOnlyList<LimitState> StateOf(IEnumerable<LimitModel> limits);
}

/// <summary>One limit, live.</summary>
/// <param name="Whole">Of a cap with a count for each value: its limit, nothing used.</param>
/// <param name="Values">Of a cap with a count for each value the most used, first; else empty.</param>
public sealed record LimitState(LimitReport Whole, IReadOnlyList<LimitReport> Values)
{
    public LimitModel Limit => Whole.Limit;
}
