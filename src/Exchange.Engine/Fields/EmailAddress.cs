namespace Exchange.Engine.Fields;

/// <summary>
/// The syntax of an address that a lead form may hand over: ASCII, no quotes, no comments, a domain with a dot. Stricter than RFC 5321
/// on purpose: what it refuses beyond that is in practice a typing error.
/// </summary>
public static class EmailAddress
{
    private const int MaxChars = 254;
    private const int MaxLocalChars = 64;
    private const int MaxLabelChars = 63;

    /// <summary>The address in lower case, or null where it is none.</summary>
    public static string? Normalize(string text)
    {
        if (text.Length > MaxChars) return null;
        var at = text.IndexOf('@', StringComparison.Ordinal);
        if (at <= 0 || at > MaxLocalChars || !IsLocal(text.AsSpan(0, at)) || !IsDomain(text.AsSpan(at + 1))) return null;
        return text.ToLowerInvariant();
    }

    private static bool IsLocal(ReadOnlySpan<char> local)
    {
        if (local[0] == '.' || local[^1] == '.' || local.Contains("..", StringComparison.Ordinal)) return false;
        foreach (var c in local)
            if (!char.IsAsciiLetterOrDigit(c) && !".!#$%&'*+/=?^_`{|}~-".Contains(c, StringComparison.Ordinal)) return false;
        return true;
    }

    private static bool IsDomain(ReadOnlySpan<char> domain)
    {
        var labels = 0;
        ReadOnlySpan<char> last = default;
        foreach (var range in domain.Split('.'))
        {
            var label = domain[range];
            if (label.Length is 0 or > MaxLabelChars || label[0] == '-' || label[^1] == '-') return false;
            foreach (var c in label) if (!char.IsAsciiLetterOrDigit(c) && c != '-') return false;
            labels++;
            last = label;
        }
        return labels >= 2 && last.Length >= 2 && char.IsAsciiLetter(last[0]);
    }
}
