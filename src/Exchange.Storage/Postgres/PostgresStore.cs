using Npgsql;

namespace Exchange.Storage.Postgres;

/// <summary>The store that many processes share: one PostgreSQL database for facts, ping records, grain memory and membership.</summary>
public sealed class PostgresStore : IExchangeStore
{
    private readonly NpgsqlDataSource source;
    /// <summary>
    /// Connections of its own for the question whether the database is there, as a server that does not reach it for seconds ends itself: it must not wait behind
    /// long reads that hold all the others.
    /// </summary>
    private readonly NpgsqlDataSource watch;
    private readonly NpgsqlDataSource reports;
    private readonly PostgresSilo silo;
    private readonly PostgresJournal journal;
    private readonly PostgresPingRecords pings;
    private readonly PostgresCatalog catalog;
    private readonly PostgresLimitCounts counts;
    private readonly PostgresSuppressions suppressions;
    private int disposed;

    private PostgresStore(PostgresStoreOptions options, NpgsqlDataSource source, PostgresSilo silo)
    {
        this.source = source;
        this.silo = silo;
        watch = PostgresDatabase.CreateSource(options, most: 2);
        reports = PostgresDatabase.CreateReports(options);
        var vault = new Vault(options.MasterKey);
        journal = new PostgresJournal(source, options, silo.Owner);
        var changes = new PostgresChanges(source, options.TimeProvider, journal.Tell);
        Vault = vault;
        pings = new PostgresPingRecords(options.ConnectionString, source, vault, options.TimeProvider, options.Logger);
        Leads = new PostgresLeads(changes, source, reports);
        Catalog = catalog = new PostgresCatalog(changes, source, options.TimeProvider);
        Counts = counts = new PostgresLimitCounts(changes, source);
        Upkeep = new PostgresUpkeep(changes, source, TimeSpan.FromDays(options.PingRetentionDays));
        Deliveries = new PostgresDeliveries(changes, source, reports, silo);
        Waits = new PostgresLeadWaits(changes, source);
        Access = new PostgresAccess(changes, source, vault);
        Ledger = new PostgresLedger(changes, source, reports);
        Returns = new PostgresReturns(changes, source, reports);
        Postbacks = new PostgresPostbacks(changes, source, reports, silo);
        Doubts = new PostgresDoubts(source);
        suppressions = new PostgresSuppressions(source, options.TimeProvider);
        Erasures = new PostgresErasures(changes, suppressions, pings, options.TimeProvider);
        Audits = new PostgresAudits(options.ConnectionString);
        CatalogNews = new PostgresCatalogNews(source, options.TimeProvider, options.Logger);
    }

    /// <summary>The number of this opening, for ping ids.</summary>
    public ushort SiloNumber => silo.Number;

    /// <summary>This opening of the store, as the holder of leases.</summary>
    public string Owner => silo.Owner;

    /// <summary>The same as <see cref="IExchangeStore.Journal"/>, with its counts.</summary>
    public PostgresJournal Journal => journal;

    /// <summary>Tells that some process has applied a catalog.</summary>
    public ICatalogNews CatalogNews { get; }

    /// <summary>Audits of what is stored.</summary>
    public PostgresAudits Audits { get; }

    /// <summary>Connections with the journal's session settings.</summary>
    public NpgsqlDataSource Source => source;

    IJournal IExchangeStore.Journal => journal;
    public IPingRecords Pings => pings;
    public ILeadStore Leads { get; }
    public ICatalogStore Catalog { get; }
    public ILimitCounts Counts { get; }
    public IUpkeep Upkeep { get; }
    public IDeliveryStore Deliveries { get; }
    public ILeadWaits Waits { get; }
    public IAccessStore Access { get; }
    public ILedgerStore Ledger { get; }
    public IReturnStore Returns { get; }
    public IPostbackStore Postbacks { get; }
    public IDoubts Doubts { get; }
    public IErasures Erasures { get; }
    public ISuppressions Suppressions => suppressions;
    public IVault Vault { get; }

    /// <summary>
    /// Migrates if needed (one process at a time) and opens. Throws <see cref="StorageOpenException"/> with a sentence for the operator: not reachable,
    /// newer than this build, another installation's key.
    /// </summary>
    public static async Task<PostgresStore> OpenAsync(PostgresStoreOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        await PostgresMigrations.RunAsync(options.ConnectionString, options.Logger, options.WhileMigrating).ConfigureAwait(false);
        var source = PostgresDatabase.CreateSource(options);
        try
        {
            await CheckKeyAsync(source, new Vault(options.MasterKey)).ConfigureAwait(false);
            var store = new PostgresStore(options, source, await PostgresSilo.TakeAsync(source, options).ConfigureAwait(false));
            await store.suppressions.LoadAsync().ConfigureAwait(false);
            return store;
        }
        catch (Exception exception)
        {
            await source.DisposeAsync().ConfigureAwait(false);
            if (exception is NpgsqlException or StorageBusyException) throw new StorageOpenException("The database cannot be used.", exception);
            throw;
        }
    }

    /// <summary>A database opened with another key than its own would seal new leads that nobody can read with the old ones. The first process to come decides.</summary>
    private static async Task CheckKeyAsync(NpgsqlDataSource source, Vault vault)
    {
        const string setting = "vault.fingerprint";
        await source.AllAsync("INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING 1", static _ => true, default, setting, vault.Fingerprint).ConfigureAwait(false);
        var known = await source.FirstAsync("SELECT value FROM setting WHERE name = $1", static row => row.Text(0), default, setting).ConfigureAwait(false);
        if (known != vault.Fingerprint) throw new StorageOpenException("The installation's key is not the one this data was sealed with.");
    }

    public Task CheckAsync(CancellationToken cancel) =>
        watch.AllAsync("INSERT INTO setting (name, value) VALUES ($1, '') ON CONFLICT (name) DO UPDATE SET value = excluded.value RETURNING 1", static _ => true, cancel, "check." + Owner);

    /// <summary>Refuses what comes, finishes what waits, closes the connections.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref disposed, 1) != 0) return;
        await journal.DisposeAsync().ConfigureAwait(false);
        await pings.DisposeAsync().ConfigureAwait(false);
        Audits.Dispose();
        catalog.Dispose();
        counts.Dispose();
        await silo.DisposeAsync().ConfigureAwait(false);
        await source.DisposeAsync().ConfigureAwait(false);
        await reports.DisposeAsync().ConfigureAwait(false);
        await watch.DisposeAsync().ConfigureAwait(false);
    }
}
