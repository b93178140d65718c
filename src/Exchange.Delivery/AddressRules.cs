using System.Net;
using System.Net.Sockets;

namespace Exchange.Delivery;

/// <summary>
/// Which addresses the exchange may connect to. Buyers' addresses are written by people we do not trust with our own network, so only globally
/// reachable unicast addresses are let through. Source: the IANA special-purpose registries for IPv4 and IPv6.
/// </summary>
public static class AddressRules
{
    /// <summary>IPv4 ranges that are not somebody's public host.</summary>
    private static readonly IPNetwork[] RefusedV4 =
    [
        IPNetwork.Parse("0.0.0.0/8"),        // this network
        IPNetwork.Parse("10.0.0.0/8"),       // private
        IPNetwork.Parse("100.64.0.0/10"),    // carrier-grade NAT, and one cloud's metadata
        IPNetwork.Parse("127.0.0.0/8"),      // loopback
        IPNetwork.Parse("168.63.129.16/32"), // a cloud's host agent, on a public number
        IPNetwork.Parse("169.254.0.0/16"),   // link-local, most clouds' metadata
        IPNetwork.Parse("172.16.0.0/12"),    // private
        IPNetwork.Parse("192.0.0.0/24"),     // protocol assignments
        IPNetwork.Parse("192.0.2.0/24"),     // documentation
        IPNetwork.Parse("192.88.99.0/24"),   // 6to4 relays
        IPNetwork.Parse("192.168.0.0/16"),   // private
        IPNetwork.Parse("198.18.0.0/15"),    // benchmarking
        IPNetwork.Parse("198.51.100.0/24"),  // documentation
        IPNetwork.Parse("203.0.113.0/24"),   // documentation
        IPNetwork.Parse("224.0.0.0/4"),      // multicast
        IPNetwork.Parse("240.0.0.0/4"),      // reserved, broadcast
    ];

    /// <summary>
    /// Only global unicast is a public host: loopback, mapped, NAT64, unique-local, link-local, site-local and multicast all lie outside of it.
    /// </summary>
    private static readonly IPNetwork GlobalV6 = IPNetwork.Parse("2000::/3");

    private static readonly IPNetwork[] RefusedV6 =
    [
        IPNetwork.Parse("2001::/23"),     // protocol assignments: Teredo, ORCHID, benchmarking
        IPNetwork.Parse("2001:db8::/32"), // documentation
        IPNetwork.Parse("2002::/16"),     // 6to4: any IPv4 address inside
        IPNetwork.Parse("3fff::/20"),     // documentation
    ];

    /// <summary>True for a globally reachable unicast address.</summary>
    public static bool IsGlobal(IPAddress address) => address.AddressFamily switch
    {
        AddressFamily.InterNetwork => !IsIn(RefusedV4, address),
        // Mapped first: IPNetwork.Contains compares such an address by its IPv4 bits, also with an IPv6 network.
        AddressFamily.InterNetworkV6 => !address.IsIPv4MappedToIPv6 && GlobalV6.Contains(address) && !IsIn(RefusedV6, address) && !IsIsatap(address),
        _ => false,
    };

    /// <summary>Global, or loopback where that is allowed.</summary>
    public static bool MayConnect(IPAddress address, bool allowLoopback) =>
        IsGlobal(address) || allowLoopback && IPAddress.IsLoopback(address);

    /// <summary>The interface part 0000:5efe or 0200:5efe holds an IPv4 address to tunnel to (RFC 5214).</summary>
    private static bool IsIsatap(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        return bytes[8] is 0x00 or 0x02 && bytes[9] == 0 && bytes[10] == 0x5e && bytes[11] == 0xfe;
    }

    private static bool IsIn(IPNetwork[] networks, IPAddress address)
    {
        foreach (var network in networks) if (network.Contains(address)) return true;
        return false;
    }
}
