using System.Buffers;
using Exchange.Engine.Values;
using Exchange.Grains.Intake;
using Exchange.Server.Access;
using Exchange.Server.Answers;
using Exchange.Server.Observability;
using Exchange.Server.Problems;

namespace Exchange.Server.Intake;

/// <summary>The publishers' HTTP: reads, asks the desk, writes. It decides nothing about a ping or a lead.</summary>
public sealed class IntakeHttp(ILeadIntake intake, ExchangeMetrics metrics, TimeProvider time)
{
    private const string Json = "application/json", Xml = "application/xml";

    private static readonly Problem NoRequest = Problem.Of(404, "not_found", "Nothing was done under this key.");
    private static readonly Problem NoLead = Problem.Of(404, "not_found", "There is no such lead of yours.");

    public async Task PingAsync(HttpContext context)
    {
        var started = time.GetTimestamp();
        var request = new IntakeRequest(RequestKind.Ping);
        var (problem, call) = await ReadAsync(context, request);
        if (problem is not null)
        {
            await RefuseAsync(context, problem);
            return;
        }
        var reply = await intake.PingAsync(IntakeCommands.Ping(request, call), context.RequestAborted);
        if (reply.Answer is not { } answer)
        {
            await RefuseAsync(context, reply.Problem!);
            return;
        }
        metrics.PingAnswered(answer.Reason, time.GetElapsedTime(started));
        if (answer.Replayed) MarkReplayed(context.Response);
        WritePing(context, answer);
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
    }

    public async Task PostAsync(HttpContext context)
    {
        var started = time.GetTimestamp();
        var request = new IntakeRequest(RequestKind.Post);
        var (problem, call) = await ReadAsync(context, request);
        PostCommand? command = null;
        problem ??= IntakeCommands.Post(request, call, out command);
        if (problem is not null) await RefuseAsync(context, problem);
        else await AnswerAsync(context, await intake.PostAsync(command!, context.RequestAborted), started);
    }

    public async Task DirectPostAsync(HttpContext context)
    {
        var started = time.GetTimestamp();
        var request = new IntakeRequest(RequestKind.DirectPost);
        var (problem, call) = await ReadAsync(context, request);
        if (problem is not null) await RefuseAsync(context, problem);
        else await AnswerAsync(context, await intake.DirectPostAsync(IntakeCommands.DirectPost(request, call), context.RequestAborted), started);
    }

    public async Task GetLeadAsync(HttpContext context)
    {
        if (AnswerFormats.Of(context.Request) == AnswerFormat.None) await RefuseAsync(context, BodyReading.NotAcceptable);
        else if (!TryReadLeadId(context, out var lead) || context.GetCaller().IsBeyond(lead)) await RefuseAsync(context, NoLead);
        else await AnswerAsync(context, await intake.GetLeadAsync(context.GetCaller().For, lead, context.RequestAborted));
    }

    /// <summary>For who does not know how a post ended: its answer by the idempotency key it was sent with.</summary>
    public async Task GetRequestAsync(HttpContext context)
    {
        if (AnswerFormats.Of(context.Request) == AnswerFormat.None)
        {
            await RefuseAsync(context, BodyReading.NotAcceptable);
            return;
        }
        var reply = await intake.GetRequestAsync(context.GetCaller().For, IdempotencyKeys.OfPath(context.Request, IntakeComposition.RequestsPath), context.RequestAborted);
        // Whether it is a live one that runs is not told to a test key either.
        if (reply.Answer is null && context.GetCaller().Test) await RefuseAsync(context, NoRequest);
        else if (reply.Answer is { } json && LeadId.TryParse(LeadAnswers.ReadLeadId(json), out var lead) && context.GetCaller().IsBeyond(lead)) await RefuseAsync(context, NoRequest);
        else await AnswerAsync(context, reply);
    }

    public async Task AddFieldsAsync(HttpContext context)
    {
        var request = new IntakeRequest(RequestKind.AddFields);
        var problem = await BodyReading.ReadAsync(context, request);
        var found = TryReadLeadId(context, out var lead) && !context.GetCaller().IsBeyond(lead);
        if (!found) problem ??= NoLead;
        if (request.Errors.Count > 0) problem ??= Problem.Invalid(request.Errors);
        if (problem is not null) await RefuseAsync(context, problem);
        else await AnswerAsync(context, await intake.AddFieldsAsync(context.GetCaller().For, lead, IntakeCommands.Fields(request), context.RequestAborted));
    }

    private async ValueTask<(Problem? Problem, CallContext Call)> ReadAsync(HttpContext context, IntakeRequest request)
    {
        // The moment of arrival, before the body: a post is in time if it began in time.
        var receivedAt = time.GetUtcNow();
        if (IdempotencyKeys.Read(context.Request.Headers, out var key) is { } bad) return (bad, default);
        var problem = await BodyReading.ReadAsync(context, request);
        return (problem, new CallContext(context.GetCaller(), receivedAt, key, 0));
    }

    private static bool TryReadLeadId(HttpContext context, out LeadId lead) =>
        LeadId.TryParse(context.Request.RouteValues["lead_id"] as string, out lead);

    private static void WritePing(HttpContext context, PingAnswer answer)
    {
        // No await between writing and copying: the bytes are the thread's. Knowing the length spares the chunks.
        var json = PingAnswerWriter.Write(answer);
        var response = context.Response;
        if (AnswerFormats.Of(context.Request) == AnswerFormat.Xml) WriteBody(response, StatusCodes.Status200OK, Xml, AnswerXml.Answer(json.ToArray()));
        else WriteBody(response, StatusCodes.Status200OK, Json, json);
    }

    private static void WriteBody(HttpResponse response, int status, string type, ReadOnlySpan<byte> body)
    {
        response.StatusCode = status;
        response.ContentType = type;
        response.ContentLength = body.Length;
        response.Headers.CacheControl = "no-store";
        response.BodyWriter.Write(body);
    }

    private Task AnswerAsync(HttpContext context, PostReply reply, long? started = null)
    {
        if (reply.Answer is not { } json) return RefuseAsync(context, reply.Problem!);
        if (started is { } start) metrics.PostAnswered(LeadAnswers.ReadStatus(json), time.GetElapsedTime(start));
        var response = context.Response;
        if (reply.Status == StatusCodes.Status202Accepted) response.Headers.Location = $"/v1/leads/{LeadAnswers.ReadLeadId(json)}";
        if (reply.Replayed) MarkReplayed(response);
        if (AnswerFormats.Of(context.Request) == AnswerFormat.Xml) WriteBody(response, reply.Status, Xml, AnswerXml.Answer(json));
        else WriteBody(response, reply.Status, Json, json);
        return response.BodyWriter.FlushAsync(context.RequestAborted).AsTask();
    }

    private Task RefuseAsync(HttpContext context, Problem problem)
    {
        metrics.Refused(ExchangeMetrics.Http, problem.Code);
        return ProblemWriter.WriteAsync(context, problem);
    }

    private static void MarkReplayed(HttpResponse response) => response.Headers["Idempotency-Replayed"] = "true";
}
