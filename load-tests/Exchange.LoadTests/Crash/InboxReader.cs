using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using Exchange.LoadTests.Admin;

namespace Exchange.LoadTests.Crash;

/// <summary>
/// A buyer that pulls its copies, acknowledges them and gives every eighth one back, asking until it is answered. It reads on from its cursor, so a copy it never
/// sees is lost.
/// </summary>
internal sealed class InboxReader(IReadOnlyList<Server> servers, string key, int seed, WireLog? log)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100), Patience = TimeSpan.FromSeconds(30);

    private readonly Random _random = new(seed);
    private readonly HttpClient _http = new(WireLog.Around(log, "inbox", new SocketsHttpHandler())) { Timeout = TimeSpan.FromSeconds(10), DefaultRequestHeaders = { Authorization = new("Bearer", key) } };
    private readonly HashSet<string> _seen = [];
    private readonly HashSet<string> _returned = [];
    /// <summary>Returns that nobody answered yet, and whether they are asked for again soon: the others the exchange has to see to by itself, until the end.</summary>
    private readonly Dictionary<string, bool> _toReturn = [];
    private readonly List<string> _refused = [];
    private readonly CancellationTokenSource _over = new();
    private string? _after;
    private Task _reading = Task.CompletedTask;

    /// <summary>Copies that its inbox showed, and those whose return was answered as accepted, at once or when it was asked for again.</summary>
    public IReadOnlySet<string> Seen => _seen;
    public IReadOnlySet<string> Returned => _returned;
    /// <summary>Copies whose return was never answered, and in words those whose return was refused.</summary>
    public IReadOnlyCollection<string> Unanswered => _toReturn.Keys;
    public IReadOnlyCollection<string> Refused => _refused;

    public void Start() => _reading = Task.Run(async () =>
    {
        while (!_over.IsCancellationRequested)
        {
            await ReadAsync(returning: true);
            await Task.Delay(Pause);
        }
    });

    /// <summary>Stops, then reads to the end what settled last and hears of what it gave back.</summary>
    public async Task StopAsync()
    {
        await _over.CancelAsync();
        await _reading;
        var began = Stopwatch.GetTimestamp();
        while (true)
        {
            var before = _seen.Count;
            var isRead = await ReadAsync(returning: false);
            if (_seen.Count > before) continue;
            if (isRead && _toReturn.Count == 0 || Stopwatch.GetElapsedTime(began) > Patience) break;
            await Task.Delay(Pause);
        }
        _http.Dispose();
    }

    /// <summary>False: it was not read to its end.</summary>
    private async Task<bool> ReadAsync(bool returning)
    {
        try
        {
            var at = servers[_random.Next(servers.Count)].Http;
            foreach (var id in _toReturn.Where(each => each.Value || !returning).Select(static each => each.Key).ToList()) await ReturnAsync(at, id);
            using var reply = await _http.GetAsync(new Uri(at, "/v1/buyer/copies?limit=100" + (_after is null ? "" : $"&after={_after}")));
            if (!reply.IsSuccessStatusCode) return false;
            using var page = await JsonDocument.ParseAsync(await reply.Content.ReadAsStreamAsync());
            foreach (var copy in page.RootElement.GetProperty("copies").EnumerateArray())
            {
                var id = copy.GetProperty("copy_id").GetString()!;
                if (!_seen.Add(id) || !returning) continue;
                // Before anything is asked: what is cut off is asked again.
                var returned = _seen.Count % 8 == 0;
                if (returned) _toReturn[id] = _random.Next(2) == 0;
                using var acknowledged = await _http.PostAsync(new Uri(at, $"/v1/buyer/copies/{id}/ack"), null);
                if (returned) await ReturnAsync(at, id);
            }
            if (page.RootElement.GetProperty("next").GetString() is not { } next) return true;
            _after = next;
        }
        // The server died: it reads on from where it was.
        catch (Exception fault) when (LostCall.Is(fault)) { }
        return false;
    }

    private async Task ReturnAsync(Uri at, string id)
    {
        using var answer = await _http.PostAsJsonAsync(new Uri(at, $"/v1/buyer/copies/{id}/return"), new { reason = "invalid_phone" });
        // Come again: nothing was decided.
        if ((int)answer.StatusCode is 401 or 408 or 429 or >= 500) return;
        var code = answer.IsSuccessStatusCode ? null : Problems.Code(await answer.Content.ReadAsStringAsync());
        // The call before this one was cut off, and had been heard.
        if (code is null or "already_returned") _returned.Add(id);
        else _refused.Add($"{id}: {code}");
        _toReturn.Remove(id);
    }
}
