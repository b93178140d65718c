using BenchmarkDotNet.Attributes;

namespace Exchange.Benchmarks;

/// <summary>Which of many campaigns may be meant by a ping: the index against asking each filter. About 20 match, however many there are.</summary>
[MemoryDiagnoser]
public class EligibilityBenchmarks
{
    private Market _market = null!;
    private ulong[] _bitmap = [];
    private int _next;

    [Params(100, 1_000, 10_000)]
    public int Campaigns { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        _market = Market.Create(Campaigns);
        _bitmap = new ulong[_market.Vertical.Index.Words];
    }

    [Benchmark(Baseline = true)]
    public int EachFilter()
    {
        var subject = Market.SubjectOf(_market.Pings[_next++ & (_market.Pings.Length - 1)]);
        var matches = 0;
        foreach (var campaign in _market.Vertical.Campaigns)
        {
            if (campaign.Filter.Holds(subject))
            {
                matches++;
            }
        }

        return matches;
    }

    [Benchmark]
    public ulong Index()
    {
        var ping = _market.Pings[_next++ & (_market.Pings.Length - 1)];
        _market.Vertical.Index.Candidates(ping.Values, ping.Publisher, _bitmap);
        return _bitmap[0];
    }
}
