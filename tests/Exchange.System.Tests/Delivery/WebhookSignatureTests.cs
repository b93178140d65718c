using System.Security.Cryptography;
using System.Text;
using Exchange.Delivery;
using Shouldly;

namespace Exchange.System.Tests.Delivery;

public sealed class WebhookSignatureTests
{
    /// <summary>The example that the Standard Webhooks libraries test themselves with.</summary>
    [Fact]
    public void Create_PublishedExample_GivesThePublishedSignature()
    {
        var key = WebhookSignature.ReadKey("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"u8);
        WebhookSignature.Create(key!, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, "{\"test\": 2432232314}"u8)
            .ShouldBe("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    [Theory]
    [InlineData("whsec_aGVsbG8=", "hello")]
    [InlineData("whsec_aGVsbG8=\n", "hello")]
    [InlineData("hello", "hello")]
    [InlineData("aGVsbG8=", "aGVsbG8=")]
    public void ReadKey_Secret_IsBase64AfterThePrefixElseAsItIs(string secret, string key) =>
        WebhookSignature.ReadKey(Encoding.UTF8.GetBytes(secret))!.Of("message"u8).ShouldBe(HMACSHA256.HashData(Encoding.UTF8.GetBytes(key), "message"u8));

    [Theory]
    [InlineData("")]
    [InlineData("whsec_")]
    [InlineData("whsec_not base64!")]
    [InlineData("whsec_abc")]
    public void ReadKey_EmptyOrBroken_IsRefused(string secret) => WebhookSignature.ReadKey(Encoding.UTF8.GetBytes(secret)).ShouldBeNull();

    /// <summary>An endpoint's secret is set anew while its calls go on: each is signed by the one it was given.</summary>
    [Fact]
    public void SigningKey_OfAnotherSecret_IsAnotherKey()
    {
        byte[] first = [1], second = [2];
        var secrets = new EndpointSecrets(new Dictionary<string, byte[]> { ["first"] = first, ["second"] = second });
        foreach (var secret in (byte[][])[first, second, first, []]) secrets.SigningKey(secret)?.Of("message"u8).ShouldBe(HMACSHA256.HashData(secret, "message"u8));
        secrets.SigningKey([]).ShouldBeNull();
    }
}
