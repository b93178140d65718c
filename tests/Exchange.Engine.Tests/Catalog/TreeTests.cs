using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Exchange.Engine.Values;
using Shouldly;

namespace Exchange.Engine.Tests.Catalog;

/// <summary>What may be said of trees and tiers, and how trees that ask trees are laid out for a walk.</summary>
public sealed class TreeTests
{
    private const string Pool = "{ \"vertical\": \"auto\", \"tiers\": [{ \"name\": \"turns\", \"method\": \"weighted\", \"copies\": 2, \"floor\": \"1.00\", \"deadline\": \"200ms\", \"campaigns\": [\"acme-b\"] }] }";

    /// <summary>The basic catalog with these trees in the place of its own; ids and trees in turns.</summary>
    private static ConfigNode Trees(params string[] idsAndTrees)
    {
        var root = ConfigPatch.Set(Catalogs.Json(Catalogs.Basic), ["ping_trees"], Catalogs.Json("{}"));
        for (var i = 0; i < idsAndTrees.Length; i += 2) root = ConfigPatch.Set(root, ["ping_trees", idsAndTrees[i]], Catalogs.Json(idsAndTrees[i + 1]));
        return root;
    }

    private static string Tree(string rest, string tiers = "[{ \"name\": \"a\", \"method\": \"priority\", \"campaigns\": [\"acme-a\", \"acme-b\"] }]") =>
        $"{{ \"vertical\": \"auto\", {rest}{(rest.Length > 0 ? "," : "")} \"tiers\": {tiers} }}";

    private static string Asks(params string[] trees) =>
        Tree("", $"[{string.Join(',', trees.Select(tree => $"{{ \"name\": \"ask-{tree}\", \"method\": \"priority\", \"tree\": \"{tree}\" }}"))}]");

    private static (string Code, string Pointer)[] ErrorsOf(ConfigNode root) => [.. Catalogs.Compile(root).Errors.Errors.Select(error => (error.Code, error.Pointer))];

    [Fact]
    public void Tree_AllKeys_AreRead()
    {
        var model = Catalogs.Model(Trees(
            "main", Tree("\"when\": { \"field\": \"sub_id\", \"is\": \"kw-1\" }, \"firm\": true, \"reauction\": true, \"unsold\": { \"tree\": \"rest\" }, \"caps\": [{ \"per\": \"day\", \"leads\": 9 }]"),
            "rest", Tree("")));
        var main = model.Trees["main"];
        (main.Firm, main.Reauction, main.UnsoldTree, main.IsGroup, main.Traffic.Millionths).ShouldBe((true, true, "rest", false, Percent.One));
        main.When.ShouldNotBeNull();
        var cap = main.Caps.ShouldHaveSingleItem();
        (cap.Scope, cap.Owner, cap.Limit, cap.Id).ShouldBe((CapScope.Tree, "main", 9L, "t:main:leads:day:America/New_York"));
        main.Gate.Id.ShouldStartWith("open:tree:main:");
        model.Trees["rest"].IsGroup.ShouldBeTrue();
    }

    [Fact]
    public void Tier_EvenPercentAndIncrement_AreRead()
    {
        var tiers = Catalogs.Model(Trees("main", Tree("",
            """
            [ { "name": "e", "method": "even", "campaigns": ["acme-a"] }, { "name": "p", "method": "percent", "over": "7d", "campaigns": ["acme-b"], "weights": { "acme-b": 3 } },
              { "name": "s", "method": "auction", "pricing": "second_price", "floor": "1.00", "increment": "0.25", "campaigns": ["acme-a"] } ]
            """))).Trees["main"].Tiers;
        tiers.Select(tier => tier.Method).ShouldBe([TierMethod.Even, TierMethod.Percent, TierMethod.Auction]);
        tiers.Select(tier => tier.Over).ShouldBe([TimeSpan.FromHours(24), TimeSpan.FromDays(7), TimeSpan.FromHours(24)]);
        (tiers[1].Weights[0], tiers[2].Increment).ShouldBe((3, Money.Parse("0.25")));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void TreeInATier_StandsInItsPlace_WhateverTheOrderOfTheFile(bool poolFirst)
    {
        var main = Tree("\"copies\": 3",
            "[{ \"name\": \"top\", \"method\": \"auction\", \"campaigns\": [\"acme-a\"] }, { \"name\": \"group\", \"method\": \"priority\", \"copies\": 5, \"floor\": \"2.50\", \"deadline\": \"300ms\", \"tree\": \"pool\" }]");
        var model = Catalogs.Model(poolFirst ? Trees("pool", Pool, "main", main) : Trees("main", main, "pool", Pool));
        var tiers = model.Trees["main"].Tiers;
        tiers.Select(tier => (tier.Index, tier.Name, tier.RotationKey)).ShouldBe([(0, "top", "main/top"), (1, "turns", "pool/turns")]);
        tiers[0].Groups.ShouldBeEmpty();
        var group = tiers[1].Groups.ShouldHaveSingleItem();
        (group.Tree, group.Copies, group.Floor!.Otherwise, group.Publishers, group.When, group.Status).ShouldBe(("pool", 2, Money.Parse("2.50"), null, null, EntryStatus.Active));
        (tiers[1].Copies, tiers[1].Floor!.Otherwise, tiers[1].Deadline).ShouldBe((2, Money.Parse("1.00"), TimeSpan.FromMilliseconds(200)));
        (model.Trees["pool"].IsGroup, model.Trees["pool"].Tiers.Count).ShouldBe((true, 1));
        ReferenceEquals(group.Caps, model.Trees["pool"].Caps).ShouldBeTrue();
    }

    [Fact]
    public void TreesWithinTrees_CarryTheChain_OutermostFirst()
    {
        var model = Catalogs.Model(Trees(
            "main", Asks("middle", "pool"), "middle", Asks("pool").Replace("\"tiers\"", "\"copies\": 2, \"when\": { \"field\": \"state\", \"is\": \"CA\" }, \"publishers\": [\"search\"], \"tiers\"", StringComparison.Ordinal), "pool", Pool));
        var tiers = model.Trees["main"].Tiers;
        tiers.Select(tier => string.Join('>', tier.Groups.Select(group => group.Tree))).ShouldBe(["middle>pool", "pool"]);
        tiers[0].Groups[0].When.ShouldNotBeNull();
        tiers[0].Groups[0].Publishers!.Has("social").ShouldBeFalse();
        tiers[0].Groups[0].Copies.ShouldBe(1); // the asking tier sells one
        // It says itself who comes: so pings may come to it directly, too.
        model.Trees["middle"].IsGroup.ShouldBeFalse();
    }

    [Fact]
    public void All_LeavesOutWhomAnEarlierTiersTreeAsked()
    {
        var main = Tree("", "[{ \"name\": \"group\", \"method\": \"priority\", \"tree\": \"pool\" }, { \"name\": \"rest\", \"method\": \"auction\", \"campaigns\": \"all\" }]");
        Catalogs.Model(Trees("main", main, "pool", Pool)).Trees["main"].Tiers[1].Campaigns.Select(campaign => campaign.Id).ShouldBe(["acme-a"]);
    }

    [Fact]
    public void SameTreeAskedTwice_HasOneRotation()
    {
        var main = Tree("", "[{ \"name\": \"b\", \"method\": \"priority\", \"tree\": \"pool\" }, { \"name\": \"a\", \"method\": \"priority\", \"tree\": \"pool\" }]");
        Catalogs.Model(Trees("main", main, "pool", Pool)).Trees["main"].Tiers.Select(tier => tier.RotationKey).ShouldBe(["pool/turns", "pool/turns"]);
    }

    [Fact]
    public void Cycle_IsOneError_WithTheChain()
    {
        var error = Catalogs.Compile(Trees("a", Asks("b"), "b", Asks("c"), "c", Asks("a"))).Errors.Errors.ShouldHaveSingleItem();
        (error.Code, error.Pointer).ShouldBe(("cycle", "ping_trees.c.tiers[0].tree"));
        error.Message.ShouldContain("a → b → c → a");
        ErrorsOf(Trees("a", Asks("a"))).ShouldBe([("cycle", "ping_trees.a.tiers[0].tree")]);
    }

    [Fact]
    public void Cycle_OfUnsoldLeads_IsOneError()
    {
        var error = Catalogs.Compile(Trees("a", Tree("\"unsold\": { \"tree\": \"b\" }"), "b", Tree("\"unsold\": { \"tree\": \"a\" }"))).Errors.Errors.ShouldHaveSingleItem();
        (error.Code, error.Pointer).ShouldBe(("cycle", "ping_trees.b.unsold.tree"));
        error.Message.ShouldContain("a → b → a");
    }

    [Fact]
    public void Trees_TooDeepOrTooWide_AreRefusedAndDoNotRunAway()
    {
        var chain = Enumerable.Range(0, 1_000).SelectMany(i => new[] { $"t{i}", i == 999 ? Pool : Asks($"t{i + 1}") }).ToArray();
        Catalogs.Compile(Trees(chain)).Errors.Errors.ShouldAllBe(error => error.Code == "out_of_range");
        ErrorsOf(Trees([.. chain.Chunk(2).Reverse().SelectMany(pair => pair)])).ShouldContain(("out_of_range", "ping_trees.t983.tiers[0].tree"));
        // Each asks the next one three times: 3 to the power of 15 tiers.
        var wide = Enumerable.Range(0, 16).SelectMany(i => new[] { $"w{i}", i == 15 ? Pool : Tree("", $"[{string.Join(',', Enumerable.Range(0, 3).Select(n => $"{{ \"name\": \"{n}\", \"method\": \"priority\", \"tree\": \"w{i + 1}\" }}"))}]") });
        ErrorsOf(Trees([.. wide])).ShouldContain(("out_of_range", "ping_trees.w8.tiers"));
    }

    [Theory]
    [InlineData("{ \"name\": \"a\", \"method\": \"priority\", \"tree\": \"sun\" }", "conflict", "tree")]
    [InlineData("{ \"name\": \"a\", \"method\": \"priority\", \"tree\": \"pole\" }", "unknown_id", "tree")]
    [InlineData("{ \"name\": \"a\", \"method\": \"priority\", \"tree\": \"pool\", \"campaigns\": \"all\" }", "conflict", "campaigns")]
    [InlineData("{ \"name\": \"a\", \"method\": \"priority\" }", "missing_key", "campaigns")]
    [InlineData("{ \"name\": \"a\", \"method\": \"auction\", \"increment\": \"0.10\", \"campaigns\": \"all\" }", "misplaced_key", "increment")]
    [InlineData("{ \"name\": \"a\", \"method\": \"weighted\", \"increment\": \"0.10\", \"campaigns\": \"all\" }", "misplaced_key", "increment")]
    [InlineData("{ \"name\": \"a\", \"method\": \"weighted\", \"over\": \"1h\", \"campaigns\": \"all\" }", "misplaced_key", "over")]
    [InlineData("{ \"name\": \"a\", \"method\": \"even\", \"over\": \"0h\", \"campaigns\": \"all\" }", "out_of_range", "over")]
    [InlineData("{ \"name\": \"a\", \"method\": \"percent\", \"campaigns\": [\"acme-a\"], \"weights\": { \"acme-a\": 0 } }", "out_of_range", "weights")]
    [InlineData("{ \"name\": \"a\", \"method\": \"percent\", \"campaigns\": [\"acme-a\"], \"weights\": { \"acme-a\": -1 } }", "out_of_range", "weights.acme-a")]
    public void Tier_WithOneWrongThing_IsRefused(string tier, string code, string at) => ErrorsOf(Trees("main", Tree("", $"[{tier}]"), "pool", Pool,
        "sun", "{ \"vertical\": \"solar\", \"tiers\": [{ \"name\": \"a\", \"method\": \"priority\", \"campaigns\": \"all\" }] }"))
        .ShouldBe(at.StartsWith("tree", StringComparison.Ordinal) || !tier.Contains("tree", StringComparison.Ordinal)
            ? [(code, "ping_trees.main.tiers[0]." + at), .. tier.Contains("\"pool\"", StringComparison.Ordinal) ? [] : NotAsked]
            : [(code, "ping_trees.main.tiers[0]." + at)]);

    /// <summary>A pool that nobody asks takes pings itself, and then there are two trees for one ping.</summary>
    private static readonly (string, string)[] NotAsked = [("conflict", "ping_trees.pool.traffic")];

    [Theory]
    [InlineData("\"wait\": { \"for\": \"10\" }", "invalid_format", "wait.for")]
    [InlineData("\"wait\": {}", "missing_key", "wait")]
    [InlineData("\"wait\": { \"until\": \"office\" }", "conflict", "wait.until")]
    [InlineData("\"firm\": true, \"wait\": { \"for\": \"10m\" }", "conflict", "wait")]
    [InlineData("\"unsold\": { \"wait\": { \"for\": \"10m\" } }", "missing_key", "unsold.tree")]
    [InlineData("\"unsold\": {}", "missing_key", "unsold.tree")]
    [InlineData("\"unsold\": { \"tree\": \"none\" }", "unknown_id", "unsold.tree")]
    [InlineData("\"unsold\": { \"tree\": \"sun\" }", "conflict", "unsold.tree")]
    [InlineData("\"when\": { \"field\": \"phone\", \"exists\": true }", "field_not_here", "when.field")]
    [InlineData("\"when\": { \"field\": \"sharing\", \"is\": \"shared\" }", "field_not_here", "when.field")]
    [InlineData("\"traffic\": \"120%\"", "out_of_range", "traffic")]
    [InlineData("\"traffic\": \"50\"", "invalid_format", "traffic")]
    [InlineData("\"traffic\": \"50%\"", "conflict", "traffic")]
    [InlineData("\"firm\": \"yes\"", "invalid_format", "firm")]
    [InlineData("\"caps\": [{ \"per\": \"day\", \"leads\": 0 }]", "out_of_range", "caps[0].leads")]
    public void Tree_WithOneWrongThing_IsRefused(string rest, string code, string at) =>
        ErrorsOf(Trees("main", Tree(rest), "sun", "{ \"vertical\": \"solar\", \"tiers\": [{ \"name\": \"a\", \"method\": \"priority\", \"campaigns\": \"all\" }] }"))
            .ShouldBe([(code, "ping_trees.main." + at)]);

    [Fact]
    public void OffersAll_WithASecondPriceInside_IsRefusedOnceAtTheTierThatAsks()
    {
        var second = Tree("", "[{ \"name\": \"a\", \"method\": \"auction\", \"pricing\": \"second_price\", \"floor\": \"1.00\", \"campaigns\": [\"acme-a\"] }, { \"name\": \"b\", \"method\": \"auction\", \"pricing\": \"second_price\", \"floor\": \"1.00\", \"campaigns\": [\"acme-b\"] }]");
        var main = Asks("second").Replace("\"tiers\"", "\"offers\": \"all\", \"tiers\"", StringComparison.Ordinal);
        ErrorsOf(Trees("main", main, "second", second)).ShouldBe([("conflict", "ping_trees.main.tiers[0].tree")]);
    }

    [Theory]
    // other tree of the same vertical | error, if any
    [InlineData("", "", "ping_trees.b.traffic")]
    [InlineData("\"traffic\": \"60%\"", "", "ping_trees.b.traffic")]
    [InlineData("\"traffic\": \"60%\"", "\"traffic\": \"30%\"", "ping_trees.b.traffic")]
    [InlineData("\"traffic\": \"60%\"", "\"traffic\": \"40%\"", null)]
    [InlineData("\"traffic\": \"66.6667%\"", "\"traffic\": \"33.3333%\"", null)]
    [InlineData("", "\"publishers\": [\"search\"]", null)]
    [InlineData("\"publishers\": [\"search\", \"social\"]", "\"publishers\": [\"search\"]", "ping_trees.b.traffic")]
    [InlineData("\"publishers\": [\"search\", \"social\"], \"traffic\": \"50%\"", "\"publishers\": [\"search\"], \"traffic\": \"50%\"", "ping_trees.a.traffic")] // social's half
    [InlineData("\"publishers\": [\"social\"]", "\"publishers\": [\"search\"]", null)]
    [InlineData("", "\"status\": \"paused\"", null)]
    [InlineData("", "\"when\": { \"field\": \"state\", \"is\": \"CA\" }", null)]
    [InlineData("\"when\": { \"field\": \"state\", \"is\": \"CA\" }", "\"when\": { \"field\": \"state\", \"is\": \"CA\" }", "ping_trees.b.traffic")]
    [InlineData("\"when\": { \"field\": \"state\", \"is\": \"CA\" }, \"traffic\": \"90%\"", "\"when\": { \"field\": \"state\", \"is\": \"CA\" }, \"traffic\": \"10%\"", null)]
    [InlineData("\"when\": { \"field\": \"state\", \"is\": \"CA\" }", "\"when\": { \"field\": \"state\", \"is\": \"TX\" }", null)]
    [InlineData("\"when\": { \"field\": \"state\", \"in\": [\"CA\", \"NY\"] }", "\"when\": { \"field\": \"state\", \"in\": [\"TX\", \"ny\"] }", "ping_trees.b.when")]
    [InlineData("\"when\": { \"field\": \"state\", \"is\": \"CA\" }", "\"when\": { \"field\": \"state\", \"is_not\": \"CA\" }", null)]
    [InlineData("\"when\": { \"field\": \"state\", \"is\": \"CA\" }", "\"when\": { \"not\": { \"field\": \"state\", \"is\": \"CA\" } }", null)]
    [InlineData("\"when\": { \"field\": \"state\", \"is\": \"CA\" }", "\"when\": { \"field\": \"sub_id\", \"is\": \"kw\" }", "ping_trees.b.when")]
    [InlineData("\"when\": { \"field\": \"state\", \"is\": \"CA\" }", "\"when\": { \"all\": [{ \"field\": \"sub_id\", \"is\": \"kw\" }, { \"not\": { \"field\": \"state\", \"is\": \"CA\" } }] }", null)]
    [InlineData("\"when\": { \"field\": \"age\", \"at_most\": 25 }", "\"when\": { \"field\": \"age\", \"at_least\": 26 }", null)]
    [InlineData("\"when\": { \"field\": \"age\", \"at_most\": 25 }", "\"when\": { \"field\": \"age\", \"at_least\": 25 }", "ping_trees.b.when")]
    [InlineData("\"when\": { \"field\": \"age\", \"exists\": false }", "\"when\": { \"field\": \"age\", \"at_least\": 25 }", null)]
    [InlineData("\"when\": { \"field\": \"sub_id\", \"in\": [\"a\", \"b\"] }", "\"when\": { \"any\": [{ \"field\": \"sub_id\", \"is\": \"c\" }, { \"field\": \"sub_id\", \"is\": \"d\" }] }", null)]
    [InlineData("\"when\": { \"field\": \"sub_id\", \"in\": [\"a\", \"b\"] }", "\"when\": { \"any\": [{ \"field\": \"sub_id\", \"is\": \"c\" }, { \"field\": \"sub_id\", \"is\": \"B\" }] }", "ping_trees.b.when")]
    [InlineData("\"when\": { \"field\": \"hour\", \"between\": [8, 17] }", "\"when\": { \"field\": \"hour\", \"in\": [7, 18] }", null)]
    [InlineData("\"when\": { \"field\": \"sub_id\", \"starts_with\": \"a\" }", "\"when\": { \"field\": \"sub_id\", \"starts_with\": \"b\" }", "ping_trees.b.when")] // more than it sees
    public void TwoTrees_ForOnePing_NeedTrafficOrToBeToldApart(string a, string b, string? path) =>
        ErrorsOf(Trees("a", Tree(a), "b", Tree(b))).ShouldBe(path is null ? [] : [("conflict", path)]);

    [Fact]
    public void ThreeTrees_OfOneHundredPercent_AreTaken() =>
        ErrorsOf(Trees("a", Tree("\"traffic\": \"50%\""), "b", Tree("\"traffic\": \"25%\""), "c", Tree("\"traffic\": \"25%\""))).ShouldBeEmpty();

    [Theory]
    [InlineData("{ \"name\": \"a\", \"method\": \"auction\", \"tree\": \"pool\" }", "ping_trees.main.tiers[0].method")]
    [InlineData("{ \"name\": \"a\", \"method\": \"priority\", \"tree\": \"pool\", \"weights\": { \"acme-b\": 1 } }", "ping_trees.main.tiers[0].weights")]
    [InlineData("{ \"name\": \"a\", \"method\": \"even\", \"campaigns\": \"all\", \"weights\": { \"acme-b\": 2 } }", "ping_trees.main.tiers[0].weights")]
    public void Tier_WithWhatMeansNothing_IsWarnedOf(string tier, string path)
    {
        var result = Catalogs.Compile(Trees("main", Tree("", $"[{tier}]"), "pool", Pool.Replace("\"tiers\"", "\"publishers\": [\"social\"], \"tiers\"", StringComparison.Ordinal)));
        result.Errors.Errors.ShouldBeEmpty();
        result.Errors.Warnings.Select(warning => (warning.Code, warning.Pointer)).ShouldContain(("never_used", path));
    }

    [Fact]
    public void Group_ThatSaysWhatIsOfItsOwnPings_IsWarnedOf()
    {
        var pool = Pool.Replace("\"tiers\"", "\"firm\": true, \"tiers\"", StringComparison.Ordinal);
        var warnings = Catalogs.Compile(Trees("main", Asks("pool"), "pool", pool)).Errors.Warnings;
        warnings.Select(warning => warning.Pointer).ShouldContain("ping_trees.pool.firm");
    }

    [Fact]
    public void Campaign_OnlyInAGroupThatIsPausedOrAskedByAPausedTree_IsWarnedOf()
    {
        var asker = Tree("", "[{ \"name\": \"a\", \"method\": \"auction\", \"campaigns\": [\"acme-a\"] }, { \"name\": \"b\", \"method\": \"priority\", \"tree\": \"pool\" }]");
        foreach (var root in new[]
        {
            Trees("main", asker, "pool", Pool.Replace("\"tiers\"", "\"status\": \"paused\", \"tiers\"", StringComparison.Ordinal)),
            Trees("main", asker.Replace("\"tiers\"", "\"status\": \"paused\", \"tiers\"", StringComparison.Ordinal), "pool", Pool),
        })
            Catalogs.Compile(root).Errors.Warnings.Select(warning => warning.Pointer).ShouldContain("campaigns.acme-b");
        Catalogs.Compile(Trees("main", asker, "pool", Pool)).Errors.Warnings.Select(warning => warning.Pointer).ShouldNotContain("campaigns.acme-b");
    }

    [Fact]
    public void Bid_BelowTheFloorOfATierThatAsksItsTree_IsWarnedOf()
    {
        var main = Tree("", "[{ \"name\": \"g\", \"method\": \"priority\", \"floor\": \"9.00\", \"tree\": \"pool\" }]");
        Catalogs.Compile(Trees("main", main, "pool", Pool)).Errors.Warnings.Select(warning => (warning.Code, warning.Pointer)).ShouldContain(("below_floor", "campaigns.acme-b.bid"));
    }
}
