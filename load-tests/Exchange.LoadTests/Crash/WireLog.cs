using System.Text.Encodings.Web;
using System.Text.Json;
using System.Threading.Channels;
using Grpc.Core;
using Grpc.Core.Interceptors;

namespace Exchange.LoadTests.Crash;

/// <summary>
/// Every request and answer of a run as both ends of the exchange saw them: publishers, the operator and the buyer with an inbox on one side, buyers' servers and the
/// publisher's on the other. A line of JSON each, in the order in which they came. The judge joins what was kept of them; whoever doubts it has the words themselves.
/// </summary>
internal sealed class WireLog : IAsyncDisposable
{
    private static readonly JsonSerializerOptions Format = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Channel<Line> _lines = Channel.CreateUnbounded<Line>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Task _writing;
    private long _calls;

    private WireLog(string file) => _writing = Task.Run(() => WriteAsync(file));

    /// <summary>Null where no file is named.</summary>
    public static WireLog? Open(string? file) => file is null ? null : new(file);

    /// <summary>A call's number: its request and its answer have the same.</summary>
    public long Begin() => Interlocked.Increment(ref _calls);

    /// <param name="call">Its number.</param>
    /// <param name="end">Whose words: <c>publisher</c>, <c>inbox</c>, <c>operator</c>; or which server's.</param>
    /// <param name="what">What happened: sent, answered, broken off.</param>
    /// <param name="text">The bytes, as text.</param>
    public void Note(long call, string end, string what, string text) => _lines.Writer.TryWrite(new(TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(), call, end, what, text));

    /// <summary>The same handler where nothing is logged.</summary>
    public static HttpMessageHandler Around(WireLog? log, string end, HttpMessageHandler handler) => log is null ? handler : new Requests(log, end) { InnerHandler = handler };

    /// <summary>The same channel where nothing is logged.</summary>
    public static CallInvoker Around(WireLog? log, string end, ChannelBase channel) => log is null ? channel.CreateCallInvoker() : channel.Intercept(new Calls(log, end));

    public async ValueTask DisposeAsync()
    {
        _lines.Writer.Complete();
        await _writing;
    }

    private async Task WriteAsync(string file)
    {
        await using var writer = new StreamWriter(file);
        await foreach (var line in _lines.Reader.ReadAllAsync()) await writer.WriteLineAsync(JsonSerializer.Serialize(line, Format));
    }

    private sealed record Line(long AtMs, long Call, string End, string What, string Text);

    private sealed class Requests(WireLog log, string end) : DelegatingHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var call = log.Begin();
            log.Note(call, end, $"sent {request.Method} {request.RequestUri}", request.Content is { } body ? await body.ReadAsStringAsync(cancellationToken) : "");
            try
            {
                var answer = await base.SendAsync(request, cancellationToken);
                log.Note(call, end, $"answered {(int)answer.StatusCode}", await answer.Content.ReadAsStringAsync(cancellationToken));
                return answer;
            }
            catch (Exception fault)
            {
                log.Note(call, end, "broken off", fault.GetType().Name);
                throw;
            }
        }
    }

    private sealed class Calls(WireLog log, string end) : Interceptor
    {
        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(TRequest request, ClientInterceptorContext<TRequest, TResponse> context, AsyncUnaryCallContinuation<TRequest, TResponse> continuation)
        {
            var call = log.Begin();
            log.Note(call, end, $"sent {context.Method.FullName}", request.ToString() ?? "");
            var made = continuation(request, context);
            return new(AnswerAsync(), made.ResponseHeadersAsync, made.GetStatus, made.GetTrailers, made.Dispose);

            async Task<TResponse> AnswerAsync()
            {
                try
                {
                    var answer = await made.ResponseAsync;
                    log.Note(call, end, "answered OK", answer.ToString() ?? "");
                    return answer;
                }
                catch (RpcException fault)
                {
                    log.Note(call, end, $"answered {fault.StatusCode}", fault.Status.Detail);
                    throw;
                }
            }
        }
    }
}
