using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Exchange.LoadTests.Admin;
using Exchange.V1;
using Grpc.Core;
using Grpc.Net.Client;

namespace Exchange.LoadTests.Crash;

/// <summary>A publisher's requests to one server, over HTTP or gRPC. Whatever breaks on the way is unknown, never a no.</summary>
internal sealed class IntakeWire : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly HttpClient _http;
    private readonly GrpcChannel _channel;
    private readonly IntakeService.IntakeServiceClient _grpc;
    private readonly string _key;

    public IntakeWire(Server server, string key, WireLog? log)
    {
        _key = key;
        _http = new HttpClient(WireLog.Around(log, "publisher", new SocketsHttpHandler { MaxConnectionsPerServer = 64 })) { BaseAddress = server.Http, Timeout = Patience };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        _channel = GrpcChannel.ForAddress(server.Grpc, new GrpcChannelOptions
        {
            // A server that is back is found at once.
            InitialReconnectBackoff = TimeSpan.FromMilliseconds(20), MaxReconnectBackoff = TimeSpan.FromMilliseconds(100),
        });
        _grpc = new IntakeService.IntakeServiceClient(WireLog.Around(log, "publisher", _channel));
    }

    public void Dispose()
    {
        _http.Dispose();
        _channel.Dispose();
    }

    /// <summary>The id of a ping with an offer; null: none, or no answer.</summary>
    public async Task<string?> PingAsync(string market, bool grpc)
    {
        try
        {
            if (grpc)
            {
                var ping = new PingRequest { Vertical = market };
                ping.Fields["state"] = "CA";
                var answer = await _grpc.PingAsync(ping, Metadata(null), DateTime(Patience));
                return answer.Status == PingStatus.Offered ? answer.PingId : null;
            }
            using var reply = await _http.PostAsJsonAsync("/v1/pings", new { vertical = market, fields = new { state = "CA" } });
            if (!reply.IsSuccessStatusCode) return null;
            using var body = await JsonDocument.ParseAsync(await reply.Content.ReadAsStreamAsync());
            return body.RootElement.GetProperty("status").GetString() == "offered" ? body.RootElement.GetProperty("ping_id").GetString() : null;
        }
        catch (Exception fault) when (LostCall.Is(fault))
        {
            return null;
        }
    }

    public async Task<PostReply> PostAsync(Post post, bool grpc)
    {
        try
        {
            return grpc ? await OverGrpcAsync(post) : await OverHttpAsync(post);
        }
        catch (RpcException refused) when (CodeOf(refused) is { } code)
        {
            return new(Ended.Refused, code);
        }
        catch (Exception fault) when (LostCall.Is(fault))
        {
            return new(Ended.Unknown);
        }
    }

    private async Task<PostReply> OverHttpAsync(Post post)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/posts") { Content = JsonContent.Create(new { ping_id = post.Ping, fields = new { email = post.Email } }) };
        request.Headers.TryAddWithoutValidation("Idempotency-Key", post.Key);
        using var reply = await _http.SendAsync(request);
        var text = await reply.Content.ReadAsStringAsync();
        if (!reply.IsSuccessStatusCode) return new(Ended.Refused, Problems.Code(text));
        using var body = JsonDocument.Parse(text);
        var lead = body.RootElement;
        return new(Ended.Ok, "", lead.GetProperty("lead_id").GetString()!, lead.GetProperty("status").GetString()!,
            Micros(lead, "payout"), Micros(lead, "payout_pending"), reply.StatusCode == System.Net.HttpStatusCode.OK, text);
    }

    private static long Micros(JsonElement lead, string member) => (long)(decimal.Parse(lead.GetProperty(member).GetString()!, CultureInfo.InvariantCulture) * 1_000_000m);

    private async Task<PostReply> OverGrpcAsync(Post post)
    {
        var request = new PostRequest { PingId = post.Ping };
        request.Fields["email"] = post.Email;
        var answer = await _grpc.PostAsync(request, Metadata(post.Key), DateTime(Patience));
        answer.IdempotencyReplayed = false;
        var status = answer.Status switch { LeadStatus.Sold => "sold", LeadStatus.Unsold => "unsold", LeadStatus.InDoubt => "in_doubt", _ => "pending" };
        return new(Ended.Ok, "", answer.LeadId, status, answer.PayoutMicros, answer.PayoutPendingMicros,
            answer.Copies.All(copy => copy.Status is not (CopyStatus.InDoubt or CopyStatus.Pending)) && status is "sold" or "unsold", answer.ToString());
    }

    /// <summary>Null: not a word of the exchange's, so nobody knows.</summary>
    private static string? CodeOf(RpcException failure)
    {
        if (failure.Trailers.GetValueBytes("grpc-status-details-bin") is not { } bytes) return null;
        foreach (var detail in Google.Rpc.Status.Parser.ParseFrom(bytes).Details)
            if (detail.TryUnpack<Google.Rpc.ErrorInfo>(out var info)) return info.Reason;
        return null;
    }

    private static System.DateTime DateTime(TimeSpan from) => TimeProvider.System.GetUtcNow().UtcDateTime + from;

    private Metadata Metadata(string? idempotencyKey)
    {
        var metadata = new Metadata { { "authorization", "Bearer " + _key } };
        if (idempotencyKey is not null) metadata.Add("idempotency-key", idempotencyKey);
        return metadata;
    }
}
