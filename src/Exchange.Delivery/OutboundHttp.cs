using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Security.Authentication;
using Exchange.Engine;
using Exchange.Engine.Catalog;

namespace Exchange.Delivery;

/// <summary>
/// The only door from here to buyers. It resolves a name itself, refuses every address that is not public and connects to that very address, so
/// that no second look-up can lead elsewhere. It follows no redirect, uses no proxy, keeps no cookie, unpacks nothing and never sends twice.
/// </summary>
public sealed class OutboundHttp : IDisposable
{
    private readonly OutboundOptions options;
    private readonly TimeProvider time;
    private readonly PublicHosts hosts;
    private readonly EndpointGates gates;
    private readonly HttpMessageInvoker http;
    private readonly bool hasSockets = true;
    private readonly ConditionalWeakTable<Uri, StrongBox<bool>> judged = [];

    public OutboundHttp(OutboundOptions options, ResolveHost? resolve = null, TimeProvider? time = null)
    {
        (this.options, this.time) = (options, time ?? TimeProvider.System);
        hosts = new(options.AllowLoopback, resolve);
        gates = new(options.InFlightPerEndpoint, options.WaitingPerEndpoint, this.time);
        http = new(Sockets());
    }

    /// <summary>For tests: everything but the sockets.</summary>
    internal OutboundHttp(OutboundOptions options, HttpMessageHandler wire, TimeProvider time)
    {
        (this.options, this.time) = (options, time);
        hosts = new(options.AllowLoopback, static (_, _) => throw new InvalidOperationException("No socket, no name"));
        gates = new(options.InFlightPerEndpoint, options.WaitingPerEndpoint, time);
        http = new(wire);
        hasSockets = false;
    }

    private SocketsHttpHandler Sockets() => new()
    {
        ConnectCallback = ConnectAsync,
        PlaintextStreamFilter = static (context, _) => ValueTask.FromResult<Stream>(new WitnessStream(context.PlaintextStream)),
        ConnectTimeout = options.ConnectTimeout,
        AllowAutoRedirect = false,
        UseProxy = false,
        UseCookies = false,
        Credentials = null,
        PreAuthenticate = false,
        AutomaticDecompression = DecompressionMethods.None,
        // Our trace ids are nobody else's.
        ActivityHeadersPropagator = null,
        MaxResponseHeadersLength = 16,
        MaxResponseDrainSize = Limits.BuyerReplyBytes,
        ResponseDrainTimeout = TimeSpan.FromSeconds(1),
        // A connection that the buyer closes just as it is used again puts a lead in doubt: idle ones are dropped before servers usually do.
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(15),
        PooledConnectionLifetime = TimeSpan.FromMinutes(2),
        SslOptions = new SslClientAuthenticationOptions { EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13 },
    };

    public bool AllowLoopback => options.AllowLoopback;

    /// <summary>
    /// Sends a request once. Never throws for what the outside does; the deadline, the timeout and every fault come back as an error code.
    /// </summary>
    /// <param name="endpoint">Whose limits count.</param>
    /// <param name="timeout">Of this request alone. A ping's deadline is that of its one request, and nothing else bounds it.</param>
    public Task<OutboundReply> SendAsync(EndpointModel endpoint, OutboundRequest request, CallPurpose purpose, TimeSpan timeout, CancellationToken deadline) =>
        CallTrace.Current is { } trace ? trace.PassAsync(request, purpose, () => SendOnceAsync(endpoint, request, purpose, timeout, deadline)) : SendOnceAsync(endpoint, request, purpose, timeout, deadline);

    private Task<OutboundReply> SendOnceAsync(EndpointModel endpoint, OutboundRequest request, CallPurpose purpose, TimeSpan timeout, CancellationToken deadline)
    {
        if (!MayCall(endpoint, request.Url)) return Task.FromResult(new OutboundReply(false, 0, null, "url_refused", null));
        var gate = gates.For(endpoint, purpose == CallPurpose.Token);
        if (!gate.TryTake(spare: purpose == CallPurpose.Ping, out var freeIn)) return Task.FromResult(new OutboundReply(false, 0, null, "rate_limited", null) { FreeIn = freeIn });
        var isPing = purpose == CallPurpose.Ping && deadline.CanBeCanceled;
        return isPing && gate.TryEnter() ? SendAsync(request, purpose, gate, deadline) : EnterAndSendAsync(request, purpose, gate, isPing ? null : timeout, deadline);
    }

    private async Task<OutboundReply> EnterAndSendAsync(OutboundRequest request, CallPurpose purpose, EndpointGates.Gate gate, TimeSpan? timeout, CancellationToken deadline)
    {
        using var timer = timeout is { } most ? new CancellationTokenSource(most, time) : null;
        using var limited = timer is null ? null : CancellationTokenSource.CreateLinkedTokenSource(deadline, timer.Token);
        var until = limited?.Token ?? deadline;
        try
        {
            if (!await gate.EnterAsync(until)) return new(false, 0, null, "endpoint_busy", null);
        }
        catch (OperationCanceledException)
        {
            return new(false, 0, null, "timeout", null);
        }
        return await SendAsync(request, purpose, gate, until);
    }

    /// <summary>An endpoint's own address is judged once; one that a template made, each time.</summary>
    private bool MayCall(EndpointModel endpoint, Uri url) => ReferenceEquals(url, endpoint.Url)
        ? judged.GetValue(url, url => new(UrlRules.Check(url, options.AllowLoopback) is null)).Value
        : UrlRules.Check(url, options.AllowLoopback) is null;

    /// <param name="gate">It was entered, and is left here.</param>
    private async Task<OutboundReply> SendAsync(OutboundRequest outbound, CallPurpose purpose, EndpointGates.Gate gate, CancellationToken deadline)
    {
        try
        {
            using var content = outbound.Body is null ? null : new WitnessedContent(outbound.Body, outbound.ContentType ?? "application/octet-stream");
            using var request = Message(outbound, content);
            var status = 0;
            RetryConditionHeaderValue? retryAfter = null;
            // A ping with a body is told by its body; the witness goes with every await of the call, and ten of a ping's calls cost more for it than their auction.
            var witness = purpose == CallPurpose.Ping && content is not null ? null : SendWitness.Current.Value = new();
            try
            {
                using var response = await http.SendAsync(request, deadline);
                status = (int)response.StatusCode;
                retryAfter = response.Headers.RetryAfter;
                var reply = new OutboundReply(true, status, null, null, retryAfter) { ContentType = ContentType(response), Headers = Wanted(response, outbound.WantedHeaders) };
                if (!outbound.ReadBody) return reply;
                var (bytes, error) = await ReadAsync(response.Content, deadline);
                return reply with { Body = bytes, Error = error };
            }
            // Every exception, also one nobody thought of: what may have left must come back as doubt and not as a failure of ours.
            catch (Exception fault)
            {
                // Where there is no socket to watch, a request without a body is taken to have left.
                var begun = content?.Begun == true || witness?.Begun == true || content is null && !hasSockets || status != 0;
                return new(begun, status, null, Code(fault, begun, deadline), retryAfter);
            }
        }
        finally
        {
            gate.Leave();
        }
    }

    private static HttpRequestMessage Message(OutboundRequest outbound, HttpContent? content)
    {
        var request = new HttpRequestMessage(HttpMethod.Parse(outbound.Method), outbound.Url)
        {
            Content = content,
            // Not HTTP/2: there a connection's end may make the handler send a request again.
            Version = HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        foreach (var (name, value) in outbound.Headers) request.Headers.TryAddWithoutValidation(name, value);
        if (!request.Headers.Contains("User-Agent")) request.Headers.TryAddWithoutValidation("User-Agent", "exchange/1");
        if (!request.Headers.Contains("Accept")) request.Headers.TryAddWithoutValidation("Accept", "application/json");
        return request;
    }

    private static string? ContentType(HttpResponseMessage response) =>
        response.Content.Headers.NonValidated.TryGetValues("Content-Type", out var values) ? values.ToString() : null;

    private static Dictionary<string, string>? Wanted(HttpResponseMessage response, IReadOnlyList<string> names)
    {
        if (names.Count == 0) return null;
        var found = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var name in names)
            if (response.Headers.NonValidated.TryGetValues(name, out var values) || response.Content.Headers.NonValidated.TryGetValues(name, out values)) found[name] = values.ToString();
        return found;
    }

    private static async Task<(byte[]? Body, string? Error)> ReadAsync(HttpContent content, CancellationToken deadline)
    {
        var told = content.Headers.ContentLength;
        if (told > Limits.BuyerReplyBytes) return (null, "answer_too_large");
        using var stream = await content.ReadAsStreamAsync(deadline);
        // A byte more than there should be, so that the end is seen without more room.
        var buffer = new byte[told + 1 ?? 4096];
        var length = 0;
        while (true)
        {
            var read = await stream.ReadAsync(buffer.AsMemory(length), deadline);
            if (read == 0) return (length == buffer.Length ? buffer : buffer[..length], null);
            length += read;
            if (length > Limits.BuyerReplyBytes) return (null, "answer_too_large");
            if (length == buffer.Length) Array.Resize(ref buffer, Math.Min(buffer.Length * 2, Limits.BuyerReplyBytes + 1));
        }
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancel) =>
        new NetworkStream(await hosts.ConnectAsync(context.DnsEndPoint.Host, context.DnsEndPoint.Port, cancel), ownsSocket: true);

    private static string Code(Exception fault, bool begun, CancellationToken deadline)
    {
        if (deadline.IsCancellationRequested) return "timeout";
        for (var inner = fault; inner is not null; inner = inner.InnerException)
        {
            if (inner is ConnectRefusedException refused) return refused.Code;
            if (inner is AuthenticationException && !begun) return "tls_failed";
        }
        // What TLS says after the first byte of a request has left, as of a certificate that the server wants, is the end of a connection like any other.
        if (begun) return Error(fault, "connection_lost");
        if (fault is HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError }) return "tls_failed";
        return fault is OperationCanceledException or HttpRequestException { InnerException: TimeoutException } ? "connect_timeout" : Error(fault, "connect_failed");
    }

    private static string Error(Exception fault, string otherwise) => (fault as HttpRequestException)?.HttpRequestError switch
    {
        HttpRequestError.InvalidResponse => "answer_malformed",
        HttpRequestError.ConfigurationLimitExceeded => "answer_too_large",
        _ => otherwise,
    };

    public void Dispose() => http.Dispose();
}
