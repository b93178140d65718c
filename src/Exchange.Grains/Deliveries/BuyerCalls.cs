using System.Collections.Concurrent;
using Exchange.Delivery;
using Exchange.Delivery.Connectors;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Deliveries;
using Exchange.Storage;

namespace Exchange.Grains.Deliveries;

/// <summary>One call of one endpoint, with its secrets and its deadline: a copy handed over, a live bid asked for, a loser told.</summary>
public sealed class BuyerCalls(ConnectorList connectors, IAccessStore access, TimeProvider time)
{
    private readonly ConcurrentDictionary<string, (byte[]? Value, long ReadAtMs)> known = new(StringComparer.Ordinal);

    public async Task<AttemptResult> SendAsync(EndpointModel endpoint, CopyMessage message, long deadlineMs)
    {
        if (connectors.Find(endpoint.Connector) is not { } connector) return new(AttemptKind.NotSent, "no_connector");
        if (Begin(deadlineMs, endpoint.PostTimeout) is not { } call) return new(AttemptKind.NotSent, "no_time_left");
        using var deadline = call.Deadline;
        return await connector.SendAsync(endpoint, await SecretsAsync(endpoint), message with { Until = call.Until }, call.Now, deadline.Token);
    }

    /// <summary>Everybody who speaks to buyers.</summary>
    public ConnectorList Connectors => connectors;

    /// <summary>Copies that go together; what comes of it is of all of them.</summary>
    public async Task<AttemptResult> SendAsync(EndpointModel endpoint, CopyBatch batch, long deadlineMs)
    {
        if (connectors.FindBatch(endpoint.Connector) is not { } connector) return new(AttemptKind.NotSent, "no_connector");
        if (Begin(deadlineMs, endpoint.PostTimeout) is not { } call) return new(AttemptKind.NotSent, "no_time_left");
        using var deadline = call.Deadline;
        return await connector.SendAsync(endpoint, await SecretsAsync(endpoint), batch, call.Now, deadline.Token);
    }

    /// <summary>Never throws for what the outside does; what is not answered by the deadline is a decline.</summary>
    public async Task<BidAnswer> AskAsync(EndpointModel endpoint, BidCall call, long deadlineMs)
    {
        if (connectors.FindBidder(endpoint.Connector) is not { } bidder) return BidAnswer.Declined(Reason.NoBid);
        if (Begin(deadlineMs, endpoint.PingTimeout) is not { } begun) return BidAnswer.Declined(Reason.Timeout);
        using var deadline = begun.Deadline;
        try
        {
            // A secret that has to be read from the store is part of the wait.
            var read = SecretsAsync(endpoint);
            var secrets = read.IsCompletedSuccessfully ? read.Result : await read.AsTask().WaitAsync(deadline.Token);
            return await bidder.AskAsync(endpoint, secrets, call, begun.Now, deadline.Token);
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            return BidAnswer.Declined(Reason.Timeout);
        }
    }

    /// <returns>Null: the loser was told, or its endpoint has no way to be; else why not, as an error code.</returns>
    public async Task<string?> TellAsync(EndpointModel endpoint, LossCall call, long deadlineMs)
    {
        if (connectors.FindTeller(endpoint.Connector) is not { } teller) return null;
        if (Begin(deadlineMs, endpoint.PostTimeout) is not { } begun) return "no_time_left";
        using var deadline = begun.Deadline;
        return await teller.TellAsync(endpoint, await SecretsAsync(endpoint), call, begun.Now, deadline.Token);
    }

    /// <summary>Null: the time is over already.</summary>
    private (DateTimeOffset Now, DateTimeOffset Until, CancellationTokenSource Deadline)? Begin(long deadlineMs, TimeSpan timeout)
    {
        var now = time.GetUtcNow();
        var left = TimeSpan.FromMilliseconds(deadlineMs - now.ToUnixTimeMilliseconds());
        var limit = left < timeout ? left : timeout;
        return limit <= TimeSpan.Zero ? null : (now, now + limit, new CancellationTokenSource(limit, time));
    }

    /// <summary>Of this endpoint, as they are set now.</summary>
    public async ValueTask<EndpointSecrets> SecretsAsync(EndpointModel endpoint)
    {
        var nowMs = time.GetUtcNow().ToUnixTimeMilliseconds();
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
