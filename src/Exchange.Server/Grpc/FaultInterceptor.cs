using Exchange.Server.Problems;
using Grpc.Core;
using Grpc.Core.Interceptors;

namespace Exchange.Server.Grpc;

/// <summary>Turns what a service let slip into a status with a code and no details. For every gRPC service of this host.</summary>
public sealed partial class FaultInterceptor(ILogger<FaultInterceptor> log) : Interceptor
{
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            return await continuation(request, context);
        }
        catch (Exception exception) when (exception is not RpcException)
        {
            throw Map(exception, context);
        }
    }

    public override async Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            await continuation(request, responseStream, context);
        }
        catch (Exception exception) when (exception is not RpcException)
        {
            throw Map(exception, context);
        }
    }

    public override async Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        DuplexStreamingServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            await continuation(requestStream, responseStream, context);
        }
        catch (Exception exception) when (exception is not RpcException)
        {
            throw Map(exception, context);
        }
    }

    private RpcException Map(Exception exception, ServerCallContext context)
    {
        if (exception is OperationCanceledException && context.CancellationToken.IsCancellationRequested) return new RpcException(new Status(StatusCode.Cancelled, "The caller left."));
        if (!Faults.IsExpected(exception)) LogFault(log, exception.GetType().Name, context.Method, exception.StackTrace ?? "");
        return RichStatus.ToException(Faults.Of(exception), context.GetHttpContext());
    }

    /// <summary>Type and stack only: an exception's message may repeat a value that a person typed.</summary>
    [LoggerMessage(1, LogLevel.Error, "{Exception} at {Method}\n{Stack}")]
    private static partial void LogFault(ILogger log, string exception, string method, string stack);
}
