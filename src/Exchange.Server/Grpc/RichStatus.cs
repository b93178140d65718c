using System.Collections.Concurrent;
using System.Globalization;
using Exchange.Grains.Intake;
using Exchange.Server.Problems;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Status = Grpc.Core.Status;

namespace Exchange.Server.Grpc;

/// <summary>
/// A <see cref="Problem"/> as gRPC says it: a status code, and in <c>grpc-status-details-bin</c> a google.rpc.Status with ErrorInfo
/// (reason = the problem's code), BadRequest for errors of members, as many as headers hold, RetryInfo, and beside ALREADY_EXISTS the recorded answer.
/// </summary>
public static class RichStatus
{
    public const string Domain = "exchange";
    public const string DetailsTrailer = "grpc-status-details-bin";

    /// <summary>
    /// Of all violations together, and characters of one's pointer. The status goes out in headers, where it is a third larger, and there are clients that refuse a call whose
    /// headers come to more than 8 KiB and then tell no code at all.
    /// </summary>
    private const int MostViolationBytes = 3_500, PointerChars = 200;

    public static StatusCode CodeOf(Problem problem) => problem switch
    {
        { Code: "idempotency_in_progress" } => StatusCode.Aborted,
        { Code: "already_posted" } => StatusCode.AlreadyExists,
        { Status: 401 } => StatusCode.Unauthenticated,
        { Status: 403 } => StatusCode.PermissionDenied,
        { Status: 404 } => StatusCode.NotFound,
        { Status: 409 or 410 or 412 or 428 } => StatusCode.FailedPrecondition,
        { Status: 413 or 429 } => StatusCode.ResourceExhausted,
        { Status: 503 } => StatusCode.Unavailable,
        { Status: 504 } => StatusCode.DeadlineExceeded,
        { Status: >= 400 and < 500 } => StatusCode.InvalidArgument,
        _ => StatusCode.Internal,
    };

    /// <summary>
    /// The problem as all there is of an answer, headers alone: for calls that are refused before the gRPC library sees them, where an exception costs more than
    /// the call would. Without a trace id.
    /// </summary>
    public static void WriteOnly(Microsoft.AspNetCore.Http.HttpResponse response, Problem problem)
    {
        var status = HeadersOf.GetOrAdd(problem, static problem => new(((int)CodeOf(problem)).ToString(CultureInfo.InvariantCulture), Uri.EscapeDataString(problem.Detail), Convert.ToBase64String(Details(problem, null).ToByteArray())));
        response.ContentType = "application/grpc";
        response.Headers["grpc-status"] = status.Code;
        response.Headers["grpc-message"] = status.Message;
        response.Headers[DetailsTrailer] = status.Details;
    }

    private sealed record StatusHeaders(string Code, string Message, string Details);

    /// <summary>Of the few problems that are constants.</summary>
    private static readonly ConcurrentDictionary<Problem, StatusHeaders> HeadersOf = new(ReferenceEqualityComparer.Instance);

    public static RpcException ToException(Problem problem, HttpContext context) =>
        new(new Status(CodeOf(problem), problem.Detail), new Metadata { { DetailsTrailer, Details(problem, ProblemWriter.TraceId(context)).ToByteArray() } });

    private static Google.Rpc.Status Details(Problem problem, string? traceId)
    {
        var code = CodeOf(problem);
        var status = new Google.Rpc.Status { Code = (int)code, Message = problem.Detail };
        var info = new ErrorInfo { Reason = problem.Code, Domain = Domain };
        if (traceId is not null) info.Metadata.Add("trace_id", traceId);
        var bad = Violations(problem.Errors);
        if (bad.FieldViolations.Count < problem.Errors.Length) info.Metadata.Add("errors", problem.Errors.Length.ToString(CultureInfo.InvariantCulture));
        status.Details.Add(Any.Pack(info));
        if (problem.Errors.Length > 0) status.Details.Add(Any.Pack(bad));
        if (problem.RetryAfterSeconds > 0)
            status.Details.Add(Any.Pack(new RetryInfo { RetryDelay = Duration.FromTimeSpan(TimeSpan.FromSeconds(problem.RetryAfterSeconds)) }));
        if (problem.Lead is { } lead) status.Details.Add(Any.Pack(GrpcAnswers.Post(LeadAnswer.FromJson(lead), replayed: true)));
        return status;
    }

    /// <summary>The first of them, as many as there is room for.</summary>
    private static BadRequest Violations(ProblemError[] errors)
    {
        var (bad, left) = (new BadRequest(), MostViolationBytes);
        foreach (var error in errors)
        {
            var violation = new BadRequest.Types.FieldViolation { Field = Shown(error.Pointer), Reason = error.Code, Description = error.Message };
            if ((left -= violation.CalculateSize()) < 0) break;
            bad.FieldViolations.Add(violation);
        }
        return bad;
    }

    /// <summary>The names in it are the caller's, and as long as it likes.</summary>
    private static string Shown(string pointer)
    {
        if (pointer.Length <= PointerChars) return pointer;
        var kept = char.IsHighSurrogate(pointer[PointerChars - 1]) ? PointerChars - 1 : PointerChars;
        return $"{pointer.AsSpan(0, kept)}…";
    }
}
