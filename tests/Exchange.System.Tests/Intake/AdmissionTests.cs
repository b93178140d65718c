extern alias server;
using System.Net;
using Exchange.Grains.Intake;
using Exchange.V1;
using Google.Rpc;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using Shouldly;

namespace Exchange.System.Tests.Intake;

/// <summary>When calls are turned away, and what who is turned away is told over either wire.</summary>
public sealed class AdmissionTests(IntakeHost host) : IClassFixture<IntakeHost>, IDisposable
{
    private const int FewestCalls = global::Exchange.Grains.Intake.Admission.FewestCalls;
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(100);

    private readonly FakeTimeProvider time = new();
    private readonly Queue<IThreadPoolWorkItem> queue = new();

    // What the journal says of itself.
    private (int Waiting, long Done) journal;

    private Admission Admission(int atOnce = 1) => new(time, Patience, () => journal.Waiting, () => journal.Done, queue.Enqueue, atOnce);

    /// <summary>The next turn comes after so long.</summary>
    private void Turn(double afterMs = 0)
    {
        time.Advance(TimeSpan.FromMilliseconds(afterMs));
        // As a thread of the pool runs it: with a context of the test's, what comes in would go on elsewhere.
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        queue.Dequeue().Execute();
        SynchronizationContext.SetSynchronizationContext(context);
    }

    private static Call[] Come(Admission admission, int calls, Work work = Work.New) => [.. Enumerable.Range(0, calls).Select(_ => new Call(admission.EnterAsync(work)))];

    /// <summary>For a second twice as many come as there are turns, of 1 ms each.</summary>
    private void Overload(Admission admission)
    {
        for (var ms = 0; ms < 1_000; ms++)
        {
            Come(admission, 2);
            Turn(1);
        }
    }

    private static int Inside(Call[] calls) => calls.Count(call => call.IsInside);

    /// <summary>A call at the door.</summary>
    private sealed class Call
    {
        private bool isAnswered;
        private Problem? problem;

        public Call(ValueTask<Problem?> entering) => _ = HearAsync(entering);

        public bool IsInside => isAnswered && problem is null;
        public bool IsTurnedAway => problem?.Code == "overloaded";

        private async Task HearAsync(ValueTask<Problem?> entering)
        {
            problem = await entering.ConfigureAwait(false);
            isAnswered = true;
        }
    }

    [Fact]
    public void OneTurnAtATime_EachAtTheEndOfTheQueue()
    {
        var admission = Admission();
        var calls = Come(admission, 3);
        (Inside(calls), queue.Count, admission.Waiting).ShouldBe((0, 1, 3));
        Turn();
        (Inside(calls), queue.Count, admission.Waiting).ShouldBe((1, 1, 2));
        Turn();
        Turn();
        (Inside(calls), queue.Count, admission.Waiting).ShouldBe((3, 0, 0));
        Come(admission, 1);
        time.Advance(TimeSpan.FromMilliseconds(5));
        Come(admission, 1);
        queue.Count.ShouldBe(1, "a turn is under way for the call that came before");
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void AsManyTurnsAsThereAreProcessors_AndNoneWithoutACall(int processors)
    {
        var admission = Admission(processors);
        var calls = Come(admission, 10);
        for (var left = 10; left > 0; left--)
        {
            queue.Count.ShouldBe(Math.Min(processors, left));
            Turn();
        }
        (Inside(calls), queue.Count).ShouldBe((10, 0));
    }

    [Fact]
    public void ACallThatComesInWhileAnotherIsInItsTurn_GetsItsOwn()
    {
        var admission = Admission(2);
        Call[] later = [];
        // What comes in does this in its turn.
        _ = ComeInAsync();
        Turn(5);
        (later[0].IsInside, queue.Count).ShouldBe((false, 1));
        Turn();
        later[0].IsInside.ShouldBeTrue();

        async Task ComeInAsync()
        {
            await admission.EnterAsync(Work.New).ConfigureAwait(false);
            later = Come(admission, 1);
        }
    }

    [Fact]
    public void WhenThreadsAreFree_CallsWalkThrough()
    {
        var admission = Admission();
        Come(admission, 1);
        Turn(0.2);
        Inside(Come(admission, 1_000)).ShouldBe(1_000);
        queue.ShouldBeEmpty();
        // Now and then one finds out whether it is still so.
        time.Advance(TimeSpan.FromMilliseconds(2));
        var asks = Come(admission, 1);
        Turn(5);
        Inside(asks).ShouldBe(1);
        Inside(Come(admission, 1)).ShouldBe(0, "it took 5 ms to get a thread");
    }

    [Fact]
    public void PromisedWork_ComesInFirst()
    {
        var admission = Admission();
        var pings = Come(admission, 5);
        var posts = Come(admission, 2, Work.Promised);
        Turn();
        Turn();
        (Inside(pings), Inside(posts)).ShouldBe((0, 2));
        Turn();
        Inside(pings).ShouldBe(1);
    }

    [Fact]
    public void PauseLeavesACrowd_NobodyIsTurnedAway()
    {
        var admission = Admission();
        var calls = Come(admission, 200);
        Turn(1_500);
        Come(admission, 100);
        for (var i = 0; i < 199; i++) Turn(0.4);
        Inside(calls).ShouldBe(200);
        admission.Refused.ShouldBe(0);
    }

    [Fact]
    public void CallsStandTooLongForSomeTime_NewWorkIsTurnedAway_UntilTheyDoNot()
    {
        var admission = Admission();
        // Twice as many come as there are turns, of 1 ms each.
        var refusedAt = -1;
        for (var ms = 0; ms < 2_000; ms++)
        {
            foreach (var call in Come(admission, 2))
                if (call.IsTurnedAway && refusedAt < 0) refusedAt = ms;
            Turn(1);
        }
        // After 100 ms the first has waited for 50, and 100 ms later so has everybody since.
        refusedAt.ShouldBeInRange(190, 210);
        admission.Waiting.ShouldBeInRange(FewestCalls - 1, FewestCalls, "the crowd of before is gone, and no other stands while calls are turned away");
        // All that had a turn: nothing was refused that there was time for.
        admission.Refused.ShouldBe(2 * 2_000 - 2_000 - admission.Waiting);
        // Promised work is let in, and first.
        var post = Come(admission, 1, Work.Promised);
        Turn(1);
        Inside(post).ShouldBe(1);

        // Half as many as there are turns: those that stand come in, and 100 ms after too many were turned away nobody is any more.
        for (var ms = 0; ms < 250; ms++)
        {
            if (ms % 2 == 0) Come(admission, 1);
            if (queue.Count > 0) Turn();
            time.Advance(TimeSpan.FromMilliseconds(1));
        }
        var before = admission.Refused;
        Come(admission, 150);
        admission.Refused.ShouldBe(before);
    }

    /// <summary>Turns of 1 ms, and turns of which three come in one.</summary>
    [Theory]
    [InlineData(1, FewestCalls, FewestCalls)]
    [InlineData(3, FewestCalls, 42)]
    public void WhileNewWorkIsTurnedAway_AsManyWaitAsComeInWhileOneWaitsALittle_WhateverPauses(int turnsPerMs, int fewest, int most)
    {
        var admission = Admission();
        var waiting = new List<int>();
        for (var ms = 0; ms < 4_000; ms++)
        {
            Come(admission, 2 * turnsPerMs);
            if (ms > 1_000) waiting.Add(admission.Waiting);
            // Now and then nobody comes in for 20 ms, as in a pause of the collector.
            if (ms % 250 >= 20)
                for (var turn = 0; turn < turnsPerMs; turn++) Turn();
            time.Advance(TimeSpan.FromMilliseconds(1));
        }
        // A quarter of 50 ms, or as few as are no overload; who waits at head for long does not let a crowd in behind it.
        waiting.Max().ShouldBeLessThanOrEqualTo(most);
        waiting.Min().ShouldBeInRange(fewest - 10, most);
    }

    [Fact]
    public void AsManyStayAsCanBeServed_TheOverloadEnds_ThoughTheyStandLongerThanInIt()
    {
        var admission = Admission();
        Overload(admission);
        admission.Refused.ShouldBeGreaterThan(0);
        // As many callers as one finds waiting: each comes again when it is served, and one that is turned away a little later.
        for (var ms = 0; ms < 500; ms++)
        {
            Come(admission, 1);
            Turn(1);
        }
        var before = admission.Refused;
        for (var ms = 0; ms < 50; ms++)
        {
            Come(admission, 1);
            if (ms == 10) Come(admission, 10);
            Turn(1);
        }
        admission.Refused.ShouldBe(before);
    }

    [Fact]
    public void WhatWaitsForTheJournal_CountsInAnOverload_AndElseTurnsNobodyAway()
    {
        var admission = Admission();
        // An item a millisecond; one more waits than an overload allows.
        journal.Waiting = FewestCalls + 1;
        Load(250, come: 1);
        (admission.Refused, admission.Waiting).ShouldBe((0, 0), "who comes is served at once");
        Load(1_000, come: 2);
        var (refused, waiting) = (admission.Refused, admission.Waiting);
        refused.ShouldBeGreaterThan(600);
        waiting.ShouldBeLessThan(5, "those that come in stand at the journal");
        // Three quarters of them, four items a millisecond: they are through in 4 ms, and the door has room again.
        journal.Waiting = FewestCalls * 3 / 4;
        Load(1_000, come: 2, items: 4);
        admission.Waiting.ShouldBeInRange(FewestCalls / 4, FewestCalls / 4 + 3, "as many as are no overload, or wait 12.5 ms, at both together");

        void Load(int forMs, int come, int items = 1)
        {
            for (var ms = 0; ms < forMs; ms++)
            {
                Come(admission, come);
                journal.Done += items;
                time.Advance(TimeSpan.FromMilliseconds(1));
                if (queue.Count > 0) Turn();
            }
        }
    }

    [Fact]
    public void ASlowDisk_IsNoOverloadOnceCallsAreServedAtOnce()
    {
        var admission = Admission();
        Overload(admission);
        while (queue.Count > 0) Turn();
        // Four come a millisecond and are served at once. A commit takes 50 ms whatever it holds: up to two hundred wait for the next one.
        var refused = new List<long>();
        for (var ms = 0; ms < 600; ms++)
        {
            if (ms % 50 == 0)
            {
                journal = (0, journal.Done + journal.Waiting);
                refused.Add(admission.Refused);
            }
            for (var call = 0; call < 4; call++)
            {
                var came = Come(admission, 1);
                if (queue.Count > 0) Turn();
                journal.Waiting += Inside(came);
            }
            time.Advance(TimeSpan.FromMilliseconds(1));
        }
        refused[2].ShouldBeGreaterThan(refused[0], "it is not seen at once");
        refused[^1].ShouldBe(refused[5], "it is seen soon");
    }

    [Fact]
    public void CallsComeInQuicklyForAMoment_IsNoEndOfTheOverload()
    {
        var admission = Admission();
        Overload(1_500);
        var (refused, waiting) = (admission.Refused, admission.Waiting);
        refused.ShouldBeGreaterThan(0);
        // For 40 ms nobody comes: who stood has come in, the last of them quickly.
        for (var ms = 0; ms < 40; ms++)
            for (var turn = 0; turn < 2 && queue.Count > 0; turn++) Turn(0.5);
        admission.Waiting.ShouldBe(0);
        Overload(60);
        admission.Refused.ShouldBeGreaterThan(refused, "they go on being turned away before a crowd stands again");
        admission.Waiting.ShouldBeLessThanOrEqualTo(waiting);

        void Overload(int forMs)
        {
            for (var ms = 0; ms < forMs; ms++)
            {
                Come(admission, 4);
                Turn(0.5);
                Turn(0.5);
            }
        }
    }

    [Fact]
    public void NobodyCameForAWhileAfterAnOverload_ABurstIsServed()
    {
        var admission = Admission();
        Overload(admission);
        while (queue.Count > 0) Turn(0.1);
        var refused = admission.Refused;
        refused.ShouldBeGreaterThan(0);
        time.Advance(TimeSpan.FromSeconds(1));
        Come(admission, 500);
        admission.Refused.ShouldBe(refused);
    }

    [Fact]
    public void PromisedWorkAloneIsTooMuch_NewWorkDoesNotPileUp_AndPromisedWorkIsTurnedAwayLater()
    {
        var admission = Admission();
        var refusedAt = (New: -1, Promised: -1);
        for (var ms = 0; ms < 6_000; ms++)
        {
            Come(admission, 2, Work.Promised);
            if (refusedAt.Promised < 0 && admission.Refused > 0 && refusedAt.New < 0) refusedAt.Promised = ms;
            if (refusedAt.New < 0 && Come(admission, 1)[0].IsTurnedAway) refusedAt.New = ms;
            Turn(1);
        }
        refusedAt.New.ShouldBeInRange(1_999, 2_101);
        admission.Waiting.ShouldBeLessThan(2_101 + 2_101);
    }

    [Fact]
    public void FewCallsStand_IsABusyMachine_AndNoOverload()
    {
        var admission = Admission();
        for (var i = 1; i < FewestCalls; i++)
        {
            Come(admission, 2);
            Turn(500);
        }
        admission.Refused.ShouldBe(0);
    }

    [Fact]
    public async Task TurnedAway_HttpSays503WithATimeToComeAgain_PostsAreLetIn()
    {
        host.JournalWaiting = int.MaxValue;
        foreach (var path in (string[])["/v1/pings", "/v1/leads"])
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent("not even read") };
            using var reply = await host.Http.SendAsync(request);
            reply.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
            reply.Headers.RetryAfter!.Delta.ShouldBe(TimeSpan.FromSeconds(1));
            (await reply.Content.ReadAsStringAsync()).ShouldContain("\"code\":\"overloaded\"");
        }
        using var post = await host.Http.PostAsync("/v1/posts", new StringContent("read"));
        post.StatusCode.ShouldNotBe(HttpStatusCode.ServiceUnavailable);
        using var read = await host.Http.GetAsync("/v1/leads/01980000000070008000000000");
        read.StatusCode.ShouldNotBe(HttpStatusCode.ServiceUnavailable);
    }

    [Fact]
    public async Task TurnedAway_GrpcSaysUnavailableWithTheSameWords_AndTheStreamGoesOn()
    {
        host.JournalWaiting = int.MaxValue;
        var headers = new Metadata { { "x-api-key", host.PublisherKey } };
        var refused = (await Should.ThrowAsync<RpcException>(async () => await host.Grpc.PingAsync(new PingRequest { Vertical = "auto" }, headers)));
        refused.StatusCode.ShouldBe(StatusCode.Unavailable);
        var status = global::Google.Rpc.Status.Parser.ParseFrom(refused.Trailers.GetValueBytes("grpc-status-details-bin")!);
        status.Details.Single(detail => detail.Is(ErrorInfo.Descriptor)).Unpack<ErrorInfo>().Reason.ShouldBe("overloaded");
        status.Details.Single(detail => detail.Is(RetryInfo.Descriptor)).Unpack<RetryInfo>().RetryDelay.Seconds.ShouldBe(1);

        using var stream = host.Grpc.PingStream(headers);
        await stream.RequestStream.WriteAsync(new PingRequest { Vertical = "auto", CorrelationId = "a" });
        (await stream.ResponseStream.MoveNext(default)).ShouldBeTrue();
        stream.ResponseStream.Current.Error.Code.ShouldBe("overloaded");
        host.JournalWaiting = 0;
        await stream.RequestStream.WriteAsync(new PingRequest { Vertical = "auto", CorrelationId = "b" });
        (await stream.ResponseStream.MoveNext(default)).ShouldBeTrue();
        stream.ResponseStream.Current.Error?.Code.ShouldNotBe("overloaded");
        await stream.RequestStream.CompleteAsync();
    }

    public void Dispose() => host.JournalWaiting = 0;
}
