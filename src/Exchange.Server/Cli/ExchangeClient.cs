using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Exchange.Server.Cli;

/// <summary>What a running exchange answered. <see cref="Tag"/> is the catalog version it sent as ETag, with its quotes.</summary>
internal sealed record ExchangeAnswer(int Status, string Body, string? Tag)
{
    public bool IsOk => Status is >= 200 and < 300;

    /// <summary>The body, owned by the caller until disposed.</summary>
    public JsonDocument Read() => JsonDocument.Parse(Body);
}

/// <summary>A running exchange as the command line sees it: its admin API with one key.</summary>
internal sealed class ExchangeClient : IDisposable
{
    /// <summary>How long most answers are waited for.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>What reads or sends again all there is may take many minutes. An exchange that went without a word is not waited for for ever.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromHours(1);

    private readonly HttpClient http;
    private readonly TimeSpan patience;

    public ExchangeClient(Uri url, string key, TimeSpan patience)
    {
        this.patience = patience;
        // Redirects are off so that the key goes only where the operator sent it.
        http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = url, Timeout = Timeout.InfiniteTimeSpan };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
    }

    /// <param name="takesLong">It reads all there is.</param>
    public Task<ExchangeAnswer> GetAsync(string path, CancellationToken cancel, string accept = "application/json", bool takesLong = false) =>
        SendAsync(HttpMethod.Get, path, null, null, accept, takesLong, cancel);

    public Task<ExchangeAnswer> PutAsync(string path, byte[] body, string mediaType, string? ifMatch, CancellationToken cancel) =>
        SendAsync(HttpMethod.Put, path, Body(body, mediaType), ifMatch, "application/json", takesLong: false, cancel);

    /// <param name="takesLong">It changes all that match, however many.</param>
    public Task<ExchangeAnswer> PostAsync(string path, string json, string? ifMatch, CancellationToken cancel, bool takesLong = false) =>
        SendAsync(HttpMethod.Post, path, Body(Encoding.UTF8.GetBytes(json), "application/json"), ifMatch, "application/json", takesLong, cancel);

    public Task<ExchangeAnswer> DeleteAsync(string path, CancellationToken cancel) =>
        SendAsync(HttpMethod.Delete, path, null, null, "application/json", takesLong: false, cancel);

    public void Dispose() => http.Dispose();

    private async Task<ExchangeAnswer> SendAsync(HttpMethod method, string path, HttpContent? content, string? ifMatch, string accept, bool takesLong, CancellationToken cancel)
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        waiting.CancelAfter(takesLong ? Longest : patience);
        using var request = new HttpRequestMessage(method, path) { Content = content };
        request.Headers.Accept.ParseAdd(accept);
        if (ifMatch is not null) request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
        using var response = await http.SendAsync(request, waiting.Token);
        return new((int)response.StatusCode, await response.Content.ReadAsStringAsync(waiting.Token), response.Headers.ETag?.ToString());
    }

    private static ByteArrayContent Body(byte[] bytes, string mediaType)
    {
        var content = new ByteArrayContent(bytes);
        content.Headers.ContentType = new MediaTypeHeaderValue(mediaType) { CharSet = "utf-8" };
        return content;
    }
}
