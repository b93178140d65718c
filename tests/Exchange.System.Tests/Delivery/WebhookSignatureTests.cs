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
        WebhookSignature.TryReadKey("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"u8, out var key).ShouldBeTrue();
        WebhookSignature.Create(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, "{\"test\": 2432232314}"u8)
            .ShouldBe("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    [Theory]
    [InlineData("whsec_aGVsbG8=", "hello")]
    [InlineData("whsec_aGVsbG8=\n", "hello")]
    [InlineData("hello", "hello")]
    [InlineData("aGVsbG8=", "aGVsbG8=")]
    public void TryReadKey_Secret_IsBase64AfterThePrefixElseAsItIs(string secret, string key)
    {
        WebhookSignature.TryReadKey(Encoding.UTF8.GetBytes(secret), out var read).ShouldBeTrue();
        Encoding.UTF8.GetString(read).ShouldBe(key);
    }

    [Theory]
    [InlineData("")]
    [InlineData("whsec_")]
    [InlineData("whsec_not base64!")]
    [InlineData("whsec_abc")]
    public void TryReadKey_EmptyOrBroken_IsRefused(string secret) =>
        WebhookSignature.TryReadKey(Encoding.UTF8.GetBytes(secret), out _).ShouldBeFalse();
}
