using System.Net;
using CsCheck;
using Exchange.Engine.Values;
using Shouldly;

namespace Exchange.Engine.Tests.Values;

public sealed class IpRangeTests
{
    [Theory]
    // range | in it | not in it
    [InlineData("192.0.2.7", "192.0.2.7 ::ffff:192.0.2.7", "192.0.2.6 192.0.2.8 2001:db8::7")]
    [InlineData("192.0.2.0/24", "192.0.2.0 192.0.2.255 ::ffff:c000:2ff", "192.0.1.255 192.0.3.0")]
    [InlineData("192.0.2.4/31", "192.0.2.4 192.0.2.5", "192.0.2.3 192.0.2.6")]
    [InlineData("0.0.0.0/0", "0.0.0.0 255.255.255.255", "::1 2001:db8::1 ::1:0:0:0")]
    [InlineData("::ffff:192.0.2.0/120", "192.0.2.1 ::ffff:192.0.2.1", "192.0.3.1 ::192.0.2.1")]
    [InlineData("2001:db8::/32", "2001:db8:: 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9:: 192.0.2.1")]
    [InlineData("2001:DB8::A", "2001:db8:0:0:0:0:0:a", "2001:db8::b")]
    [InlineData("::/0", ":: ::1 2001:db8::1 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "192.0.2.1 ::ffff:192.0.2.1")]
    [InlineData("::/80", "::1 ::fffe:1:2", "192.0.2.1 ::1:0:0:1")]
    [InlineData("::ffff:0:0/96", "0.0.0.0 255.255.255.255", "::1")]
    public void Range_HasItsAddressesAlone(string text, string inside, string outside)
    {
        IpRange.Parse(text, out var range).ShouldBe(IpRangeFault.None);
        foreach (var address in inside.Split(' ')) range.Contains(Address(address)).ShouldBeTrue(address);
        foreach (var address in outside.Split(' ')) range.Contains(Address(address)).ShouldBeFalse(address);
    }

    [Theory]
    [InlineData("", IpRangeFault.NotAnAddress)]
    [InlineData("/24", IpRangeFault.NotAnAddress)]
    [InlineData("localhost", IpRangeFault.NotAnAddress)]
    [InlineData("192.0.2", IpRangeFault.NotAnAddress)]
    [InlineData("192.0.2.1.5", IpRangeFault.NotAnAddress)]
    [InlineData("192.0.2.256", IpRangeFault.NotAnAddress)]
    [InlineData("192.0.02.1", IpRangeFault.NotAnAddress)] // octal elsewhere
    [InlineData("0xc0.0.2.1", IpRangeFault.NotAnAddress)]
    [InlineData("3221225985", IpRangeFault.NotAnAddress)]
    [InlineData(" 192.0.2.1", IpRangeFault.NotAnAddress)]
    [InlineData("192.0.2.1 ", IpRangeFault.NotAnAddress)]
    [InlineData("192.0.+2.1", IpRangeFault.NotAnAddress)]
    [InlineData("192.0.2.1:80", IpRangeFault.NotAnAddress)]
    [InlineData("[2001:db8::1]", IpRangeFault.NotAnAddress)]
    [InlineData("fe80::1%eth0", IpRangeFault.NotAnAddress)]
    [InlineData(":", IpRangeFault.NotAnAddress)]
    [InlineData(":::", IpRangeFault.NotAnAddress)]
    [InlineData(":1::", IpRangeFault.NotAnAddress)]
    [InlineData("1::2::3", IpRangeFault.NotAnAddress)]
    [InlineData("1:2:3:4:5:6:7", IpRangeFault.NotAnAddress)]
    [InlineData("1:2:3:4:5:6:7:", IpRangeFault.NotAnAddress)]
    [InlineData("1:2:3:4:5:6:7:8:9", IpRangeFault.NotAnAddress)]
    [InlineData("1:2:3:4:5:6:7:8::", IpRangeFault.NotAnAddress)] // nothing is left out
    [InlineData("12345::", IpRangeFault.NotAnAddress)]
    [InlineData("::g", IpRangeFault.NotAnAddress)]
    [InlineData("::1.2.3", IpRangeFault.NotAnAddress)]
    [InlineData("1:2:3:4:5:6:7:1.2.3.4", IpRangeFault.NotAnAddress)]
    [InlineData("192.0.2.0/", IpRangeFault.BadPrefix)]
    [InlineData("192.0.2.0/33", IpRangeFault.BadPrefix)]
    [InlineData("192.0.2.0/-1", IpRangeFault.BadPrefix)]
    [InlineData("192.0.2.0/024", IpRangeFault.BadPrefix)]
    [InlineData("192.0.2.0/24/24", IpRangeFault.BadPrefix)]
    [InlineData("192.0.2.0/255.255.255.0", IpRangeFault.BadPrefix)]
    [InlineData("2001:db8::/129", IpRangeFault.BadPrefix)]
    [InlineData("192.0.2.1/24", IpRangeFault.BitsBeyondPrefix)]
    [InlineData("128.0.0.0/0", IpRangeFault.BitsBeyondPrefix)]
    [InlineData("2001:db8::1/32", IpRangeFault.BitsBeyondPrefix)]
    public void Range_ThatIsNone_IsRefused(string text, IpRangeFault fault) => IpRange.Parse(text, out _).ShouldBe(fault);

    [Fact]
    public void Address_OfAnyBytes_ReadsItsOwnTextAsTheLibraryDoes() =>
        Gen.OneOf(Gen.Byte.Array[4], Gen.Byte.Array[16], Gen.Int[0, 4].Select(n => (byte)(n < 3 ? 0 : n)).Array[16]).Sample(bytes =>
        {
            IpAddress.TryParse(new IPAddress(bytes).ToString(), out var read).ShouldBeTrue();
            read.ShouldBe(IpAddress.FromBytes(bytes));
        });

    [Fact]
    public void Range_OfAnyKind_HasWhatTheLibrarysHas() =>
        Gen.Select(Gen.Byte.Array[4], Gen.Int[0, 32], Gen.Byte.Array[4], Gen.Int[0, 32]).Sample((bytes, prefix, other, same) =>
        {
            var network = IPNetwork.Parse($"{new IPAddress(Masked(bytes, prefix))}/{prefix}");
            IpRange.Parse(network.ToString(), out var range).ShouldBe(IpRangeFault.None);
            // Near the range as often as far from it.
            var near = Masked(bytes, same);
            for (var i = 0; i < 4; i++) near[i] ^= (byte)(other[i] & (Mask(same, i) ^ 0xff));
            foreach (var address in (byte[][])[other, near, bytes]) range.Contains(IpAddress.FromBytes(address)).ShouldBe(network.Contains(new IPAddress(address)));
        });

    private static byte[] Masked(byte[] bytes, int prefix) => [.. bytes.Select((value, i) => (byte)(value & Mask(prefix, i)))];

    private static byte Mask(int prefix, int i) => (byte)(0xff00 >> Math.Clamp(prefix - 8 * i, 0, 8) & 0xff);

    private static IpAddress Address(string text)
    {
        IpAddress.TryParse(text, out var address).ShouldBeTrue(text);
        return address;
    }
}
