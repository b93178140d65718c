using System.Buffers.Binary;
using System.Collections.Concurrent;
using Npgsql;

namespace Exchange.Storage.Postgres;

/// <summary>
/// Those that this process has heard of in memory, for pings; what other processes add is read every few seconds. Posts ask the rows. Of a hash
/// half is kept in memory.
/// </summary>
internal sealed class PostgresSuppressions(NpgsqlDataSource reads, TimeProvider time) : ISuppressions
{
    private const long ReadEveryMs = 5_000;
    /// <summary>Clocks of processes differ, and a transaction that is older than another may be committed after it.</summary>
    private const long OverlapMs = 60_000;

    private readonly ConcurrentDictionary<UInt128, byte> known = new();
    private long readMs;
    private long newestMs;

    /// <summary>At the start, all of them.</summary>
    public Task LoadAsync() => ReadAsync();

    /// <summary>After it is durable.</summary>
    public void Add(ReadOnlySpan<byte> hmac) => known[Half(hmac)] = 0;

    public bool Knows(ReadOnlySpan<byte> hmac)
    {
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        var last = Interlocked.Read(ref readMs);
        if (now - last >= ReadEveryMs && Interlocked.CompareExchange(ref readMs, now, last) == last) _ = ReadQuietlyAsync();
        return known.ContainsKey(Half(hmac));
    }

    public async ValueTask<bool> AnyAsync(IReadOnlyList<byte[]> hmacs, CancellationToken cancel) =>
        hmacs.Count > 0 && await reads.FirstAsync("SELECT EXISTS (SELECT 1 FROM suppressed WHERE hmac = ANY($1))", static row => row.Bool(0), cancel, (object)hmacs.ToArray()).ConfigureAwait(false);

    private async Task ReadAsync()
    {
        Interlocked.Exchange(ref readMs, time.GetUtcNow().ToUnixTimeMilliseconds());
        var newest = Interlocked.Read(ref newestMs);
        foreach (var (hmac, atMs) in await reads.AllAsync("SELECT hmac, at_ms FROM suppressed WHERE at_ms >= $1", static row => (row.Blob(0), row.Long(1)), default,
            Math.Max(0, newest - OverlapMs)).ConfigureAwait(false))
        {
            Add(hmac);
            newest = Math.Max(newest, atMs);
        }
        Interlocked.Exchange(ref newestMs, newest);
    }

    /// <summary>What cannot be read now is read a little later; posts are not decided by it.</summary>
    private async Task ReadQuietlyAsync()
    {
        try { await ReadAsync().ConfigureAwait(false); }
        catch (Exception fault) when (fault is StorageBusyException or ObjectDisposedException) { }
    }

    private static UInt128 Half(ReadOnlySpan<byte> hmac) => BinaryPrimitives.ReadUInt128BigEndian(hmac);
}
