using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using Exchange.LoadTests.Compare;
using Exchange.V1;
using Google.Protobuf;

namespace Exchange.LoadTests.Overload;

/// <summary>How one call or pair ended.</summary>
internal enum Ended
{
    /// <summary>Sold and durable; of a ping alone: answered.</summary>
    Done,
    /// <summary>The market had no offer; nobody's fault.</summary>
    NoOffer,
    /// <summary>The ping was refused for now: it cost its publisher nothing but the time to be told.</summary>
    PingRefused,
    /// <summary>The post of an offer was refused for now.</summary>
    PostRefused,
    /// <summary>Anything else.</summary>
    Failed,
}

/// <summary>
/// gRPC as bytes over HTTP/2: an answer is read only as far as the next step needs, and a refusal is a status, not an exception. What a call costs its client
/// bounds the rate it can offer.
/// </summary>
internal sealed class RawIntake : IDisposable
{
    private const int PingPool = 4_096, Frame = 5;
    // Both say: come again.
    private const int ResourceExhausted = 8, Unavailable = 14;
    private const string Ping = "/exchange.v1.IntakeService/Ping", Post = "/exchange.v1.IntakeService/Post";

    private static readonly MediaTypeHeaderValue Grpc = new("application/grpc");

    private readonly HttpClient[] clients;
    private readonly Uri ping, post;
    private readonly string key;
    private readonly byte[][] pings;
    private readonly PingStreams? streams;
    private readonly Func<long, IEnumerable<KeyValuePair<string, string>>> person;
    private long persons;

    /// <summary>Pings and persons of the compared catalog.</summary>
    /// <param name="connections">HTTP/2 connections; each opens more when its streams run out.</param>
    /// <param name="streamed">Pings over a stream for each connection instead of a call for each ping.</param>
    public RawIntake(Uri server, string key, int connections, int seed, bool streamed = false)
        : this(server, key, connections, Enumerable.Range(0, PingPool).Select(index => MakePing(seed, index)), ComparedCatalog.Person, streamed) { }

    /// <param name="connections">As above.</param>
    /// <param name="pings">Sent in turn.</param>
    /// <param name="person">The fields of the post of a person's number.</param>
    /// <param name="streamed">As above.</param>
    public RawIntake(Uri server, string key, int connections, IEnumerable<PingRequest> pings, Func<long, IEnumerable<KeyValuePair<string, string>>> person, bool streamed = false)
    {
        (this.key, this.person) = (key, person);
        (ping, post) = (new Uri(server, Ping), new Uri(server, Post));
        clients = [.. Enumerable.Range(0, connections).Select(_ => new HttpClient(new SocketsHttpHandler { EnableMultipleHttp2Connections = true, UseProxy = false })
        {
            DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact, Timeout = Timeout.InfiniteTimeSpan,
        })];
        this.pings = [.. pings.Select(Framed)];
        if (streamed) streams = new PingStreams(clients, server, key);
    }

    public void Dispose()
    {
        streams?.Dispose();
        foreach (var client in clients) client.Dispose();
    }

    /// <summary>A ping and, if it is offered, its post; the time of the refusal, if it is refused, is that of the call that was.</summary>
    /// <param name="sent">Called before each call goes out.</param>
    public async Task<Ended> PairAsync(long number, Action sent, bool pingOnly, CancellationToken cancel)
    {
        sent();
        var (refused, failed, answer) = streams is null ? await PingAsync(number, cancel) : await StreamedPingAsync(streams, number);
        if (refused) return Ended.PingRefused;
        if (answer is null) return Fail(failed ?? "No answer");
        if (answer.Status != PingStatus.Offered) return Ended.NoOffer;
        if (pingOnly) return Ended.Done;
        var request = new PostRequest { PingId = answer.PingId };
        foreach (var (name, value) in person(Interlocked.Increment(ref persons))) request.Fields[name] = value;
        sent();
        (refused, failed, var body) = await CallAsync(number, post, Framed(request), cancel);
        if (refused) return Ended.PostRefused;
        if (failed is not null) return Fail(failed);
        var lead = PostResponse.Parser.ParseFrom(body, Frame, body.Length - Frame);
        return lead.Status == LeadStatus.Sold ? Ended.Done : Fail($"{lead.Status} {lead.Reason}");
    }

    private async Task<(bool Refused, string? Failed, PingResponse? Answer)> PingAsync(long number, CancellationToken cancel)
    {
        var (refused, failed, body) = await CallAsync(number, ping, pings[number % pings.Length], cancel);
        return (refused, failed, refused || failed is not null ? null : PingResponse.Parser.ParseFrom(body, Frame, body.Length - Frame));
    }

    private async Task<(bool Refused, string? Failed, PingResponse? Answer)> StreamedPingAsync(PingStreams streams, long number)
    {
        try
        {
            var answer = await streams.PingAsync(number, pings[number % pings.Length].AsSpan(Frame));
            return (answer.Error is { Status: ResourceExhausted or Unavailable }, answer.Error?.Code, answer.Answer);
        }
        catch (IOException fault)
        {
            return (false, fault.Message, null);
        }
    }

    /// <summary>The first unexpected end, for people.</summary>
    public string? FirstFailure { get; private set; }

    private Ended Fail(string what)
    {
        FirstFailure ??= what;
        return Ended.Failed;
    }

    private async Task<(bool Refused, string? Failed, byte[] Body)> CallAsync(long number, Uri url, byte[] frame, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, url)
        {
            Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = new ByteArrayContent(frame) { Headers = { ContentType = Grpc } },
        };
        request.Headers.TryAddWithoutValidation("x-api-key", key);
        request.Headers.TryAddWithoutValidation("te", "trailers");
        try
        {
            using var reply = await clients[number % clients.Length].SendAsync(request, cancel);
            var body = await reply.Content.ReadAsByteArrayAsync(cancel);
            var status = Status(reply.TrailingHeaders) ?? Status(reply.Headers);
            // RESOURCE_EXHAUSTED and UNAVAILABLE.
            return status switch { "0" => (false, null, body), "8" or "14" => (true, null, body), _ => (false, $"HTTP {(int)reply.StatusCode}, gRPC {status}", body) };
        }
        catch (HttpRequestException fault)
        {
            return (false, fault.Message, []);
        }
    }

    private static string? Status(HttpResponseHeaders headers) => headers.TryGetValues("grpc-status", out var values) ? values.First() : null;

    private static PingRequest MakePing(int seed, int index)
    {
        var request = new PingRequest { Vertical = ComparedCatalog.Vertical, SubId = "kw-17" };
        request.Fields.Add(ComparedCatalog.Ping(seed, index));
        return request;
    }

    private static byte[] Framed(IMessage message)
    {
        var size = message.CalculateSize();
        var frame = new byte[Frame + size];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), size);
        message.WriteTo(frame.AsSpan(Frame));
        return frame;
    }
}
