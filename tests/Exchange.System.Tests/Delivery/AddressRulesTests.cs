using System.Net;
using Exchange.Delivery;
using Shouldly;

namespace Exchange.System.Tests.Delivery;

public sealed class AddressRulesTests
{
    public static TheoryData<string> Refused =>
    [
        "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.255", "127.0.0.1", "127.255.255.254",
        "168.63.129.16", "169.254.0.1", "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.0.255",
        "192.0.2.1", "192.88.99.1", "192.168.0.1", "192.168.255.255", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1",
        "239.255.255.250", "240.0.0.1", "255.255.255.255",
        "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:8.8.8.8", "::127.0.0.1", "::ffff:0:127.0.0.1",
        "64:ff9b::7f00:1", "64:ff9b::169.254.169.254", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:2::1",
        "2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "3fff::1", "3fff:fff::1", "5f00::1", "fc00::1", "fd00:ec2::254",
        "fd20:ce::254", "fe80::1", "fe80::1%2", "febf::1", "fec0::1", "ff02::1", "ff0e::1", "2600:1f18::5efe:10.0.0.1", "2600:1f18::200:5efe:7f00:1",
    ];

    public static TheoryData<string> Public =>
    [
        "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.1", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1", "169.253.255.255",
        "172.15.255.255", "172.32.0.0", "192.0.1.1", "192.167.255.255", "192.169.0.1", "198.17.255.255", "198.20.0.0", "223.255.255.255",
        "2600:1f18::1", "2606:4700:4700::1111", "2001:4860:4860::8888", "2001:200::1", "2a00:1450:4001::1", "2620:4f:8000::1", "2003::1", "3ffe:1::1",
    ];

    [Theory]
    [MemberData(nameof(Refused))]
    public void IsGlobal_SpecialPurposeAddress_IsFalse(string address) => AddressRules.IsGlobal(IPAddress.Parse(address)).ShouldBeFalse();

    [Theory]
    [MemberData(nameof(Public))]
    public void IsGlobal_PublicAddress_IsTrue(string address) => AddressRules.IsGlobal(IPAddress.Parse(address)).ShouldBeTrue();

    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("127.9.9.9", true)]
    [InlineData("::1", true)]
    [InlineData("8.8.8.8", true)]
    [InlineData("10.0.0.1", false)]
    [InlineData("169.254.169.254", false)]
    [InlineData("0.0.0.0", false)]
    [InlineData("fd00::1", false)]
    public void MayConnect_LoopbackAllowed_OpensLoopbackAndNothingElse(string address, bool allowed) =>
        AddressRules.MayConnect(IPAddress.Parse(address), allowLoopback: true).ShouldBe(allowed);
}
