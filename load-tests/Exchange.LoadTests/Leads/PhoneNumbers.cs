using System.Globalization;

namespace Exchange.LoadTests.Leads;

/// <summary>
/// Telephone numbers of the North American plan that validators accept: exchange codes 200 to 999, without 555 (fictional, so refused) and
/// without those that end in 11 (services). Numbers of this shape may belong to somebody: nothing here ever calls one.
/// </summary>
internal static class PhoneNumbers
{
    /// <summary>Odd, not of 5, 7 or 113, so without a common factor with the count of numbers: neighbours lie far apart and none is met twice.</summary>
    private const long Stride = 7_368_787;

    private static readonly int[] Exchanges = [.. Enumerable.Range(200, 800).Where(code => code != 555 && code % 100 != 11)];

    /// <summary>How many different numbers there are in one area.</summary>
    public static int PerArea => Exchanges.Length * 10_000;

    /// <summary>The area's number with this index (modulo <see cref="PerArea"/>), in E.164. Different indexes below that are different numbers.</summary>
    public static string Number(string area, long index)
    {
        var place = (int)(index % PerArea * Stride % PerArea);
        return string.Create(CultureInfo.InvariantCulture, $"+1{area}{Exchanges[place % Exchanges.Length]}{place / Exchanges.Length:0000}");
    }
}
