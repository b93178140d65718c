using Exchange.Engine.Values;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Exchange.Storage.Sqlite;

/// <summary>
/// One prepared statement, reused for ever by its connection. Directly over the driver's own calls: a sale runs some twenty statements, and
/// the command objects above them cost more than SQLite does. Parameters bind in the order of their question marks. Not thread-safe.
/// </summary>
internal sealed class Statement : IDisposable
{
    private readonly sqlite3 database;
    private readonly sqlite3_stmt handle;
    private int bound;

    public Statement(sqlite3 database, string sql)
    {
        this.database = database;
        Check(raw.sqlite3_prepare_v3(database, sql, raw.SQLITE_PREPARE_PERSISTENT, out handle));
    }

    public Statement Bind(long value)
    {
        Bound(raw.sqlite3_bind_int64(handle, ++bound, value));
        return this;
    }

    public Statement Bind(long? value)
    {
        if (value is { } number) return Bind(number);
        Bound(raw.sqlite3_bind_null(handle, ++bound));
        return this;
    }

    public Statement Bind(bool value) => Bind(value ? 1L : 0L);

    public Statement Bind(string? value)
    {
        Bound(value is null ? raw.sqlite3_bind_null(handle, ++bound) : raw.sqlite3_bind_text(handle, ++bound, value));
        return this;
    }

    public Statement Bind(ReadOnlySpan<byte> value)
    {
        Bound(value.IsEmpty ? raw.sqlite3_bind_zeroblob(handle, ++bound, 0) : raw.sqlite3_bind_blob(handle, ++bound, value));
        return this;
    }

    public Statement Bind(byte[]? value)
    {
        if (value is not null) return Bind(value.AsSpan());
        Bound(raw.sqlite3_bind_null(handle, ++bound));
        return this;
    }

    public Statement Bind(LeadId value)
    {
        Span<byte> bytes = stackalloc byte[16];
        value.WriteTo(bytes);
        return Bind(bytes);
    }

    /// <summary>True: there is a row to read. After the last row (or an error) the statement is ready for its next use.</summary>
    public bool Step()
    {
        var result = raw.sqlite3_step(handle);
        if (result == raw.SQLITE_ROW) return true;
        Reset();
        if (result != raw.SQLITE_DONE) SqliteException.ThrowExceptionForRC(result, database);
        return false;
    }

    /// <summary>Runs to the end; returns how many rows it changed.</summary>
    public int Run()
    {
        while (Step()) { }
        return raw.sqlite3_changes(database);
    }

    /// <summary>Reads the first row, or gives default if there is none.</summary>
    public T? First<T>(Func<Statement, T> read)
    {
        try { return Step() ? read(this) : default; }
        finally { Reset(); }
    }

    /// <summary>Reads rows until one gives something.</summary>
    public T? FirstNotNull<T>(Func<Statement, T?> read) where T : class
    {
        try
        {
            while (Step()) if (read(this) is { } found) return found;
            return null;
        }
        finally { Reset(); }
    }

    public List<T> All<T>(Func<Statement, T> read)
    {
        List<T> rows = [];
        try { while (Step()) rows.Add(read(this)); }
        finally { Reset(); }
        return rows;
    }

    /// <summary>The number in the first column of the first row; null if there is none.</summary>
    public long? Scalar() => First(static row => row.LongOrNull(0));

    public void Reset()
    {
        // The result repeats the last step's error, which was told already.
        _ = raw.sqlite3_reset(handle);
        bound = 0;
    }

    public bool IsNull(int column) => raw.sqlite3_column_type(handle, column) == raw.SQLITE_NULL;
    public long Long(int column) => raw.sqlite3_column_int64(handle, column);
    public int Int(int column) => checked((int)raw.sqlite3_column_int64(handle, column));
    public bool Bool(int column) => raw.sqlite3_column_int64(handle, column) != 0;
    public long? LongOrNull(int column) => IsNull(column) ? null : Long(column);
    public string Text(int column) => raw.sqlite3_column_text(handle, column).utf8_to_string() ?? "";
    public string? TextOrNull(int column) => IsNull(column) ? null : Text(column);
    /// <summary>Valid until the next step.</summary>
    public ReadOnlySpan<byte> Span(int column) => raw.sqlite3_column_blob(handle, column);
    public byte[] Blob(int column) => Span(column).ToArray();
    public byte[]? BlobOrNull(int column) => IsNull(column) ? null : Blob(column);
    public LeadId Lead(int column) => LeadId.FromBytes(Span(column));

    public void Dispose() => handle.Dispose();

    /// <summary>A value that did not go in, for want of memory, must not leave the next one of the next call in the wrong place.</summary>
    private void Bound(int result)
    {
        if (result != raw.SQLITE_OK) Reset();
        Check(result);
    }

    private void Check(int result)
    {
        if (result != raw.SQLITE_OK) SqliteException.ThrowExceptionForRC(result, database);
    }
}
