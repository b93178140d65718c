using System.Threading.Channels;
using Exchange.Engine;
using Exchange.Engine.Values;
using Exchange.Grains.Intake;
using Exchange.Server.Access;
using Exchange.Server.Intake;
using Exchange.Server.Observability;
using Exchange.Server.Problems;
using Exchange.Storage;
using Exchange.V1;
using Grpc.Core;

namespace Exchange.Server.Grpc;

/// <summary>The publishers' gRPC: reads, asks the desk, writes, as <see cref="IntakeHttp"/> does for HTTP.</summary>
public sealed partial class IntakeGrpc(ILeadIntake intake, Admission admission, Gate gate, ExchangeMetrics metrics, TimeProvider time, ILogger<IntakeGrpc> log) : IntakeService.IntakeServiceBase
{
    /// <summary>Pings of one stream being decided at a time; a stream that sends faster waits.</summary>
    private const int PingsAtOncePerStream = 128;

    /// <summary>Answers that are ready together go out together: half of what a refusal costs is its way to the network.</summary>
    private static readonly WriteOptions WithTheNext = new(WriteFlags.BufferHint), AtOnce = new();

    private static readonly Problem NoLead = Problem.Of(404, "not_found", "There is no such lead of yours.");

    [Admitted(Work.New)]
    public override async Task<PingResponse> Ping(PingRequest request, ServerCallContext context)
    {
        var started = time.GetTimestamp();
        var call = Enter(context);
        if (TooLarge(request) is { } refused) throw Refuse(refused, context);
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
        var call = Enter(context);
        if (IntakeCommands.Post(GrpcRequestReader.Read(request), call, out var command) is { } problem) throw Refuse(problem, context);
        return Answer(await intake.PostAsync(command, context.CancellationToken), context, started);
    }

    [Admitted(Work.New)]
    public override async Task<PostResponse> DirectPost(DirectPostRequest request, ServerCallContext context)
    {
        var started = time.GetTimestamp();
        var call = Enter(context);
        return Answer(await intake.DirectPostAsync(IntakeCommands.DirectPost(GrpcRequestReader.Read(request), call), context.CancellationToken), context, started);
    }

    public override async Task<PostResponse> GetLead(GetLeadRequest request, ServerCallContext context)
    {
        var call = Enter(context);
        if (!LeadId.TryParse(request.LeadId, out var lead) || call.Caller.IsBeyond(lead)) throw Refuse(NoLead, context);
        return Answer(await intake.GetLeadAsync(call.Caller.For, lead, context.CancellationToken), context);
    }

    public override async Task<PostResponse> AddFields(AddFieldsRequest request, ServerCallContext context)
    {
        var call = Enter(context);
        if (!LeadId.TryParse(request.LeadId, out var lead) || call.Caller.IsBeyond(lead)) throw Refuse(NoLead, context);
        var read = GrpcRequestReader.Read(request);
        if (read.Errors.Count > 0) throw Refuse(Problem.Invalid(read.Errors), context);
        return Answer(await intake.AddFieldsAsync(call.Caller.For, lead, IntakeCommands.Fields(read), context.CancellationToken), context);
    }

    /// <summary>Answers come as they are ready, not in the order of the pings; each carries its ping's <c>correlation_id</c>.</summary>
    public override async Task PingStream(IAsyncStreamReader<PingRequest> requestStream, IServerStreamWriter<PingStreamResponse> responseStream, ServerCallContext context)
    {
        gate.Require(context, KeyRole.Publisher);
        var cancel = context.CancellationToken;
        // As large as there are pings at once, so that handing an answer over never waits.
        var answers = Channel.CreateBounded<PingStreamResponse>(new BoundedChannelOptions(PingsAtOncePerStream) { SingleReader = true, AllowSynchronousContinuations = true });
        using var room = new SemaphoreSlim(PingsAtOncePerStream);
        var writing = WriteAllAsync(answers.Reader, responseStream, room, cancel);
        try
        {
            await foreach (var request in requestStream.ReadAllAsync(cancel))
            {
                await room.WaitAsync(cancel);
                _ = AnswerOneAsync(request, context, answers.Writer);
            }
            // All room back means every answer is written.
            for (var i = 0; i < PingsAtOncePerStream; i++) await room.WaitAsync(cancel);
        }
        finally
        {
            answers.Writer.TryComplete();
            await writing;
        }
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
            refused ??= await admission.EnterAsync(Work.New) ?? TooLarge(request);
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

    /// <summary>Over HTTP a ping's body is bounded more tightly than others; the library has one bound for all messages.</summary>
    private static Problem? TooLarge(PingRequest request) => request.CalculateSize() > Limits.PingBodyBytes ? StatusProblems.Of(413) : null;

    private StreamError Error(Problem problem)
    {
        metrics.Refused(ExchangeMetrics.Grpc, problem.Code);
        var error = new StreamError { Status = (int)RichStatus.CodeOf(problem), Code = problem.Code, Message = problem.Detail };
        foreach (var part in problem.Errors) error.Errors.Add(new Warning { Pointer = part.Pointer, Code = part.Code, Message = part.Message });
        return error;
    }

    private CallContext Enter(ServerCallContext context)
    {
        var caller = gate.Require(context, KeyRole.Publisher);
        var now = time.GetUtcNow();
        if (IdempotencyKeys.Read(context.GetHttpContext().Request.Headers, out var key) is { } problem) throw Refuse(problem, context);
        var remaining = 0;
        if (context.Deadline != DateTime.MaxValue)
            // Made by this machine's clock out of what is left, and so read by it: the time of a cluster is the database's.
            remaining = (int)Math.Clamp((context.Deadline - TimeProvider.System.GetUtcNow().UtcDateTime).TotalMilliseconds, 1, Limits.DeadlineMs);
        return new(caller, now, key, remaining);
    }

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
