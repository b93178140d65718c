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
    private static readonly TimeSpan ReadEvery = TimeSpan.FromSeconds(5);
    /// <summary>Clocks of processes differ, and a transaction that is older than another may be committed after it.</summary>
    private const long OverlapMs = 60_000;

    private const int MostTogether = 500, MostBesideEachOther = 4;
    /// <summary>A hundred times what it usually takes.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(200);

    private readonly ConcurrentDictionary<UInt128, byte> known = new();
    private readonly AskedTogether<IReadOnlyList<byte[]>, bool> asked = new(questions => AnyOfEachAsync(reads, questions), MostTogether, MostBesideEachOther, Patience, time);
    // By the clock that nobody sets.
    private long readAt;
    private long newestMs;

    /// <summary>At the start, all of them.</summary>
    public Task LoadAsync() => ReadAsync();

    /// <summary>After it is durable.</summary>
    public void Add(ReadOnlySpan<byte> hmac) => known[Half(hmac)] = 0;

    public bool Knows(ReadOnlySpan<byte> hmac)
    {
        var now = time.GetTimestamp();
        var last = Interlocked.Read(ref readAt);
        if (time.GetElapsedTime(last, now) >= ReadEvery && Interlocked.CompareExchange(ref readAt, now, last) == last) _ = ReadQuietlyAsync();
        return known.ContainsKey(Half(hmac));
    }

    /// <summary>Every post asks: those of one moment ask together.</summary>
    public async ValueTask<bool> AnyAsync(IReadOnlyList<byte[]> hmacs, CancellationToken cancel) =>
        hmacs.Count > 0 && await asked.AskAsync(hmacs).WaitAsync(cancel).ConfigureAwait(false);

    private static async Task<IReadOnlyList<bool>> AnyOfEachAsync(NpgsqlDataSource reads, IReadOnlyList<IReadOnlyList<byte[]>> questions)
    {
        byte[][] hmacs = [.. questions.SelectMany(static hmacs => hmacs)];
        var found = await reads.AllAsync("SELECT hmac FROM suppressed WHERE hmac = ANY($1)", static row => row.Blob(0), default, (object)hmacs).ConfigureAwait(false);
        return found.Count == 0 ? new bool[questions.Count] : [.. questions.Select(hmacs => hmacs.Any(hmac => found.Exists(one => one.AsSpan().SequenceEqual(hmac))))];
    }

    private async Task ReadAsync()
    {
        Interlocked.Exchange(ref readAt, time.GetTimestamp());
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
