using System.Text;
using Exchange.Delivery.Templates;
using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.LoadTests.Compare;

namespace Exchange.Benchmarks;

/// <summary>The compared catalog, compiled, with pings that were read by its fields. What a benchmark needs before it begins to count.</summary>
internal sealed class Market
{
    private const int Eligible = 20;
    private const int Seed = 1;
    private const int PingCount = 1_024;

    /// <summary>A Monday at noon in New York: no window of a cap ends while a benchmark runs on it.</summary>
    public static readonly DateTimeOffset Now = new(2026, 11, 23, 17, 0, 0, TimeSpan.Zero);

    // Pings of this catalog carry neither telephone numbers nor addresses of machines.
    private static readonly FieldParsers Parsers = new((text, _) => text, text => text);

    private Market(CatalogModel model, byte[] canonical, PingInput[] pings)
    {
        Model = model;
        Canonical = canonical;
        Pings = pings;
    }

    public CatalogModel Model { get; }

    /// <summary>As the store keeps it.</summary>
    public byte[] Canonical { get; }

    public PingInput[] Pings { get; }

    public VerticalModel Vertical => Model.Verticals[ComparedCatalog.Vertical];

    public static CompileOptions Options { get; } = new() { Parsers = Parsers, ParseTemplate = Liquid.Parse };

    /// <summary>The compared catalog as it is sent, its campaigns with opening hours and bids by rule too.</summary>
    public static byte[] TunedJson(int campaigns) => Encoding.UTF8.GetBytes(new ComparedCatalog(campaigns, Eligible, Seed, tuned: true).Json());

    /// <param name="previous">What did not change since is taken over from it.</param>
    public static CompileResult Compile(ConfigNode root, CompileResult? previous = null)
    {
        var compiled = CatalogCompiler.Compile(root, 1, Options, null, previous);
        return compiled.Model is not null ? compiled : throw new InvalidOperationException(
            "The compared catalog does not compile: " + string.Join("; ", compiled.Errors.Errors.Select(error => $"{error.Pointer} {error.Message}")));
    }

    public static ConfigNode Read(byte[] json) => ConfigJson.Parse(json, new ConfigErrors()) ?? throw new InvalidOperationException("The compared catalog cannot be read");

    public static Market Create(int campaigns)
    {
        var compiled = Compile(Read(Encoding.UTF8.GetBytes(new ComparedCatalog(campaigns, Eligible, Seed).Json())));
        var model = compiled.Model!;

        var fields = model.Verticals[ComparedCatalog.Vertical].Fields;
        var today = DateOnly.FromDateTime(Now.UtcDateTime).DayNumber;
        var pings = Enumerable.Range(0, PingCount).Select(index => new PingInput
        {
            Publisher = ComparedCatalog.Publisher,
            Vertical = ComparedCatalog.Vertical,
            Values = Read(fields, index, today),
            Now = Now,
            Seed = (ulong)index,
        });
        return new Market(model, ConfigJson.Write(compiled.Canonical), [.. pings]);
    }

    public static Subject SubjectOf(PingInput ping) => new() { Vertical = ping.Vertical, Publisher = ping.Publisher, Values = ping.Values, Now = ping.Now };

    private static FieldValue[] Read(FieldSet fields, int index, int today)
    {
        var raw = ComparedCatalog.Ping(Seed, index).Select(field => new RawField(field.Key, RawKind.String, field.Value)).ToList();
        var reading = FieldsReader.ReadPing(fields, raw, Parsers, today);
        return reading.Ok ? reading.Values : throw new InvalidOperationException("A compared ping does not fit its vertical: " + reading.Errors[0].Message);
    }
}

/// <summary>Nothing was counted yet: every limit reads as the catalog says it.</summary>
internal sealed class UntouchedLimits : ILiveView
{
    public LimitReading Read(LimitModel limit, long unixSeconds, string? value = null) => new(limit.Limit, 0, 0);
}
