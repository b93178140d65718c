using System.Globalization;

namespace Exchange.Engine.Values;

/// <summary>
/// An amount in the exchange's one currency, in integer micros (1,000,000 = one unit). Arithmetic is checked:
/// an overflow throws <see cref="OverflowException"/> and never wraps. Not for rates: see <see cref="Percent"/>.
/// </summary>
public readonly record struct Money(long Micros) : IComparable<Money>
{
    public const long MicrosPerUnit = 1_000_000;

    public static Money Zero => default;
    public static Money MaxValue => new(long.MaxValue);

    public static Money operator +(Money a, Money b) => new(checked(a.Micros + b.Micros));
    public static Money operator -(Money a, Money b) => new(checked(a.Micros - b.Micros));
    public static bool operator <(Money a, Money b) => a.Micros < b.Micros;
    public static bool operator >(Money a, Money b) => a.Micros > b.Micros;
    public static bool operator <=(Money a, Money b) => a.Micros <= b.Micros;
    public static bool operator >=(Money a, Money b) => a.Micros >= b.Micros;
    public static Money Max(Money a, Money b) => a >= b ? a : b;
    public static Money Min(Money a, Money b) => a <= b ? a : b;
    public int CompareTo(Money other) => Micros.CompareTo(other.Micros);

    /// <summary>The largest multiple of <paramref name="step"/> that is not above this amount (bids are cut down).</summary>
    public Money CutTo(Money step) => new(FloorDiv(Micros, step.Micros) * step.Micros);

    /// <summary>The smallest multiple of <paramref name="step"/> that is not below this amount (second prices are raised).</summary>
    public Money RaiseTo(Money step) => new(checked(-FloorDiv(-Micros, step.Micros) * step.Micros));

    /// <summary>
    /// <paramref name="share"/> of this amount as a whole number of <paramref name="step"/>s, half to even, rounded once.
    /// </summary>
    public Money Share(Percent share, Money step)
    {
        var numerator = (Int128)Micros * share.Millionths;
        var denominator = (Int128)Percent.One * step.Micros;
        return new(checked((long)(RoundHalfEven(numerator, denominator) * step.Micros)));
    }

    /// <summary>This amount × numerator ÷ denominator, rounded up to whole micros. For turning ranks back into money.</summary>
    public Money ScaleUp(long numerator, long denominator)
    {
        var product = (Int128)Micros * numerator;
        var quotient = product / denominator;
        return new(checked((long)(quotient * denominator < product ? quotient + 1 : quotient)));
    }

    /// <summary>Reads a plain decimal such as <c>12.50</c>: optional minus, digits, at most six decimals; no exponent, sign or separators.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out Money money)
    {
        money = default;
        var negative = text.Length > 0 && text[0] == '-';
        if (negative) text = text[1..];
        if (text.Length is 0 or > 20) return false;
        var dot = text.IndexOf('.');
        var whole = dot < 0 ? text : text[..dot];
        var fraction = dot < 0 ? default : text[(dot + 1)..];
        if (whole.Length is 0 or > 12 || dot >= 0 && fraction.Length is 0 or > 6) return false;
        foreach (var c in whole) if (!char.IsAsciiDigit(c)) return false;
        foreach (var c in fraction) if (!char.IsAsciiDigit(c)) return false;
        var micros = long.Parse(whole, NumberStyles.None, CultureInfo.InvariantCulture) * MicrosPerUnit;
        var scale = MicrosPerUnit / 10;
        foreach (var c in fraction) { micros += (c - '0') * scale; scale /= 10; }
        money = new(negative ? -micros : micros);
        return true;
    }

    public static Money Parse(string text) =>
        TryParse(text, out var money) ? money : throw new FormatException($"'{text}' is not an amount of money");

    /// <summary>The wire form: at least two decimals, at most six, no trailing zeros beyond the second.</summary>
    public override string ToString()
    {
        var micros = Int128.Abs(Micros);
        var fraction = ((long)(micros % MicrosPerUnit)).ToString("D6", CultureInfo.InvariantCulture).TrimEnd('0').PadRight(2, '0');
        return string.Create(CultureInfo.InvariantCulture, $"{(Micros < 0 ? "-" : "")}{(long)(micros / MicrosPerUnit)}.{fraction}");
    }

    private static long FloorDiv(long a, long b) => a >= 0 ? a / b : -((-a + b - 1) / b);

    private static Int128 RoundHalfEven(Int128 numerator, Int128 denominator)
    {
        var quotient = numerator / denominator;
        var twice = Int128.Abs(numerator - quotient * denominator) * 2;
        if (twice > denominator || twice == denominator && quotient % 2 != 0) quotient += numerator < 0 ? -1 : 1;
        return quotient;
    }
}

/// <summary>A share of something in millionths of the whole: 80% is 800,000. Four decimals of a percent are exact. Negative only as a change.</summary>
public readonly record struct Percent(long Millionths) : IComparable<Percent>
{
    public const long One = 1_000_000;

    public static bool operator <(Percent a, Percent b) => a.Millionths < b.Millionths;
    public static bool operator >(Percent a, Percent b) => a.Millionths > b.Millionths;
    public static bool operator <=(Percent a, Percent b) => a.Millionths <= b.Millionths;
    public static bool operator >=(Percent a, Percent b) => a.Millionths >= b.Millionths;
    public int CompareTo(Percent other) => Millionths.CompareTo(other.Millionths);

    /// <summary>Reads <c>80%</c> or <c>12.5%</c>: not negative, at most four decimals, the sign required.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out Percent percent)
    {
        percent = default;
        if (text.Length < 2 || text[^1] != '%' || !Money.TryParse(text[..^1], out var number) || number.Micros < 0 || number.Micros % 100 != 0) return false;
        percent = new(number.Micros / 100);
        return true;
    }

    public override string ToString()
    {
        var (whole, rest) = Math.DivRem(Math.Abs(Millionths), 10_000);
        var sign = Millionths < 0 ? "-" : "";
        return rest == 0
            ? string.Create(CultureInfo.InvariantCulture, $"{sign}{whole}%")
            : string.Create(CultureInfo.InvariantCulture, $"{sign}{whole}.{rest:D4}").TrimEnd('0') + "%";
    }
}
