using CsCheck;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Shouldly;

namespace Exchange.Engine.Tests.Deliveries;

public sealed class DeliveryDecisionTests
{
    private const long Start = 1_790_000_000_000;
    private static readonly CopyId Copy = new(LeadId.Create(Start, 3, false, 77), 1);
    private static readonly TimeSpan Day = TimeSpan.FromHours(24);

    // copy state | attempts | kind [refusal] | what follows: next, move, error, reason
    private const string Table = """
        Captured  1  Accepted            | Delivered  -        -                      None
        Captured  1  Duplicate           | Delivered  -        -                      None
        Captured  1  Pending             | Delivered  -        -                      None
        Captured  1  NotSent             | Wait       -        e                      None
        Captured  1  RetryLater          | Wait       -        e                      None
        Captured  1  Unknown             | Wait       -        e                      None
        Captured  1  Rejected/Status     | Wait       -        e                      None
        Captured  1  Rejected/Gone       | Dead       -        e                      DeadLetter
        Captured  1  Rejected/Answer     | Dead       -        e                      DeadLetter
        Captured  9  Unknown             | Wait       -        e                      None
        Captured  9  Duplicate           | Delivered  -        -                      None
        Held      1  Accepted            | Delivered  Capture  -                      None
        Held      1  Rejected/Status     | Failed     Void     e                      BuyerRejected
        Held      1  Rejected/Gone       | Failed     Void     e                      BuyerRejected
        Held      1  Rejected/Answer     | Failed     Void     e                      BuyerRejected
        Held      1  Duplicate           | Failed     Void     e                      BuyerDuplicate
        Held      1  NotSent             | Failed     Void     e                      BuyerError
        Held      1  RetryLater          | Wait       -        e                      None
        Held      1  Pending             | Wait       -        pending                None
        Held      1  Unknown             | Wait       Doubt    e                      InDoubt
        Held      2  Accepted            | Delivered  Capture  -                      None
        Held      2  Rejected/Answer     | Failed     Void     e                      BuyerRejected
        Held      2  Rejected/Status     | Wait       -        e                      None
        Held      2  Rejected/Gone       | Wait       -        e                      None
        Held      2  NotSent             | Wait       -        e                      None
        Held      2  RetryLater          | Wait       -        e                      None
        Held      2  Pending             | Wait       -        pending                None
        Held      2  Unknown             | Wait       Doubt    e                      InDoubt
        Held      2  Duplicate           | Dead       Doubt    duplicate_after_doubt  InDoubt
        InDoubt   1  NotSent             | Wait       -        e                      None
        InDoubt   2  Accepted            | Delivered  Capture  -                      None
        InDoubt   2  Rejected/Answer     | Failed     Void     e                      BuyerRejected
        InDoubt   2  Rejected/Status     | Wait       -        e                      None
        InDoubt   2  Rejected/Gone       | Wait       -        e                      None
        InDoubt   2  Duplicate           | Dead       -        duplicate_after_doubt  InDoubt
        InDoubt   2  NotSent             | Wait       -        e                      None
        InDoubt   2  RetryLater          | Wait       -        e                      None
        InDoubt   2  Pending             | Wait       -        pending                None
        InDoubt   2  Unknown             | Wait       -        e                      InDoubt
        Voided    2  Accepted            | Delivered  -        -                      None
        Voided    2  Unknown             | Dead       -        copy_ended             Cancelled
        Expired   2  Rejected/Answer     | Dead       -        copy_ended             Cancelled
        Reversed  2  Unknown             | Dead       -        copy_ended             Cancelled
        """;

    public static TheoryData<string> Rows => [.. Table.ReplaceLineEndings("\n").Split('\n')];

    [Theory]
    [MemberData(nameof(Rows))]
    public void After_InsideRetryFor_FollowsTheTable(string row)
    {
        var sides = row.Split('|');
        var given = sides[0].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var expected = sides[1].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var kind = given[2].Split('/');
        var attempt = new FinishedAttempt(
            Copy, Enum.Parse<CopyState>(given[0]), Enum.Parse<AttemptKind>(kind[0]), kind.Length > 1 ? Enum.Parse<Refusal>(kind[1]) : Refusal.None,
            int.Parse(given[1], System.Globalization.CultureInfo.InvariantCulture), Start, Start + 60_000, Day, Error: "e");

        var step = DeliveryDecision.After(attempt);

        step.Next.ShouldBe(Enum.Parse<DeliveryNext>(expected[0]));
        step.Move.ShouldBe(expected[1] == "-" ? null : Enum.Parse<CopyMove>(expected[1]));
        step.Error.ShouldBe(expected[2] == "-" ? null : expected[2]);
        step.Reason.ShouldBe(Enum.Parse<Reason>(expected[3]));
        step.DueAtMs.HasValue.ShouldBe(step.Next == DeliveryNext.Wait);
    }

    [Fact]
    public void After_WaitForASoldCopy_IsDueByTheSoldSchedule() =>
        DeliveryDecision.After(Failed(CopyState.Captured, attempts: 3, afterMs: 40_000)).DueAtMs
            .ShouldBe(Start + 40_000 + RetrySchedule.Sold.WaitMs(Copy, 3));

    [Fact]
    public void After_WaitForADoubt_IsDueByTheAskingSchedule() =>
        DeliveryDecision.After(Failed(CopyState.InDoubt, attempts: 3, afterMs: 40_000)).DueAtMs
            .ShouldBe(Start + 40_000 + RetrySchedule.Asking.WaitMs(Copy, 3));

    [Fact]
    public void After_RetryAfter_MovesTheNextAttempt() =>
        DeliveryDecision.After(Failed(CopyState.Captured, 1, 0) with { Kind = AttemptKind.RetryLater, RetryAfter = TimeSpan.FromMinutes(10) }).DueAtMs
            .ShouldBe(Start + 600_000);

    /// <summary>Nobody was called, which is no failure of theirs to wait after; what an earlier attempt may have done is remembered.</summary>
    [Theory]
    [InlineData(CopyState.Held, 1, null, "no_time_left")]
    [InlineData(CopyState.Held, 2, "timeout", "timeout")]
    [InlineData(CopyState.Captured, 1, null, "no_time_left")]
    [InlineData(CopyState.Captured, 3, "connect_refused", "no_time_left")]
    [InlineData(CopyState.Captured, 2, null, null)]
    public void After_NoTimeLeft_ComesAgainAtOnce(CopyState state, int attempts, string? lastError, string? recorded) =>
        DeliveryDecision.After(Failed(state, attempts, 40_000) with { Kind = AttemptKind.RetryLater, Error = "no_time_left", LastError = lastError })
            .ShouldBe(new DeliveryStep(DeliveryNext.Wait, Start + 40_000, recorded, null, Reason.None));

    [Fact]
    public void After_WaitThatWouldOvershoot_MakesTheLastAttemptAtTheEnd() =>
        DeliveryDecision.After(Failed(CopyState.Captured, 6, 86_399_000)).DueAtMs.ShouldBe(Start + 86_400_000);

    [Theory]
    [InlineData(CopyState.Captured, null, Reason.DeadLetter)]
    [InlineData(CopyState.InDoubt, null, Reason.InDoubt)]
    [InlineData(CopyState.Held, CopyMove.Doubt, Reason.InDoubt)]
    public void After_RetryForIsOver_IsADeadLetterAndTheCopyKeepsItsHold(CopyState state, CopyMove? move, Reason reason)
    {
        var step = DeliveryDecision.After(Failed(state, 20, 86_400_000) with { Error = "http_500" });
        step.ShouldBe(new DeliveryStep(DeliveryNext.Dead, null, "http_500", move, reason));
    }

    [Fact]
    public void After_AnyHistoryOfAnUnreachableBuyer_EndsInADeadLetterAfterABoundedNumberOfAttempts()
    {
        foreach (var state in new[] { CopyState.Captured, CopyState.InDoubt })
        {
            long now = Start;
            var attempts = 1;
            DeliveryStep step;
            while ((step = DeliveryDecision.After(Failed(state, attempts, now - Start))).Next == DeliveryNext.Wait)
            {
                step.DueAtMs!.Value.ShouldBeGreaterThan(now);
                now = step.DueAtMs.Value;
                attempts++;
                attempts.ShouldBeLessThan(100);
            }
            step.Next.ShouldBe(DeliveryNext.Dead);
            now.ShouldBe(Start + 86_400_000);
        }
    }

    [Theory]
    // A buyer that turned it away for now; nothing made that could be sent; nobody there to send it to.
    [InlineData("http_429 http_503 retry_later rate_limited endpoint_busy no_time_left no_connector endpoint_gone", false)]
    [InlineData("secret_missing secret_invalid url_missing url_invalid url_refused address_invalid header_invalid template_failed template_too_large token_url_invalid token_refused token_unreadable", false)]
    [InlineData("name_not_found address_refused connect_refused connect_timeout connect_failed tls_failed not_connected", false)]
    [InlineData("host_key_changed sftp_auth folder_missing permission_denied sftp_failed smtp_not_set smtp_auth smtp_450 smtp_530", false)]
    // Silence, answers nobody understands, connections that broke: it may be there.
    [InlineData("timeout connection_lost line_lost answer_unclear answer_unreadable answer_malformed answer_too_large check_unclear redirect_refused http_408 http_500 http_502 pending failed", true)]
    [InlineData("replayed a_code_of_tomorrow", true)]
    // It was not there, but it may have been the time before.
    [InlineData("connect_refused_after_doubt http_503_after_doubt smtp_450_after_doubt", true)]
    public void MayHaveArrived_ByWhatTheLastAttemptCameTo_FollowsTheTable(string errors, bool may)
    {
        DeliveryDecision.MayHaveArrived(2, null).ShouldBeTrue();
        DeliveryDecision.MayHaveArrived(1, null).ShouldBeFalse();
        foreach (var error in errors.Split(' '))
        {
            DeliveryDecision.MayHaveArrived(2, error).ShouldBe(may, error);
            DeliveryDecision.MayHaveArrived(1, error).ShouldBeFalse(error);
        }
    }

    [Fact]
    public void After_SoldCopyThatMayHaveArrived_StaysSoWhereItsBuyerCanBeAsked()
    {
        string? last = null;
        foreach (var (kind, error, recorded) in new[]
        {
            (AttemptKind.NotSent, "tls_failed", "tls_failed"), (AttemptKind.Unknown, "timeout", "timeout"), (AttemptKind.NotSent, "connect_refused", "connect_refused_after_doubt"),
            (AttemptKind.RetryLater, "http_503", "http_503_after_doubt"), (AttemptKind.NotSent, "not_connected", "not_connected_after_doubt"), (AttemptKind.Unknown, "http_500", "http_500"),
        })
        {
            var step = DeliveryDecision.After(Failed(CopyState.Captured, last is null ? 1 : 2, 1_000) with { Kind = kind, Error = error, LastError = last, HasCheck = true });
            (step.Next, step.Error).ShouldBe((DeliveryNext.Wait, recorded));
            last = step.Error;
        }
        // Nothing is recorded of an attempt whose process died.
        var died = Failed(CopyState.Captured, 2, 1_000) with { Kind = AttemptKind.NotSent, Error = "name_not_found", LastError = null };
        DeliveryDecision.After(died with { HasCheck = true }).Error.ShouldBe("name_not_found_after_doubt");
        DeliveryDecision.After(died).Error.ShouldBe("name_not_found");
    }

    [Theory]
    [InlineData("http_429", AttemptKind.Rejected, CopyMove.Void)]
    [InlineData("http_503", AttemptKind.Rejected, CopyMove.Void)]
    [InlineData("http_503", AttemptKind.NotSent, CopyMove.Void)]
    [InlineData("retry_later", AttemptKind.Duplicate, CopyMove.Void)]
    [InlineData("pending", AttemptKind.Rejected, null)]
    [InlineData("pending", AttemptKind.NotSent, null)]
    [InlineData("pending", AttemptKind.Duplicate, CopyMove.Doubt)]
    [InlineData(null, AttemptKind.Rejected, null)]
    [InlineData("timeout", AttemptKind.Rejected, null)]
    public void After_SecondNoToAHeldCopy_IsCertainOnlyIfTheFirstWasSurelyNotTaken(string? last, AttemptKind kind, CopyMove? move) =>
        DeliveryDecision.After(Failed(CopyState.Held, 2, 1_000) with { Kind = kind, Refusal = Refusal.Status, Error = "e", LastError = last }).Move.ShouldBe(move);

    [Fact]
    public void After_PendingThenComeAgainThenNotFound_StillRemembersPending()
    {
        string? last = null;
        foreach (var (kind, error) in new[] { (AttemptKind.Pending, "pending"), (AttemptKind.RetryLater, "http_503"), (AttemptKind.Rejected, "http_404") })
        {
            var step = DeliveryDecision.After(Failed(CopyState.Held, last is null ? 1 : 2, 1_000) with
            {
                Kind = kind, Error = error, Refusal = kind == AttemptKind.Rejected ? Refusal.Status : Refusal.None, LastError = last,
            });
            step.Next.ShouldBe(DeliveryNext.Wait);
            step.Move.ShouldBeNull();
            last = step.Error;
        }
        last.ShouldBe("pending");
    }

    /// <summary>Its doubt was not marked in the copy: the delivery's own record has to remember it, whatever comes of the attempts between.</summary>
    [Theory]
    [InlineData(AttemptKind.NotSent, "connect_refused", "connect_refused_after_doubt")]
    [InlineData(AttemptKind.RetryLater, "http_503", "http_503_after_doubt")]
    [InlineData(AttemptKind.Rejected, "smtp_530", "smtp_530_after_doubt")]
    public void After_HeldCopyThatMayHaveArrived_IsNeverVoidedByALaterFault(AttemptKind kind, string error, string recorded)
    {
        var last = "timeout";
        // Twice: what is recorded is remembered in its turn, and grows no longer.
        for (var attempts = 2; attempts <= 3; attempts++)
        {
            var step = DeliveryDecision.After(Failed(CopyState.Held, attempts, 1_000) with { Kind = kind, Refusal = kind == AttemptKind.Rejected ? Refusal.Status : Refusal.None, Error = error, LastError = last });
            (step.Next, step.Move, step.Error).ShouldBe((DeliveryNext.Wait, (CopyMove?)null, recorded));
            last = step.Error!;
        }
        var end = DeliveryDecision.After(Failed(CopyState.Held, 4, 2_000) with { Kind = AttemptKind.Rejected, Refusal = Refusal.Status, Error = "http_404", LastError = last });
        (end.Next, end.Move, end.Error).ShouldBe((DeliveryNext.Wait, (CopyMove?)null, "http_404"));
    }

    [Theory]
    // A post that may have arrived is not sent again; what surely was not taken is.
    [InlineData(CopyState.Captured, 1, AttemptKind.Unknown, DeliveryNext.Dead, null)]
    [InlineData(CopyState.Captured, 1, AttemptKind.RetryLater, DeliveryNext.Wait, null)]
    [InlineData(CopyState.Captured, 1, AttemptKind.NotSent, DeliveryNext.Wait, null)]
    [InlineData(CopyState.Held, 1, AttemptKind.Unknown, DeliveryNext.Dead, CopyMove.Doubt)]
    [InlineData(CopyState.Held, 1, AttemptKind.Pending, DeliveryNext.Dead, CopyMove.Doubt)]
    [InlineData(CopyState.Held, 1, AttemptKind.RetryLater, DeliveryNext.Wait, null)]
    [InlineData(CopyState.InDoubt, 2, AttemptKind.Unknown, DeliveryNext.Dead, null)]
    public void After_EndpointThatIsNotRepeatable_EndsWithTheFirstDoubt(CopyState state, int attempts, AttemptKind kind, DeliveryNext next, CopyMove? move)
    {
        var step = DeliveryDecision.After(Failed(state, attempts, 1_000) with { Kind = kind, Repeatable = false });
        (step.Next, step.Move).ShouldBe((next, move));
    }

    [Theory]
    [InlineData(1, null, true)]
    [InlineData(2, null, false)]
    [InlineData(2, "http_503", true)]
    [InlineData(7, DeliveryDecision.Replayed, true)]
    public void MayCall_EndpointThatIsNotRepeatable_NotAfterAnAttemptOfWhichNothingIsKnown(int attempts, string? last, bool may)
    {
        var endpoint = new Exchange.Engine.Catalog.EndpointModel("crm", Exchange.Engine.Catalog.ConnectorKind.Native, null, null, Day);
        DeliveryDecision.MayCall(endpoint with { Repeatable = false }, attempts, last).ShouldBe(may);
        DeliveryDecision.MayCall(endpoint, attempts, last).ShouldBeTrue();
    }

    [Theory]
    [InlineData(CopyState.Held, 1, null, CopyMove.Void)]
    [InlineData(CopyState.Held, 2, null, CopyMove.Capture)]
    [InlineData(CopyState.Held, 2, "http_503", CopyMove.Void)]
    [InlineData(CopyState.InDoubt, 2, "timeout", CopyMove.Capture)]
    public void After_DuplicateThatMeansOurOwnEarlierAttempt_IsAYesAfterADoubtOnly(CopyState state, int attempts, string? last, CopyMove move) =>
        DeliveryDecision.After(Failed(state, attempts, 1_000) with
        {
            Kind = AttemptKind.Duplicate, LastError = last, DuplicateAfterDoubt = Exchange.Engine.Catalog.DuplicateAfterDoubt.Accepted,
        }).Move.ShouldBe(move);

    /// <summary>The law: whatever is answered, a copy that may have reached its buyer is voided by nothing but the buyer's own no.</summary>
    [Fact]
    public void After_AnyAttemptButTheFirst_VoidsOnlyByTheBuyersOwnNo() =>
        Gen.Select(Gen.Enum<CopyState>(), Gen.Enum<AttemptKind>(), Gen.Enum<Refusal>(), Gen.Int[1, 30], Gen.Long[0, 100_000_000])
            .Sample((state, kind, refusal, attempts, after) =>
            {
                var step = DeliveryDecision.After(new(Copy, state, kind, refusal, attempts, Start, Start + after, Day));
                var first = state == CopyState.Held && attempts == 1;
                var mayVoid = state is CopyState.Held or CopyState.InDoubt
                    && (first || kind == AttemptKind.Rejected && refusal == Refusal.Answer);
                return (step.Move != CopyMove.Void || mayVoid)
                    && (step.Move != CopyMove.Capture || kind == AttemptKind.Accepted && state is CopyState.Held or CopyState.InDoubt)
                    && (kind != AttemptKind.Unknown || step.Next is DeliveryNext.Wait or DeliveryNext.Dead);
            });

    private static FinishedAttempt Failed(CopyState state, int attempts, long afterMs) =>
        new(Copy, state, AttemptKind.Unknown, Refusal.None, attempts, Start, Start + afterMs, Day, Error: "timeout");
}
