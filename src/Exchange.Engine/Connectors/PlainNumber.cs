namespace Exchange.Engine.Connectors;

/// <summary>A decimal number of any length as replies write it: an optional sign, digits, a point, digits. Compared exactly.</summary>
internal readonly struct PlainNumber : IComparable<PlainNumber>
{
    private readonly string whole;
    private readonly string fraction;
    private readonly bool negative;

    private PlainNumber(string whole, string fraction, bool negative)
    {
        this.whole = whole;
        this.fraction = fraction;
        this.negative = negative && (whole.Length > 0 || fraction.Length > 0);
    }

    public bool IsNegative => negative;
    /// <summary>Its digits before the point, without leading zeros.</summary>
    public string Whole => whole;

    public static bool TryParse(string text, out PlainNumber number)
    {
        number = default;
        var digits = text.AsSpan().Trim();
        var negative = digits.Length > 0 && digits[0] == '-';
        if (digits.Length > 0 && digits[0] is '-' or '+') digits = digits[1..];
        var dot = digits.IndexOf('.');
        var whole = dot < 0 ? digits : digits[..dot];
        var fraction = dot < 0 ? default : digits[(dot + 1)..];
        if (whole.Length + fraction.Length is 0 or > 100 || whole.ContainsAnyExceptInRange('0', '9') || fraction.ContainsAnyExceptInRange('0', '9')) return false;
        number = new(whole.TrimStart('0').ToString(), fraction.TrimEnd('0').ToString(), negative);
        return true;
    }

    public int CompareTo(PlainNumber other)
    {
        if (negative != other.negative) return negative ? -1 : 1;
        var size = whole.Length != other.whole.Length ? whole.Length.CompareTo(other.whole.Length) : string.CompareOrdinal(whole, other.whole);
        if (size == 0) size = string.CompareOrdinal(fraction, other.fraction);
        return negative ? -size : size;
    }
}
