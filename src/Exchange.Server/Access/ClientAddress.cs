using System.Net;
using Exchange.Engine.Values;
using Microsoft.Extensions.Primitives;

namespace Exchange.Server.Access;

/// <summary>
/// From which address a call comes: of its connection. Where that is a proxy of the operator's, it is the last address that the operator's proxies wrote into
/// <c>X-Forwarded-For</c> and that is no proxy itself; what stands further left is the caller's word and counts for nothing.
/// </summary>
internal static class ClientAddress
{
    private const string Header = "X-Forwarded-For";

    /// <summary>An IPv4 address in its own form. Null: it is not known, because a proxy told something else than an address.</summary>
    public static IPAddress? Of(HttpContext context, IpRanges proxies) => Of(context.Connection.RemoteIpAddress, context.Request.Headers[Header], proxies);

    internal static IPAddress? Of(IPAddress? connection, StringValues forwarded, IpRanges proxies)
    {
        if (connection is null) return null;
        var address = Plain(connection);
        // The nearest proxy wrote last.
        for (var i = forwarded.Count - 1; i >= 0; i--)
        {
            var hops = forwarded[i].AsSpan();
            while (!hops.IsEmpty)
            {
                var comma = hops.LastIndexOf(',');
                var hop = hops[(comma + 1)..].Trim();
                hops = comma < 0 ? default : hops[..comma];
                if (hop.IsEmpty) continue;
                if (!proxies.Contains(Bits(address))) return address;
                // Some proxies write the port too.
                if (!IPEndPoint.TryParse(hop, out var told)) return null;
                address = Plain(told.Address);
            }
        }
        return address;
    }

    public static IpAddress Bits(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        return address.TryWriteBytes(bytes, out var count) ? IpAddress.FromBytes(bytes[..count]) : default;
    }

    private static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
}
