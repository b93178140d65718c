using Exchange.Engine.Ledger;

namespace Exchange.Storage.Postgres.Journal;

/// <summary>An item that waits, with its caller. Cancelling is a definite no and works until a lane has taken it.</summary>
internal sealed class JournalWork(JournalItem item) : ICompletion
{
    private const int Queued = 0, Started = 1, Cancelled = 2;
    private readonly TaskCompletionSource<Verdict> source = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CancellationTokenRegistration registration;
    private int state;

    public JournalItem Item => item;
    public Task<Verdict> Task => source.Task;

    /// <summary>No other item that touches one of these is on its way at the same time.</summary>
    public WorkKey[] Keys { get; } = WorkKey.Of(item);

    /// <summary>Roughly what it sends.</summary>
    public int Bytes { get; } = 1_000 + (item.New?.Sealed.Length ?? item.Post?.Sealed.Length ?? 0) + (item.Answer?.Length ?? 0);

    /// <summary>What is told if it turns out that a commit whose reply was lost had made it.</summary>
    public CommitNews? Unconfirmed { get; set; }

    public void CancelWith(CancellationToken token)
    {
        registration = token.Register(static work => ((JournalWork)work!).Cancel(), this);
        // Too late to matter: it was taken while the registration was made.
        if (Volatile.Read(ref state) == Started) registration.Dispose();
    }

    /// <summary>False: it was cancelled. What comes back to the queue is started already.</summary>
    public bool TryStart()
    {
        var before = Interlocked.CompareExchange(ref state, Started, Queued);
        registration.Unregister();
        return before != Cancelled;
    }

    /// <summary>What its caller is told when it is complete.</summary>
    public Verdict Verdict { get; set; }

    public void Complete() => source.TrySetResult(Verdict);
    public void Fail(Exception exception) => source.TrySetException(exception);

    private void Cancel()
    {
        if (Interlocked.CompareExchange(ref state, Cancelled, Queued) == Queued) source.TrySetCanceled();
    }
}
