using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;

namespace Exchange.LoadTests.Admin;

/// <summary>An API key that was made for a run.</summary>
internal sealed record IssuedKey(string Id, string Key);

/// <summary>One copy of a lead as the exchange's books have it.</summary>
internal sealed record BookedCopy(string Campaign, decimal Price, decimal Payout, string Status);

/// <summary>One move of money. Accounts are <c>buyer:ID</c>, <c>publisher:ID</c>, <c>house</c>, <c>bank</c>.</summary>
internal sealed record BookedTransfer(string Debit, string Credit, decimal Amount);

/// <summary>The admin API, as far as a run needs it. A refusal becomes a <see cref="RunFailedException"/> with the problem's code.</summary>
internal sealed class AdminClient : IDisposable
{
    private readonly HttpClient _http;

    public AdminClient(Uri exchange, string adminKey)
    {
        _http = new HttpClient { BaseAddress = exchange, Timeout = TimeSpan.FromSeconds(60) };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", adminKey);
        _http.DefaultRequestHeaders.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
    }

    public void Dispose() => _http.Dispose();

    public async Task<CatalogShape> ReadCatalogAsync(CancellationToken cancel)
    {
        using var catalog = await GetAsync("/v1/admin/catalog", cancel);
        return CatalogShape.Read(catalog.RootElement);
    }

    /// <summary>Replaces the whole catalog whatever version it has.</summary>
    public async Task ReplaceCatalogAsync(string json, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, "/v1/admin/catalog") { Content = new StringContent(json, Encoding.UTF8, "application/json") };
        request.Headers.IfMatch.Add(EntityTagHeaderValue.Any);
        using var answer = await SendAsync(request, cancel);
        await RequireAsync(answer, "PUT /v1/admin/catalog", cancel);
    }

    /// <summary>Gives a campaign another fixed bid, whatever version the catalog has. Done when it is durable and served.</summary>
    public async Task SetSecretAsync(string name, string value, CancellationToken cancel)
    {
        using var content = new StringContent(value, Encoding.UTF8, "text/plain");
        using var answer = await _http.PutAsync(new Uri($"/v1/admin/secrets/{name}", UriKind.Relative), content, cancel);
        if (!answer.IsSuccessStatusCode)
        {
            throw new RunFailedException($"The secret was refused: {await answer.Content.ReadAsStringAsync(cancel)}");
        }
    }

    public async Task ChangeBidAsync(string campaign, string bid, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Patch, $"/v1/admin/campaigns/{Uri.EscapeDataString(campaign)}")
        {
            Content = JsonContent.Create(new Dictionary<string, string> { ["bid"] = bid }, new MediaTypeHeaderValue("application/merge-patch+json")),
        };
        request.Headers.IfMatch.Add(EntityTagHeaderValue.Any);
        using var answer = await SendAsync(request, cancel);
        await RequireAsync(answer, $"another bid of campaign {campaign}", cancel);
    }

    public async Task<IssuedKey> IssuePublisherKeyAsync(string publisher, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/admin/keys")
        {
            Content = JsonContent.Create(new Dictionary<string, string> { ["role"] = "publisher", ["for"] = publisher, ["mode"] = "live" }),
        };
        using var answer = await SendAsync(request, cancel);
        await RequireAsync(answer, $"a key for publisher {publisher}", cancel);
        using var key = await ReadAsync(answer, cancel);
        return new IssuedKey(key.RootElement.GetProperty("id").GetString()!, key.RootElement.GetProperty("key").GetString()!);
    }

    public async Task RevokeKeyAsync(string id, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Delete, $"/v1/admin/keys/{Uri.EscapeDataString(id)}");
        using var answer = await SendAsync(request, cancel);
        await RequireAsync(answer, "revoking a key", cancel);
    }

    public async Task<IReadOnlyList<BookedCopy>> ReadCopiesAsync(string lead, CancellationToken cancel)
    {
        using var body = await GetAsync($"/v1/admin/leads/{Uri.EscapeDataString(lead)}", cancel);
        return [.. body.RootElement.GetProperty("copies").EnumerateArray().Select(copy => new BookedCopy(
            copy.GetProperty("campaign").GetString()!,
            Amounts.Read(copy.GetProperty("price")),
            Amounts.Read(copy.GetProperty("payout")),
            copy.GetProperty("status").GetString()!))];
    }

    public async Task<IReadOnlyList<BookedTransfer>> ReadTransfersAsync(string lead, CancellationToken cancel)
    {
        var transfers = new List<BookedTransfer>();
        string? cursor = null;
        do
        {
            var page = cursor is null ? "" : $"&cursor={Uri.EscapeDataString(cursor)}";
            using var body = await GetAsync($"/v1/admin/ledger?lead_id={Uri.EscapeDataString(lead)}&limit=100{page}", cancel);
            transfers.AddRange(body.RootElement.GetProperty("transfers").EnumerateArray().Select(transfer => new BookedTransfer(
                transfer.GetProperty("debit").GetString()!,
                transfer.GetProperty("credit").GetString()!,
                Amounts.Read(transfer.GetProperty("amount")))));
            cursor = body.RootElement.TryGetProperty("next", out var next) ? next.GetString() : null;
        }
        while (cursor is not null);
        return transfers;
    }

    private async Task<JsonDocument> GetAsync(string path, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        using var answer = await SendAsync(request, cancel);
        await RequireAsync(answer, $"GET {path.Split('?')[0]}", cancel);
        return await ReadAsync(answer, cancel);
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancel)
    {
        try
        {
            return await _http.SendAsync(request, cancel);
        }
        catch (HttpRequestException failure)
        {
            throw new RunFailedException($"The exchange at {_http.BaseAddress} does not answer: {failure.Message}");
        }
    }

    private static async Task<JsonDocument> ReadAsync(HttpResponseMessage answer, CancellationToken cancel) =>
        await JsonDocument.ParseAsync(await answer.Content.ReadAsStreamAsync(cancel), default, cancel);

    private static async Task RequireAsync(HttpResponseMessage answer, string what, CancellationToken cancel)
    {
        if (answer.IsSuccessStatusCode)
        {
            return;
        }

        var problem = await answer.Content.ReadAsStringAsync(cancel);
        throw new RunFailedException($"{what}: {(int)answer.StatusCode} {Problems.Code(problem)}{Environment.NewLine}{problem}");
    }
}
