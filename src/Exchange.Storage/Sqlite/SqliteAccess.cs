using System.Text;
using Exchange.Engine.Values;

namespace Exchange.Storage.Sqlite;

/// <summary>Keys, secrets, settings, recorded operations and the audit trail.</summary>
internal sealed class SqliteAccess(Writer writer, ReadPool reads, Vault vault) : IAccessStore
{
    public Task<IReadOnlyList<KeyRow>> KeysAsync(CancellationToken cancel) =>
        reads.ReadAsync<IReadOnlyList<KeyRow>>(database => database
            .Prepare("SELECT id, role, owner, test, hash, prefix, created_ms, revoked_ms FROM api_key ORDER BY created_ms, id")
            .All(static row => new KeyRow(row.Text(0), (KeyRole)row.Int(1), row.Text(2), row.Bool(3), row.Blob(4), row.Text(5), row.Long(6), row.LongOrNull(7))), cancel);

    public Task AddKeyAsync(KeyRow key, CancellationToken cancel) => writer.RunAsync(session => AddKey(session.Database, key), cancel);

    public Task AddKeyAsync(KeyRow key, ChangeNote note, CancellationToken cancel) => writer.RunAsync(session =>
    {
        AddKey(session.Database, key);
        return Note(session.Database, note);
    }, cancel);

    private static int AddKey(Database database, KeyRow key)
    {
        var live = database.Prepare("SELECT count(*) FROM api_key WHERE role = ? AND owner = ? AND test = ? AND revoked_ms IS NULL")
            .Bind((long)key.Role).Bind(key.For).Bind(key.Test).Scalar();
        if (live >= 2) throw new InvalidOperationException("There are two live keys already; revoke one first");
        return database.Prepare("INSERT INTO api_key (id, role, owner, test, hash, prefix, created_ms, revoked_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
            .Bind(key.Id).Bind((long)key.Role).Bind(key.For).Bind(key.Test).Bind(key.Hash).Bind(key.Prefix).Bind(key.CreatedAtMs).Bind(key.RevokedAtMs).Run();
    }

    /// <summary>In the transaction of what it tells of.</summary>
    internal static int Note(Database database, ChangeNote note)
    {
        if (note.Operation is { } operation)
            database.Prepare("INSERT INTO operation (scope, key, hash, result, at_ms) VALUES (?, ?, ?, ?, ?)")
                .Bind(operation.Scope).Bind(operation.Key).Bind(operation.BodyHash).Bind(operation.Answer).Bind(note.AtMs).Run();
        return database.Prepare("INSERT INTO audit (at_ms, who, action, target, detail) VALUES (?, ?, ?, ?, ?)")
            .Bind(note.AtMs).Bind(note.Who).Bind(note.Action).Bind(note.Target).Bind(note.Detail).Run();
    }

    public Task<bool> RevokeKeyAsync(string id, long nowMs, CancellationToken cancel) =>
        writer.RunAsync(session => session.Database.Prepare("UPDATE api_key SET revoked_ms = ? WHERE id = ? AND revoked_ms IS NULL")
            .Bind(nowMs).Bind(id).Run() == 1, cancel);

    public Task PutSecretAsync(string name, byte[] value, long nowMs, CancellationToken cancel)
    {
        var bytes = vault.Seal(SecretContext(name), value);
        return writer.RunAsync(session => session.Database
            .Prepare("INSERT INTO secret (name, sealed, at_ms) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET sealed = excluded.sealed, at_ms = excluded.at_ms")
            .Bind(name).Bind(bytes).Bind(nowMs).Run(), cancel);
    }

    public async Task<byte[]?> FindSecretAsync(string name, CancellationToken cancel)
    {
        var bytes = await reads.ReadAsync(database => database.Prepare("SELECT sealed FROM secret WHERE name = ?").Bind(name).First(static row => row.Blob(0)), cancel)
            .ConfigureAwait(false);
        return bytes is null ? null : vault.Open(SecretContext(name), bytes);
    }

    public Task<IReadOnlyList<string>> SecretNamesAsync(CancellationToken cancel) =>
        reads.ReadAsync<IReadOnlyList<string>>(database => database.Prepare("SELECT name FROM secret ORDER BY name").All(static row => row.Text(0)), cancel);

    public Task<string?> FindSettingAsync(string name, CancellationToken cancel) =>
        reads.ReadAsync(database => database.Prepare("SELECT value FROM setting WHERE name = ?").Bind(name).First(static row => row.Text(0)), cancel);

    public Task PutSettingAsync(string name, string value, CancellationToken cancel) =>
        writer.RunAsync(session => PutSetting(session.Database, name, value), cancel);

    public Task<string> SetOnceAsync(string name, string value, CancellationToken cancel) => writer.RunAsync(session =>
    {
        session.Database.Prepare("INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING").Bind(name).Bind(value).Run();
        return session.Database.Prepare("SELECT value FROM setting WHERE name = ?").Bind(name).First(static row => row.Text(0))!;
    }, cancel);

    public Task<(byte[] BodyHash, byte[] Answer)?> FindOperationAsync(string scope, string key, CancellationToken cancel) =>
        reads.ReadAsync(database => database.Prepare("SELECT hash, result FROM operation WHERE scope = ? AND key = ?").Bind(scope).Bind(key)
            .First(static row => ((byte[], byte[])?)(row.Blob(0), row.Blob(1))), cancel);

    public Task PutOperationAsync(string scope, string key, byte[] bodyHash, byte[] answer, long nowMs, CancellationToken cancel) =>
        writer.RunAsync(session => session.Database
            .Prepare("INSERT INTO operation (scope, key, hash, result, at_ms) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING")
            .Bind(scope).Bind(key).Bind(bodyHash).Bind(answer).Bind(nowMs).Run(), cancel);

    public Task AuditAsync(string who, string action, string target, string? detail, long nowMs, CancellationToken cancel) =>
        writer.RunAsync(session => session.Database.Prepare("INSERT INTO audit (at_ms, who, action, target, detail) VALUES (?, ?, ?, ?, ?)")
            .Bind(nowMs).Bind(who).Bind(action).Bind(target).Bind(detail).Run(), cancel);

    internal static int PutSetting(Database database, string name, string value) =>
        database.Prepare("INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value").Bind(name).Bind(value).Run();

    private static byte[] SecretContext(string name) => Encoding.UTF8.GetBytes("secret:" + name);
}
