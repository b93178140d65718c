namespace Exchange.Storage.Postgres;

/// <summary>What Orleans's AdoNet providers are told, for grain memory and for membership. Tables and queries are ours, in the facts' database.</summary>
public static class PostgresGrainMemory
{
    /// <summary>What they load the driver by.</summary>
    public const string Invariant = "Npgsql";

    /// <summary>Few connections: what grains remember is small and seldom written, and the journal must find its own.</summary>
    private const int Connections = 4;

    /// <summary>Short time-outs: grains wait for it.</summary>
    public static string ConnectionString(string connectionString)
    {
        var builder = PostgresDatabase.Read(connectionString);
        builder.MaxPoolSize = Connections;
        builder.CommandTimeout = 5;
        builder.Timeout = 5;
        builder.ApplicationName = "exchange grains";
        return builder.ToString();
    }
}
