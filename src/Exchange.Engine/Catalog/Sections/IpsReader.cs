using Exchange.Engine.Catalog.Reading;
using Exchange.Engine.Values;

namespace Exchange.Engine.Catalog.Sections;

/// <summary><c>ips</c> of a publisher: from where its keys may be used.</summary>
internal static class IpsReader
{
    public static IpRanges? Read(ConfigNode node, ConfigErrors errors)
    {
        if (ValueReader.List(node, errors) is not { } list) return null;
        if (list.Items.Count > Limits.IpRangesPerPublisher)
        {
            errors.Add(node.Path, ConfigCodes.OutOfRange, $"A publisher may have at most {Limits.IpRangesPerPublisher} ranges of addresses; take wider ones.");
            return null;
        }
        var ranges = new HashSet<IpRange>();
        foreach (var item in list.Items)
        {
            if (ValueReader.Text(item, errors) is not { } text) continue;
            var fault = IpRange.Parse(text, out var range);
            if (fault != IpRangeFault.None) errors.Add(item.Path, ConfigCodes.InvalidFormat, Sentence(fault));
            else if (!ranges.Add(range)) errors.Add(item.Path, ConfigCodes.Repeated, "This range is listed twice; keep one.");
        }
        return new([.. ranges]);
    }

    private static string Sentence(IpRangeFault fault) => fault switch
    {
        IpRangeFault.BadPrefix => "How many bits of the range are fixed is a number after the slash: 0 to 32 for IPv4, 0 to 128 for IPv6.",
        IpRangeFault.BitsBeyondPrefix => "A range starts with its first address: every bit after the prefix is 0, as in 192.0.2.0/24. Leave the prefix out to mean this address alone.",
        _ => "This is an IP address or a range of them, as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32.",
    };
}
