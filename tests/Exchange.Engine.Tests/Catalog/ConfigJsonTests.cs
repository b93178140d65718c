using System.Text;
using CsCheck;
using Exchange.Engine.Catalog;
using Shouldly;

namespace Exchange.Engine.Tests.Catalog;

public sealed class ConfigJsonTests
{
    [Theory]
    [InlineData("{\"a\":02}", "invalid_json")]
    [InlineData("{\"a\":1,}", "invalid_json")]
    [InlineData("{\"a\":1} {}", "invalid_json")]
    [InlineData("{\"a\":", "invalid_json")]
    [InlineData("", "invalid_json")]
    [InlineData("// no\n{}", "invalid_json")]
    [InlineData("\"\\ud800\"", "invalid_json")]
    public void Parse_WhatIsNotJson_IsOneError(string text, string code)
    {
        var errors = new ConfigErrors();
        ConfigJson.Parse(Encoding.UTF8.GetBytes(text), errors).ShouldBeNull();
        errors.Errors.ShouldHaveSingleItem().Code.ShouldBe(code);
    }

    [Fact]
    public void Parse_TooDeep_IsRefused()
    {
        var errors = new ConfigErrors();
        ConfigJson.Parse(Encoding.UTF8.GetBytes(new string('[', 41) + new string(']', 41)), errors).ShouldBeNull();
        errors.Errors.ShouldHaveSingleItem().Code.ShouldBe("too_deep");
        ConfigJson.Parse(Encoding.UTF8.GetBytes(new string('[', 5_000)), errors).ShouldBeNull();
        ConfigJson.Parse(Encoding.UTF8.GetBytes(new string('[', 40) + new string(']', 40)), new ConfigErrors()).ShouldNotBeNull();
    }

    [Fact]
    public void Parse_KeyGivenTwice_IsReportedAndTheFirstKept()
    {
        var errors = new ConfigErrors();
        var node = ConfigJson.Parse("{ \"a\": { \"b\": 1,\n \"b\": 2 } }"u8, errors);
        (errors.Errors[0].Code, errors.Errors[0].Pointer).ShouldBe(("duplicate_key", "a.b"));
        errors.Errors[0].Message.ShouldStartWith("Line 2:");
        ConfigPatch.Find(node!, "a", "b").ShouldBeOfType<ConfigText>().Text.ShouldBe("1");
    }

    [Fact]
    public void Parse_Scalars_AreTheirText()
    {
        var node = Catalogs.Json("{ \"n\": 12.50, \"big\": 1e3, \"b\": true, \"s\": \"NO\", \"z\": null }");
        string?[] texts = [.. ((ConfigMap)node).Entries.Select(entry => (entry.Value as ConfigText)?.Text)];
        texts.ShouldBe(["12.50", "1e3", "true", "NO", null]);
    }

    [Fact]
    public void Parse_PathsAndLines_AreOfTheirPlace()
    {
        var node = Catalogs.Json("{\n \"caps\": [\n {\n \"per\": \"day\" } ] }");
        var per = ConfigPatch.Find(((ConfigList)ConfigPatch.Find(node, "caps")!).Items[0], "per")!;
        (per.Path, per.Line).ShouldBe(("caps[0].per", 4));
    }

    private static readonly Gen<ConfigNode> Nodes = Gen.Recursive<ConfigNode>((depth, inner) => depth > 3
        ? Texts
        : Gen.OneOf(Texts, inner.List[0, 4].Select(items => (ConfigNode)new ConfigList("", 1, items)),
            Gen.Select(Gen.String[Gen.Char["abc_-\"é"], 1, 6], inner).List[0, 4].Select(entries => (ConfigNode)new ConfigMap("", 1,
                [.. entries.DistinctBy(entry => entry.Item1).Select(entry => KeyValuePair.Create(entry.Item1, entry.Item2))]))));

    private static Gen<ConfigNode> Texts => Gen.String[Gen.Char[" a0.:\"\\\n\té€#{}[],&*!"], 0, 8].Select(text => (ConfigNode)new ConfigText("", 1, text));

    [Fact]
    public void WriteAndParse_AnyTree_GiveItBack() => Nodes.Sample(node =>
    {
        var errors = new ConfigErrors();
        var back = ConfigJson.Parse(ConfigJson.Write(node), errors);
        return !errors.Any && ConfigJson.WriteText(back!) == ConfigJson.WriteText(node) && CatalogDiff.Between(node, back!).Count == 0;
    });
}
