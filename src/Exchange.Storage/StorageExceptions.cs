namespace Exchange.Storage;

/// <summary>The journal's queue is full or the store is closing; nothing was written. 503 with Retry-After.</summary>
public sealed class StorageBusyException(string message) : Exception(message)
{
    internal static StorageBusyException Closing() => new("The store is closing");
}

/// <summary>A report was not done in the time that one has. Nothing is wrong with the store: 503 without Retry-After, the same again takes as long.</summary>
public sealed class ReportTooLongException() : Exception("The report takes too long");

/// <summary>
/// The disk failed while a change was being made durable: whether it is will be known after a restart. Every later change is refused with the
/// same. 503; the caller sends the same again then.
/// </summary>
public sealed class StorageFailedException(string message) : Exception(message);

/// <summary>Under this idempotency key the same operation was done elsewhere just now; nothing was changed, and its answer is recorded.</summary>
public sealed class OperationTakenException() : Exception("The operation was done under this key");

/// <summary>The data folder is in use by another process, or cannot be used. Told to the operator at start.</summary>
public sealed class StorageOpenException(string message, Exception? inner = null) : Exception(message, inner);
