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
    private readonly HttpClient http;

    public ExchangeClient(Uri url, string key)
    {
        // Redirects are off so that the key goes only where the operator sent it.
        http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = url, Timeout = TimeSpan.FromSeconds(60) };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
    }

    public Task<ExchangeAnswer> GetAsync(string path, CancellationToken cancel, string accept = "application/json") =>
        SendAsync(HttpMethod.Get, path, null, null, accept, cancel);

    public Task<ExchangeAnswer> PutAsync(string path, byte[] body, string mediaType, string? ifMatch, CancellationToken cancel) =>
        SendAsync(HttpMethod.Put, path, Body(body, mediaType), ifMatch, "application/json", cancel);

    public Task<ExchangeAnswer> PostAsync(string path, string json, string? ifMatch, CancellationToken cancel) =>
        SendAsync(HttpMethod.Post, path, Body(Encoding.UTF8.GetBytes(json), "application/json"), ifMatch, "application/json", cancel);

    public Task<ExchangeAnswer> DeleteAsync(string path, CancellationToken cancel) =>
        SendAsync(HttpMethod.Delete, path, null, null, "application/json", cancel);

    public void Dispose() => http.Dispose();

    private async Task<ExchangeAnswer> SendAsync(HttpMethod method, string path, HttpContent? content, string? ifMatch, string accept, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        request.Headers.Accept.ParseAdd(accept);
        if (ifMatch is not null) request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
        using var response = await http.SendAsync(request, cancel);
        return new((int)response.StatusCode, await response.Content.ReadAsStringAsync(cancel), response.Headers.ETag?.ToString());
    }

    private static ByteArrayContent Body(byte[] bytes, string mediaType)
    {
        var content = new ByteArrayContent(bytes);
        content.Headers.ContentType = new MediaTypeHeaderValue(mediaType) { CharSet = "utf-8" };
        return content;
    }
}
