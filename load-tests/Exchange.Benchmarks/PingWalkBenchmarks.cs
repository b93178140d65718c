using BenchmarkDotNet.Attributes;
using Exchange.Engine;
using Exchange.Engine.PingTrees;

namespace Exchange.Benchmarks;

/// <summary>
/// A whole decision: eligible campaigns, bids, second-price auction, offer; no transport, no record. The number of matches stays about 20, so
/// what grows from row to row is the cost of campaigns that have nothing to do with the ping.
/// </summary>
[MemoryDiagnoser]
public class PingWalkBenchmarks
{
    private readonly UntouchedLimits _limits = new();
    private readonly TierRotations _rotations = new();
    private Market _market = null!;
    private int _next;

    [Params(100, 1_000, 10_000)]
    public int Campaigns { get; set; }

    [GlobalSetup]
    public void SetUp() => _market = Market.Create(Campaigns);

    [Benchmark]
    public Reason Walk() => PingWalk.Run(_market.Model, _market.Pings[_next++ & (_market.Pings.Length - 1)], _limits, _rotations).Outcome;
}
