using System.Text;
using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Grains.Catalog;
using Exchange.Simulation.Scheduling;

namespace Exchange.Simulation.World;

/// <summary>
/// The catalogs of all worlds: small caps, small balances, few buyers, so that leads collide. Each market has versions that an admin applies in
/// mid-flight: a lower cap, a pause, another cap, another bid, more credit.
/// </summary>
internal static class Markets
{
    public const int Count = 48;
    private const int Changes = 6;

    private static readonly MarketText[] Texts = [.. Enumerable.Range(0, Count).Select(Draw)];
    private static readonly ConfigNode[][] Versions = [.. Enumerable.Range(0, Count).Select(Make)];

    /// <summary>The market as it begins (0) and its changes.</summary>
    public static ConfigNode Version(int market, int change) => Versions[market][change];

    public static bool SellsPersonsOnce(int market) => Texts[market].Duplicates;

    /// <summary>Those whose leads wait before a tree for a field that may be added.</summary>
    public static int[] WaitForFields { get; } = [.. Enumerable.Range(0, Count).Where(market => (Texts[market].TreeWait + Texts[market].UnsoldWait).Contains("email", StringComparison.Ordinal))];

    /// <summary>Those with campaigns whose deliveries wait for such a field.</summary>
    public static int[] HandOverByFields { get; } = [.. Enumerable.Range(0, Count).Where(market => Texts[market].TreeWait is null && Texts[market].Wishes.Count(wish => wish.Delivery.EndsWith(" if", StringComparison.Ordinal)) > 1)];

    /// <summary>Whether this campaign's buyer is asked what it bids, in every version of the market.</summary>
    public static bool IsLive(int market, string campaign) => Texts[market].Wishes.Any(wish => wish.Id == campaign && wish.Live);

    public static int ChangesOf(int market) => Versions[market].Length - 1;

    /// <summary>A phone is what begins with a plus.</summary>
    public static FieldParsers Parsers { get; } = new((text, _) => text.StartsWith('+') ? text : null, static _ => null);

    /// <summary>Worlds share what was compiled once: a model is never changed.</summary>
    public static CatalogRules Rules { get; } = new(Parsers, Delivery.Templates.Liquid.Parse, static _ => null) { Compile = Compiled.Once };

    /// <summary>One in four has waits, one bids that are asked for, one caps that count what is kept.</summary>
    private static MarketText Draw(int number)
    {
        var text = MarketText.Draw(new SimRandom((ulong)number + 7_000));
        return (number % 4) switch
        {
            1 => text.WithLiveBids(new SimRandom((ulong)number + 13_000)),
            2 => text.WithKeptCaps(new SimRandom((ulong)number + 15_000)),
            3 when number % 8 == 7 => text.WithWaits(new SimRandom((ulong)number + 11_000)).WithFieldWait(),
            3 => text.WithWaits(new SimRandom((ulong)number + 11_000)),
            _ => text,
        };
    }

    private static ConfigNode[] Make(int number)
    {
        var random = new SimRandom((ulong)number + 9_000);
        return [Parse(Texts[number]), .. Enumerable.Range(0, Changes).Select(_ => Parse(Texts[number].Changed(random)))];
    }

    private static ConfigNode Parse(MarketText market)
    {
        var errors = new ConfigErrors();
        var node = ConfigJson.Parse(Encoding.UTF8.GetBytes(market.ToString()), errors);
        if (node is null || errors.Any) throw new InvalidOperationException(string.Join("; ", errors.Errors.Select(error => error.Pointer + " " + error.Message)));
        return node;
    }
}
