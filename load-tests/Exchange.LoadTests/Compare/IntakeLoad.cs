using Exchange.V1;
using Grpc.Core;
using Grpc.Net.Client;

namespace Exchange.LoadTests.Compare;

/// <summary>
/// The client side of the comparison: the same channels, metadata and pings whoever listens. Pings are made beforehand, so that making them
/// is nobody's cost.
/// </summary>
internal sealed class IntakeLoad : IDisposable
{
    private const int PingPool = 4_096;

    private readonly GrpcChannel[] _channels;
    private readonly IntakeService.IntakeServiceClient[] _clients;
    private readonly PingRequest[] _pings;
    private readonly Metadata _metadata;
    private long _persons;

    /// <param name="connections">HTTP/2 connections, shared evenly by the callers.</param>
    /// <param name="firstPerson">Posts number their persons from here on, so that no two loads of one data folder post the same person.</param>
    public IntakeLoad(Uri server, string key, int connections, int seed, long firstPerson)
    {
        _channels = [.. Enumerable.Range(0, connections).Select(_ => GrpcChannel.ForAddress(server, new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler { EnableMultipleHttp2Connections = true, PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan },
            DisposeHttpClient = true,
        }))];
        _clients = [.. _channels.Select(channel => new IntakeService.IntakeServiceClient(channel))];
        _pings = [.. Enumerable.Range(0, PingPool).Select(index => MakePing(seed, index))];
        _metadata = new Metadata { { "x-api-key", key } };
        _persons = firstPerson;
    }

    public void Dispose()
    {
        foreach (var channel in _channels)
        {
            channel.Dispose();
        }
    }

    /// <summary>Any answer will do; whether there is an offer is the catalog's business.</summary>
    public async Task<string?> PingAsync(int caller, long number, CancellationToken cancel)
    {
        await AskAsync(caller, number, cancel);
        return null;
    }

    /// <summary>Null = sold, else the reason. A ping without offer or a post that is not sold is no pair.</summary>
    public async Task<string?> PairAsync(int caller, long number, CancellationToken cancel)
    {
        var ping = await AskAsync(caller, number, cancel);
        if (ping.Status != PingStatus.Offered)
        {
            return ping.Reason;
        }

        var post = new PostRequest { PingId = ping.PingId };
        foreach (var (name, value) in ComparedCatalog.Person(Interlocked.Increment(ref _persons)))
        {
            post.Fields[name] = value;
        }

        var answer = await Client(caller).PostAsync(post, _metadata, cancellationToken: cancel);
        return answer.Status == LeadStatus.Sold ? null : answer.Reason.Length > 0 ? answer.Reason : answer.Status.ToString();
    }

    private async Task<PingResponse> AskAsync(int caller, long number, CancellationToken cancel) =>
        await Client(caller).PingAsync(_pings[(caller * 31 + number) % PingPool], _metadata, cancellationToken: cancel);

    private static PingRequest MakePing(int seed, int index)
    {
        var ping = new PingRequest { Vertical = ComparedCatalog.Vertical, SubId = "kw-17" };
        ping.Fields.Add(ComparedCatalog.Ping(seed, index));
        return ping;
    }

    private IntakeService.IntakeServiceClient Client(int caller) => _clients[caller % _clients.Length];
}
