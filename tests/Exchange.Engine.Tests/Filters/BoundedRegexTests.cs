using Exchange.Engine.Filters;
using Shouldly;

namespace Exchange.Engine.Tests.Filters;

public sealed class BoundedRegexTests
{
    [Theory]
    [InlineData("^(a+)+$")]
    [InlineData("(x+x+)+y")]
    [InlineData("^(([a-z])+.)+[A-Z]([a-z])+$")]
    [InlineData("(.*){1,10}(.*){1,10}=")]
    public async Task Pattern_ThatBreaksBacktrackingEngines_AnswersAtOnce(string pattern)
    {
        BoundedRegex.TryCreate(pattern, out var regex, out _).ShouldBeTrue();
        var text = new string('a', Limits.TextChars - 1) + "!";
        // A backtracking engine would need longer than the universe has; the bound is only there so that a failure ends.
        await Task.Run(() => regex!.IsMatch(text)).WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Theory]
    [InlineData("^[0-9]{5}(-[0-9]{4})?$", true)]
    [InlineData(@"\{99999\}", true)] // a literal brace repeats nothing
    [InlineData("a{1000}", true)]
    [InlineData("a{1001}", false)]
    [InlineData("(a{40}){40}", false)]
    [InlineData("a{2,99999999999999999999}", false)]
    [InlineData("(?<=a)b", false)]
    [InlineData(@"(a)\1", false)]
    [InlineData("[", false)]
    [InlineData("", false)]
    public void Pattern_AsWritten_IsTakenOrRefusedWithAReason(string pattern, bool taken)
    {
        BoundedRegex.TryCreate(pattern, out var regex, out var problem).ShouldBe(taken);
        (regex is not null).ShouldBe(taken);
        (problem.Length == 0).ShouldBe(taken);
    }
}
