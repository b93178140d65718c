using System.Collections.Concurrent;
using Exchange.Delivery;
using Exchange.Delivery.Connectors;
using Exchange.Engine.Catalog;
using Exchange.Engine.Deliveries;
using Exchange.Storage;

namespace Exchange.Grains.Deliveries;

/// <summary>One attempt at one endpoint, with its secret and its deadline.</summary>
public sealed class BuyerCalls(ConnectorList connectors, IAccessStore access, TimeProvider time)
{
    private readonly ConcurrentDictionary<string, (byte[]? Value, long ReadAtMs)> secrets = new(StringComparer.Ordinal);

    public async Task<AttemptResult> SendAsync(EndpointModel endpoint, CopyMessage message, long deadlineMs)
    {
        if (connectors.Find(endpoint.Connector) is not { } connector) return new(AttemptKind.NotSent, "no_connector");
        var now = time.GetUtcNow();
        var left = TimeSpan.FromMilliseconds(deadlineMs - now.ToUnixTimeMilliseconds());
        var limit = left < endpoint.PostTimeout ? left : endpoint.PostTimeout;
        if (limit <= TimeSpan.Zero) return new(AttemptKind.NotSent, "no_time_left");
        var secret = await SecretAsync(endpoint, now.ToUnixTimeMilliseconds());
        using var deadline = new CancellationTokenSource(limit, time);
        return await connector.SendAsync(endpoint, secret, message, now, deadline.Token);
    }

    /// <summary>A changed secret is used within 5 s.</summary>
    private async ValueTask<byte[]?> SecretAsync(EndpointModel endpoint, long nowMs)
    {
        if (endpoint.SecretName is not { } name) return null;
        if (secrets.TryGetValue(name, out var known) && nowMs - known.ReadAtMs < 5_000) return known.Value;
        var value = await access.FindSecretAsync(name, CancellationToken.None);
        secrets[name] = (value, nowMs);
        return value;
    }
}
