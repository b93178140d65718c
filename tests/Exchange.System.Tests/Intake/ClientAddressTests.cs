extern alias server;

using System.Net;
using Exchange.Engine.Values;
using Shouldly;
using ClientAddress = server::Exchange.Server.Access.ClientAddress;
using Parsers = server::Exchange.Server.Hosting.Parsers;

namespace Exchange.System.Tests.Intake;

public sealed class ClientAddressTests
{
    [Theory]
    // in a field of a lead | as it is kept; null: refused
    [InlineData("72.14.201.10", "72.14.201.10")]
    [InlineData("0.0.0.0", "0.0.0.0")]
    [InlineData("2001:DB8::1", "2001:db8::1")]
    [InlineData("::ffff:72.14.201.10", "::ffff:72.14.201.10")]
    [InlineData("072.014.201.010", null)] // 58.12.201.8 to who reads octal
    [InlineData("72.14.201.010", null)]
    [InlineData("0x48.14.201.10", null)]
    [InlineData("72.14.51466", null)]
    [InlineData("1208928522", null)]
    [InlineData("72.14.201.256", null)]
    [InlineData("72.14.201.10.", null)]
    [InlineData("fe80::1%eth0", null)]
    public void Address_InAField_IsTheOneThatIsWritten(string text, string? kept) => Parsers.All.Ip(text).ShouldBe(kept);

    [Theory]
    // connection | X-Forwarded-For, one header each | the address; proxies are 10.0.0.0/8 and 2001:db8::/32
    [InlineData("203.0.113.9", "", "203.0.113.9")]
    [InlineData("::ffff:203.0.113.9", "", "203.0.113.9")]
    [InlineData("203.0.113.9", "198.51.100.1", "203.0.113.9")] // who is no proxy says nothing
    [InlineData("10.0.0.1", "", "10.0.0.1")]
    [InlineData("10.0.0.1", "198.51.100.1", "198.51.100.1")]
    [InlineData("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1")]
    [InlineData("10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1")]
    [InlineData("10.0.0.1", "192.0.2.66, 198.51.100.1", "198.51.100.1")] // the left one is the caller's invention
    [InlineData("10.0.0.1", "192.0.2.66, 198.51.100.1, 10.0.0.2", "198.51.100.1")]
    [InlineData("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3")]
    [InlineData("10.0.0.1", "192.0.2.66|198.51.100.1|10.0.0.2", "198.51.100.1")]
    [InlineData("10.0.0.1", "198.51.100.1,  , ", "198.51.100.1")]
    [InlineData("10.0.0.1", "198.51.100.1:4711", "198.51.100.1")]
    [InlineData("10.0.0.1", "[2001:db9::7]:4711", "2001:db9::7")]
    [InlineData("2001:db8::1", "2001:db9::7", "2001:db9::7")]
    [InlineData("10.0.0.1", "unknown", null)]
    [InlineData("10.0.0.1", "198.51.100.1, unknown", null)]
    [InlineData("10.0.0.1", "unknown, 198.51.100.1", "198.51.100.1")]
    [InlineData(null, "198.51.100.1", null)]
    public void Address_OfACall_IsTheLastThatIsNoProxy(string? connection, string forwarded, string? expected)
    {
        var proxies = new IpRanges([.. ((string[])["10.0.0.0/8", "2001:db8::/32"]).Select(text => { IpRange.Parse(text, out var range); return range; })]);
        ClientAddress.Of(connection is null ? null : IPAddress.Parse(connection), forwarded.Length == 0 ? default : forwarded.Split('|'), proxies)?.ToString().ShouldBe(expected);
        (ClientAddress.Of(connection is null ? null : IPAddress.Parse(connection), forwarded.Length == 0 ? default : forwarded.Split('|'), proxies) is null).ShouldBe(expected is null);
    }
}
