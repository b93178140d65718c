using System.Globalization;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Exchange.Storage.Postgres;

/// <summary>
/// This opening of the store: its number, which stands in its ping ids and names it as the holder of leases. Under a node's name it also proves that no other
/// process of that name lives, by a lock that goes with a connection: only then are the leases of those before it dead for certain. A process that
/// is merely stopped keeps its connection, and so its leases until they run out. A connection that is lost, with a restart of the database say, is made again,
/// so that whoever comes later under this name finds the lock taken.
/// </summary>
internal sealed class PostgresSilo : IAsyncDisposable
{
    /// <summary>Ours in this database, together with the hash of a node's name.</summary>
    private const int NodeLock = 7303;

    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);

    private readonly PostgresStoreOptions options;
    private readonly CancellationTokenSource over = new();
    private readonly Task keeping = Task.CompletedTask;
    // Null: another process has the name.
    private volatile NpgsqlConnection? name;

    private PostgresSilo(int number, PostgresStoreOptions options, NpgsqlConnection? name)
    {
        Number = (ushort)number;
        this.options = options;
        this.name = name;
        if (options.Node is not null) keeping = KeepAsync(over.Token);
    }

    /// <summary>1 to 65,535, of no other opening in the last 90 days.</summary>
    public ushort Number { get; }
    public string Node => options.Node ?? "";
    public string Owner => Number.ToString(CultureInfo.InvariantCulture);
    public bool IsAloneUnderItsName => name is { FullState: System.Data.ConnectionState.Open };

    public static async Task<PostgresSilo> TakeAsync(NpgsqlDataSource source, PostgresStoreOptions options)
    {
        var nowMs = options.TimeProvider.GetUtcNow().ToUnixTimeMilliseconds();
        var number = await source.FirstAsync("SELECT take_silo($1, $2)", static row => row.Int(0), default, options.Node ?? "", nowMs).ConfigureAwait(false);
        return new(number, options, options.Node is { } node ? await LockAsync(options, node, default).ConfigureAwait(false) : null);
    }

    /// <summary>Null: another process has it.</summary>
    private static async Task<NpgsqlConnection?> LockAsync(PostgresStoreOptions options, string node, CancellationToken cancel)
    {
        var name = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(options.ConnectionString) { Pooling = false, KeepAlive = 30, ApplicationName = "exchange node" }.ToString());
        try
        {
            await name.OpenAsync(cancel).ConfigureAwait(false);
            if (await name.FirstAsync("SELECT pg_try_advisory_lock($1, hashtext($2))", static row => row.Bool(0), cancel, NodeLock, node).ConfigureAwait(false)) return name;
        }
        catch
        {
            await name.DisposeAsync().ConfigureAwait(false);
            throw;
        }
        await name.DisposeAsync().ConfigureAwait(false);
        return null;
    }

    private async Task KeepAsync(CancellationToken cancel)
    {
        var isTold = false;
        using var look = new PeriodicTimer(LookEvery, options.TimeProvider);
        try
        {
            while (await look.WaitForNextTickAsync(cancel).ConfigureAwait(false))
            {
                if (await IsHeldAsync(cancel).ConfigureAwait(false)) continue;
                try
                {
                    if (name is { } lost) await lost.DisposeAsync().ConfigureAwait(false);
                    name = null;
                    name = await LockAsync(options, Node, cancel).ConfigureAwait(false);
                    if (name is null && !isTold) options.Logger.LogWarning("Another process is connected under the name {Node}; no two may have the same", Node);
                    isTold = name is null;
                }
                // The database is away: the next look.
                catch (Exception) when (!cancel.IsCancellationRequested) { }
            }
        }
        catch (Exception) when (cancel.IsCancellationRequested) { }
    }

    /// <summary>A connection that has died says so only when it is used.</summary>
    private async Task<bool> IsHeldAsync(CancellationToken cancel)
    {
        if (name is not { FullState: System.Data.ConnectionState.Open } held) return false;
        try
        {
            return await held.FirstAsync("SELECT true", static row => row.Bool(0), cancel).ConfigureAwait(false);
        }
        catch (Exception) when (!cancel.IsCancellationRequested)
        {
            return false;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await over.CancelAsync().ConfigureAwait(false);
        await keeping.ConfigureAwait(false);
        over.Dispose();
        if (name is { } held) await held.DisposeAsync().ConfigureAwait(false);
    }
}
