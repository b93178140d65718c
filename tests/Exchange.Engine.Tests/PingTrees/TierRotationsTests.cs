using CsCheck;
using Exchange.Engine.Catalog;
using Exchange.Engine.PingTrees;
using Shouldly;

namespace Exchange.Engine.Tests.PingTrees;

/// <summary>Turns of a walk whose offers were not made after all.</summary>
public sealed class TierRotationsTests
{
    private static readonly (string Id, int Weight)[] Weights = [("a", 5), ("b", 1), ("c", 1)];
    private static readonly TierModel Tier = new Market { Campaigns = [new("a", "1.00"), new("b", "1.00"), new("c", "1.00")], Tiers = [new(TierMethod.Weighted, "a", "b", "c")] }
        .Model.Trees["main"].Tiers[0];

    [Fact]
    public void GiveBack_RightAway_IsAsIfTheTurnHadNeverBeen() =>
        Gen.Bool.Array[1, 40].Sample(made =>
        {
            var (some, all) = (new TierRotations(), new TierRotations());
            foreach (var offerIsMade in made)
            {
                var (winner, taken) = Take(some, 1);
                if (offerIsMade) winner.ShouldBe(Take(all, 1).Winner);
                else some.GiveBack(taken);
            }
        });

    [Fact]
    public void GiveBack_AfterOthersTookTurns_LeavesTheClaimsThatTheirTurnsAloneWouldMake()
    {
        var rotations = new TierRotations();
        var (first, given) = Take(rotations, 2);
        var (second, _) = Take(rotations, 1);
        rotations.GiveBack(given);
        (first, second).ShouldBe(("a", "a"));
        // One turn counts: each earned its weight, and a paid 7 for the turn.
        rotations.Of(Tier.RotationKey).Export().ShouldBe(new Dictionary<string, long> { ["a:5"] = -2, ["b:1"] = 1, ["c:1"] = 1 }, ignoreOrder: true);
    }

    [Fact]
    public void GiveBack_UnderAnotherWeight_ChangesNothing()
    {
        var rotations = new TierRotations();
        var (_, taken) = Take(rotations, 1);
        using (var turns = rotations.Enter(Tier))
        {
            turns.Draft(Tier, [("a", 2), ("b", 2)], []);
            turns.Keep();
        }
        rotations.GiveBack(taken);
        rotations.Of(Tier.RotationKey).Export().ShouldBe(new Dictionary<string, long> { ["a:2"] = -2, ["b:2"] = 2 }, ignoreOrder: true);
    }

    /// <summary>One walk of so many copies; the last winner.</summary>
    private static (string Winner, TakenTurns[] Taken) Take(TierRotations rotations, int copies)
    {
        using var turns = rotations.Enter(Tier);
        var served = new List<string>();
        for (var copy = 0; copy < copies; copy++) served.Add(turns.Draft(Tier, Weights, served));
        turns.Keep();
        return (served[0], turns.Taken() is { } taken ? [taken] : []);
    }
}
