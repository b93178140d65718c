extern alias server;

using System.Text;
using server::Exchange.Server.Admin;
using Shouldly;

namespace Exchange.System.Tests.Admin;

public class MembersTests
{
    [Fact]
    public void Members_WithEverythingWrong_TellsAllErrorsAtOnce()
    {
        var problem = Parse("""{ "reference": "", "amount": "12.3456789", "extra": 1, "list": [], "reference": "again" }""", out var members);
        problem.ShouldBeNull();
        members.Amount("amount");
        members.Required("reference");
        members.Problem.ShouldNotBeNull();
        members.Problem.Code.ShouldBe("invalid_request");
        members.Problem.Errors.Select(error => (error.Pointer, error.Code)).ShouldBe(
        [
            ("/extra", "unknown_field"),
            ("/list", "wrong_type"),
            ("/reference", "duplicate_property"),
            ("/amount", "invalid_format"),
            ("/reference", "missing_field"),
        ]);
    }

    [Theory]
    [InlineData("{\"amount\": \"500.00\"}", 500_000_000L)]
    [InlineData("{\"amount\": 0.5}", 500_000L)]
    public void Amount_AsTextOrNumber_IsRead(string body, long micros)
    {
        Parse(body, out var members).ShouldBeNull();
        members.Amount("amount").Micros.ShouldBe(micros);
        members.Problem.ShouldBeNull();
    }

    [Theory]
    [InlineData("{\"amount\": \"0.00\"}", "out_of_range")]
    [InlineData("{\"amount\": \"-1.00\"}", "out_of_range")]
    [InlineData("{\"amount\": \"1e3\"}", "invalid_format")]
    [InlineData("{\"amount\": null}", "missing_field")]
    [InlineData("{}", "missing_field")]
    public void Amount_ThatIsNone_IsAnError(string body, string code)
    {
        Parse(body, out var members).ShouldBeNull();
        members.Amount("amount");
        members.Problem.ShouldNotBeNull().Code.ShouldBe(code);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("")]
    [InlineData("{\"amount\": \"\\ud800\"}")]
    [InlineData("{\"\\ud800\": 1}")]
    public void Body_ThatIsNoObject_IsMalformed(string body)
    {
        var problem = Parse(body, out _);
        problem.ShouldNotBeNull();
        (problem.Status, problem.Code).ShouldBe((400, "malformed"));
    }

    [Fact]
    public void Text_WithNul_IsAnError_BecauseNotEveryDatabaseKeepsIt()
    {
        Parse("{\"reference\": \"a\\u0000b\"}", out var members).ShouldBeNull();
        var error = members.Problem.ShouldNotBeNull().Errors.ShouldHaveSingleItem();
        (error.Pointer, error.Code).ShouldBe(("/reference", "invalid_format"));
    }

    private static Exchange.Grains.Intake.Problem? Parse(string body, out Members members) =>
        Members.Parse(Encoding.UTF8.GetBytes(body), out members, "amount", "reference", "list");
}
