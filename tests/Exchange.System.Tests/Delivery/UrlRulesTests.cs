using Exchange.Delivery;
using Shouldly;

namespace Exchange.System.Tests.Delivery;

public sealed class UrlRulesTests
{
    public static TheoryData<string> Refused =>
    [
        // other schemes
        "file:///etc/passwd", "ftp://example.com/", "gopher://example.com/", "ws://example.com/", "data:text/plain,x", "ldap://example.com/",
        "jar:http://example.com/", "mailto:a@example.com", "unix:/run/docker.sock",
        // user information, also as a disguise for the host
        "https://user@example.com/", "https://user:pass@example.com/", "https://example.com@127.0.0.1/", "https://example.com:443@10.0.0.1/",
        // ports
        "https://example.com:22/", "http://example.com:25/", "http://example.com:6379/", "https://example.com:5432/", "http://example.com:9090/",
        // private and local addresses, plain
        "http://127.0.0.1/", "http://10.0.0.1/", "http://172.16.0.1/", "http://192.168.1.1/", "http://169.254.169.254/latest/meta-data/",
        "http://100.100.100.200/", "http://168.63.129.16/", "http://0.0.0.0/", "http://255.255.255.255/", "http://224.0.0.1/",
        // the same in other notations
        "http://2130706433/", "http://0x7f000001/", "http://0x7f.0.0.1/", "http://0177.0.0.1/", "http://017700000001/", "http://127.1/", "http://127.0.1/",
        "http://0x7f.1/", "http://0/", "http://2852039166/", "http://0xa9fea9fe/", "http://0251.0376.0251.0376/", "http://169.254.43518/",
        "http://0xA9.0xFE.0xA9.0xFE/", "http://127.0.0.1./", "http://10.1/", "http://192.168.257/", "http://00000177.0.0.1/", "http://3232235777/",
        // IPv6
        "http://[::1]/", "http://[::]/", "http://[0:0:0:0:0:0:0:1]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/",
        "http://[::ffff:169.254.169.254]/", "http://[64:ff9b::a9fe:a9fe]/", "http://[2002:7f00:1::]/", "http://[fd00:ec2::254]/", "http://[fe80::1]/",
        "http://[fe80::1%25eth0]/", "http://[ff02::1]/", "http://[2001:db8::1]/", "http://[::127.0.0.1]/",
        // letters that become digits and dots, or that another layer reads otherwise
        "http://①②⑦.⓪.⓪.①/", "http://１２７.０.０.１/", "http://127。0。0。1/", "http://１６９｡２５４｡１６９｡２５４/", "https://bücher.example.com/", "http://ｌｏｃａｌｈｏｓｔ/", "http://exam\u00adple.com/",
        // names that are never public
        "http://localhost/", "http://LOCALHOST/", "http://localhost./", "http://a.localhost/", "http://printer.local/", "http://metadata.google.internal/",
        "http://router.home.arpa/", "http://redis/", "http://metadata/", "http://localhost.localdomain/", "http://buyer.test/",
        // neither a name nor an address
        "http://1.2.3.4.5/", "http://256.256.256.256/", "http://0x7f.0.0.0x1z.0x1/", "http://example.123/",
    ];

    public static TheoryData<string> Allowed =>
    [
        "https://example.com/leads", "http://example.com/", "https://crm.brightroof.example/leads?x=1", "https://example.com:443/", "http://example.com:80/",
        "https://example.com:8443/", "http://example.com:8080/", "https://8.8.8.8/", "https://[2606:4700:4700::1111]/", "https://xn--bcher-kva.example.com/",
        "https://sub.sub.example.co.uk/a/b/c", "https://localhost.example.com/", "https://local-leads.com/", "https://10.example.com/",
        "https://internal.example.com/", "https://example.com./", "https://3com.com/", "https://0x7f.com/",
    ];

    [Theory]
    [MemberData(nameof(Refused))]
    public void Check_FormOfTheCorpus_IsRefusedWithoutRepeatingIt(string text)
    {
        var url = new Uri(text);
        var error = UrlRules.Check(url, allowLoopback: false);
        error.ShouldNotBeNull();
        error.ShouldNotContain(url.Host.Length > 0 ? url.Host : text);
    }

    [Theory]
    [MemberData(nameof(Allowed))]
    public void Check_PublicForm_IsAllowed(string text) => UrlRules.Check(new(text), allowLoopback: false).ShouldBeNull();

    [Fact]
    public void Check_TooLong_IsRefused() => UrlRules.Check(new("https://example.com/" + new string('a', 2_000)), false).ShouldNotBeNull();

    [Fact]
    public void Check_Relative_IsRefused() => UrlRules.Check(new("/leads", UriKind.Relative), false).ShouldNotBeNull();

    [Theory]
    [InlineData("http://127.0.0.1:5000/", true)]
    [InlineData("http://localhost:5000/", true)]
    [InlineData("http://[::1]:5000/", true)]
    [InlineData("https://example.com:5000/", true)]
    [InlineData("http://10.0.0.1:5000/", false)]
    [InlineData("http://169.254.169.254/", false)]
    [InlineData("http://user@localhost:5000/", false)]
    [InlineData("ftp://localhost/", false)]
    public void Check_LoopbackAllowed_OpensLoopbackAndPortsOnly(string text, bool allowed) =>
        (UrlRules.Check(new(text), allowLoopback: true) is null).ShouldBe(allowed);
}
