using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
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
    private const long SecretsMs = 5_000;

    private readonly ConcurrentDictionary<string, (byte[]? Value, long ReadAtMs)> known = new(StringComparer.Ordinal);
    // Those of one endpoint, as long as the catalog has it.
    private readonly ConditionalWeakTable<EndpointModel, SecretsRead> together = [];

    /// <param name="ReadAtMs">Of the one that was read first.</param>
    private sealed record SecretsRead(EndpointSecrets Secrets, long ReadAtMs);

    public async Task<AttemptResult> SendAsync(EndpointModel endpoint, CopyMessage message, long deadlineMs)
    {
        if (connectors.Find(endpoint.Connector) is not { } connector) return new(AttemptKind.NotSent, "no_connector");
        if (Begin(deadlineMs, endpoint.PostTimeout, endpoint.PostTimeout / 2) is not { } call) return NoTimeLeft;
        using var deadline = call.Deadline;
        if (await SecretsOrNoneAsync(endpoint) is not { } secrets) return NoSecrets;
        return await connector.SendAsync(endpoint, secrets, message with { Until = call.Until }, call.Now, deadline.Token);
    }

    /// <summary>Everybody who speaks to buyers.</summary>
    public ConnectorList Connectors => connectors;

    /// <summary>Copies that go together; what comes of it is of all of them.</summary>
    public async Task<AttemptResult> SendAsync(EndpointModel endpoint, CopyBatch batch, long deadlineMs)
    {
        if (connectors.FindBatch(endpoint.Connector) is not { } connector) return new(AttemptKind.NotSent, "no_connector");
        if (Begin(deadlineMs, endpoint.PostTimeout, endpoint.PostTimeout / 2) is not { } call) return NoTimeLeft;
        using var deadline = call.Deadline;
        if (await SecretsOrNoneAsync(endpoint) is not { } secrets) return NoSecrets;
        return await connector.SendAsync(endpoint, secrets, batch, call.Now, deadline.Token);
    }

    /// <summary>Nobody was called, and who comes again later may be: no reason to go to somebody else.</summary>
    private static AttemptResult NoSecrets => new(AttemptKind.RetryLater, "storage_busy");

    /// <summary>
    /// The lease was nearly over before the call: its commit was slow, or it waited here. The same holds; and who is called with a fraction of its time would only
    /// leave a doubt.
    /// </summary>
    public static AttemptResult NoTimeLeft => new(AttemptKind.RetryLater, DeliveryDecision.NoTimeLeft);

    /// <summary>Null: the store does not answer.</summary>
    private async ValueTask<EndpointSecrets?> SecretsOrNoneAsync(EndpointModel endpoint)
    {
        try
        {
            return await SecretsAsync(endpoint);
        }
        catch (StorageBusyException)
        {
            return null;
        }
    }

    /// <summary>Never throws for what the outside does; what is not answered by the deadline is a decline.</summary>
    /// <param name="deadline">Of all that are asked at the same time and waited for as long; it ends no later than the endpoint's own.</param>
    public Task<BidAnswer> AskAsync(EndpointModel endpoint, BidCall call, DateTimeOffset now, CancellationToken deadline)
    {
        if (connectors.FindBidder(endpoint.Connector) is not { } bidder) return Task.FromResult(BidAnswer.Declined(Reason.NoBid));
        var secrets = SecretsAsync(endpoint);
        return secrets.IsCompletedSuccessfully ? bidder.AskAsync(endpoint, secrets.Result, call, now, deadline) : ReadAndAskAsync(bidder, endpoint, secrets, call, now, deadline);
    }

    /// <summary>A secret that has to be read from the store is part of the wait.</summary>
    private static async Task<BidAnswer> ReadAndAskAsync(IBidder bidder, EndpointModel endpoint, ValueTask<EndpointSecrets> secrets, BidCall call, DateTimeOffset now, CancellationToken deadline)
    {
        try
        {
            return await bidder.AskAsync(endpoint, await secrets.AsTask().WaitAsync(deadline), call, now, deadline);
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            return BidAnswer.Declined(Reason.Timeout);
        }
        catch (StorageBusyException)
        {
            // Without its secret it cannot be asked, and a ping waits for no database.
            return BidAnswer.Declined(Reason.Unreachable);
        }
    }

    /// <returns>Null: the loser was told, or its endpoint has no way to be; else why not, as an error code.</returns>
    public async Task<string?> TellAsync(EndpointModel endpoint, LossCall call, long deadlineMs)
    {
        if (connectors.FindTeller(endpoint.Connector) is not { } teller) return null;
        if (Begin(deadlineMs, endpoint.PostTimeout, TimeSpan.Zero) is not { } begun) return DeliveryDecision.NoTimeLeft;
        using var deadline = begun.Deadline;
        return await teller.TellAsync(endpoint, await SecretsAsync(endpoint), call, begun.Now, deadline.Token);
    }

    /// <summary>Null: the time is over already, or less of it is left than it takes at least.</summary>
    private (DateTimeOffset Now, DateTimeOffset Until, CancellationTokenSource Deadline)? Begin(long deadlineMs, TimeSpan timeout, TimeSpan least)
    {
        var now = time.GetUtcNow();
        var left = TimeSpan.FromMilliseconds(deadlineMs - now.ToUnixTimeMilliseconds());
        var limit = left < timeout ? left : timeout;
        return limit <= TimeSpan.Zero || limit < least ? null : (now, now + limit, new CancellationTokenSource(limit, time));
    }

    /// <summary>Of this endpoint, as they are set now.</summary>
    public ValueTask<EndpointSecrets> SecretsAsync(EndpointModel endpoint)
    {
        var nowMs = time.GetUtcNow().ToUnixTimeMilliseconds();
        return together.TryGetValue(endpoint, out var read) && IsFresh(read.ReadAtMs, nowMs) ? new(read.Secrets) : ReadSecretsAsync(endpoint, nowMs);
    }

    private async ValueTask<EndpointSecrets> ReadSecretsAsync(EndpointModel endpoint, long nowMs)
    {
        Dictionary<string, byte[]>? values = null;
        var oldest = nowMs;
        foreach (var name in endpoint.SecretNames)
        {
            var (value, readAtMs) = await SecretAsync(name, nowMs);
            if (value is not null) (values ??= new(StringComparer.Ordinal))[name] = value;
            oldest = Math.Min(oldest, readAtMs);
        }
        var secrets = values is null ? EndpointSecrets.None : new(values);
        together.AddOrUpdate(endpoint, new(secrets, oldest));
        return secrets;
    }

    /// <summary>What was read at a time to come was read before the clock was set back.</summary>
    private static bool IsFresh(long readAtMs, long nowMs) => nowMs - readAtMs is >= 0 and < SecretsMs;

    /// <summary>A changed secret is used within 5 s.</summary>
    private async ValueTask<(byte[]? Value, long ReadAtMs)> SecretAsync(string name, long nowMs)
    {
        if (known.TryGetValue(name, out var read) && IsFresh(read.ReadAtMs, nowMs)) return read;
        return known[name] = (await access.FindSecretAsync(name, CancellationToken.None), nowMs);
    }
}
