using System.Collections.Concurrent;
using Exchange.Delivery;
using Exchange.Delivery.Bidders;
using Exchange.Delivery.Connectors;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Deliveries;
using Exchange.Storage;

namespace Exchange.Grains.Deliveries;

/// <summary>One attempt at one endpoint, with its secret and its deadline.</summary>
public sealed class BuyerCalls(ConnectorList connectors, BidderList bidders, IAccessStore access, TimeProvider time)
{
    private readonly ConcurrentDictionary<string, (byte[]? Value, long ReadAtMs)> known = new(StringComparer.Ordinal);

    public async Task<AttemptResult> SendAsync(EndpointModel endpoint, CopyMessage message, long deadlineMs)
    {
        if (connectors.Find(endpoint.Connector) is not { } connector) return new(AttemptKind.NotSent, "no_connector");
        var now = time.GetUtcNow();
        var left = TimeSpan.FromMilliseconds(deadlineMs - now.ToUnixTimeMilliseconds());
        var limit = left < endpoint.PostTimeout ? left : endpoint.PostTimeout;
        if (limit <= TimeSpan.Zero) return new(AttemptKind.NotSent, "no_time_left");
        var secrets = await SecretsAsync(endpoint, now.ToUnixTimeMilliseconds());
        using var deadline = new CancellationTokenSource(limit, time);
        return await connector.SendAsync(endpoint, secrets, message, now, deadline.Token);
    }

    /// <summary>Asks for a live bid; silence until the end of the wait is a <c>Timeout</c>.</summary>
    public async Task<BidAnswer> AskAsync(EndpointModel endpoint, BidCall call, TimeSpan wait)
    {
        if (bidders.Find(endpoint.Connector) is not { } bidder) return BidAnswer.Declined(Reason.Unreachable);
        using var deadline = new CancellationTokenSource(wait, time);
        try
        {
            var now = time.GetUtcNow();
            // A secret that has to be read from the store is part of the wait.
            var secrets = await SecretsAsync(endpoint, now.ToUnixTimeMilliseconds()).AsTask().WaitAsync(deadline.Token);
            return await bidder.AskAsync(endpoint, secrets, call, now, deadline.Token);
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            return BidAnswer.Declined(Reason.Timeout);
        }
    }

    private async ValueTask<EndpointSecrets> SecretsAsync(EndpointModel endpoint, long nowMs)
    {
        Dictionary<string, byte[]>? values = null;
        foreach (var name in endpoint.SecretNames)
            if (await SecretAsync(name, nowMs) is { } value) (values ??= new(StringComparer.Ordinal))[name] = value;
        return values is null ? EndpointSecrets.None : new(values);
    }

    /// <summary>A changed secret is used within 5 s.</summary>
    private async ValueTask<byte[]?> SecretAsync(string name, long nowMs)
    {
        if (known.TryGetValue(name, out var read) && nowMs - read.ReadAtMs < 5_000) return read.Value;
        var value = await access.FindSecretAsync(name, CancellationToken.None);
        known[name] = (value, nowMs);
        return value;
    }
}
