namespace Exchange.Server.Problems;

/// <summary>
/// First in the pipeline: whatever ends without a body of its own and with an error status, or in an exception, is answered as a problem.
/// </summary>
public sealed partial class ProblemMiddleware(RequestDelegate next, ILogger<ProblemMiddleware> log)
{
    public async Task InvokeAsync(HttpContext context)
    {
        try
        {
            await next(context);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // Nobody is there to be answered.
            return;
        }
        catch (Exception exception)
        {
            // The route pattern, never the path: a path may hold an id that a caller made up of anything.
            if (!Faults.IsExpected(exception)) LogFault(log, exception.GetType().Name, context.GetEndpoint()?.DisplayName ?? "no endpoint", ProblemWriter.TraceId(context), exception.StackTrace ?? "");
            if (context.Response.HasStarted)
            {
                // Half an answer is no answer; throwing on would have the host log the message.
                context.Abort();
                return;
            }
            context.Response.Clear();
            await ProblemWriter.WriteAsync(context, Faults.Of(exception));
            return;
        }
        var response = context.Response;
        if (response.StatusCode >= 400 && !response.HasStarted && response.ContentLength is null && string.IsNullOrEmpty(response.ContentType))
            await ProblemWriter.WriteAsync(context, StatusProblems.Of(response.StatusCode));
    }

    /// <summary>Type and stack only: an exception's message may repeat a value that a person typed.</summary>
    [LoggerMessage(1, LogLevel.Error, "{Exception} at {Endpoint}, trace {TraceId}\n{Stack}")]
    private static partial void LogFault(ILogger log, string exception, string endpoint, string traceId, string stack);
}
