using System.Globalization;
using System.Security.Cryptography;
using Exchange.Grains.Cluster;
using Exchange.Storage;

namespace Exchange.Server.Access;

/// <summary>A key just made. <see cref="Plain"/> is shown this once; only its HMAC is stored.</summary>
public sealed record NewKey(KeyRow Row, string Plain);

/// <summary>
/// The API keys of this installation: made, revoked, listed, and looked up by every call. A lookup reads memory only;
/// <see cref="RefreshAsync"/> must have run once before the first one.
/// </summary>
/// <param name="others">The other servers of a cluster; null: there are none.</param>
public sealed class ApiKeys(IAccessStore store, IVault vault, TimeProvider time, KeyNews? others = null) : IDisposable
{
    public const int ShortestAdminKeyChars = 16;

    private const string FirstAdmin = "first";
    private const string FirstStart = "first start";

    /// <summary>One refresh at a time: an older reading must not replace a newer one and revive a revoked key.</summary>
    private readonly SemaphoreSlim refreshing = new(1);
    private volatile KeyTable table = KeyTable.Empty;
    private volatile EnvironmentKey? environment;

    /// <summary>The caller of a live key; null for malformed, unknown and revoked keys alike.</summary>
    public Caller? Find(ReadOnlySpan<char> presented)
    {
        // The table first: almost every call is a publisher's, and the environment's key costs an HMAC to tell.
        if (table.Find(presented, vault) is { } caller) return caller;
        return environment is { } admin && admin.Matches(presented, vault) ? admin.Caller : null;
    }

    /// <summary>Reads all keys anew: at start, and when another process may have changed them.</summary>
    public async Task RefreshAsync(CancellationToken cancel)
    {
        await refreshing.WaitAsync(cancel);
        try
        {
            table = new KeyTable(await store.KeysAsync(cancel));
        }
        finally
        {
            refreshing.Release();
        }
    }

    /// <summary>For this process; the others of a cluster look for it by themselves. Throws <see cref="InvalidOperationException"/> if the party already has two live keys of this role and mode.</summary>
    public async Task<NewKey> CreateAsync(KeyRole role, string @for, bool test, CancellationToken cancel)
    {
        var key = Make(role, @for, test);
        await store.AddKeyAsync(key.Row, cancel);
        await RefreshAsync(cancel);
        return key;
    }

    /// <summary>A key that opens nothing yet: it is to be added.</summary>
    public NewKey Make(KeyRole role, string @for, bool test)
    {
        var plain = ApiKeyFormat.Create(test);
        return new(new KeyRow(ApiKeyFormat.CreateId(), role, @for, test, vault.KeyHash(plain), plain[..ApiKeyFormat.ShownChars],
            time.GetUtcNow().ToUnixTimeMilliseconds(), null), plain);
    }

    /// <summary>
    /// Adds it with what is written of it, in one transaction; throws as <see cref="CreateAsync"/>. On return it opens at every server that answers.
    /// </summary>
    public async Task AddAsync(NewKey key, ChangeNote note, CancellationToken cancel)
    {
        await store.AddKeyAsync(key.Row, note, cancel);
        await RefreshAsync(cancel);
        await TellOthersAsync();
    }

    /// <summary>False: no such live key. On return the key opens nothing any more, at every server that answers.</summary>
    public async Task<bool> RevokeAsync(string id, CancellationToken cancel)
    {
        var revoked = await store.RevokeKeyAsync(id, time.GetUtcNow().ToUnixTimeMilliseconds(), cancel);
        // The row is revoked already, so the caller's leaving must not keep the key alive here.
        await RefreshAsync(CancellationToken.None);
        if (revoked) await TellOthersAsync();
        return revoked;
    }

    private Task TellOthersAsync() => others?.TellAsync() ?? Task.CompletedTask;

    public void Dispose() => refreshing.Dispose();

    public Task<IReadOnlyList<KeyRow>> ListAsync(CancellationToken cancel) => store.KeysAsync(cancel);

    /// <summary>
    /// Sees to it that somebody can administer the exchange. A key from the environment counts as admin for this process's life and is
    /// not stored, so that changing the variable changes the key. Without one, and without any live admin key, makes one and returns it:
    /// the caller prints it, once. Of servers that start at once one makes it. Throws <see cref="ArgumentException"/> if the environment's key is too short or has invisible characters.
    /// </summary>
    public async Task<NewKey?> EnsureAdminAsync(string? fromEnvironment, CancellationToken cancel)
    {
        await RefreshAsync(cancel);
        if (!string.IsNullOrEmpty(fromEnvironment))
        {
            if (fromEnvironment.Length < ShortestAdminKeyChars || fromEnvironment.AsSpan().ContainsAnyExceptInRange('!', '~'))
                throw new ArgumentException($"EXCHANGE_ADMIN_KEY must have at least {ShortestAdminKeyChars} visible ASCII characters and no spaces");
            environment = new EnvironmentKey(fromEnvironment, vault.KeyHash(fromEnvironment));
            return null;
        }
        var rows = await store.KeysAsync(cancel);
        if (rows.Any(row => row is { Role: KeyRole.Admin, Test: false, RevokedAtMs: null })) return null;
        var key = Make(KeyRole.Admin, FirstAdmin, test: false);
        // Whoever read the same rows does the same operation, and for one of them it is not done yet.
        var operation = new RecordedOperation(FirstStart, rows.Count(row => row.Role == KeyRole.Admin).ToString(CultureInfo.InvariantCulture), key.Row.Hash, []);
        var isMade = true;
        try
        {
            await store.AddKeyAsync(key.Row, new ChangeNote(FirstStart, "key.create", key.Row.Id, $"admin {FirstAdmin} live", key.Row.CreatedAtMs) { Operation = operation }, cancel);
        }
        catch (OperationTakenException)
        {
            isMade = false;
        }
        await RefreshAsync(cancel);
        return isMade ? key : null;
    }

    /// <summary>Compared by HMAC in constant time: it may be any text, so its form does not tell it apart from a guess.</summary>
    private sealed class EnvironmentKey(string key, byte[] hash)
    {
        private readonly int length = key.Length;

        public Caller Caller { get; } = new("environment", KeyRole.Admin, "environment", false);

        public bool Matches(ReadOnlySpan<char> presented, IVault vault) =>
            presented.Length == length && CryptographicOperations.FixedTimeEquals(vault.KeyHash(presented.ToString()), hash);
    }
}
