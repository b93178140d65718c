using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Exchange.LoadTests.Admin;

namespace Exchange.LoadTests.Crash;

/// <summary>
/// The operator, at work while servers die: persons who ask to be forgotten are, and buyers who are asked on the telephone about a copy in doubt say what
/// they have, or that they will never take it. What a buyer that has run dry pays in he books. He asks again until he is answered.
/// </summary>
internal sealed class Office(IReadOnlyList<Server> servers, string adminKey, Sinks sinks, ConcurrentQueue<Post> toForget, int seed, WireLog? log)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100), Again = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    /// <summary>So long that buyer is dry at least, and who is behind it in its market sells.</summary>
    private static readonly TimeSpan BetweenPayments = TimeSpan.FromSeconds(5);
    private const int StillToldAtOnce = 8;

    private readonly HttpClient _http = new(WireLog.Around(log, "operator", new SocketsHttpHandler())) { Timeout = TimeSpan.FromSeconds(30), DefaultRequestHeaders = { Authorization = new("Bearer", adminKey) } };
    private readonly Random _random = new(seed);
    private readonly CancellationTokenSource _over = new();
    private readonly Dictionary<string, Erased> _erased = [];
    private bool _isPaying;
    private long _paidAt;
    private Task _working = Task.CompletedTask;

    /// <summary>Leads whose erasure was answered.</summary>
    public IReadOnlyDictionary<string, Erased> Erasures => _erased;
    /// <summary>Copies in doubt that he ended.</summary>
    public int Resolved { get; private set; }
    /// <summary>How often <see cref="CrashMarket.Tight"/> had run dry, and what it paid in was answered as booked.</summary>
    public int Payments { get; private set; }

    public void Start() => _working = Task.Run(async () =>
    {
        while (!_over.IsCancellationRequested)
        {
            // One at a time: doubts and money do not wait for all of them.
            if (toForget.TryDequeue(out var post)) await ForgetAsync(post);
            await ResolveAsync();
            if (_isPaying || Stopwatch.GetElapsedTime(_paidAt) > BetweenPayments) await PayAsync();
            if (toForget.IsEmpty) await Task.Delay(Pause);
        }
    });

    /// <summary>Ends when everybody who asked is forgotten and what was paid in is booked: servers must live.</summary>
    public async Task StopAsync()
    {
        await _over.CancelAsync();
        await _working;
        while (toForget.TryDequeue(out var post)) await ForgetAsync(post);
        var began = Stopwatch.GetTimestamp();
        while (_isPaying)
        {
            if (Stopwatch.GetElapsedTime(began) > Patience) throw new RunFailedException($"What {CrashMarket.Tight} paid in could not be booked in {Patience.TotalSeconds:0} s");
            await PayAsync();
            if (_isPaying) await Task.Delay(Again);
        }
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
                        _erased[post.Ping] = new(post, TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());
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
        using var page = await AskAsync(HttpMethod.Get, "/v1/admin/doubts?limit=100", null);
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

    /// <summary>A payment that nobody answered is sent again under its reference, which books once.</summary>
    private async Task PayAsync()
    {
        if (!_isPaying)
        {
            using var asked = await AskAsync(HttpMethod.Get, $"/v1/admin/buyers/{CrashMarket.Tight}", null);
            if (asked is not { IsSuccessStatusCode: true }) return;
            using var buyer = JsonDocument.Parse(await asked.Content.ReadAsStringAsync());
            if (Amounts.Read(buyer.RootElement.GetProperty("state").GetProperty("available")) >= CrashMarket.TightBid) return;
            _isPaying = true;
        }
        using var answer = await AskAsync(HttpMethod.Post, $"/v1/admin/buyers/{CrashMarket.Tight}/funds",
            new { amount = CrashMarket.TightPayment.ToString("0.00", CultureInfo.InvariantCulture), reference = string.Create(CultureInfo.InvariantCulture, $"payment-{Payments}") });
        if (answer is not { IsSuccessStatusCode: true }) return;
        Payments++;
        (_isPaying, _paidAt) = (false, Stopwatch.GetTimestamp());
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
/// <param name="AtMs">When its erasure was answered.</param>
internal sealed record Erased(Post Post, long AtMs);
