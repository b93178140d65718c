using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Exchange.LoadTests.Admin;
using Exchange.LoadTests.Leads;

namespace Exchange.LoadTests.Demo;

/// <summary>What became of one ping.</summary>
/// <param name="PingId">Its id; posts name it.</param>
/// <param name="Sellers">Named sellers of the offers in <c>best</c>, for the consent.</param>
internal sealed record PingAnswer(string PingId, bool Offered, string? Reason, decimal Payout, IReadOnlyList<string> Sellers);

/// <summary>What became of one post; <see cref="Status"/> is the wire word.</summary>
internal sealed record PostAnswer(string LeadId, string Status, string? Reason, decimal Payout);

/// <summary>The exchange did not take a request; <see cref="Exception.Message"/> is the status and the problem's code, never a value that was sent.</summary>
internal sealed class RefusedException(string message) : Exception(message);

/// <summary>A publisher over HTTP.</summary>
internal sealed class IntakeClient(Uri exchange, int concurrency) : IDisposable
{
    private const string ConsentText = "I agree to be called and texted about my request, also by automated means. Consent is no condition of a purchase.";
    private const string UserAgent = "Mozilla/5.0 (X11; Linux x86_64)";
    private const int Tries = 5;
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    private readonly HttpClient _http = new(new SocketsHttpHandler { MaxConnectionsPerServer = concurrency }) { BaseAddress = exchange, Timeout = TimeSpan.FromSeconds(60) };

    public void Dispose() => _http.Dispose();

    public async Task<PingAnswer> PingAsync(string key, MadeLead lead, CancellationToken cancel)
    {
        var body = new JsonObject
        {
            ["vertical"] = lead.Vertical,
            ["sub_id"] = lead.SubId,
            ["channel"] = "web",
            ["tags"] = new JsonObject { ["click_id"] = lead.ClickId },
            ["fields"] = Fields(lead.PingFields),
        };
        using var answer = await SendAsync("/v1/pings", key, body, cancel);
        var ping = answer.RootElement;
        var offered = ping.GetProperty("status").GetString() == "offered";
        return new PingAnswer(
            ping.GetProperty("ping_id").GetString()!,
            offered,
            Optional(ping, "reason"),
            offered ? Amounts.Read(ping.GetProperty("payout")) : 0m,
            offered ? [.. ping.GetProperty("offers").EnumerateArray().Select(offer => Optional(offer, "seller")).OfType<string>().Distinct()] : []);
    }

    public async Task<PostAnswer> PostAsync(string key, MadeLead lead, PingAnswer ping, DateTimeOffset now, CancellationToken cancel)
    {
        var body = new JsonObject
        {
            ["ping_id"] = ping.PingId,
            ["fields"] = Fields(lead.PostFields),
            ["consent"] = new JsonObject
            {
                ["text"] = ConsentText,
                ["at"] = now.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
                ["page"] = $"https://www.example.com/{lead.Vertical}",
                ["ip"] = lead.Ip,
                ["user_agent"] = UserAgent,
                ["sellers"] = new JsonArray([.. ping.Sellers.Select(seller => JsonValue.Create(seller))]),
            },
        };
        using var answer = await SendAsync("/v1/posts", key, body, cancel);
        var post = answer.RootElement;
        return new PostAnswer(
            post.GetProperty("lead_id").GetString()!, post.GetProperty("status").GetString()!, Optional(post, "reason"), Amounts.Read(post.GetProperty("payout")));
    }

    /// <summary>Sends, and where the exchange asks to come again later does so as often as is reasonable.</summary>
    private async Task<JsonDocument> SendAsync(string path, string key, JsonObject body, CancellationToken cancel)
    {
        for (var attempt = 1; ; attempt++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
            request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
            using var answer = await TrySendAsync(request, cancel);
            if (answer.IsSuccessStatusCode)
            {
                return await JsonDocument.ParseAsync(await answer.Content.ReadAsStreamAsync(cancel), default, cancel);
            }

            if (attempt < Tries && answer.StatusCode is HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable && answer.Headers.RetryAfter?.Delta is { } pause)
            {
                await Task.Delay(pause < LongestPause ? pause : LongestPause, cancel);
                continue;
            }

            throw new RefusedException($"{path} {(int)answer.StatusCode} {Problems.Code(await answer.Content.ReadAsStringAsync(cancel))}");
        }
    }

    private async Task<HttpResponseMessage> TrySendAsync(HttpRequestMessage request, CancellationToken cancel)
    {
        try
        {
            return await _http.SendAsync(request, cancel);
        }
        catch (HttpRequestException)
        {
            throw new RefusedException($"{request.RequestUri} connection_failed");
        }
        catch (TaskCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new RefusedException($"{request.RequestUri} no_answer_in_time");
        }
    }

    private static JsonObject Fields(IReadOnlyDictionary<string, string> fields) =>
        new(fields.Select(field => KeyValuePair.Create(field.Key, (JsonNode?)JsonValue.Create(field.Value))));

    private static string? Optional(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var member) && member.ValueKind == JsonValueKind.String ? member.GetString() : null;
}
