using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Exchange.Delivery.Templates;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Connectors;

namespace Exchange.Delivery.Connectors;

/// <summary>
/// Tokens of client credentials (RFC 6749, 4.4, the client's id and secret in the body), kept in memory until shortly before they end. One is fetched at a
/// time for the same credentials; while a new one is on its way, the old one is used as long as it is good.
/// </summary>
internal sealed class OAuthTokens(OutboundHttp http)
{
    private const int MostKept = 1_000;
    private static readonly TimeSpan Usual = TimeSpan.FromMinutes(5);

    private readonly ConcurrentDictionary<string, Entry> known = new(StringComparer.Ordinal);

    private sealed class Entry
    {
        public SemaphoreSlim Fetching { get; } = new(1, 1);
        public volatile Held? Token;
    }

    private sealed record Held(string Value, DateTimeOffset RenewAt, DateTimeOffset EndsAt);

    /// <returns>A token and whether it was fetched for this call; or the error code why there is none. Nothing of a lead is sent.</returns>
    public async Task<(string? Token, string? Error, bool IsNew)> GetAsync(
        EndpointModel endpoint, OAuth2Auth auth, TemplateScope scope, DateTimeOffset now, TimeSpan timeout, CancellationToken deadline)
    {
        if (known.Count > MostKept) known.Clear();
        var entry = known.GetOrAdd(Key(auth, scope), static _ => new());
        if (entry.Token is { } good && now < good.RenewAt) return (good.Value, null, false);
        var first = entry.Fetching.Wait(0, CancellationToken.None);
        if (!first)
        {
            if (entry.Token is { } old && now < old.EndsAt) return (old.Value, null, false);
            try
            {
                await entry.Fetching.WaitAsync(deadline);
            }
            catch (OperationCanceledException)
            {
                return (null, "timeout", false);
            }
        }
        try
        {
            // Somebody else fetched it while this one waited.
            if (entry.Token is { } fetched && now < fetched.RenewAt) return (fetched.Value, null, false);
            var (token, error) = await FetchAsync(endpoint, auth, scope, now, timeout, deadline);
            if (token is not null) entry.Token = token;
            else if (entry.Token is { } last && now < last.EndsAt) return (last.Value, null, false);
            return (token?.Value, error, token is not null);
        }
        finally
        {
            entry.Fetching.Release();
        }
    }

    /// <summary>It was refused: the next call fetches another.</summary>
    public void Drop(OAuth2Auth auth, TemplateScope scope, string token)
    {
        if (known.TryGetValue(Key(auth, scope), out var entry) && entry.Token?.Value == token) entry.Token = null;
    }

    private async Task<(Held?, string?)> FetchAsync(EndpointModel endpoint, OAuth2Auth auth, TemplateScope scope, DateTimeOffset now, TimeSpan timeout, CancellationToken deadline)
    {
        if (!Uri.TryCreate(HttpRequests.Render(auth.TokenUrl, scope, TemplateUse.Url), UriKind.Absolute, out var url)) return (null, "token_url_invalid");
        var form = HttpRequests.Form(
        [
            new("grant_type", "client_credentials"), new("client_id", HttpRequests.Render(auth.ClientId, scope)), new("client_secret", HttpRequests.Render(auth.ClientSecret, scope)),
            new("scope", auth.Scope is null ? "" : HttpRequests.Render(auth.Scope, scope)),
        ]);
        var reply = await http.SendAsync(endpoint, new("POST", url, [], Encoding.ASCII.GetBytes(form), HttpRequests.FormType), CallPurpose.Token, timeout, deadline);
        if (reply.Status is < 200 or >= 300 || reply.Body is null) return (null, reply.Error == "timeout" ? "timeout" : "token_refused");
        try
        {
            using var json = JsonDocument.Parse(reply.Body, new() { MaxDepth = Limits.JsonDepth });
            if (json.RootElement.ValueKind != JsonValueKind.Object || !json.RootElement.TryGetProperty("access_token", out var value)
                || value.ValueKind != JsonValueKind.String || value.GetString() is not { Length: > 0 and <= 8_000 } token
                || token.AsSpan().ContainsAnyExceptInRange('!', '~')) return (null, "token_unreadable");
            var life = json.RootElement.TryGetProperty("expires_in", out var seconds) && seconds.ValueKind == JsonValueKind.Number && seconds.TryGetInt64(out var whole)
                ? TimeSpan.FromSeconds(Math.Clamp(whole, 1, 24 * 60 * 60)) : Usual;
            return (new(token, now + life - Min(life / 5, TimeSpan.FromMinutes(1)), now + life - Min(life / 20, TimeSpan.FromSeconds(5))), null);
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return (null, "token_unreadable");
        }
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    /// <summary>The same credentials at the same place are one token, whichever endpoint uses them.</summary>
    private static string Key(OAuth2Auth auth, TemplateScope scope) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join(
        '\0', HttpRequests.Render(auth.TokenUrl, scope, TemplateUse.Url), HttpRequests.Render(auth.ClientId, scope), HttpRequests.Render(auth.ClientSecret, scope),
        auth.Scope is null ? "" : HttpRequests.Render(auth.Scope, scope)))));
}
