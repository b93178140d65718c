using Exchange.Engine.Caps;

namespace Exchange.Storage;

/// <summary>One stored catalog version: canonical JSON (UTF-8), whole, or what changes an earlier one to it.</summary>
public sealed record CatalogVersion(long Version, long AtMs, string Author, byte[] Json)
{
    /// <summary>The whole version to which <see cref="Json"/> is an RFC 7396 merge patch; null: it is whole itself.</summary>
    public long? Base { get; init; }
}

/// <summary>Who made which catalog version when.</summary>
public sealed record CatalogNote(long Version, long AtMs, string Author);

/// <summary>What an apply does to limits, worked out by the engine from two models; done in the same transaction as the version row.</summary>
/// <param name="Limits">Every limit of the new model.</param>
public sealed record CatalogApply(byte[] Json, string Author, long? ExpectedVersion, IReadOnlyList<LimitModel> Limits)
{
    /// <summary>Reads the leads that a new cap with a condition or a count for each value has to know; null only where there are no such caps.</summary>
    public ICopyFacts? Facts { get; init; }

    /// <summary>As <see cref="CatalogVersion.Base"/>.</summary>
    public long? Base { get; init; }

    /// <summary>Campaigns that the version before did not have: whose id is nobody's yet belongs to this buyer and vertical from now on.</summary>
    public IReadOnlyList<CampaignIdentity> NewCampaigns { get; init; } = [];
}

/// <summary>What a campaign id stands for in every version, also after it left and came back.</summary>
public sealed record CampaignIdentity(string Id, string Buyer, string Vertical);

public interface ICatalogStore
{
    Task<CatalogVersion?> LatestAsync(CancellationToken cancel);
    /// <summary>0: there is none yet.</summary>
    Task<long> LatestVersionAsync(CancellationToken cancel);
    Task<CatalogVersion?> FindAsync(long version, CancellationToken cancel);
    /// <summary>Those of these campaign ids that were ever applied.</summary>
    Task<IReadOnlyList<CampaignIdentity>> IdentitiesAsync(IReadOnlyCollection<string> ids, CancellationToken cancel);
    /// <summary>Newest first.</summary>
    Task<Page<CatalogNote>> HistoryAsync(int limit, string? cursor, CancellationToken cancel);

    /// <summary>
    /// One transaction, whole or not at all: the version row; for each cap its limit (existing counter rows follow at once); balances' credit
    /// limits; gates open or paused. Another set of caps of a campaign (a new gate id): the old gate closes, new caps' counters of the current
    /// window start with the live copies of that window (counted offers and pings at nothing), then the new gate opens. Gates that left the catalog close. Returns the new version, or null
    /// if <see cref="CatalogApply.ExpectedVersion"/> is not the latest.
    /// </summary>
    Task<long?> ApplyAsync(CatalogApply apply, long nowMs, CancellationToken cancel);

    /// <summary>All counters, for the live view at start and its healing.</summary>
    Task<IReadOnlyList<CounterValue>> ReadCountersAsync(long nowMs, CancellationToken cancel);

    /// <summary>The counters of these limits, as <see cref="ReadCountersAsync"/> gives them.</summary>
    Task<IReadOnlyList<CounterValue>> CountersOfAsync(IReadOnlyCollection<string> limits, long nowMs, CancellationToken cancel);
}
