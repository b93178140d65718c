using BenchmarkDotNet.Attributes;
using Exchange.Engine.Catalog;

namespace Exchange.Benchmarks;

/// <summary>
/// From a catalog as it is sent to the model that serves. Each campaign has a filter of three parts, two caps, opening hours and a bid by rule.
/// Whole: as at a start. One changed: as an admin's change comes, all else taken over from the version before.
/// </summary>
[MemoryDiagnoser]
public class CatalogCompileBenchmarks
{
    private byte[] _json = [];
    private ConfigNode _root = null!;
    private CompileResult _served = null!;
    private int _next;

    [Params(1_000, 10_000)]
    public int Campaigns { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        _json = Market.TunedJson(Campaigns);
        _root = Market.Read(_json);
        _served = Market.Compile(_root);
    }

    [Benchmark]
    public ConfigNode Read() => Market.Read(_json);

    [Benchmark(Baseline = true)]
    public CompileResult Whole() => Market.Compile(_root);

    /// <summary>Another bid of another campaign each time.</summary>
    [Benchmark]
    public CompileResult OneChanged() => Change("bid", new ConfigText("", 1, "7.77"));

    /// <summary>Without its caps, so that the limits of all campaigns after it move.</summary>
    [Benchmark]
    public CompileResult OneWithoutCaps() => Change("caps", null);

    /// <summary>The whole file again, with nothing changed in it.</summary>
    [Benchmark]
    public CompileResult SameAgain() => Market.Compile(Market.Read(_json), _served);

    private CompileResult Change(string key, ConfigNode? value)
    {
        var id = $"campaign-{_next++ % Campaigns:00000}";
        return Market.Compile(ConfigPatch.Set(_root, ["campaigns", id, key], value), _served);
    }
}
