using System.Net.Http.Json;
using System.Text.Json;

namespace Exchange.LoadTests.Crash;

/// <summary>A buyer that pulls its copies, acknowledges them and gives every eighth one back. It reads on from its cursor, so a copy it never sees is lost.</summary>
internal sealed class InboxReader(IReadOnlyList<Server> servers, string key, int seed)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly Random _random = new(seed);
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(10), DefaultRequestHeaders = { Authorization = new("Bearer", key) } };
    private readonly HashSet<string> _seen = [];
    private readonly HashSet<string> _returned = [];
    private readonly CancellationTokenSource _over = new();
    private string? _after;
    private Task _reading = Task.CompletedTask;

    /// <summary>Copies that its inbox showed, and those whose return was answered as accepted.</summary>
    public IReadOnlySet<string> Seen => _seen;
    public IReadOnlySet<string> Returned => _returned;

    public void Start() => _reading = Task.Run(async () =>
    {
        while (!_over.IsCancellationRequested)
        {
            await ReadAsync(returning: true);
            await Task.Delay(Pause);
        }
    });

    /// <summary>Stops, then reads to the end what settled last.</summary>
    public async Task StopAsync()
    {
        await _over.CancelAsync();
        await _reading;
        int before;
        do
        {
            before = _seen.Count;
            await ReadAsync(returning: false);
        }
        while (_seen.Count > before);
        _http.Dispose();
    }

    private async Task ReadAsync(bool returning)
    {
        try
        {
            var at = servers[_random.Next(servers.Count)].Http;
            using var reply = await _http.GetAsync(new Uri(at, "/v1/buyer/copies?limit=100" + (_after is null ? "" : $"&after={_after}")));
            if (!reply.IsSuccessStatusCode) return;
            using var page = await JsonDocument.ParseAsync(await reply.Content.ReadAsStreamAsync());
            foreach (var copy in page.RootElement.GetProperty("copies").EnumerateArray())
            {
                var id = copy.GetProperty("copy_id").GetString()!;
                if (!_seen.Add(id) || !returning) continue;
                using var acknowledged = await _http.PostAsync(new Uri(at, $"/v1/buyer/copies/{id}/ack"), null);
                if (_seen.Count % 8 != 0) continue;
                using var returned = await _http.PostAsJsonAsync(new Uri(at, $"/v1/buyer/copies/{id}/return"), new { reason = "invalid_phone" });
                if (returned.IsSuccessStatusCode) _returned.Add(id);
            }
            if (page.RootElement.GetProperty("next").GetString() is { } next) _after = next;
        }
        // The server died: it reads on from where it was.
        catch (Exception fault) when (LostCall.Is(fault)) { }
    }
}
