using System.Threading.Channels;
using Exchange.Engine;
using Exchange.Engine.Values;
using Exchange.Grains.Intake;
using Exchange.Server.Access;
using Exchange.Server.Hosting;
using Exchange.Server.Intake;
using Exchange.Server.Observability;
using Exchange.Server.Problems;
using Exchange.Storage;
using Exchange.V1;
using Google.Protobuf;
using Grpc.Core;

namespace Exchange.Server.Grpc;

/// <summary>The publishers' gRPC: reads, asks the desk, writes, as <see cref="IntakeHttp"/> does for HTTP.</summary>
public sealed partial class IntakeGrpc(ILeadIntake intake, Admission admission, Gate gate, Drain drain, ExchangeMetrics metrics, TimeProvider time, ILogger<IntakeGrpc> log)
    : IntakeService.IntakeServiceBase
{
    /// <summary>Pings of one stream being decided at a time; a stream that sends faster waits.</summary>
    private const int PingsAtOncePerStream = 128;

    /// <summary>Of a post's time at the most: its answer's way back, and its request's way here, which the caller's clock counts and this one does not.</summary>
    private const int MostOnTheWayMs = 250;

    /// <summary>Answers that are ready together go out together: half of what a refusal costs is its way to the network.</summary>
    private static readonly WriteOptions WithTheNext = new(WriteFlags.BufferHint), AtOnce = new();

    private static readonly Problem NoLead = Problem.Of(404, "not_found", "There is no such lead of yours.");

    [Admitted(Work.New)]
    public override async Task<PingResponse> Ping(PingRequest request, ServerCallContext context)
    {
        var started = time.GetTimestamp();
        var call = Enter(context, request, Limits.PingBodyBytes);
        var reply = await intake.PingAsync(IntakeCommands.Ping(GrpcRequestReader.Read(request), call), context.CancellationToken);
        if (reply.Answer is not { } answer) throw Refuse(reply.Problem!, context);
        metrics.PingAnswered(answer.Reason, time.GetElapsedTime(started));
        if (answer.Replayed) await context.WriteResponseHeadersAsync(new Metadata { { "idempotency-replayed", "true" } });
        return GrpcAnswers.Ping(answer);
    }

    [Admitted(Work.Promised)]
    public override async Task<PostResponse> Post(PostRequest request, ServerCallContext context)
    {
        var started = time.GetTimestamp();
        var call = BeforeItsEnd(Enter(context, request));
        if (IntakeCommands.Post(GrpcRequestReader.Read(request), call, out var command) is { } problem) throw Refuse(problem, context);
        return Answer(await intake.PostAsync(command, context.CancellationToken), context, started);
    }

    [Admitted(Work.New)]
    public override async Task<PostResponse> DirectPost(DirectPostRequest request, ServerCallContext context)
    {
        var started = time.GetTimestamp();
        var call = BeforeItsEnd(Enter(context, request));
        return Answer(await intake.DirectPostAsync(IntakeCommands.DirectPost(GrpcRequestReader.Read(request), call), context.CancellationToken), context, started);
    }

    public override async Task<PostResponse> GetLead(GetLeadRequest request, ServerCallContext context)
    {
        var call = Enter(context, request);
        if (!LeadId.TryParse(request.LeadId, out var lead) || call.Caller.IsBeyond(lead)) throw Refuse(NoLead, context);
        return Answer(await intake.GetLeadAsync(call.Caller.For, lead, context.CancellationToken), context);
    }

    public override async Task<PostResponse> AddFields(AddFieldsRequest request, ServerCallContext context)
    {
        var call = Enter(context, request);
        if (!LeadId.TryParse(request.LeadId, out var lead) || call.Caller.IsBeyond(lead)) throw Refuse(NoLead, context);
        var read = GrpcRequestReader.Read(request);
        if (read.Errors.Count > 0) throw Refuse(Problem.Invalid(read.Errors), context);
        return Answer(await intake.AddFieldsAsync(call.Caller.For, lead, IntakeCommands.Fields(read), context.CancellationToken), context);
    }

    /// <summary>
    /// Answers come as they are ready, not in the order of the pings; each carries its ping's <c>correlation_id</c>. A server that leaves answers what it has read and ends
    /// the stream: a publisher in volume never ends it itself, and the web server would wait for that until its time is over.
    /// </summary>
    public override async Task PingStream(IAsyncStreamReader<PingRequest> requestStream, IServerStreamWriter<PingStreamResponse> responseStream, ServerCallContext context)
    {
        gate.Require(context, KeyRole.Publisher);
        if (drain.Over.IsCancellationRequested) throw Refuse(Drain.Leaves, context);
        var (cancel, isCutOff) = (context.CancellationToken, false);
        using var reading = CancellationTokenSource.CreateLinkedTokenSource(cancel, drain.Over);
        // As large as there are pings at once, so that handing an answer over never waits.
        var answers = Channel.CreateBounded<PingStreamResponse>(new BoundedChannelOptions(PingsAtOncePerStream) { SingleReader = true, AllowSynchronousContinuations = true });
        using var room = new SemaphoreSlim(PingsAtOncePerStream);
        var writing = WriteAllAsync(answers.Reader, responseStream, room, cancel);
        try
        {
            try
            {
                await foreach (var request in requestStream.ReadAllAsync(reading.Token))
                {
                    await room.WaitAsync(cancel);
                    _ = AnswerOneAsync(request, context, answers.Writer);
                }
            }
            catch (OperationCanceledException) when (drain.Over.IsCancellationRequested && !cancel.IsCancellationRequested)
            {
                isCutOff = true;
            }
            // All room back means every answer is written.
            for (var i = 0; i < PingsAtOncePerStream; i++) await room.WaitAsync(cancel);
        }
        finally
        {
            answers.Writer.TryComplete();
            await writing;
        }
        if (isCutOff) throw Refuse(Drain.Leaves, context);
    }

    private static async Task WriteAllAsync(ChannelReader<PingStreamResponse> answers, IServerStreamWriter<PingStreamResponse> to, SemaphoreSlim room, CancellationToken cancel)
    {
        try
        {
            while (await answers.WaitToReadAsync(cancel))
            {
                while (answers.TryRead(out var answer))
                {
                    to.WriteOptions = answers.TryPeek(out _) ? WithTheNext : AtOnce;
                    await to.WriteAsync(answer, cancel);
                    room.Release();
                }
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or InvalidOperationException or IOException)
        {
            // The caller left; the reading loop ends by the same token.
        }
    }

    /// <summary>Never throws: a fault of one ping must not end the stream of all.</summary>
    private async Task AnswerOneAsync(PingRequest request, ServerCallContext context, ChannelWriter<PingStreamResponse> answers)
    {
        var response = new PingStreamResponse { CorrelationId = request.CorrelationId };
        try
        {
            var started = time.GetTimestamp();
            // Asked anew for each: a stream outlives keys, and the addresses a publisher may call from.
            var refused = gate.Check(context.GetHttpContext(), [KeyRole.Publisher], out var caller);
            var call = new CallContext(caller, time.GetUtcNow(), null, 0);
            // One that is too large is not kept while it waits to come in.
            refused ??= TooLarge(request, Limits.PingBodyBytes) ?? await admission.EnterAsync(Work.New);
            var reply = refused is not null
                ? new PingReply(null, refused)
                : await intake.PingAsync(IntakeCommands.Ping(GrpcRequestReader.Read(request), call), context.CancellationToken);
            if (reply.Answer is { } answer)
            {
                metrics.PingAnswered(answer.Reason, time.GetElapsedTime(started));
                response.Answer = GrpcAnswers.Ping(answer);
            }
            else
            {
                response.Error = Error(reply.Problem!);
            }
        }
        catch (Exception exception)
        {
            if (exception is not OperationCanceledException && !Faults.IsExpected(exception)) LogFault(log, exception.GetType().Name, exception.StackTrace ?? "");
            response.Error = Error(Faults.Of(exception));
        }
        answers.TryWrite(response);
    }

    /// <summary>Bounded as bodies are over HTTP, a ping's more tightly than others. The library has one bound for all messages, at which it tells no code and ends the stream.</summary>
    private static Problem? TooLarge(IMessage request, int mostBytes) => request.CalculateSize() > mostBytes ? StatusProblems.Of(413) : null;

    private StreamError Error(Problem problem)
    {
        metrics.Refused(ExchangeMetrics.Grpc, problem.Code);
        var error = new StreamError { Status = (int)RichStatus.CodeOf(problem), Code = problem.Code, Message = problem.Detail };
        foreach (var part in problem.Errors) error.Errors.Add(new Warning { Pointer = part.Pointer, Code = part.Code, Message = part.Message });
        return error;
    }

    private CallContext Enter(ServerCallContext context, IMessage request, int mostBytes = Limits.BodyBytes)
    {
        var caller = gate.Require(context, KeyRole.Publisher);
        var now = time.GetUtcNow();
        if (TooLarge(request, mostBytes) is { } large) throw Refuse(large, context);
        if (IdempotencyKeys.Read(context.GetHttpContext().Request.Headers, out var key) is { } problem) throw Refuse(problem, context);
        var remaining = 0;
        if (context.Deadline != DateTime.MaxValue)
            // Made by this machine's clock out of what is left, and so read by it: the time of a cluster is the database's.
            remaining = (int)Math.Clamp((context.Deadline - TimeProvider.System.GetUtcNow().UtcDateTime).TotalMilliseconds, 1, Limits.DeadlineMs);
        return new(caller, now, key, remaining);
    }

    /// <summary>A post that is not decided by its deadline is told so then; at the call's own deadline gRPC has ended it, and nobody would hear of its lead.</summary>
    private static CallContext BeforeItsEnd(CallContext call) => call with { RemainingMs = call.RemainingMs - Math.Min(MostOnTheWayMs, call.RemainingMs / 10) };

    private PostResponse Answer(PostReply reply, ServerCallContext context, long? started = null)
    {
        if (reply.Answer is null) throw Refuse(reply.Problem!, context);
        var answer = reply.Read();
        if (started is { } start) metrics.PostAnswered(LeadAnswer.Wire(answer.State), time.GetElapsedTime(start));
        return GrpcAnswers.Post(answer, reply.Replayed);
    }

    private RpcException Refuse(Problem problem, ServerCallContext context)
    {
        metrics.Refused(ExchangeMetrics.Grpc, problem.Code);
        return RichStatus.ToException(problem, context.GetHttpContext());
    }

    [LoggerMessage(1, LogLevel.Error, "{Exception} at a ping of a stream\n{Stack}")]
    private static partial void LogFault(ILogger log, string exception, string stack);
}
