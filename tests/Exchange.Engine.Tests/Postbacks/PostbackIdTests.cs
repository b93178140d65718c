using Exchange.Engine.Postbacks;
using Exchange.Engine.Values;
using Shouldly;

namespace Exchange.Engine.Tests.Postbacks;

public sealed class PostbackIdTests
{
    private static LeadId Lead(bool test) => LeadId.Create(1_795_348_800_000, 3, test, 77);

    [Fact]
    public void PostbackId_Any_SurvivesText()
    {
        foreach (var test in (bool[])[false, true])
            foreach (var happened in PostbackEvents.All)
                foreach (var no in (int[])[0, 1, 12])
                {
                    var id = new PostbackId(Lead(test), happened, no);
                    PostbackId.TryParse(id.ToString(), out var read).ShouldBeTrue();
                    read.ShouldBe(id);
                }
    }

    [Theory]
    [InlineData("")]
    [InlineData("LEAD")]
    [InlineData("LEAD-1")]
    [InlineData("LEAD-sold")]
    [InlineData("LEAD-sold-")]
    [InlineData("LEAD-sold-01")]
    [InlineData("LEAD-sold-+1")]
    [InlineData("LEAD-Sold-1")]
    [InlineData("LEAD-won-1")]
    [InlineData("-sold-1")]
    [InlineData("LEAD-sold-99999999999")]
    public void PostbackId_OtherTexts_AreNone(string text) => PostbackId.TryParse(text.Replace("LEAD", Lead(false).ToString(), StringComparison.Ordinal), out _).ShouldBeFalse();
}
