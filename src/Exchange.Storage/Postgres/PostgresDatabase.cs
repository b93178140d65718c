using Npgsql;

namespace Exchange.Storage.Postgres;

/// <summary>Where connections come from, and what every session of ours is set to.</summary>
internal static class PostgresDatabase
{
    /// <summary>
    /// A commit is on disk before it is told; a process that stops in mid-transaction loses it after a second, so that nobody waits for its locks longer;
    /// nobody waits for a lock more than three; plans are made for the values at hand, because those made while tables were empty stay bad.
    /// </summary>
    private const string Session =
        "-c synchronous_commit=on -c idle_in_transaction_session_timeout=1000 -c lock_timeout=3000 -c plan_cache_mode=force_custom_plan -c timezone=UTC";

    /// <summary>Before the driver's own limit of 30 s, which it tells like a connection that is gone.</summary>
    private const string ReportSession = Session + " -c statement_timeout=25000";

    /// <summary>Statements are prepared on their second use on a connection.</summary>
    public static NpgsqlDataSource CreateSource(PostgresStoreOptions options) => CreateSource(options, Math.Max(8, options.MaxConnections));

    /// <summary>
    /// For filtered lists and sums over a span, which may read for seconds: were they on the others' connections, as many reports as there are connections would keep
    /// every sale waiting. Few at once: what many read from disk slows sales as well. Whoever finds no place is told so while he is still there.
    /// </summary>
    public static NpgsqlDataSource CreateReports(PostgresStoreOptions options) => CreateSource(options, most: 4, waitSeconds: 2, ReportSession);

    /// <param name="most">Connections at once.</param>
    /// <param name="waitSeconds">For a connection, unless the connection string says how long.</param>
    /// <param name="session">What each session is set to; what the connection string sets goes before it.</param>
    public static NpgsqlDataSource CreateSource(PostgresStoreOptions options, int most, int waitSeconds = 5, string session = Session)
    {
        var builder = Read(options.ConnectionString);
        builder.MaxPoolSize = most;
        builder.MaxAutoPrepare = 200;
        builder.AutoPrepareMinUsages = 2;
        builder.Options = builder.Options is { Length: > 0 } own ? $"{session} {own}" : session;
        builder.ApplicationName ??= "exchange";
        builder.IncludeErrorDetail = false;
        if (builder.Timeout == 15) builder.Timeout = waitSeconds;
        NoticeALostMachine(builder);
        return Source(builder);
    }

    /// <summary>Seconds: a database whose machine is gone would be waited for for ever.</summary>
    public static void NoticeALostMachine(NpgsqlConnectionStringBuilder builder) => (builder.TcpKeepAlive, builder.TcpKeepAliveTime, builder.TcpKeepAliveInterval) = (true, 10, 3);

    /// <summary>Types are not asked for: all that is used here is built in, and among thousands of tables that question takes seconds.</summary>
    public static NpgsqlDataSource Source(NpgsqlConnectionStringBuilder builder)
    {
        var source = new NpgsqlDataSourceBuilder(builder.ToString());
        source.ConfigureTypeLoading(static types => types.EnableTypeLoading(false));
        return source.Build();
    }

    /// <summary>The text as given. Throws <see cref="StorageOpenException"/>, without repeating the text: it may hold a password.</summary>
    public static NpgsqlConnectionStringBuilder Read(string connectionString)
    {
        try { return new NpgsqlConnectionStringBuilder(connectionString); }
        catch (Exception exception) when (exception is ArgumentException or FormatException or KeyNotFoundException)
        {
            throw new StorageOpenException("The connection string of the database cannot be read.");
        }
    }
}
