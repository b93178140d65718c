using Exchange.Engine.Fields;
using Orleans;

namespace Exchange.Grains.Intake;

/// <summary>
/// A refusal that the caller can cure (4xx) or that asks it to come again (503): what HTTP writes as application/problem+json and gRPC as
/// a rich status. <see cref="Status"/> is the HTTP status. <see cref="Lead"/> is the recorded answer beside 409 already_posted.
/// </summary>
[GenerateSerializer, Immutable, Alias("exchange.problem.v1")]
public sealed record Problem(
    [property: Id(0)] int Status,
    [property: Id(1)] string Code,
    [property: Id(2)] string Detail,
    [property: Id(3)] ProblemError[] Errors,
    [property: Id(4)] int RetryAfterSeconds = 0,
    [property: Id(5)] byte[]? Lead = null)
{
    /// <summary>422 with every error; the top code is the only error's, else <c>invalid_request</c>.</summary>
    public static Problem Invalid(IReadOnlyList<InputError> found)
    {
        // Two rooms may see the same: a bound of the request is one of its fields too. Told once.
        var errors = found.Distinct().ToList();
        return new(422, errors.Count == 1 ? errors[0].Code : "invalid_request", errors.Count == 1 ? errors[0].Message : $"{errors.Count} things are wrong with the request.",
            [.. errors.Take(Engine.Limits.ErrorsPerAnswer).Select(error => new ProblemError(error.Pointer, error.Code, error.Message))]);
    }

    public static Problem Of(int status, string code, string detail, int retryAfterSeconds = 0) => new(status, code, detail, [], retryAfterSeconds);
}

[GenerateSerializer, Immutable, Alias("exchange.problem-error.v1")]
public sealed record ProblemError([property: Id(0)] string Pointer, [property: Id(1)] string Code, [property: Id(2)] string Message);
