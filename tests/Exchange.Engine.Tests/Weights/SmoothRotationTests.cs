using CsCheck;
using Exchange.Engine.Weights;
using Shouldly;

namespace Exchange.Engine.Tests.Weights;

public sealed class SmoothRotationTests
{
    private static readonly (string, int)[] FiveOneOne = [("a", 5), ("b", 1), ("c", 1)];

    [Fact]
    public void Rotation_FiveOneOne_GoesAABACAAOverAndOver()
    {
        var rotation = new SmoothRotation();
        Turns(rotation, FiveOneOne, 21).ShouldBe("aabacaa aabacaa aabacaa".Replace(" ", "", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("a1 b1 c1", "abcabcabc")]
    [InlineData("a2 b1", "abaaba")]
    [InlineData("a60 b20 c20", "abacaabaca")]
    [InlineData("a0 b1", "bbb")]
    [InlineData("a7", "aaa")]
    public void Rotation_Weights_GiveThisOrder(string weights, string order) =>
        Turns(new SmoothRotation(), Parse(weights), order.Length).ShouldBe(order);

    [Fact]
    public void Rotation_NobodyOpenOrAllWeightsZero_GivesNobody()
    {
        var rotation = new SmoothRotation();
        rotation.Take([]).ShouldBeNull();
        rotation.Take([("a", 0), ("b", 0)]).ShouldBeNull();
        rotation.Peek([("a", 0)]).ShouldBeNull();
    }

    [Fact]
    public void Rotation_CampaignClosedForAWhile_EarnsNoClaimMeanwhile()
    {
        var rotation = new SmoothRotation();
        Turns(rotation, FiveOneOne, 3).ShouldBe("aab");
        Turns(rotation, [("b", 1), ("c", 1)], 100);
        // Had a saved up a hundred turns' claims it would now have a hundred turns in a row.
        var after = Turns(rotation, FiveOneOne, 70);
        after.Count(c => c == 'a').ShouldBeInRange(49, 51);
    }

    [Fact]
    public void Rotation_CampaignClosedForAWhile_LosesNoClaimItHad()
    {
        var rotation = new SmoothRotation();
        rotation.Import(new Dictionary<string, long> { ["a:1"] = 0, ["b:1"] = 5, ["c:1"] = 0 });
        Turns(rotation, [("a", 1), ("c", 1)], 10);
        rotation.Export()["b:1"].ShouldBe(5);
    }

    [Fact]
    public void Rotation_Peek_TakesNoTurn()
    {
        var rotation = new SmoothRotation();
        for (var i = 0; i < 21; i++)
        {
            var peeked = rotation.Peek(FiveOneOne);
            rotation.Peek(FiveOneOne).ShouldBe(peeked);
            rotation.Take(FiveOneOne).ShouldBe(peeked);
        }
    }

    [Fact]
    public void Rotation_ExportedAndImported_GoesOnWhereItWas()
    {
        var rotation = new SmoothRotation();
        Turns(rotation, FiveOneOne, 3).ShouldBe("aab");
        var next = new SmoothRotation();
        next.Import(rotation.Export());
        Turns(next, FiveOneOne, 4).ShouldBe("acaa");
    }

    [Fact]
    public void Rotation_WeightChanged_StartsEverybodyAfresh()
    {
        var rotation = new SmoothRotation();
        Turns(rotation, [("a", 1000), ("b", 1)], 1);
        Turns(rotation, [("a", 1), ("b", 1)], 6).ShouldBe("ababab");
    }

    [Fact]
    public void Rotation_WeightChangedWhileStopped_StartsEverybodyAfresh()
    {
        var rotation = new SmoothRotation();
        rotation.Import(new Dictionary<string, long> { ["a:1000"] = -900, ["b:1"] = 900 });
        Turns(rotation, [("a", 1), ("b", 1)], 4).ShouldBe("abab");
    }

    [Fact]
    public void Rotation_CampaignLeftAndCameBack_StartsWithoutClaim()
    {
        var rotation = new SmoothRotation();
        rotation.Import(new Dictionary<string, long> { ["a:1"] = -9, ["b:1"] = 9 });
        rotation.Keep(new HashSet<string> { "a" });
        rotation.Export().Keys.ShouldBe(["a:1"]);
    }

    /// <summary>Shares are exact over every whole cycle, and no prefix is further than one turn per campaign from its share.</summary>
    [Fact]
    public void Rotation_AnyWeights_KeepsEveryShareAtEveryMoment() =>
        Gen.Int[0, 9].Array[1, 6].Sample(weights =>
        {
            var total = weights.Sum();
            if (total == 0) return;
            var rotation = new SmoothRotation();
            var open = weights.Select((weight, i) => (((char)('a' + i)).ToString(), weight)).ToArray();
            var counts = new int[weights.Length];
            for (var turn = 1; turn <= total * 2; turn++)
            {
                counts[rotation.Take(open)![0] - 'a']++;
                for (var i = 0; i < weights.Length; i++)
                    Math.Abs(counts[i] * total - turn * weights[i]).ShouldBeLessThanOrEqualTo(total * weights.Length);
                if (turn % total == 0)
                    for (var i = 0; i < weights.Length; i++) counts[i].ShouldBe(weights[i] * turn / total);
            }
        });

    [Fact]
    public void Rotation_ManyAtOnce_LosesNoTurnAndKeepsTheShares()
    {
        var rotation = new SmoothRotation();
        var turns = new System.Collections.Concurrent.ConcurrentBag<string>();
        Parallel.For(0, 7_000, _ => turns.Add(rotation.Take(FiveOneOne)!));
        turns.GroupBy(id => id).OrderBy(group => group.Key).Select(group => group.Count()).ShouldBe([5_000, 1_000, 1_000]);
    }

    /// <summary>Claims only move between those who are open.</summary>
    [Fact]
    public void Rotation_OpenOnesComeAndGo_ClosedClaimsStayAndTheSumIsZero() =>
        Gen.Int[1, 127].Array[1, 60].Sample(masks =>
        {
            var rotation = new SmoothRotation();
            foreach (var mask in masks)
            {
                var open = Enumerable.Range(0, 7).Where(i => (mask >> i & 1) != 0).Select(i => ($"c{i}", i + 1)).ToArray();
                var before = rotation.Export();
                rotation.Take(open);
                var after = rotation.Export();
                foreach (var (id, claim) in before)
                    if (!open.Any(entry => id == $"{entry.Item1}:{entry.Item2}")) after[id].ShouldBe(claim);
                after.Values.Sum().ShouldBe(0);
            }
        });

    private static (string, int)[] Parse(string weights) => [.. weights.Split(' ').Select(word => (word[..1], int.Parse(word[1..], null)))];

    private static string Turns(SmoothRotation rotation, (string, int)[] open, int count) =>
        string.Concat(Enumerable.Range(0, count).Select(_ => rotation.Take(open)));
}
