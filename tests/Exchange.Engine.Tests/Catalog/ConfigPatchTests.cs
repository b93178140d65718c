using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Shouldly;

namespace Exchange.Engine.Tests.Catalog;

public sealed class ConfigPatchTests
{
    [Theory] // RFC 7396, appendix A, as far as a catalog has such values
    [InlineData("{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}")]
    [InlineData("{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}")]
    [InlineData("{\"a\":\"b\"}", "{\"a\":null}", "{}")]
    [InlineData("{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}")]
    [InlineData("{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}")]
    [InlineData("{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}")]
    [InlineData("{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}")]
    [InlineData("{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[\"1\"]}", "{\"a\":[\"1\"]}")]
    [InlineData("[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]")]
    [InlineData("{\"a\":\"foo\"}", "\"bar\"", "\"bar\"")]
    [InlineData("[\"1\"]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}")]
    [InlineData("{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}")]
    public void Merge_FollowsTheStandard(string target, string patch, string expected) =>
        ConfigJson.WriteText(ConfigPatch.Merge(Catalogs.Json(target), Catalogs.Json(patch))).ShouldBe(expected);

    [Theory]
    [InlineData("{\"a\":\"b\"}", "{\"a\":\"b\"}", "{}")]
    [InlineData("{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}")]
    [InlineData("{\"a\":\"b\"}", "{\"a\":\"b\",\"c\":{\"d\":[\"1\"]}}", "{\"c\":{\"d\":[\"1\"]}}")]
    [InlineData("{\"a\":\"b\",\"c\":\"d\"}", "{\"c\":\"d\"}", "{\"a\":null}")]
    [InlineData("{\"a\":{\"b\":\"c\",\"d\":\"e\"}}", "{\"a\":{\"b\":\"f\"}}", "{\"a\":{\"b\":\"f\",\"d\":null}}")]
    [InlineData("{\"a\":{\"b\":\"c\"}}", "{\"a\":{}}", "{\"a\":{\"b\":null}}")]
    [InlineData("{\"a\":{\"b\":\"c\"}}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}")]
    [InlineData("{\"a\":\"b\"}", "{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"c\"}}")]
    // Another order, a key between others, a null: no merge patch says that.
    [InlineData("{\"a\":\"1\",\"b\":\"2\"}", "{\"b\":\"2\",\"a\":\"1\"}", null)]
    [InlineData("{\"a\":\"1\",\"b\":\"2\"}", "{\"a\":\"1\",\"c\":\"3\",\"b\":\"2\"}", null)]
    [InlineData("{\"a\":\"1\"}", "{\"a\":null}", null)]
    [InlineData("[\"a\"]", "[\"b\"]", null)]
    public void Between_IsTheMergePatchThatMakesTheSecondOfTheFirst(string before, string after, string? patch)
    {
        var between = ConfigPatch.Between(Catalogs.Json(before), Catalogs.Json(after));
        (between is null ? null : ConfigJson.WriteText(between)).ShouldBe(patch);
        if (between is not null) ConfigJson.WriteText(ConfigPatch.Merge(Catalogs.Json(before), between)).ShouldBe(after);
    }

    [Fact]
    public void Merge_IntoAnEntry_GivesNodesTheirPathThere()
    {
        var entry = ConfigPatch.Find(Catalogs.Json(Catalogs.Basic), "campaigns", "acme-a")!;
        var merged = ConfigPatch.Merge(entry, Catalogs.Json("{ \"filter\": { \"all\": [{ \"field\": \"zip\", \"is\": \"1\" }] }, \"bid\": { \"fixed\": \"9.00\" } }"));
        ((ConfigList)ConfigPatch.Find(merged, "filter", "all")!).Items[0].Path.ShouldBe("campaigns.acme-a.filter.all[0]");
        ConfigPatch.Find(merged, "bid", "fixed")!.Path.ShouldBe("campaigns.acme-a.bid.fixed");
    }

    [Fact]
    public void MergeCap_ANewLimit_ChangesThatCapAlone()
    {
        var errors = new ConfigErrors();
        var root = ConfigPatch.MergeCap(Catalogs.Json(Catalogs.Basic), "campaigns", "acme-a", "day.leads", Catalogs.Json("{ \"leads\": 300 }"), errors);
        CatalogDiff.Between(Catalogs.Json(Catalogs.Basic), root.ShouldNotBeNull()).ShouldBe(
            [new CatalogChange(ChangeKind.Changed, "campaigns.acme-a.caps[0].leads", "20", "300")]);
        var bare = ConfigPatch.MergeCap(Catalogs.Json(Catalogs.Basic), "campaigns", "acme-a", "month.spend", Catalogs.Json("\"5.00\""), errors);
        Catalogs.Model(bare.ShouldNotBeNull()).Campaigns["acme-a"].Caps[2].Limit.ShouldBe(5_000_000);
        errors.Any.ShouldBeFalse();
    }

    [Theory]
    [InlineData("day.leads", 0)]
    [InlineData("day.leads.by.zip", 1)]
    [InlineData("day.leads.by.zip.when.HASH", 2)]
    [InlineData("day.pings", 3)]
    public void MergeCap_ByItsWholeName_FindsTheOne(string name, int index)
    {
        const string when = "{ \"field\": \"state\", \"is\": \"CA\" }";
        var root = Catalogs.With("campaigns acme-b caps",
            $$"""[{ "per": "day", "leads": 5 }, { "per": "day", "leads": 5, "each": "zip" }, { "per": "day", "leads": 5, "each": "zip", "when": {{when}} }, { "per": "day", "pings": 5 }]""");
        name = name.Replace("HASH", CapName.HashOf(Catalogs.Json(when)), StringComparison.Ordinal);
        var errors = new ConfigErrors();
        var changed = ConfigPatch.MergeCap(root, "campaigns", "acme-b", name, Catalogs.Json("{ \"limit\": 9 }"), errors).ShouldNotBeNull();
        CatalogDiff.Between(root, changed).ShouldHaveSingleItem().Path.ShouldBe($"campaigns.acme-b.caps[{index}].{(index == 3 ? "pings" : "leads")}");
        Catalogs.Model(changed).Limits.Single(limit => limit.Owner == "acme-b" && limit.Name == name).Limit.ShouldBe(9);
    }

    [Fact]
    public void MergeCap_OneDayOfAMap_ChangesThatDay()
    {
        var root = Catalogs.With("ping_trees auto-main caps", "[{ \"per\": \"day\", \"leads\": { \"mon-fri\": 40, \"sat\": 15, \"sun\": 0 } }]");
        var changed = ConfigPatch.MergeCap(root, "ping_trees", "auto-main", "day.leads", Catalogs.Json("{ \"leads\": { \"sat\": 20 } }"), new ConfigErrors()).ShouldNotBeNull();
        CatalogDiff.Between(root, changed).ShouldBe([new CatalogChange(ChangeKind.Changed, "ping_trees.auto-main.caps[0].leads.sat", "15", "20")]);
        Catalogs.Model(changed).Trees["auto-main"].Caps[0].WeekdayLimits.ShouldBe([40, 40, 40, 40, 40, 20, 0]);
    }

    [Theory]
    [InlineData("acme-x", "day.leads", "unknown_id")]
    [InlineData("acme-a", "day.leads.by.zip", "unknown_cap")]
    [InlineData("acme-a", "", "unknown_cap")]
    [InlineData("acme-a", "week.leads", "unknown_cap")]
    [InlineData("acme-a", "day.spend", "unknown_cap")]
    [InlineData("acme-a", "day", "unknown_cap")]
    [InlineData("acme-b", "day.leads", "ambiguous_cap")]
    public void MergeCap_NotFound_SaysWhy(string id, string cap, string code)
    {
        var errors = new ConfigErrors();
        var root = Catalogs.With("campaigns acme-b caps", "[{ \"per\": \"day\", \"leads\": 5 }, { \"per\": \"day\", \"leads\": 6, \"time_zone\": \"UTC\" }]");
        ConfigPatch.MergeCap(root, "campaigns", id, cap, Catalogs.Json("{ \"leads\": 5 }"), errors).ShouldBeNull();
        errors.Errors.ShouldHaveSingleItem().Code.ShouldBe(code);
    }
}
