using Exchange.Engine.Values;

namespace Exchange.Engine.Connectors;

/// <summary>
/// A price as replies write it: digits with a point, nothing else (no currency sign, no separators, no exponent). More than six decimals are cut off,
/// as many systems write 12.300000000000001 for 12.30: never more than what was bid.
/// </summary>
public static class ReplyPrice
{
    /// <summary>Null: not a price, or a negative one.</summary>
    public static Money? Read(string? text)
    {
        if (text is null) return null;
        var digits = text.AsSpan().Trim();
        if (digits.Length > 0 && digits[0] == '+') digits = digits[1..];
        if (digits.IndexOf('.') is var dot and >= 0)
        {
            var fraction = digits[(dot + 1)..];
            if (fraction.ContainsAnyExceptInRange('0', '9')) return null;
            digits = digits[..Math.Min(digits.Length, dot + 7)];
            // "12." is what some write for 12.
            if (fraction.Length == 0) digits = digits[..dot];
        }
        return Money.TryParse(digits, out var money) && money >= Money.Zero && (digits.Length == 0 || digits[0] != '-') ? money : null;
    }
}
