using System.Buffers.Binary;
using System.Globalization;

namespace Exchange.Engine.Values;

/// <summary>
/// Where a call comes from: the 128 bits of an IPv6 address. An IPv4 address is the same as its mapped form (<c>::ffff:192.0.2.1</c>), however it was written
/// or came over the wire. Without a scope (<c>%eth0</c>): that is one machine's business.
/// </summary>
public readonly record struct IpAddress(UInt128 Bits)
{
    private const ulong Mapped = 0xFFFF;

    public bool IsV4 => Bits >> 32 == Mapped;

    /// <summary>Of 4 or 16 bytes, in network order.</summary>
    public static IpAddress FromBytes(ReadOnlySpan<byte> bytes) =>
        new(bytes.Length == 4 ? Map(BinaryPrimitives.ReadUInt32BigEndian(bytes)) : BinaryPrimitives.ReadUInt128BigEndian(bytes));

    /// <summary>Strictly as RFC 4291 and dotted decimals have it: no leading zeros in decimals, no octal, no missing parts, no scope, no port.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out IpAddress address)
    {
        address = default;
        if (text.Contains(':'))
        {
            if (!TryParseV6(text, out var bits)) return false;
            address = new(bits);
            return true;
        }
        if (!TryParseV4(text, out var decimals)) return false;
        address = new(Map(decimals));
        return true;
    }

    private static UInt128 Map(uint v4) => (UInt128)Mapped << 32 | v4;

    private static bool TryParseV4(ReadOnlySpan<char> text, out uint value)
    {
        value = 0;
        for (var part = 0; part < 4; part++)
        {
            var end = part < 3 ? text.IndexOf('.') : text.Length;
            if (end is < 1 or > 3 || end > 1 && text[0] == '0') return false;
            if (!byte.TryParse(text[..end], NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return false;
            value = value << 8 | number;
            if (part < 3) text = text[(end + 1)..];
        }
        return true;
    }

    /// <summary>Eight groups of hexadecimal digits; <c>::</c> once for the zeros left out, and dotted decimals for the last two.</summary>
    private static bool TryParseV6(ReadOnlySpan<char> text, out UInt128 bits)
    {
        bits = 0;
        Span<ushort> groups = stackalloc ushort[8];
        var (count, gap) = (0, -1);
        if (text.StartsWith("::", StringComparison.Ordinal))
        {
            gap = 0;
            text = text[2..];
        }
        while (!text.IsEmpty)
        {
            var end = text.IndexOf(':');
            var group = end < 0 ? text : text[..end];
            if (end < 0 && group.Contains('.'))
            {
                if (count > 6 || !TryParseV4(group, out var decimals)) return false;
                groups[count++] = (ushort)(decimals >> 16);
                groups[count++] = (ushort)(decimals & 0xFFFF);
                break;
            }
            if (count == 8 || group.Length > 4 || !ushort.TryParse(group, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out groups[count])) return false;
            count++;
            if (end < 0) break;
            text = text[(end + 1)..];
            if (text.IsEmpty) return false;
            if (text[0] != ':') continue;
            if (gap >= 0) return false;
            gap = count;
            text = text[1..];
        }
        if (gap < 0 ? count != 8 : count > 7) return false;
        for (var i = 0; i < count; i++)
        {
            // What stands behind the gap is counted from the end.
            var place = gap >= 0 && i >= gap ? 8 - count + i : i;
            bits |= (UInt128)groups[i] << 16 * (7 - place);
        }
        return true;
    }
}
