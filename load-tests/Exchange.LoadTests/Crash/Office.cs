using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using Exchange.LoadTests.Admin;

namespace Exchange.LoadTests.Crash;

/// <summary>
/// The operator, at work while servers die: persons who ask to be forgotten are, and buyers who are asked on the telephone about a copy in doubt say what
/// they have, or that they will never take it. He asks again until he is answered.
/// </summary>
internal sealed class Office(IReadOnlyList<Server> servers, string adminKey, Sinks sinks, ConcurrentQueue<Post> toForget, int seed)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100), Again = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    private const int StillToldAtOnce = 8;

    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(30), DefaultRequestHeaders = { Authorization = new("Bearer", adminKey) } };
    private readonly Random _random = new(seed);
    private readonly CancellationTokenSource _over = new();
    private readonly Dictionary<string, Erased> _erased = [];
    private Task _working = Task.CompletedTask;

    /// <summary>Leads whose erasure was answered.</summary>
    public IReadOnlyDictionary<string, Erased> Erasures => _erased;
    /// <summary>Copies in doubt that he ended.</summary>
    public int Resolved { get; private set; }

    public void Start() => _working = Task.Run(async () =>
    {
        while (!_over.IsCancellationRequested)
        {
            while (toForget.TryDequeue(out var post)) await ForgetAsync(post);
            await ResolveAsync();
            await Task.Delay(Pause);
        }
    });

    /// <summary>Ends when everybody who asked is forgotten: servers must live.</summary>
    public async Task StopAsync()
    {
        await _over.CancelAsync();
        await _working;
        while (toForget.TryDequeue(out var post)) await ForgetAsync(post);
    }

    /// <summary>What the exchange still tells of those whose erasure it has answered, in words.</summary>
    public async Task<IReadOnlyCollection<string>> StillToldAsync(CancellationToken cancel)
    {
        var found = new ConcurrentQueue<string>();
        await Parallel.ForEachAsync(_erased.Keys, new ParallelOptions { MaxDegreeOfParallelism = StillToldAtOnce, CancellationToken = cancel }, async (lead, stop) =>
        {
            using var shown = JsonDocument.Parse(await _http.GetStringAsync(new Uri(servers[0].Http, $"/v1/admin/leads/{lead}?reveal=true"), stop));
            if (!shown.RootElement.GetProperty("erased").GetBoolean()) found.Enqueue($"lead {lead} is not erased");
            if (shown.RootElement.GetRawText().Contains('@', StringComparison.Ordinal)) found.Enqueue($"lead {lead} has an address");
            using var explained = await _http.GetAsync(new Uri(servers[0].Http, $"/v1/admin/pings/{lead}/explanation"), stop);
            if (explained.StatusCode != System.Net.HttpStatusCode.NotFound) found.Enqueue($"ping {lead} has a record: {(int)explained.StatusCode}");
        });
        return found;
    }

    private async Task ForgetAsync(Post post)
    {
        var began = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(began) < Patience)
        {
            if (await AskAsync(HttpMethod.Delete, $"/v1/admin/leads/{post.Ping}/pii", null) is { } answer)
            {
                using (answer)
                {
                    if (answer.IsSuccessStatusCode)
                    {
                        _erased[post.Ping] = new(post, Stopwatch.GetTimestamp());
                        return;
                    }
                    if (answer.StatusCode != System.Net.HttpStatusCode.ServiceUnavailable) throw new RunFailedException($"An erasure: {(int)answer.StatusCode} {Problems.Code(await answer.Content.ReadAsStringAsync())}");
                }
            }
            await Task.Delay(Again);
        }
        throw new RunFailedException($"Lead {post.Ping} could not be erased in {Patience.TotalSeconds:0} s");
    }

    /// <summary>Only what its buyer is sure of: who may still take it or not says nothing.</summary>
    private async Task ResolveAsync()
    {
        using var page = await AskAsync(HttpMethod.Get, "/v1/admin/doubts?limit=20", null);
        if (page is not { IsSuccessStatusCode: true }) return;
        using var doubts = JsonDocument.Parse(await page.Content.ReadAsStringAsync());
        foreach (var doubt in doubts.RootElement.GetProperty("doubts").EnumerateArray())
        {
            var copy = doubt.GetProperty("copy_id").GetString()!;
            if (sinks.SaysOf(copy) is not { } taken) continue;
            using var answer = await AskAsync(HttpMethod.Post, $"/v1/admin/copies/{copy}/resolve", new { outcome = taken ? "accepted" : "rejected", note = "by telephone" });
            if (answer is { IsSuccessStatusCode: true }) Resolved++;
        }
    }

    /// <summary>Null: nobody answered.</summary>
    private async Task<HttpResponseMessage?> AskAsync(HttpMethod method, string path, object? body)
    {
        using var request = new HttpRequestMessage(method, new Uri(servers[_random.Next(servers.Count)].Http, path)) { Content = body is null ? null : JsonContent.Create(body) };
        try
        {
            return await _http.SendAsync(request);
        }
        catch (Exception fault) when (LostCall.Is(fault))
        {
            return null;
        }
    }
}

/// <summary>A lead whose person was forgotten.</summary>
/// <param name="At">A timestamp from when its erasure was answered.</param>
internal sealed record Erased(Post Post, long At);
