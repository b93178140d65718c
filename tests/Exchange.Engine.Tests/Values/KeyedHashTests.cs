using System.Security.Cryptography;
using CsCheck;
using Exchange.Engine.Values;
using Shouldly;

namespace Exchange.Engine.Tests.Values;

public sealed class KeyedHashTests
{
    [Fact]
    public void Of_AnyKeyAndMessage_IsTheirHmac() =>
        Gen.Select(Gen.Byte.Array[1, 200], Gen.Byte.Array[0, 300].List[1, 5]).Sample((key, messages) =>
        {
            var hash = new KeyedHash(key);
            foreach (var message in messages) hash.Of(message).ShouldBe(HMACSHA256.HashData(key, message));
        });

    [Fact]
    public void Of_FromManyThreads_GivesEachItsOwn()
    {
        byte[] key = [7, 7, 7];
        var hash = new KeyedHash(key);
        Parallel.For(0, 20_000, number =>
        {
            var message = BitConverter.GetBytes(number);
            hash.Of(message).ShouldBe(HMACSHA256.HashData(key, message));
        });
    }

    [Fact]
    public void Key_WithoutAByte_IsRefused() => Should.Throw<ArgumentException>(() => new KeyedHash([]));
}
