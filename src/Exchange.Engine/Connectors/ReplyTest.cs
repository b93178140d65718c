using System.Text.RegularExpressions;

namespace Exchange.Engine.Connectors;

/// <summary>What an operator asks of the node at its path; null: there is nothing, or nothing in it.</summary>
internal abstract class ReplyTest
{
    public abstract bool Holds(ReplyNode? node);

    /// <summary>Texts without case, numbers as numbers.</summary>
    public static bool Same(string value, string wanted) => string.Equals(value, wanted, StringComparison.OrdinalIgnoreCase)
        || PlainNumber.TryParse(value, out var a) && PlainNumber.TryParse(wanted, out var b) && a.CompareTo(b) == 0;
}

internal sealed class ReplyExists(bool wanted) : ReplyTest
{
    public override bool Holds(ReplyNode? node) => (node is not null) == wanted;
}

/// <summary><c>is</c>, <c>in</c> and their opposites, which too want a value to be there.</summary>
internal sealed class ReplyIn(string[] wanted, bool not) : ReplyTest
{
    public override bool Holds(ReplyNode? node) =>
        node?.Single?.Trim() is { } value && Array.Exists(wanted, known => Same(value, known)) != not;
}

/// <summary>Searches a text; of a list, any of its texts.</summary>
internal sealed class ReplySearch(Func<string, bool> found) : ReplyTest
{
    public static ReplySearch Contains(string part) => new(text => text.Contains(part, StringComparison.OrdinalIgnoreCase));
    public static ReplySearch StartsWith(string start) => new(text => text.TrimStart().StartsWith(start, StringComparison.OrdinalIgnoreCase));
    public static ReplySearch Matches(Regex regex) => new(regex.IsMatch);

    public override bool Holds(ReplyNode? node) => node is not null && (node.Text is { } text && found(text) || node.Items?.Any(Holds) == true);
}

/// <summary>Both bounds included; null: none.</summary>
internal sealed class ReplyRange(PlainNumber? low, PlainNumber? high) : ReplyTest
{
    public override bool Holds(ReplyNode? node) => node?.Single is { } text && PlainNumber.TryParse(text, out var value)
        && (low is not { } least || value.CompareTo(least) >= 0) && (high is not { } most || value.CompareTo(most) <= 0);
}
