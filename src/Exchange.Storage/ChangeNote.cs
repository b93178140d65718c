namespace Exchange.Storage;

/// <summary>
/// What is written of a privileged change in the change's own transaction: its line in the audit trail, and its answer under the caller's idempotency
/// key, so that a crash leaves all of it or nothing and the key tells which.
/// </summary>
public sealed record ChangeNote(string Who, string Action, string Target, string? Detail, long AtMs)
{
    /// <summary>Null where the caller gave no key.</summary>
    public RecordedOperation? Operation { get; init; }
}

/// <summary>An answer under an idempotency key; the bytes are sealed by whoever records them.</summary>
public sealed record RecordedOperation(string Scope, string Key, byte[] BodyHash, byte[] Answer);
