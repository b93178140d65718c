extern alias server;

using Exchange.Storage;
using Orleans.Runtime;
using ServerFaults = server::Exchange.Server.Problems.Faults;
using Shouldly;

namespace Exchange.System.Tests.Intake;

/// <summary>What a caller is told of an exception that nobody has turned into an answer.</summary>
public sealed class FaultsTests
{
    /// <summary>A silo that has just gone is nobody's bug: the same request gets its outcome.</summary>
    [Theory]
    [InlineData(typeof(SiloUnavailableException))]
    [InlineData(typeof(TimeoutException))]
    public void SiloThatDoesNotAnswer_IsNoErrorOfOurs_AndMayBeAskedAgain(Type fault)
    {
        var problem = ServerFaults.Of((Exception)Activator.CreateInstance(fault)!);
        (problem.Status, problem.Code, problem.RetryAfterSeconds).ShouldBe((503, "storage_unavailable", 1));
    }

    /// <summary>The same again would only take as long again.</summary>
    [Fact]
    public void ReportThatTakesTooLong_IsNotAskedForAgain()
    {
        var problem = ServerFaults.Of(new ReportTooLongException());
        (problem.Status, problem.Code, problem.RetryAfterSeconds).ShouldBe((503, "storage_unavailable", 0));
        ServerFaults.IsExpected(new ReportTooLongException()).ShouldBeTrue();
    }
}
