using System.Globalization;
using Npgsql;

namespace Exchange.Storage.Postgres;

/// <summary>
/// This opening of the store: its number, which stands in its ping ids and names it as the holder of leases. Under a node's name it also proves that no other
/// process of that name lives, by a lock that goes with a connection: only then are the leases of those before it dead for certain. A process that
/// is merely stopped keeps its connection, and so its leases until they run out.
/// </summary>
internal sealed class PostgresSilo : IAsyncDisposable
{
    /// <summary>Ours in this database, together with the hash of a node's name.</summary>
    private const int NodeLock = 7303;

    private readonly NpgsqlConnection? name;

    private PostgresSilo(int number, string node, NpgsqlConnection? name)
    {
        Number = (ushort)number;
        Node = node;
        this.name = name;
    }

    /// <summary>1 to 65,535, of no other opening in the last 90 days.</summary>
    public ushort Number { get; }
    public string Node { get; }
    public string Owner => Number.ToString(CultureInfo.InvariantCulture);
    public bool IsAloneUnderItsName => name is { FullState: System.Data.ConnectionState.Open };

    public static async Task<PostgresSilo> TakeAsync(NpgsqlDataSource source, PostgresStoreOptions options)
    {
        var nowMs = options.TimeProvider.GetUtcNow().ToUnixTimeMilliseconds();
        var number = await source.FirstAsync("SELECT take_silo($1, $2)", static row => row.Int(0), default, options.Node ?? "", nowMs).ConfigureAwait(false);
        if (options.Node is not { } node) return new(number, "", null);
        var name = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(options.ConnectionString) { Pooling = false, KeepAlive = 30, ApplicationName = "exchange node" }.ToString());
        try
        {
            await name.OpenAsync().ConfigureAwait(false);
            if (await name.FirstAsync("SELECT pg_try_advisory_lock($1, hashtext($2))", static row => row.Bool(0), default, NodeLock, node).ConfigureAwait(false))
                return new(number, node, name);
        }
        catch
        {
            await name.DisposeAsync().ConfigureAwait(false);
            throw;
        }
        await name.DisposeAsync().ConfigureAwait(false);
        return new(number, node, null);
    }

    public ValueTask DisposeAsync() => name?.DisposeAsync() ?? default;
}
