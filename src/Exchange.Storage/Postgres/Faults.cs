using System.Net.Sockets;
using Npgsql;

namespace Exchange.Storage.Postgres;

/// <summary>Which failures are the database's state, not the statement's fault.</summary>
internal static class Faults
{
    private const string IdleInTransaction = "25P03";

    /// <summary>The connection is gone, or the database is full, locked, starting, ending or has no place: another time it may do.</summary>
    public static bool IsBusy(Exception fault) => fault switch
    {
        PostgresException told => IsBusy(told.SqlState),
        NpgsqlException or TimeoutException or SocketException or IOException => true,
        _ => false,
    };

    /// <summary>The connection turned out to be gone, as all are that a database has left behind which was started again: on another the same may do at once.</summary>
    public static bool IsLost(NpgsqlException fault) => fault is PostgresException told
        ? told.SqlState is PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown
        : fault.InnerException is SocketException or IOException;

    private static bool IsBusy(string state) => state[..2] switch
    {
        // 08 connection · 40 serialization, deadlock · 53 no room or memory · 57 shut down or cancelled · 58 system.
        "08" or "40" or "53" or "57" or "58" => true,
        // A lock that did not come in time, a transaction that idled too long; a standby takes no changes.
        _ => state is PostgresErrorCodes.LockNotAvailable or IdleInTransaction or PostgresErrorCodes.ReadOnlySqlTransaction,
    };
}
