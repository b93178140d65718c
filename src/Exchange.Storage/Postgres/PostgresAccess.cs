using System.Text;
using Npgsql;

namespace Exchange.Storage.Postgres;

/// <summary>Keys, secrets, settings, recorded operations and the audit trail.</summary>
internal sealed class PostgresAccess(PostgresChanges changes, NpgsqlDataSource reads, Vault vault) : IAccessStore
{
    public async Task<IReadOnlyList<KeyRow>> KeysAsync(CancellationToken cancel) =>
        await reads.AllAsync("SELECT id, role, owner, test, hash, prefix, created_ms, revoked_ms FROM api_key ORDER BY created_ms, id",
            static row => new KeyRow(row.Text(0), (KeyRole)row.Int(1), row.Text(2), row.Bool(3), row.Blob(4), row.Text(5), row.Long(6), row.LongOrNull(7)), cancel)
            .ConfigureAwait(false);

    public Task AddKeyAsync(KeyRow key, CancellationToken cancel) => AddKeyAsync(key, null, cancel);

    public Task AddKeyAsync(KeyRow key, ChangeNote? note, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(key);
        return changes.RunAsync(async change =>
        {
            // Of two that come at once the second must see the first.
            await change.Connection.RunAsync("LOCK TABLE api_key IN SHARE ROW EXCLUSIVE MODE", cancel).ConfigureAwait(false);
            if (change.MayBeDone && await change.Connection.FirstAsync("SELECT hash FROM api_key WHERE id = $1", static row => row.Blob(0), cancel, key.Id).ConfigureAwait(false) is { } hash
                && hash.AsSpan().SequenceEqual(key.Hash)) return 0;
            // The same call at another silo has done it, and its answer is recorded.
            if (note?.Operation is { } asked && await change.Connection.FirstAsync("SELECT true FROM operation WHERE scope = $1 AND key = $2", static row => row.Bool(0), cancel, asked.Scope, asked.Key)
                .ConfigureAwait(false)) throw new OperationTakenException();
            var live = await change.Connection.FirstAsync("SELECT count(*) FROM api_key WHERE role = $1 AND owner = $2 AND test = $3 AND revoked_ms IS NULL",
                static row => row.Long(0), cancel, (short)key.Role, key.For, key.Test).ConfigureAwait(false);
            if (live >= 2) throw new InvalidOperationException("There are two live keys already; revoke one first");
            await change.Connection.RunAsync("INSERT INTO api_key (id, role, owner, test, hash, prefix, created_ms, revoked_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)", cancel,
                key.Id, (short)key.Role, key.For, key.Test, key.Hash, key.Prefix, key.CreatedAtMs, key.RevokedAtMs).ConfigureAwait(false);
            return note is null ? 0 : await NoteAsync(change.Connection, note, cancel).ConfigureAwait(false);
        }, cancel);
    }

    /// <summary>In the transaction of what it tells of.</summary>
    internal static async Task<int> NoteAsync(NpgsqlConnection database, ChangeNote note, CancellationToken cancel)
    {
        // Taken by another call under the same key, just now: that one counts.
        if (note.Operation is { } operation
            && await database.RunAsync("INSERT INTO operation (scope, key, hash, result, at_ms) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING", cancel,
                operation.Scope, operation.Key, operation.BodyHash, operation.Answer, note.AtMs).ConfigureAwait(false) == 0) throw new OperationTakenException();
        return await database.RunAsync("INSERT INTO audit (at_ms, who, action, target, detail) VALUES ($1, $2, $3, $4, $5)", cancel,
            note.AtMs, note.Who, note.Action, note.Target, note.Detail).ConfigureAwait(false);
    }

    public Task<bool> RevokeKeyAsync(string id, long nowMs, CancellationToken cancel) =>
        changes.RunAsync(async change =>
            await change.Connection.RunAsync("UPDATE api_key SET revoked_ms = $1 WHERE id = $2 AND revoked_ms IS NULL", cancel, nowMs, id).ConfigureAwait(false) == 1
            || change.MayBeDone && await change.Connection.FirstAsync("SELECT revoked_ms FROM api_key WHERE id = $1", static row => row.LongOrNull(0), cancel, id).ConfigureAwait(false) == nowMs,
            cancel);

    public Task PutSecretAsync(string name, byte[] value, long nowMs, CancellationToken cancel) => RunAsync(
        "INSERT INTO secret (name, sealed, at_ms) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed, at_ms = excluded.at_ms",
        cancel, name, vault.Seal(SecretContext(name), value), nowMs);

    public async Task<byte[]?> FindSecretAsync(string name, CancellationToken cancel)
    {
        var bytes = await reads.FirstAsync("SELECT sealed FROM secret WHERE name = $1", static row => row.Blob(0), cancel, name).ConfigureAwait(false);
        return bytes is null ? null : vault.Open(SecretContext(name), bytes);
    }

    public async Task<IReadOnlyList<string>> SecretNamesAsync(CancellationToken cancel) =>
        await reads.AllAsync("SELECT name FROM secret ORDER BY name", static row => row.Text(0), cancel).ConfigureAwait(false);

    public Task<string?> FindSettingAsync(string name, CancellationToken cancel) =>
        reads.FirstAsync("SELECT value FROM setting WHERE name = $1", static row => row.Text(0), cancel, name);

    public Task PutSettingAsync(string name, string value, CancellationToken cancel) =>
        RunAsync("INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value", cancel, name, value);

    public Task<string> SetOnceAsync(string name, string value, CancellationToken cancel) => changes.RunAsync(async change =>
    {
        // Whoever comes second waits here for the first to commit, and its reading, a statement of its own, sees what was written.
        await change.Connection.RunAsync("INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING", cancel, name, value).ConfigureAwait(false);
        return (await change.Connection.FirstAsync("SELECT value FROM setting WHERE name = $1", static row => row.Text(0), cancel, name).ConfigureAwait(false))!;
    }, cancel);

    public Task<(byte[] BodyHash, byte[] Answer)?> FindOperationAsync(string scope, string key, CancellationToken cancel) =>
        reads.FirstAsync("SELECT hash, result FROM operation WHERE scope = $1 AND key = $2", static row => ((byte[], byte[])?)(row.Blob(0), row.Blob(1)), cancel, scope, key);

    public Task PutOperationAsync(string scope, string key, byte[] bodyHash, byte[] answer, long nowMs, CancellationToken cancel) => RunAsync(
        "INSERT INTO operation (scope, key, hash, result, at_ms) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING", cancel, scope, key, bodyHash, answer, nowMs);

    /// <summary>After a lost reply it may stand there twice: better than not at all.</summary>
    public Task AuditAsync(string who, string action, string target, string? detail, long nowMs, CancellationToken cancel) => RunAsync(
        "INSERT INTO audit (at_ms, who, action, target, detail) VALUES ($1, $2, $3, $4, $5)", cancel, nowMs, who, action, target, detail);

    private Task<int> RunAsync(string sql, CancellationToken cancel, params object?[] values) =>
        changes.RunAsync(change => change.Connection.RunAsync(sql, cancel, values), cancel);

    private static byte[] SecretContext(string name) => Encoding.UTF8.GetBytes("secret:" + name);
}
