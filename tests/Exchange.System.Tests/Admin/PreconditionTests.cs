extern alias server;

using Microsoft.AspNetCore.Http;
using server::Exchange.Server.Admin;
using Shouldly;

namespace Exchange.System.Tests.Admin;

public class PreconditionTests
{
    [Theory]
    // If-Match   holds at 7   holds at 8
    [InlineData("\"7\"", true, false)]
    [InlineData("7", true, false)]
    [InlineData("W/\"7\"", true, false)]
    [InlineData("*", true, true)]
    [InlineData("\"abc\"", false, false)]
    [InlineData("\"-7\"", false, false)]
    public void IfMatch_Given_HoldsForThatVersion(string header, bool at7, bool at8)
    {
        Precondition.Read(With(header), out var precondition).ShouldBeNull();
        precondition.Holds(7).ShouldBe(at7);
        precondition.Holds(8).ShouldBe(at8);
    }

    [Fact]
    public void IfMatch_Missing_Is428()
    {
        var problem = Precondition.Read(With(null), out _);
        problem.ShouldNotBeNull();
        (problem.Status, problem.Code).ShouldBe((428, "if_match_required"));
    }

    private static HttpRequest With(string? ifMatch)
    {
        var context = new DefaultHttpContext();
        if (ifMatch is not null) context.Request.Headers.IfMatch = ifMatch;
        return context.Request;
    }
}
