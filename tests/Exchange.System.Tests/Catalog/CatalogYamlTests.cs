extern alias server;

using System.Text;
using CsCheck;
using Exchange.Engine.Catalog;
using server::Exchange.Server.Catalog;
using Shouldly;

namespace Exchange.System.Tests.Catalog;

public sealed class CatalogYamlTests
{
    private static ConfigNode Read(string yaml)
    {
        var errors = new ConfigErrors();
        var node = CatalogYaml.Read(yaml, errors);
        errors.Errors.ShouldBeEmpty();
        return node.ShouldNotBeNull();
    }

    [Theory]
    [InlineData("NO")]
    [InlineData("no")]
    [InlineData("yes")]
    [InlineData("02139")]
    [InlineData("0x1F")]
    [InlineData("12.50")]
    [InlineData("12.5e3")]
    [InlineData("08:00-18:30")]
    [InlineData("2026-12-24")]
    [InlineData("1_000")]
    [InlineData("~")]
    [InlineData("null")]
    [InlineData("True")]
    public void Read_AnUnquotedScalar_KeepsItsText(string text)
    {
        var list = Read($"states: [{text}, '{text}', \"{text}\"]\nalone: {text}");
        ((ConfigList)ConfigPatch.Find(list, "states")!).Items.Select(item => ((ConfigText)item).Text).ShouldAllBe(item => item == text);
        ((ConfigText)ConfigPatch.Find(list, "alone")!).Text.ShouldBe(text);
    }

    [Fact]
    public void Read_PathsAndLines_AreOfTheirPlace()
    {
        var caps = (ConfigList)ConfigPatch.Find(Read("campaigns:\n  acme-west:\n    caps:\n      - { per: day, leads: 5 }\n"), "campaigns", "acme-west", "caps")!;
        var per = ConfigPatch.Find(caps.Items[0], "per")!;
        (per.Path, per.Line).ShouldBe(("campaigns.acme-west.caps[0].per", 4));
    }

    [Fact]
    public void Read_EmptyOrCommentsOnly_IsAnEmptyMap() => Read("# nothing yet\n").ShouldBeOfType<ConfigMap>().Entries.ShouldBeEmpty();

    [Theory]
    [InlineData("a: &x 1\nb: 2", "anchor", "a", 1)]
    [InlineData("a: 1\nb: &x { c: 1 }", "anchor", "b", 2)]
    [InlineData("a: !!str 1", "tag", "a", 1)]
    [InlineData("a: !secret key", "tag", "a", 1)]
    [InlineData("a: 1\nb: 2\na: 3", "duplicate_key", "a", 3)]
    [InlineData("a: { b: 1, b: 2 }", "duplicate_key", "a.b", 1)]
    [InlineData("a: 1\n---\nb: 2", "invalid_yaml", "", 2)]
    [InlineData("a: [1, 2", "invalid_yaml", "", 2)]
    [InlineData("a: 1\n b: 2", "invalid_yaml", "", 2)]
    [InlineData("a: \"open", "invalid_yaml", "", 1)]
    [InlineData("? [a, b]\n: 1", "wrong_type", "", 1)]
    public void Read_WhatIsNotTaken_IsRefusedWithItsLine(string yaml, string code, string path, int line)
    {
        var errors = new ConfigErrors();
        CatalogYaml.Read(yaml, errors);
        var error = errors.Errors.ShouldHaveSingleItem();
        (error.Code, error.Pointer).ShouldBe((code, path));
        error.Message.ShouldContain($"Line {line}:");
    }

    [Fact]
    public void Read_AnchorsAliasesAndTwins_AreReportedTogether()
    {
        var errors = new ConfigErrors();
        CatalogYaml.Read("a: &x { k: 1 }\nb: *x\nc:\n  <<: *x\n  d: 1\n  d: 2\n", errors);
        errors.Errors.Select(error => (error.Code, error.Pointer)).ShouldBe([("anchor", "a"), ("alias", "b"), ("alias", "c.<<"), ("duplicate_key", "c.d")]);
    }

    [Fact]
    public void Read_TooDeep_IsRefused()
    {
        var errors = new ConfigErrors();
        CatalogYaml.Read(new string('[', 200) + new string(']', 200), errors).ShouldBeNull();
        errors.Errors.ShouldHaveSingleItem().Code.ShouldBe("too_deep");
    }

    [Fact]
    public void Read_BytesThatAreNotUtf8_AreRefused_AndAMarkAtTheStartIsSkipped()
    {
        var errors = new ConfigErrors();
        CatalogYaml.Read([0x61, 0x3a, 0x20, 0xff], errors).ShouldBeNull();
        errors.Errors.ShouldHaveSingleItem().Code.ShouldBe("invalid_yaml");
        CatalogYaml.Read([0xef, 0xbb, 0xbf, .. "a: 1"u8], new ConfigErrors()).ShouldBeOfType<ConfigMap>().Entries[0].Key.ShouldBe("a");
    }

    [Theory]
    [InlineData("12.50", "\"12.50\"")]
    [InlineData("02139", "\"02139\"")]
    [InlineData("90210", "90210")]
    [InlineData("NO", "\"NO\"")]
    [InlineData("08:00-18:30", "\"08:00-18:30\"")]
    [InlineData("2026-12-24", "\"2026-12-24\"")]
    [InlineData("today+45d", "today+45d")]
    [InlineData("80%", "80%")]
    [InlineData("5m", "5m")]
    [InlineData("America/New_York", "America/New_York")]
    [InlineData("https://crm.example/x", "\"https://crm.example/x\"")]
    [InlineData("true", "true")]
    [InlineData("", "\"\"")]
    [InlineData("two words", "two words")]
    [InlineData("- no list", "\"- no list\"")]
    [InlineData("a # b", "\"a # b\"")]
    public void Write_AScalar_IsQuotedWhereAnotherToolWouldMisreadIt(string text, string written) =>
        CatalogYaml.Write(new ConfigMap("", 1, [new("k", new ConfigText("k", 1, text))])).ShouldBe($"k: {written}\n");

    private static Gen<ConfigNode> Texts => Gen.String[Gen.Char[" a0.:\"'\\\n\r\té€\u0085\u2028#{}[],&*!-?|>%@`~"], 0, 8].Select(text => (ConfigNode)new ConfigText("", 1, text));

    private static readonly Gen<ConfigNode> Nodes = Gen.Recursive<ConfigNode>((depth, inner) => depth > 4
        ? Texts
        : Gen.OneOf(Texts, inner.List[0, 4].Select(items => (ConfigNode)new ConfigList("", 1, items)), Maps(inner, 0)));

    private static Gen<ConfigNode> Maps(Gen<ConfigNode> inner, int least) =>
        Gen.Select(Gen.String[Gen.Char["abcn_-\"é: #"], 1, 30], inner).List[least, 5].Select(entries => (ConfigNode)new ConfigMap("", 1,
            [.. entries.DistinctBy(entry => entry.Item1).Select(entry => KeyValuePair.Create(entry.Item1, entry.Item2))]));

    [Fact]
    public void WriteAndRead_AnyTree_GiveItBack() => Maps(Nodes, 1).Sample(node =>
    {
        var errors = new ConfigErrors();
        var yaml = CatalogYaml.Write(node);
        var back = CatalogYaml.Read(yaml, errors);
        errors.Errors.ShouldBeEmpty(yaml);
        ConfigJson.WriteText(back!).ShouldBe(ConfigJson.WriteText(CatalogYaml.Read(CatalogYaml.Write(back!), errors)!));
        CatalogDiff.Between(node, back!).ShouldBeEmpty(yaml);
    });

    [Fact]
    public void Write_ARealCatalog_ReadsLikeOne()
    {
        var yaml = CatalogYaml.Write(Read(Encoding.UTF8.GetString(File.ReadAllBytes(Files.AutoInsurance))));
        yaml.ShouldContain("\npublishers:\n  search-partner: { verticals: [auto-insurance], payout: { share: 80% }, caps: [{ per: day, leads: 5000 }] }\n");
        yaml.ShouldContain("\n  acme-west:\n    buyer: acme\n    vertical: auto-insurance\n");
        yaml.ShouldContain("\n    bid: { fixed: \"12.50\" }\n");
        yaml.ShouldContain("\n      - { name: overflow, method: weighted, campaigns: [pool-a, pool-b, pool-c] }\n");
        yaml.Split('\n').ShouldAllBe(line => line.Length <= 130);
    }
}
