using System.Text;
using Exchange.Delivery;
using Shouldly;

namespace Exchange.System.Tests.Delivery;

public sealed class CopyMessageJsonTests
{
    [Fact]
    public void ToBytes_WholeMessage_HasEveryMemberInTheContractsOrder() =>
        Encoding.UTF8.GetString(CopyMessageJson.ToBytes(Samples.Message)).ShouldBe(
            $$$"""
            {"type":"copy.sold","copy_id":"{{{Samples.Message.Copy}}}","campaign":"north-auto","vertical":"auto","price":"11.00","currency":"USD",
            "sharing":"exclusive","copies_max":1,"sold_at":"2026-11-22T12:00:00.25Z","source":"s-7f3k2","sub_source":null,"return_until":null,
            "test":false,"fields":{"zip":"02139","age":35,"insured":true,"phone":"+12025550123","name":"Zoë \"Z\"\n"},
            "consent":{"text":"I agree","at":"2026-11-22T12:00:00Z","page":"https://example.com/auto","ip":null,"user_agent":"agent","sellers":["North Auto"]}}
            """.ReplaceLineEndings(""));

    [Fact]
    public void ToBytes_NoConsentSharedInOtherZone_IsNullSharedAndUtc()
    {
        var text = Encoding.UTF8.GetString(CopyMessageJson.ToBytes(Samples.Message with
        {
            Consent = null, Exclusive = false, CopiesMax = 3, Test = true, SubSource = "s-1-2",
            SoldAt = new(2026, 11, 22, 7, 0, 0, TimeSpan.FromHours(-5)), ReturnUntil = Samples.Now.AddDays(1),
        }));
        text.ShouldContain("\"sharing\":\"shared\",\"copies_max\":3,\"sold_at\":\"2026-11-22T12:00:00Z\",\"source\":\"s-7f3k2\",\"sub_source\":\"s-1-2\"");
        text.ShouldContain("\"return_until\":\"2026-11-23T12:00:00Z\",\"test\":true");
        text.ShouldEndWith("\"consent\":null}");
    }

    [Theory]
    [InlineData("35", OutKind.Number, "35")]
    [InlineData("-12.50", OutKind.Number, "-12.50")]
    [InlineData("007", OutKind.Number, "\"007\"")]
    [InlineData("1e9", OutKind.Number, "\"1e9\"")]
    [InlineData("1,\"x\":2", OutKind.Number, "\"1,\\\"x\\\":2\"")]
    [InlineData("-", OutKind.Number, "\"-\"")]
    [InlineData("1-1", OutKind.Number, "\"1-1\"")]
    [InlineData("", OutKind.Number, "\"\"")]
    [InlineData("false", OutKind.Boolean, "false")]
    [InlineData("yes", OutKind.Boolean, "\"yes\"")]
    [InlineData("35", OutKind.Text, "\"35\"")]
    public void ToBytes_FieldOfKind_IsWrittenBareOnlyWhereJsonCan(string text, OutKind kind, string written) =>
        Encoding.UTF8.GetString(CopyMessageJson.ToBytes(Samples.Message with { Fields = [new("f", text, kind)] }))
            .ShouldContain($"\"fields\":{{\"f\":{written}}},");
}
