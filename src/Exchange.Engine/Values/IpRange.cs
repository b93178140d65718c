using System.Globalization;

namespace Exchange.Engine.Values;

/// <summary>What is wrong with the text of a range.</summary>
public enum IpRangeFault { None, NotAnAddress, BadPrefix, BitsBeyondPrefix }

/// <summary>
/// Addresses that share their first <paramref name="Prefix"/> bits (0 to 128, of the IPv6 form) with <paramref name="First"/>; a lone address is a range of one.
/// An IPv4 range and its mapped form are the same. A range of IPv6 so wide that it would hold the mapped ones, such as <c>::/0</c>, says nothing of IPv4.
/// </summary>
public readonly record struct IpRange(IpAddress First, int Prefix)
{
    private const int V4Start = 96;

    public bool Contains(IpAddress address) =>
        (Prefix >= V4Start || !address.IsV4) && ((address.Bits ^ First.Bits) & Mask(Prefix)) == 0;

    /// <summary>An address, or CIDR: the range's first address and how many bits are fixed (<c>192.0.2.0/24</c>, <c>2001:db8::/32</c>).</summary>
    public static IpRangeFault Parse(ReadOnlySpan<char> text, out IpRange range)
    {
        range = default;
        var slash = text.IndexOf('/');
        var written = slash < 0 ? text : text[..slash];
        if (!IpAddress.TryParse(written, out var first)) return IpRangeFault.NotAnAddress;
        var bits = written.Contains(':') ? 128 : 32;
        var prefix = bits;
        if (slash >= 0)
        {
            var digits = text[(slash + 1)..];
            if (digits.Length is 0 or > 3 || digits.Length > 1 && digits[0] == '0'
                || !int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out prefix) || prefix > bits) return IpRangeFault.BadPrefix;
        }
        prefix += 128 - bits;
        if ((first.Bits & ~Mask(prefix)) != 0) return IpRangeFault.BitsBeyondPrefix;
        range = new(first, prefix);
        return IpRangeFault.None;
    }

    private static UInt128 Mask(int prefix) => prefix == 0 ? 0 : UInt128.MaxValue << 128 - prefix;
}

/// <summary>Several ranges; an address is among them if one of them has it. Costs a few nanoseconds a range.</summary>
public sealed class IpRanges(IReadOnlyList<IpRange> ranges)
{
    private readonly IpRange[] all = [.. ranges];

    public static IpRanges None { get; } = new([]);

    public bool Contains(IpAddress address)
    {
        foreach (var range in all) if (range.Contains(address)) return true;
        return false;
    }
}
