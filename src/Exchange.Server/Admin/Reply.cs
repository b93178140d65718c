using System.Text.Json;
using Exchange.Engine.Values;
using Exchange.Grains.Intake;
using Exchange.Server.Problems;

namespace Exchange.Server.Admin;

/// <summary>
/// What a handler answers: a body with its status, or a problem. A value rather than a side effect, so that an answer can be recorded
/// under an idempotency key before it is sent.
/// </summary>
internal sealed record Reply(int Status, byte[] Body, string ContentType)
{
    public const string JsonType = "application/json";

    /// <summary>Set = refused; the rest does not count.</summary>
    public Problem? Problem { get; init; }
    /// <summary>The catalog version, sent as ETag.</summary>
    public long? Version { get; init; }
    public bool Replayed { get; init; }

    public static implicit operator Reply(Problem problem) => new(problem.Status, [], ProblemWriter.ContentType) { Problem = problem };

    /// <summary>One JSON object; <paramref name="members"/> writes what is in it.</summary>
    public static Reply Json(Action<Utf8JsonWriter> members, int status = 200) => new(status, JsonBytes.Plain(members, static (json, members) =>
    {
        json.WriteStartObject();
        members(json);
        json.WriteEndObject();
    }), JsonType);

    public async Task WriteAsync(HttpContext context)
    {
        if (Problem is not null)
        {
            await ProblemWriter.WriteAsync(context, Problem);
            return;
        }
        var response = context.Response;
        response.StatusCode = Status;
        response.ContentType = ContentType;
        response.ContentLength = Body.Length;
        // Live numbers, people's data and keys: nothing here is for a cache.
        response.Headers.CacheControl = "no-store";
        if (Version is { } version) response.Headers.ETag = Precondition.TagOf(version);
        if (Replayed) response.Headers["Idempotency-Replayed"] = "true";
        if (!HttpMethods.IsHead(context.Request.Method)) await response.Body.WriteAsync(Body, context.RequestAborted);
    }
}
