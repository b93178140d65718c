using Exchange.Engine.Values;

namespace Exchange.Engine.Pricing;

/// <summary>What an adjustment does to a price: so much percent of it more or less, or an amount more or less. Either may be negative.</summary>
public readonly record struct PriceChange
{
    /// <summary>The most that is ever taken off: all of it.</summary>
    public static readonly Percent LeastPercent = new(-Values.Percent.One);
    /// <summary>Ten times the price on top of it. More is a slip of the pen, and the bound keeps every sum within its range.</summary>
    public static readonly Percent MostPercent = new(10 * Values.Percent.One);

    private PriceChange(Percent percent, Money amount) { Percent = percent; Amount = amount; }

    public static PriceChange By(Percent percent) => new(percent, Money.Zero);
    public static PriceChange By(Money amount) => new(default, amount);

    /// <summary>Nothing where this is an amount.</summary>
    public Percent Percent { get; }
    /// <summary>Nothing where this is a percentage.</summary>
    public Money Amount { get; }

    /// <summary>Reads <c>-10%</c>, <c>+2</c> or <c>-1.50</c>: a sign or none, then money or a percentage as the catalog writes them.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out PriceChange change)
    {
        change = default;
        if (text.Length < 2 && !(text.Length == 1 && char.IsAsciiDigit(text[0]))) return false;
        var negative = text[0] == '-';
        if (text[0] is '-' or '+') text = text[1..];
        if (text[0] == '-') return false;
        if (text[^1] == '%')
        {
            if (!Values.Percent.TryParse(text, out var percent)) return false;
            change = By(new Percent(negative ? -percent.Millionths : percent.Millionths));
            return true;
        }
        if (!Money.TryParse(text, out var amount)) return false;
        change = By(negative ? Money.Zero - amount : amount);
        return true;
    }

    /// <summary>As the catalog writes it, always with its sign.</summary>
    public override string ToString()
    {
        var text = Amount == Money.Zero ? Percent.ToString() : Amount.ToString();
        return text[0] == '-' ? text : "+" + text;
    }
}

/// <summary>
/// A price while it is adjusted, kept to the 18th decimal so that several percentages in a row are not rounded one by one
/// (a percentage that needs more decimals is rounded half to even there). Only <see cref="Price"/> comes back to whole micros, downward.
/// </summary>
internal readonly record struct PriceInProgress
{
    private const long PartsPerMicro = 1_000_000_000_000;
    private readonly Int128 parts;

    private PriceInProgress(Int128 parts) => this.parts = parts;

    public static PriceInProgress Of(Money price) => new((Int128)price.Micros * PartsPerMicro);

    public PriceInProgress After(PriceChange change)
    {
        var changed = parts;
        if (change.Percent.Millionths != 0)
        {
            var (quotient, rest) = Int128.DivRem(parts * (Percent.One + change.Percent.Millionths), Percent.One);
            var twice = Int128.Abs(rest) * 2;
            if (twice > Percent.One || twice == Percent.One && Int128.IsOddInteger(quotient)) quotient += rest < 0 ? -1 : 1;
            changed = quotient;
        }
        return new(changed + (Int128)change.Amount.Micros * PartsPerMicro);
    }

    /// <summary>Never below zero: who takes off more than there is bids nothing.</summary>
    public Money Price => parts <= 0 ? Money.Zero : new(checked((long)(parts / PartsPerMicro)));
}
