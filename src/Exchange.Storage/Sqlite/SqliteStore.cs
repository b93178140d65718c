using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Exchange.Storage.Sqlite;

/// <summary>
/// The embedded store: <c>facts.db</c> (WAL, synchronous FULL, one writer thread), <c>pings.db</c> (WAL, synchronous NORMAL, its own writer) and,
/// for Orleans, <c>memory.db</c> in one data folder under one lock.
/// </summary>
public sealed class SqliteStore : IExchangeStore
{
    public const string FactsFile = "facts.db";
    public const string PingsFile = "pings.db";

    private readonly FolderLock folderLock;
    private readonly Database database;
    private readonly Writer writer;
    private readonly Checkpointer checkpointer;
    private readonly ReadPool reads;
    /// <summary>
    /// For filtered lists and sums over a span, which may read for seconds: were they with the others, as many of them as there are threads would keep every sale waiting.
    /// </summary>
    private readonly ReadPool reports;
    private readonly SqlitePingRecords pings;
    private readonly SqliteJournal journal;
    private int disposed;

    private SqliteStore(SqliteStoreOptions options, FolderLock folderLock)
    {
        this.folderLock = folderLock;
        var facts = Path.Combine(options.Folder, FactsFile);
        var hasData = File.Exists(facts);
        var vault = new Vault(options.MasterKey ?? MasterKey.ReadOrCreate(options.Folder, hasData, options.Logger));
        // WAL is set before the first table: the file says so from its beginning.
        Database.OpenWriter(facts, "FULL", 1024).Dispose();
        Migrations.Run(facts, "Facts", options.Logger);
        database = Database.OpenWriter(facts, "FULL", 8_192);
        try
        {
            CheckKey(database, vault);
            pings = SqlitePingRecords.Open(Path.Combine(options.Folder, PingsFile), vault, options);
        }
        catch
        {
            database.Dispose();
            throw;
        }
        checkpointer = new Checkpointer(Database.OpenCheckpointer(facts, "FULL"), "exchange facts log", options.Logger);
        Owner = Guid.NewGuid().ToString("N");
        var suppressions = new SqliteSuppressions(database);
        writer = new Writer(database, checkpointer, Owner, options.TimeProvider, options.Logger);
        reads = new ReadPool(facts);
        reports = new ReadPool(facts, connections: 2, mostWaiting: 16, limit: TimeSpan.FromSeconds(25));
        journal = new SqliteJournal(writer);
        Vault = vault;
        Leads = new SqliteLeads(writer, reads, reports);
        Catalog = new SqliteCatalog(writer, reads, options.TimeProvider);
        Counts = new SqliteLimitCounts(writer, reads);
        Upkeep = new SqliteUpkeep(writer, reads);
        Deliveries = new SqliteDeliveries(writer, reads, reports);
        Waits = new SqliteLeadWaits(writer, reads);
        Access = new SqliteAccess(writer, reads, vault);
        Ledger = new SqliteLedger(writer, reads, reports);
        Returns = new SqliteReturns(writer, reads, reports);
        Postbacks = new SqlitePostbacks(writer, reads, reports);
        Audits = new SqliteAudits(options.Folder);
        Doubts = new SqliteDoubts(reads);
        Suppressions = suppressions;
        Erasures = new SqliteErasures(writer, suppressions, pings, facts, Path.Combine(options.Folder, PingsFile), options.Logger);
    }

    /// <summary>This opening of the store, as the holder of leases.</summary>
    public string Owner { get; }

    /// <summary>The same as <see cref="IExchangeStore.Journal"/>, with its counts.</summary>
    public SqliteJournal Journal => journal;

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
    public IVault Vault { get; }

    /// <summary>Audits of what is stored.</summary>
    public SqliteAudits Audits { get; }
    public IDoubts Doubts { get; }
    public ISuppressions Suppressions { get; }
    public IErasures Erasures { get; }

    /// <summary>
    /// Makes the folder if it is not there, takes its lock, migrates and opens. Throws <see cref="StorageOpenException"/> with a sentence for the
    /// operator: in use, newer than this build, wrong or missing key, not writable.
    /// </summary>
    public static Task<SqliteStore> OpenAsync(SqliteStoreOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return Task.Run(() => Open(options));
    }

    private static SqliteStore Open(SqliteStoreOptions options)
    {
        options = options with { Folder = Path.GetFullPath(options.Folder) };
        CreateFolder(options.Folder);
        var folderLock = FolderLock.Take(options.Folder);
        try
        {
            foreach (var file in (string[])[FactsFile, PingsFile]) LogTail.Check(Path.Combine(options.Folder, file), options.Logger);
            return new SqliteStore(options, folderLock);
        }
        catch (Exception exception)
        {
            folderLock.Dispose();
            if (exception is SqliteException or IOException or UnauthorizedAccessException)
                throw new StorageOpenException($"The data folder '{options.Folder}' cannot be used.", exception);
            throw;
        }
    }

    internal static void CreateFolder(string folder)
    {
        try
        {
            if (OperatingSystem.IsWindows()) Directory.CreateDirectory(folder);
            else Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new StorageOpenException($"The data folder '{folder}' cannot be made.", exception);
        }
    }

    /// <summary>A folder opened with another key than its own would seal new leads that nobody can read with the old ones.</summary>
    private static void CheckKey(Database database, Vault vault)
    {
        const string setting = "vault.fingerprint";
        var known = database.Prepare("SELECT value FROM setting WHERE name = ?").Bind(setting).First(static row => row.Text(0));
        if (known is null) SqliteAccess.PutSetting(database, setting, vault.Fingerprint);
        else if (known != vault.Fingerprint) throw new StorageOpenException("The installation's key is not the one this data was sealed with.");
    }

    public async Task CheckAsync(CancellationToken cancel)
    {
        await writer.RunAsync(static session => SqliteAccess.PutSetting(session.Database, "check", ""), cancel).ConfigureAwait(false);
        await reads.ReadAsync(static database => database.Prepare("SELECT value FROM setting WHERE name = 'check'").First(static row => row.Text(0)), cancel)
            .ConfigureAwait(false);
    }

    /// <summary>Refuses what comes, finishes what waits, closes the files and frees the folder.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref disposed, 1) != 0) return;
        await writer.DisposeAsync().ConfigureAwait(false);
        await pings.DisposeAsync().ConfigureAwait(false);
        checkpointer.Dispose();
        await checkpointer.Stopped.ConfigureAwait(false);
        reads.Dispose();
        reports.Dispose();
        Audits.Dispose();
        database.Dispose();
        folderLock.Dispose();
    }
}
