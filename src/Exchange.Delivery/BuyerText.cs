using System.Globalization;
using System.Text;

namespace Exchange.Delivery;

/// <summary>Words of a buyer that go on to admins and publishers: short, one line, nothing that a screen or a log would obey.</summary>
public static class BuyerText
{
    public const int MaxChars = 200;

    /// <summary>Without control, format and unpaired surrogate characters, cut at <see cref="MaxChars"/>; null if nothing is left.</summary>
    public static string? Clean(string? text)
    {
        if (text is null) return null;
        // What most say.
        if (text.Length <= MaxChars && !text.AsSpan().ContainsAnyExceptInRange('!', '~')) return text.Length > 0 ? text : null;
        var clean = new StringBuilder(Math.Min(text.Length, MaxChars));
        foreach (var rune in text.EnumerateRunes())
        {
            if (clean.Length + rune.Utf16SequenceLength > MaxChars) break;
            if (rune != Rune.ReplacementChar && IsVisible(rune)) clean.Append(rune.ToString());
        }
        return clean.ToString().Trim() is { Length: > 0 } kept ? kept : null;
    }

    /// <summary>An absolute http(s) URL without user information, in ASCII; null if it is not one.</summary>
    public static string? CleanUrl(string? text) =>
        text is { Length: > 0 and <= UrlRules.MaxChars }
        && Uri.TryCreate(text, UriKind.Absolute, out var url)
        && (url.Scheme == Uri.UriSchemeHttps || url.Scheme == Uri.UriSchemeHttp)
        && url.UserInfo.Length == 0 && url.Host.Length > 0 && url.AbsoluteUri.Length <= UrlRules.MaxChars
            ? url.AbsoluteUri
            : null;

    private static bool IsVisible(Rune rune) => Rune.GetUnicodeCategory(rune) is not
        (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned or UnicodeCategory.Surrogate);
}
