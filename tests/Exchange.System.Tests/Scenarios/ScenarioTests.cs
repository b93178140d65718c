using Exchange.System.Tests.BlackBox;
using Shouldly;

namespace Exchange.System.Tests.Scenarios;

/// <summary>Every scenario beside this file holds, line by line; what is written wrong is told with its file and line.</summary>
public sealed class ScenarioTests
{
    private static string Folder => Path.Combine(AppContext.BaseDirectory, "Scenarios");

    private static string Base => File.ReadAllText(Path.Combine(Folder, "base.yaml"));

    private static IEnumerable<string> Names => Directory.GetFiles(Folder, "*.scenario").Select(file => Path.GetFileName(file)!).Order(StringComparer.Ordinal);

    public static TheoryData<string> Files => [.. Names];

    [Theory]
    [MemberData(nameof(Files))]
    public void Scenario(string file)
    {
        var missed = ScenarioRun.Play(ScenarioFile.Read(file, File.ReadAllText(Path.Combine(Folder, file))), Base);
        Assert.True(missed.Count == 0, "\n" + string.Join("\n", missed));
    }

    [Fact]
    public void Scenarios_OfTheFolder_AreAllCopiedToTheTests()
    {
        var here = Repository.Files("tests/Exchange.System.Tests/Scenarios", "*.scenario").Select(file => Path.GetFileName(file)!).Order(StringComparer.Ordinal);
        here.ShouldBe(Names);
    }

    [Theory]
    [InlineData("catalog\nping", "x.scenario:1: a scenario begins with its title")]
    [InlineData("# T\nping", "x.scenario:2: the first word under the title is `catalog`")]
    [InlineData("# T\ncatalog\nat 2026-11-23 08:00\n  more", "x.scenario:4: indented, but only `catalog` and `change` have lines under them")]
    [InlineData("# T\ncatalog\nping state=\"CA", "x.scenario:3: a quotation mark that is not closed")]
    [InlineData("# T\ncatalog\nping ->", "x.scenario:3: nothing after `->`")]
    [InlineData("# T\ncatalog\npong state=CA", "x.scenario:3: there is no `pong`; a line begins with one of accept, add, after, alerts, answers, asked, at,")]
    [InlineData("# T\ncatalog\n\nping CA", "x.scenario:4: `CA` is not name=value")]
    [InlineData("# T\ncatalog\nping town=Reno", "x.scenario:3: refused unknown_field /fields/town")]
    [InlineData("# T\ncatalog\nat 2026-11-23", "x.scenario:3: `at` wants a time, as 08:00")]
    [InlineData("# T\ncatalog\nat 2026-11-23 08:00 America/Nowhere", "x.scenario:3: there is no zone America/Nowhere")]
    [InlineData("# T\ncatalog\nafter 5 minutes", "x.scenario:3: a duration is written 90s, 5m, 2h or 1d")]
    [InlineData("# T\ncatalog\nafter 5m 6m", "x.scenario:3: `6m` is one word too many")]
    [InlineData("# T\ncatalog\nafter 5m -> later", "x.scenario:3: nothing comes of `after`; take `->` away")]
    [InlineData("# T\ncatalog\npost", "x.scenario:3: there was no ping yet")]
    [InlineData("# T\ncatalog\npost first:", "x.scenario:3: no ping was named first")]
    [InlineData("# T\ncatalog\nanswers nobody accepted", "x.scenario:3: there is no campaign nobody")]
    [InlineData("# T\ncatalog\n  campaigns:\n    a: { buyer: nobody, bid: 1.00 }", "x.scenario:4: the catalog is refused:\n  campaigns.a.buyer: unknown_id")]
    [InlineData("# T\ncatalog\n  campaigns:\n    a: { buyer: acme, buyer: best }\n", "campaigns.a.buyer: duplicate_key: Line 4")]
    public void Read_WhatIsWrittenWrong_IsToldWithItsFileAndLine(string text, string start)
    {
        var told = Should.Throw<ScenarioException>(() => ScenarioRun.Play(ScenarioFile.Read("x.scenario", text), Base));
        told.Message.ShouldContain(start);
    }

    [Fact]
    public void Play_ALineThatComesOutOtherwise_IsToldWithWhatCame()
    {
        const string text = """
            # T
            catalog
              campaigns:
                a: { buyer: acme, bid: 10.00 }
              ping_trees:
                main: { tiers: [{ name: t, method: priority, campaigns: all }] }
            ping -> offered 8.01: a at 10.00
            post -> sold 8.00: a at 10.00
            explain a -> lost outbid
            """;
        ScenarioRun.Play(ScenarioFile.Read("x.scenario", text), Base).ShouldBe(
        [
            "x.scenario:7: ping\n  expected -> offered 8.01: a at 10.00\n  but came -> offered 8.00: a at 10.00",
            "x.scenario:9: explain a\n  expected -> lost outbid\n  but came -> won at 10.00",
        ]);
    }
}
