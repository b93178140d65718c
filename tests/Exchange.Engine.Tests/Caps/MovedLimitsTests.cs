using Exchange.Engine.Caps;
using Shouldly;

namespace Exchange.Engine.Tests.Caps;

public sealed class MovedLimitsTests
{
    [Theory] // a letter is an id, a digit behind it another object of that id
    [InlineData("", "a b", "a b", "")]
    [InlineData("a b c", "a b c", "", "")]
    [InlineData("a b c", "a b2 c", "b2", "")]
    [InlineData("a b c", "a c2", "c2", "b")]
    [InlineData("a b", "a x b2", "x b2", "")]
    [InlineData("a b c", "a", "", "b c")]
    [InlineData("a b", "", "", "a b")]
    public void Between_TellsWhatDoesNotStandWhereItStood(string before, string after, string now, string gone)
    {
        var made = new Dictionary<string, LimitModel>(StringComparer.Ordinal);
        var (old, next) = (Limits(before), Limits(after));
        var moved = MovedLimits.Between(old, next);
        moved.Now.Select(limit => made.Single(pair => ReferenceEquals(pair.Value, limit)).Key).ShouldBe(Words(now));
        moved.Gone.Select(limit => made.Single(pair => ReferenceEquals(pair.Value, limit)).Key).ShouldBe(Words(gone));
        moved.None.ShouldBe(now.Length + gone.Length == 0);

        LimitModel[] Limits(string words) => [.. Words(words).Select(word => made.TryGetValue(word, out var known) ? known : made[word] = Limit(word[..1]))];
    }

    private static string[] Words(string words) => words.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static LimitModel Limit(string id) =>
        new() { Ordinal = 0, Kind = LimitKind.Balance, Id = id, Reason = Reason.Balance, Scope = CapScope.Buyer, Owner = id, Limit = 0 };
}
