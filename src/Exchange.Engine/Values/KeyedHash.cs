using System.Security.Cryptography;
using System.Threading;

namespace Exchange.Engine.Values;

/// <summary>
/// HMAC-SHA-256 under one key, from many threads. It keeps a hash that has taken the key already: setting one up costs more than hashing a message of ours.
/// </summary>
/// <param name="key">Any length but zero; it is copied.</param>
public sealed class KeyedHash(ReadOnlySpan<byte> key)
{
    public const int Bytes = HMACSHA256.HashSizeInBytes;

    private readonly byte[] secret = key.Length > 0 ? key.ToArray() : throw new ArgumentException("A key has at least one byte", nameof(key));
    private IncrementalHash? kept;

    public byte[] Of(ReadOnlySpan<byte> message)
    {
        var hash = new byte[Bytes];
        Of(message, hash);
        return hash;
    }

    /// <param name="message">What is hashed.</param>
    /// <param name="hash"><see cref="Bytes"/> bytes, written.</param>
    public void Of(ReadOnlySpan<byte> message, Span<byte> hash)
    {
        // One that is in use is nobody else's; who finds none makes one.
        var keyed = Interlocked.Exchange(ref kept, null) ?? IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, secret);
        keyed.AppendData(message);
        keyed.GetHashAndReset(hash);
        Interlocked.Exchange(ref kept, keyed)?.Dispose();
    }
}
