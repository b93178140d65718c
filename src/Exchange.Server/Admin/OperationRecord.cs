using Exchange.Storage;

namespace Exchange.Server.Admin;

/// <summary>How an operation writes its own answer under its idempotency key, with its effect.</summary>
internal sealed class OperationRecord(Func<Reply, RecordedOperation> make)
{
    /// <summary>The operation has written it, or is to.</summary>
    public bool IsTaken { get; private set; }

    public RecordedOperation Of(Reply reply)
    {
        IsTaken = true;
        return make(reply);
    }
}
