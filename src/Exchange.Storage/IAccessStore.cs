namespace Exchange.Storage;

public enum KeyRole : byte { Publisher = 1, Buyer = 2, Admin = 3, Viewer = 4 }

/// <summary>An API key as stored: only its hash. <see cref="For"/> is the publisher's or buyer's id, or a label.</summary>
public sealed record KeyRow(string Id, KeyRole Role, string For, bool Test, byte[] Hash, string Prefix, long CreatedAtMs, long? RevokedAtMs);

public interface IAccessStore
{
    Task<IReadOnlyList<KeyRow>> KeysAsync(CancellationToken cancel);
    /// <summary>Throws <see cref="InvalidOperationException"/> if the party already has two live keys of this role and mode.</summary>
    Task AddKeyAsync(KeyRow key, CancellationToken cancel);
    /// <summary>The same, with what is written of it, in one transaction.</summary>
    Task AddKeyAsync(KeyRow key, ChangeNote note, CancellationToken cancel);
    Task<bool> RevokeKeyAsync(string id, long nowMs, CancellationToken cancel);
    /// <summary>Sealed on disk; the newest value counts.</summary>
    Task PutSecretAsync(string name, byte[] value, long nowMs, CancellationToken cancel);
    Task<byte[]?> FindSecretAsync(string name, CancellationToken cancel);
    Task<IReadOnlyList<string>> SecretNamesAsync(CancellationToken cancel);
    /// <summary>Small settings of the installation itself (salts, first-start marks).</summary>
    Task<string?> FindSettingAsync(string name, CancellationToken cancel);
    Task PutSettingAsync(string name, string value, CancellationToken cancel);
    /// <summary>Sets what is not set yet. Gives what counts from now on: of several who come at once one wins, and all get its value. Durable on return.</summary>
    Task<string> SetOnceAsync(string name, string value, CancellationToken cancel);
    /// <summary>The recorded answer of an admin or buyer operation with an idempotency key.</summary>
    Task<(byte[] BodyHash, byte[] Answer)?> FindOperationAsync(string scope, string key, CancellationToken cancel);
    Task PutOperationAsync(string scope, string key, byte[] bodyHash, byte[] answer, long nowMs, CancellationToken cancel);
    /// <summary>Who did what: every privileged change and every reveal of PII. No PII in it.</summary>
    Task AuditAsync(string who, string action, string target, string? detail, long nowMs, CancellationToken cancel);
}
