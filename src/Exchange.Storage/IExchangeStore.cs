namespace Exchange.Storage;

/// <summary>
/// Everything the exchange remembers, in one database. Two implementations: SQLite (one process, a lock on the data folder) and PostgreSQL
/// (many). Every member that is given a time uses it and never asks the database for one.
/// </summary>
public interface IExchangeStore : IAsyncDisposable
{
    IJournal Journal { get; }
    IPingRecords Pings { get; }
    ILeadStore Leads { get; }
    ICatalogStore Catalog { get; }
    ILimitCounts Counts { get; }
    IUpkeep Upkeep { get; }
    IDeliveryStore Deliveries { get; }
    ILeadWaits Waits { get; }
    IAccessStore Access { get; }
    ILedgerStore Ledger { get; }
    IDoubts Doubts { get; }
    IErasures Erasures { get; }
    ISuppressions Suppressions { get; }
    IReturnStore Returns { get; }
    IPostbackStore Postbacks { get; }
    IVault Vault { get; }

    /// <summary>A cheap write and read that fails if the database cannot be used; for readiness.</summary>
    Task CheckAsync(CancellationToken cancel);
}
