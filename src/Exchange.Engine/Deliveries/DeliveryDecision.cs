using Exchange.Engine.Catalog;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;

namespace Exchange.Engine.Deliveries;

/// <summary>What becomes of a delivery after an attempt.</summary>
public enum DeliveryNext
{
    /// <summary>The buyer has the copy.</summary>
    Delivered,
    /// <summary>Tried again at <see cref="DeliveryStep.DueAtMs"/>, same buyer, same copy id.</summary>
    Wait,
    /// <summary>Ended by the buyer's definite no; the copy is voided with it.</summary>
    Failed,
    /// <summary>Given up: a dead letter that an operator sees and may replay.</summary>
    Dead,
}

/// <summary>
/// The delivery's next state and what its copy should become. <see cref="Move"/> is null where the copy stays as it is; a capture, void or doubt
/// is for the caller to make durable (a void together with the next rank's hold). <see cref="Error"/> is a short stable code, null when delivered.
/// </summary>
public readonly record struct DeliveryStep(DeliveryNext Next, long? DueAtMs, string? Error, CopyMove? Move, Reason Reason);

/// <summary>One finished attempt. Times are Unix milliseconds; <see cref="Attempts"/> counts this one too.</summary>
/// <param name="Copy">The copy's state when the attempt ended. Captured = it only has to arrive; held or in doubt = the answer makes the sale.</param>
/// <param name="CreatedAtMs">When the delivery was made; <paramref name="RetryFor"/> counts from here.</param>
/// <param name="Error">The attempt's error code; used unless this decision has one of its own.</param>
/// <param name="LastError">
/// The <see cref="DeliveryStep.Error"/> recorded for the attempt before; null: none was recorded, so it may have reached the buyer.
/// </param>
public readonly record struct FinishedAttempt(
    CopyId Id, CopyState Copy, AttemptKind Kind, Refusal Refusal, int Attempts, long CreatedAtMs, long NowMs, TimeSpan RetryFor,
    TimeSpan? RetryAfter = null, string? Error = null, string? LastError = null)
{
    /// <summary>The endpoint's: false = a post that may have arrived is never sent again.</summary>
    public bool Repeatable { get; init; } = true;
    /// <summary>The endpoint can be asked what became of an earlier attempt.</summary>
    public bool HasCheck { get; init; }
    /// <summary>The endpoint's.</summary>
    public DuplicateAfterDoubt DuplicateAfterDoubt { get; init; }
}

/// <summary>
/// What follows an attempt. A sold copy is brought until it arrives or its campaign's <c>retry_for</c> is over. A copy whose answer makes the
/// sale is voided only by a no that is certain for every attempt made so far: the buyer's own words, or any definite no while all that came
/// before was "surely not taken, come again". All else keeps the hold and asks the same buyer again; when <c>retry_for</c> is over the copy stays in doubt for the operator.
/// </summary>
public static class DeliveryDecision
{
    /// <summary>What is recorded as the last error of a delivery that an operator sends again.</summary>
    public const string Replayed = "replayed";

    /// <summary>Ends the code of an attempt that did not arrive, where one before it may have.</summary>
    public const string AfterDoubt = "_after_doubt";

    /// <summary>
    /// Whether an endpoint may be called once more. One that is not repeatable may not after an attempt of which nothing was recorded: whoever made it died,
    /// and it may have arrived. What was recorded was found to be repeatable then, or an operator says so now.
    /// </summary>
    public static bool MayCall(EndpointModel endpoint, int attempts, string? lastError) =>
        endpoint.CanComeAgain || attempts <= 1 || lastError is not null;

    public static DeliveryStep After(in FinishedAttempt attempt) => attempt.Copy switch
    {
        CopyState.Captured => Sold(attempt),
        CopyState.Held or CopyState.InDoubt => Asked(attempt),
        // Voided, expired or returned meanwhile: nothing is owed to this buyer any more.
        _ => attempt.Kind == AttemptKind.Accepted
            ? new(DeliveryNext.Delivered, null, null, null, Reason.None)
            : new(DeliveryNext.Dead, null, "copy_ended", null, Reason.Cancelled),
    };

    /// <summary>
    /// Whether an attempt before this one may have reached the buyer: an answer that was pending, silence, a process that died. False: the one before was
    /// "surely not taken, come again", or never left; and a doubt before that one would be in the copy's state or in its error.
    /// </summary>
    /// <param name="attempts">With the one that is about to be made, or was just made.</param>
    /// <param name="lastError">Recorded for the attempt before; null: none was recorded.</param>
    public static bool MayHaveArrived(int attempts, string? lastError) => attempts > 1 && (lastError is null || !NothingArrived.Of(lastError));

    /// <summary>What is recorded of a claim under which nobody was called. Without a word of it the next attempt would take it for one that may have arrived; what was known of those before stays.</summary>
    /// <param name="attempts">With the one that was not made.</param>
    public static string? NobodyCalled(int attempts, string? lastError) => MayHaveArrived(attempts, lastError) ? lastError : NoTimeLeft;

    /// <summary>The lease was over before the call, or nearly: nobody was called, and nobody is to wait for that.</summary>
    public const string NoTimeLeft = "no_time_left";

    private static DeliveryStep Sold(in FinishedAttempt attempt) => attempt.Kind switch
    {
        // Duplicate and pending both say that the buyer has it, which is all that a delivery after the sale asks for.
        AttemptKind.Accepted or AttemptKind.Duplicate or AttemptKind.Pending => new(DeliveryNext.Delivered, null, null, null, Reason.None),
        AttemptKind.Rejected when attempt.Refusal is Refusal.Gone or Refusal.Answer =>
            new(DeliveryNext.Dead, null, attempt.Error ?? "rejected", null, Reason.DeadLetter),
        AttemptKind.Unknown when !attempt.Repeatable => new(DeliveryNext.Dead, null, attempt.Error ?? "failed", null, Reason.DeadLetter),
        _ => AgainOrDead(attempt, RetrySchedule.Sold, null),
    };

    private static DeliveryStep Asked(in FinishedAttempt attempt)
    {
        // Without a past that may have reached the buyer (a pending answer, a doubt, a dead process) every definite no is certain.
        var fresh = attempt.Copy == CopyState.Held && !MayHaveArrived(attempt.Attempts, attempt.LastError);
        switch (attempt.Kind)
        {
            case AttemptKind.Accepted:
                return new(DeliveryNext.Delivered, null, null, CopyMove.Capture, Reason.None);
            case AttemptKind.Rejected when fresh || attempt.Refusal == Refusal.Answer:
                return new(DeliveryNext.Failed, null, attempt.Error ?? "rejected", CopyMove.Void, Reason.BuyerRejected);
            case AttemptKind.Duplicate when fresh:
                return new(DeliveryNext.Failed, null, attempt.Error ?? "duplicate", CopyMove.Void, Reason.BuyerDuplicate);
            case AttemptKind.NotSent when fresh:
                return new(DeliveryNext.Failed, null, attempt.Error ?? "not_sent", CopyMove.Void, Reason.BuyerError);
            case AttemptKind.Duplicate when attempt.DuplicateAfterDoubt == DuplicateAfterDoubt.Accepted:
                return new(DeliveryNext.Delivered, null, null, CopyMove.Capture, Reason.None);
            case AttemptKind.Duplicate:
                // Its duplicate may be our own earlier attempt: neither a yes nor a no, and asking again cannot tell.
                return new(DeliveryNext.Dead, null, "duplicate_after_doubt", Doubt(attempt), Reason.InDoubt);
            // Its buyer has it, or may: posting again could make a second one of it there.
            case AttemptKind.Unknown or AttemptKind.Pending when !attempt.Repeatable:
                return new(DeliveryNext.Dead, null, attempt.Kind == AttemptKind.Pending ? "pending" : attempt.Error ?? "failed", Doubt(attempt), Reason.InDoubt);
            default:
                return AgainOrDead(attempt, RetrySchedule.Asking, attempt.Kind == AttemptKind.Unknown ? Doubt(attempt) : null);
        }
    }

    private static DeliveryStep AgainOrDead(in FinishedAttempt attempt, RetrySchedule schedule, CopyMove? move)
    {
        var end = attempt.CreatedAtMs + (long)attempt.RetryFor.TotalMilliseconds;
        // Pending is remembered over later faults: a buyer that has the copy is not made to have refused it by a 503 and a 404 after that.
        var pending = attempt.Kind == AttemptKind.Pending || attempt is { Copy: CopyState.Held, LastError: "pending" };
        var error = pending ? "pending" : attempt.Error ?? (attempt.Kind == AttemptKind.RetryLater ? "retry_later" : "failed");
        // So is every doubt about a held copy, and one about a sold copy where its buyer can be asked about it: beside a newer fault that alone would say that nothing arrived.
        if (attempt is { Copy: CopyState.Held } or { HasCheck: true, Copy: CopyState.Captured } && MayHaveArrived(attempt.Attempts, attempt.LastError) && NothingArrived.Of(error)) error += AfterDoubt;
        if (attempt.NowMs >= end)
        {
            var asking = attempt.Copy != CopyState.Captured;
            return new(DeliveryNext.Dead, null, error, asking ? Doubt(attempt) : null, asking ? Reason.InDoubt : Reason.DeadLetter);
        }
        if (attempt is { Kind: AttemptKind.RetryLater, Error: NoTimeLeft }) return new(DeliveryNext.Wait, attempt.NowMs, NobodyCalled(attempt.Attempts, attempt.LastError), move, Reason.None);
        // The last attempt falls on the very end of the period instead of being lost to a wait that overshoots it.
        var due = Math.Min(attempt.NowMs + schedule.WaitMs(attempt.Id, attempt.Attempts, attempt.RetryAfter), end);
        return new(DeliveryNext.Wait, due, error, move, attempt.Kind == AttemptKind.Unknown && attempt.Copy != CopyState.Captured ? Reason.InDoubt : Reason.None);
    }

    private static CopyMove? Doubt(in FinishedAttempt attempt) => attempt.Copy == CopyState.Held ? CopyMove.Doubt : null;
}
