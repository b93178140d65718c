using CsCheck;
using Exchange.Engine.Auctions;
using Shouldly;

namespace Exchange.Engine.Tests.Auctions;

/// <summary>The draw among equals: fair by weight, and nobody's place before another depends on a third.</summary>
public class LotTests
{
    private sealed record Entry(string Id, int Weight);

    private static string[] Order(ulong seed, params Entry[] entries) =>
        [.. entries.Select(entry => (entry, Lot: Lot.Of(seed, entry.Id))).Order(Comparer<(Entry entry, long Lot)>.Create((a, b) =>
            Lot.Compare(a.Lot, a.entry.Weight, a.entry.Id, b.Lot, b.entry.Weight, b.entry.Id))).Select(pair => pair.entry.Id)];

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(3, 1, 1)]
    [InlineData(60, 20, 20)]
    [InlineData(1, 1_000, 100_000)]
    public void Draw_OfManySeeds_IsFirstByWeight_AndSecondByWeightAmongTheRest(int a, int b, int c)
    {
        const int Draws = 100_000;
        Entry[] entries = [new("a", a), new("b", b), new("c", c)];
        var firsts = new Dictionary<string, int>();
        var secondsAfterC = new Dictionary<string, int>();
        for (ulong seed = 0; seed < Draws; seed++)
        {
            var order = Order(seed, entries);
            firsts[order[0]] = firsts.GetValueOrDefault(order[0]) + 1;
            if (order[0] == "c") secondsAfterC[order[1]] = secondsAfterC.GetValueOrDefault(order[1]) + 1;
        }
        var total = (double)(a + b + c);
        foreach (var entry in entries) Near(firsts.GetValueOrDefault(entry.Id), Draws, entry.Weight / total);
        var afterC = secondsAfterC.Values.Sum();
        Near(secondsAfterC.GetValueOrDefault("a"), afterC, a / (double)(a + b));

        // Five standard deviations: a draw that is fair fails this once in a million.
        static void Near(int count, int of, double share) => Math.Abs(count - of * share).ShouldBeLessThan(5 * Math.Sqrt(of * share * (1 - share)) + 1);
    }

    [Fact]
    public void Draw_WithAThird_LeavesTwoAsTheyStand() =>
        Gen.Select(Gen.ULong, Gen.Int[0, 5], Gen.Int[0, 5], Gen.Int[0, 5]).Sample((seed, a, b, c) =>
            Order(seed, new("a", a), new("b", b), new("c", c)).Where(id => id != "c").ShouldBe(Order(seed, new("a", a), new("b", b))), iter: 20_000);

    [Fact]
    public void Draw_WithoutWeight_StandsBehindById() => Order(5, new("d", 0), new("b", 0), new("c", 1), new("a", 0)).ShouldBe(["c", "a", "b", "d"]);

    /// <summary>A decision is repeated years later, on another machine. The numbers are −log2 of what is drawn times 2^26, as a library's logarithm has them, rounded up.</summary>
    [Theory]
    [InlineData(0UL, "acme-west", 92868104L)]
    [InlineData(7UL, "acme-west", 75232720L)]
    [InlineData(7UL, "best-auto", 68817278L)]
    [InlineData(ulong.MaxValue, "a", 162400392L)]
    public void Lot_OfASeedAndId_IsTheSameForEver(ulong seed, string id, long lot) => Lot.Of(seed, id).ShouldBe(lot);
}
