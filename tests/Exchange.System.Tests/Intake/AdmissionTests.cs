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
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(100);

    private readonly FakeTimeProvider time = new();
    private readonly Queue<IThreadPoolWorkItem> queue = new();

    private Admission Admission() => new(time, Patience, static () => 0, queue.Enqueue);

    /// <summary>A call comes, and its measurement takes so long.</summary>
    /// <param name="beside">How many calls come at that moment.</param>
    private bool Wait(Admission admission, double ms, int beside = 1)
    {
        var refused = admission.Refuse(Work.New) is not null;
        for (var i = 1; i < beside; i++) admission.Refuse(Work.New);
        time.Advance(TimeSpan.FromMilliseconds(ms));
        queue.Dequeue().Execute();
        return refused;
    }

    [Fact]
    public void ShortWaits_NobodyIsTurnedAway()
    {
        var admission = Admission();
        for (var i = 0; i < 1_000; i++) Wait(admission, 40).ShouldBeFalse();
        admission.Refused.ShouldBe(0);
    }

    [Fact]
    public void OneLongPause_IsNoOverload()
    {
        var admission = Admission();
        Wait(admission, 90).ShouldBeFalse();
        for (var i = 0; i < 100; i++) Wait(admission, 1).ShouldBeFalse();
        Wait(admission, 90).ShouldBeFalse();
        Wait(admission, 1).ShouldBeFalse();
    }

    [Fact]
    public void StandingQueue_NewWorkIsTurnedAwayAtOnce_PromisedWorkLater_UntilItIsCalm()
    {
        var admission = Admission();
        Wait(admission, 60, beside: 100).ShouldBeFalse();
        Wait(admission, 60, beside: 100).ShouldBeFalse();
        // The queue has stood for 120 ms. From now on 25 ms are too many for who was promised nothing.
        Wait(admission, 25).ShouldBeTrue();
        Wait(admission, 25).ShouldBeTrue();
        admission.Refuse(Work.Promised).ShouldBeNull();
        queue.Dequeue().Execute();
        Wait(admission, 1).ShouldBeFalse();
        // The measurement itself is late: nobody needs to wait for it to know.
        admission.Refuse(Work.New).ShouldBeNull();
        time.Advance(TimeSpan.FromMilliseconds(25));
        admission.Refuse(Work.New).ShouldNotBeNull();
        admission.Refuse(Work.Promised).ShouldBeNull();
        time.Advance(TimeSpan.FromMilliseconds(300));
        admission.Refuse(Work.Promised).ShouldNotBeNull();
        queue.Dequeue().Execute();
        admission.Refused.ShouldBe(4);

        // Less than a tenth of a second's calls are turned away: over. Then the same wait is none again.
        for (var i = 0; i < 3_000; i++) Wait(admission, 1);
        Wait(admission, 40).ShouldBeFalse();
        Wait(admission, 40).ShouldBeFalse();
    }

    [Fact]
    public void IdleServer_RemembersNothingOfItsLastOverload()
    {
        var admission = Admission();
        Wait(admission, 60, beside: 100);
        time.Advance(TimeSpan.FromMinutes(1));
        // An hour-old long wait and a new one are no standing queue.
        Wait(admission, 60, beside: 100).ShouldBeFalse();
        Wait(admission, 1).ShouldBeFalse();
    }

    [Fact]
    public void StandingQueueOfFewCalls_IsABusyMachine_AndNoOverload()
    {
        var admission = Admission();
        for (var i = 0; i < 40; i++) Wait(admission, 500).ShouldBeFalse();
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
