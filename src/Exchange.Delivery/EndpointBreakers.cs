using System.Collections.Concurrent;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Polly;
using Polly.CircuitBreaker;

namespace Exchange.Delivery;

/// <summary>Whether an endpoint is asked for bids: always, not at all for a while, or once to see whether it is back.</summary>
public enum BreakerState { Closed, Open, HalfOpen }

/// <summary>Bounds of the breakers. Milliseconds and counts are per endpoint.</summary>
public sealed record BreakerOptions
{
    /// <summary>Open when at least this part of the calls of the last <see cref="Sampling"/> failed. 0.01 to 1.</summary>
    public double FailureRatio { get; init; } = 0.5;
    /// <summary>500 ms to 10 min.</summary>
    public TimeSpan Sampling { get; init; } = TimeSpan.FromSeconds(10);
    /// <summary>Fewer calls than these say nothing. At least 2.</summary>
    public int LeastCalls { get; init; } = 10;
    /// <summary>How long it rests before one call may look whether it is back. 500 ms to 10 min.</summary>
    public TimeSpan Rest { get; init; } = TimeSpan.FromSeconds(5);
}

/// <summary>
/// A circuit breaker for each endpoint that is asked for bids: one that hangs or fails is rested, so that pings lose no time on it and it gets no load
/// while it is down; then one ping's call looks whether it is back. Posts do not pass here: a lead has its own retries, and its hold is not for nothing.
/// </summary>
public sealed class EndpointBreakers(BreakerOptions options, TimeProvider time)
{
    private readonly ConcurrentDictionary<EndpointKey, Breaker> breakers = new();

    private sealed record Breaker(ResiliencePipeline<BidAnswer> Pipeline, CircuitBreakerStateProvider State);

    /// <summary>The answer, or <c>BreakerOpen</c> without a call.</summary>
    public async ValueTask<BidAnswer> AskAsync(EndpointModel endpoint, Func<ValueTask<BidAnswer>> ask)
    {
        var breaker = breakers.GetOrAdd(endpoint.Key, static (_, self) => self.Create(), this);
        // Whoever asks runs on a scheduler of its own, a grain's for one, and goes on there.
        var context = ResilienceContextPool.Shared.Get(continueOnCapturedContext: true);
        try
        {
            var outcome = await breaker.Pipeline.ExecuteOutcomeAsync(static async (_, ask) => Outcome.FromResult(await ask()), context, ask);
            if (outcome.Exception is BrokenCircuitException) return BidAnswer.Declined(Reason.BreakerOpen);
            outcome.ThrowIfException();
            return outcome.Result!;
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    /// <summary>Closed for whoever was never asked.</summary>
    public BreakerState StateOf(EndpointModel endpoint) => !breakers.TryGetValue(endpoint.Key, out var breaker) ? BreakerState.Closed : breaker.State.CircuitState switch
    {
        CircuitState.Closed => BreakerState.Closed,
        CircuitState.HalfOpen => BreakerState.HalfOpen,
        _ => BreakerState.Open,
    };

    /// <summary>How many breakers are not closed.</summary>
    public int NotClosed => breakers.Values.Count(breaker => breaker.State.CircuitState != CircuitState.Closed);

    private Breaker Create()
    {
        var state = new CircuitBreakerStateProvider();
        var pipeline = new ResiliencePipelineBuilder<BidAnswer> { TimeProvider = time }.AddCircuitBreaker(new CircuitBreakerStrategyOptions<BidAnswer>
        {
            FailureRatio = options.FailureRatio, SamplingDuration = options.Sampling, MinimumThroughput = options.LeastCalls, BreakDuration = options.Rest, StateProvider = state,
            ShouldHandle = static arguments => new(arguments.Outcome.Exception is not null || arguments.Outcome.Result?.Reason is Reason.Timeout or Reason.Unreachable or Reason.BadResponse),
        }).Build();
        return new(pipeline, state);
    }
}
