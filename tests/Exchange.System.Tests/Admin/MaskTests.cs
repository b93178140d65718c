extern alias server;

using Exchange.Engine.Fields;
using server::Exchange.Server.Admin;
using Shouldly;

namespace Exchange.System.Tests.Admin;

public class MaskTests
{
    [Theory]
    // type            pii    sensitive  text                    shown
    [InlineData(FieldType.Email, true, false, "jane@example.com", "j•••@•••")]
    [InlineData(FieldType.Email, true, false, "j@example.com", "•••@•••")]
    [InlineData(FieldType.Email, true, false, "not-an-address", "•••")]
    [InlineData(FieldType.Phone, true, false, "+12025550134", "+1••••••••34")]
    [InlineData(FieldType.Phone, true, false, "+442079460958", "+4•••••••••58")]
    [InlineData(FieldType.Phone, true, false, "+1202", "•••")]
    [InlineData(FieldType.Text, true, false, "Marguerite", "M•••")]
    [InlineData(FieldType.Text, true, false, "J", "•••")]
    [InlineData(FieldType.Text, true, false, "", "•••")]
    [InlineData(FieldType.Text, true, false, "😀smile", "😀•••")]
    [InlineData(FieldType.Text, true, false, "😀", "•••")]
    [InlineData(FieldType.Date, false, true, "1985-04-12", "•••")]
    [InlineData(FieldType.Ip, false, true, "203.0.113.7", "•••")]
    [InlineData(FieldType.UsZip, false, false, "90210", "90210")]
    [InlineData(FieldType.Text, false, false, "premium", "premium")]
    public void Field_OfEachKind_ShowsOnlyWhatTellsLeadsApart(FieldType type, bool pii, bool sensitive, string text, string shown) =>
        Mask.Of(new FieldSchema { Name = "x", Type = type, Ordinal = 0, Pii = pii, Sensitive = sensitive }, text).ShouldBe(shown);

    [Fact]
    public void Field_ThatLeftTheVertical_IsHiddenWhole() => Mask.Of(null, "anything").ShouldBe("•••");

    [Theory]
    [InlineData("https://example.com/auto", "https://example.com/auto")]
    [InlineData("https://example.com/auto?email=jane@example.com", "https://example.com/auto?•••")]
    [InlineData("https://example.com/auto#jane", "https://example.com/auto?•••")]
    public void Page_WithAQuery_LosesIt(string page, string shown) => Mask.Page(page).ShouldBe(shown);
}
