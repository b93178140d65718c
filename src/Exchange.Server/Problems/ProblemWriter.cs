using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Exchange.Grains.Intake;
using Exchange.Server.Answers;

namespace Exchange.Server.Problems;

/// <summary>
/// Writes a <see cref="Problem"/> as <c>application/problem+json</c> (RFC 9457), or as <c>application/problem+xml</c> to who likes XML better: the one form in
/// which HTTP callers are refused.
/// </summary>
public static class ProblemWriter
{
    public const string ContentType = "application/problem+json";
    public const string XmlContentType = "application/problem+xml";

    /// <summary>
    /// Answers with the problem: <c>Retry-After</c> where it says so, <c>WWW-Authenticate</c> with 401, the recorded answer as <c>lead</c>.
    /// Does nothing once the answer has begun.
    /// </summary>
    public static Task WriteAsync(HttpContext context, Problem problem)
    {
        var response = context.Response;
        if (response.HasStarted) return Task.CompletedTask;
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer)) Write(json, problem, TraceId(context));
        var isXml = AnswerFormats.Of(context.Request) == AnswerFormat.Xml;
        var body = isXml ? AnswerXml.Problem(buffer.WrittenMemory) : buffer.WrittenMemory;
        response.StatusCode = problem.Status;
        response.ContentType = isXml ? XmlContentType : ContentType;
        response.ContentLength = body.Length;
        response.Headers.CacheControl = "no-store";
        if (problem.RetryAfterSeconds > 0) response.Headers.RetryAfter = problem.RetryAfterSeconds.ToString(CultureInfo.InvariantCulture);
        if (problem.Status == 401) response.Headers.WWWAuthenticate = "Bearer realm=\"exchange\"";
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : response.Body.WriteAsync(body).AsTask();
    }

    /// <summary>What the operator finds the request by in its logs: the caller's own trace (<c>traceparent</c>) if it has one, else this server's number of the request.</summary>
    public static string TraceId(HttpContext context) =>
        ActivityContext.TryParse(context.Request.Headers.TraceParent, null, out var caller) ? caller.TraceId.ToHexString()
        : Activity.Current is { } activity ? activity.TraceId.ToHexString()
        : context.TraceIdentifier;

    private static void Write(Utf8JsonWriter json, Problem problem, string traceId)
    {
        json.WriteStartObject();
        json.WriteString("type", $"urn:exchange:problem:{problem.Code}");
        json.WriteString("title", Title(problem.Code));
        json.WriteNumber("status", problem.Status);
        json.WriteString("detail", problem.Detail);
        json.WriteString("code", problem.Code);
        json.WriteStartArray("errors");
        foreach (var error in problem.Errors)
        {
            json.WriteStartObject();
            json.WriteString("pointer", error.Pointer);
            json.WriteString("code", error.Code);
            json.WriteString("message", error.Message);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteString("trace_id", traceId);
        if (problem.Lead is { } lead)
        {
            json.WritePropertyName("lead");
            // Recorded by us, byte for byte as it was answered then.
            json.WriteRawValue(lead, skipInputValidation: true);
        }
        json.WriteEndObject();
    }

    /// <summary><c>body_too_large</c> reads "Body too large": the code is the summary, so the two cannot come apart.</summary>
    private static string Title(string code) => code.Length == 0 ? "" : char.ToUpperInvariant(code[0]) + code[1..].Replace('_', ' ');
}
