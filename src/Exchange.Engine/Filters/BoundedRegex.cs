using System.Globalization;
using System.Text.RegularExpressions;

namespace Exchange.Engine.Filters;

/// <summary>
/// Regular expressions that an admin may write: matched in time linear in the text (no backtracking, so no look-around and no
/// back-references), without case, bounded in length and in repetition. A pattern fits if it is found anywhere in the text; anchor it with ^ and $.
/// </summary>
public static class BoundedRegex
{
    /// <summary>The product of nested repeat counts: an automaton grows with it.</summary>
    private const int MaxRepeats = 1_000;

    public static bool TryCreate(string pattern, out Regex? regex, out string problem)
    {
        regex = null;
        problem = "";
        if (pattern.Length is 0 or > Limits.RegexChars)
        {
            problem = string.Create(CultureInfo.InvariantCulture, $"a regular expression has 1 to {Limits.RegexChars} characters");
            return false;
        }
        if (Repeats(pattern) > MaxRepeats)
        {
            problem = string.Create(CultureInfo.InvariantCulture, $"its repeat counts multiply to more than {MaxRepeats}");
            return false;
        }
        try
        {
            regex = new(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | RegexOptions.IgnoreCase);
            return true;
        }
        catch (NotSupportedException)
        {
            problem = "look-around, back-references and atomic groups are not supported";
        }
        catch (ArgumentException)
        {
            problem = "it is not a valid regular expression";
        }
        return false;
    }

    /// <summary>Product of the counts in all braces, an upper bound of how often nesting can repeat a part.</summary>
    private static long Repeats(string pattern)
    {
        long product = 1;
        for (var i = 0; i < pattern.Length; i++)
        {
            if (pattern[i] == '\\') { i++; continue; }
            if (pattern[i] != '{') continue;
            var end = pattern.IndexOf('}', i);
            if (end < 0) break;
            long largest = 1;
            foreach (var range in pattern.AsSpan(i + 1, end - i - 1).Split(','))
                if (long.TryParse(pattern.AsSpan(i + 1, end - i - 1)[range], NumberStyles.None, CultureInfo.InvariantCulture, out var count))
                    largest = Math.Max(largest, count);
            product = Math.Min(product, MaxRepeats + 1) * Math.Min(largest, MaxRepeats + 1);
            i = end;
        }
        return product;
    }
}
