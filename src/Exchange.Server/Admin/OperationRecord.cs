using Exchange.Storage;

namespace Exchange.Server.Admin;

/// <summary>How an operation writes its own answer under its idempotency key, with its effect.</summary>
/// <param name="request">As <see cref="Request"/>.</param>
internal sealed class OperationRecord(string request, Func<Reply, RecordedOperation> make)
{
    /// <summary>Names the caller's key and body, for what keeps by which request it was made: the same each time it comes, and nobody can read it.</summary>
    public string Request => request;

    /// <summary>The operation has written it, or is to.</summary>
    public bool IsTaken { get; private set; }

    public RecordedOperation Of(Reply reply)
    {
        IsTaken = true;
        return make(reply);
    }
}
