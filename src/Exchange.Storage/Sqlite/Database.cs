using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Exchange.Storage.Sqlite;

/// <summary>One connection with its prepared statements. Used by one thread at a time.</summary>
internal sealed class Database : IDisposable
{
    private readonly SqliteConnection connection;
    private readonly Dictionary<string, Statement> statements = new(new ByText());

    private Database(SqliteConnection connection) => this.connection = connection;

    public sqlite3 Handle => connection.Handle!;

    /// <summary>A transaction is open.</summary>
    public bool InTransaction => raw.sqlite3_get_autocommit(Handle) == 0;

    /// <param name="cacheKiB">
    /// Pages kept between transactions. Few: a commit in which some tree's pages were put in order looks at every page that is kept, and to copy one again from the
    /// mapped file costs less (docs/decisions/0057). A transaction that changes more than these has them all in memory until its end.
    /// </param>
    public static Database OpenWriter(string file, string synchronous, int cacheKiB)
    {
        var database = Open(file, SqliteOpenMode.ReadWriteCreate);
        // Checkpoints are another thread's work: one inside a commit would make every waiting sale wait for it. What is freed is zeroed, so that
        // nothing erased is left in the file.
        database.Execute($"""
            PRAGMA journal_mode = WAL;
            PRAGMA synchronous = {synchronous};
            PRAGMA wal_autocheckpoint = 0;
            PRAGMA journal_size_limit = 67108864;
            PRAGMA foreign_keys = OFF;
            PRAGMA secure_delete = ON;
            PRAGMA temp_store = MEMORY;
            PRAGMA cache_size = -{cacheKiB};
            PRAGMA cache_spill = OFF;
            PRAGMA mmap_size = 268435456;
            """);
        return database;
    }

    public static Database OpenReader(string file)
    {
        var database = Open(file, SqliteOpenMode.ReadOnly);
        database.Execute("PRAGMA mmap_size = 268435456; PRAGMA cache_size = -8192;");
        return database;
    }

    /// <summary>For checkpoints only.</summary>
    public static Database OpenCheckpointer(string file, string synchronous)
    {
        var database = Open(file, SqliteOpenMode.ReadWrite);
        database.Execute($"PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = {synchronous};");
        return database;
    }

    private static Database Open(string file, SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file, Mode = mode, Pooling = false }.ToString());
        try
        {
            connection.Open();
            var database = new Database(connection);
            database.Execute("PRAGMA busy_timeout = 5000;");
            return database;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>The statement of this text, prepared once. The texts are constants: their number is bounded.</summary>
    public Statement Prepare(string sql)
    {
        if (statements.TryGetValue(sql, out var statement)) return statement;
        statement = new Statement(Handle, sql);
        statements.Add(sql, statement);
        return statement;
    }

    public void Execute(string sql)
    {
        var result = raw.sqlite3_exec(Handle, sql);
        if (result != raw.SQLITE_OK) SqliteException.ThrowExceptionForRC(result, Handle);
    }

    /// <summary>
    /// What runs here from now on ends with <c>SQLITE_INTERRUPT</c> as soon as this says yes. The connection's own thread asks, every thousand instructions of a statement:
    /// an interrupt by another thread does nothing where it comes between two statements, and may hit the read after the one it is meant for.
    /// </summary>
    public void StopWhen(Func<bool> isUnwanted) => raw.sqlite3_progress_handler(Handle, 1_000, _ => isUnwanted() ? 1 : 0, null);

    /// <summary>Pages this connection has written since it was asked last.</summary>
    public int TakePagesWritten()
    {
        const int cacheWrite = 9; // SQLITE_DBSTATUS_CACHE_WRITE
        return raw.sqlite3_db_status(Handle, cacheWrite, out var pages, out _, 1) == raw.SQLITE_OK ? pages : 0;
    }

    public void Dispose()
    {
        foreach (var statement in statements.Values) statement.Dispose();
        connection.Dispose();
    }

    /// <summary>
    /// The texts are long constants, looked up some twenty times a sale: their length and two of their characters tell them apart well enough,
    /// and the same constant is the same object.
    /// </summary>
    private sealed class ByText : IEqualityComparer<string>
    {
        public bool Equals(string? x, string? y) => string.Equals(x, y, StringComparison.Ordinal);
        public int GetHashCode(string text) => HashCode.Combine(text.Length, text[text.Length / 2], text[text.Length / 4]);
    }
}
