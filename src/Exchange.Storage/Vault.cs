using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Exchange.Engine.Values;

namespace Exchange.Storage;

/// <summary>
/// Sealing and hashing under one installation key of 32 bytes, from which each use has its own (HKDF-SHA-256).
/// Sealed: version (1) · wrapped data key (nonce 12, key 32, tag 16) · nonce 12 · text · tag 16, both layers bound to the context (a lead's id).
/// </summary>
/// <remarks>
/// The key that wraps is itself derived from the context. With one wrapping key for all, random 96-bit nonces would limit an installation to
/// some 2^32 seals; so the limit is per lead.
/// </remarks>
public sealed class Vault : IVault
{
    public const int KeyBytes = 32;
    private const byte Version = 1;
    private const int NonceBytes = 12, TagBytes = 16;
    private const int WrappedBytes = NonceBytes + KeyBytes + TagBytes;
    private const int Overhead = 1 + WrappedBytes + NonceBytes + TagBytes;
    private const string AliasAlphabet = "0123456789abcdefghjkmnpqrstvwxyz";

    private const int MostAliases = 10_000;

    private readonly ConcurrentDictionary<(string Buyer, string Publisher, string? SubId), string> aliases = new();
    private readonly KeyedHash sealKey, personKey, apiKeyKey, aliasKey, bidKey;

    public Vault(ReadOnlySpan<byte> masterKey)
    {
        if (masterKey.Length != KeyBytes) throw new ArgumentException("The installation's key has 32 bytes", nameof(masterKey));
        sealKey = new(Derive(masterKey, "seal"));
        personKey = new(Derive(masterKey, "person"));
        apiKeyKey = new(Derive(masterKey, "api-key"));
        aliasKey = new(Derive(masterKey, "alias"));
        bidKey = new(Derive(masterKey, "bid-request"));
        Fingerprint = Convert.ToHexStringLower(Derive(masterKey, "fingerprint").AsSpan(0, 8));
    }

    /// <summary>Tells one installation key from another; tells nothing about the key.</summary>
    public string Fingerprint { get; }

    public byte[] Seal(LeadId lead, ReadOnlySpan<byte> plain)
    {
        Span<byte> context = stackalloc byte[16];
        lead.WriteTo(context);
        return Seal(context, plain);
    }

    /// <summary>Throws <see cref="CryptographicException"/> if the bytes were changed, belong to another lead or were sealed under another key.</summary>
    public byte[] Open(LeadId lead, ReadOnlySpan<byte> sealedBytes)
    {
        Span<byte> context = stackalloc byte[16];
        lead.WriteTo(context);
        return Open(context, sealedBytes);
    }

    internal byte[] Seal(ReadOnlySpan<byte> context, ReadOnlySpan<byte> plain)
    {
        var result = new byte[Overhead + plain.Length];
        result[0] = Version;
        Span<byte> dataKey = stackalloc byte[KeyBytes];
        RandomNumberGenerator.Fill(dataKey);
        Span<byte> wrapKey = stackalloc byte[KeyBytes];
        sealKey.Of(context, wrapKey);
        Encrypt(wrapKey, context, dataKey, result.AsSpan(1, WrappedBytes));
        Encrypt(dataKey, context, plain, result.AsSpan(1 + WrappedBytes));
        CryptographicOperations.ZeroMemory(dataKey);
        return result;
    }

    internal byte[] Open(ReadOnlySpan<byte> context, ReadOnlySpan<byte> sealedBytes)
    {
        if (sealedBytes.Length < Overhead || sealedBytes[0] != Version) throw new CryptographicException("These are not sealed bytes of a known version");
        Span<byte> dataKey = stackalloc byte[KeyBytes];
        Span<byte> wrapKey = stackalloc byte[KeyBytes];
        sealKey.Of(context, wrapKey);
        Decrypt(wrapKey, context, sealedBytes.Slice(1, WrappedBytes), dataKey);
        var plain = new byte[sealedBytes.Length - Overhead];
        Decrypt(dataKey, context, sealedBytes[(1 + WrappedBytes)..], plain);
        CryptographicOperations.ZeroMemory(dataKey);
        return plain;
    }

    /// <summary>The value's own hash comes first, so that a publisher who pings only SHA-256 of it matches.</summary>
    public byte[] PersonHash(string field, string normalized) => PersonHashOfSha(field, SHA256.HashData(Encoding.UTF8.GetBytes(normalized)));

    public byte[] PersonHashOfSha(string field, ReadOnlySpan<byte> sha256)
    {
        if (sha256.Length != SHA256.HashSizeInBytes) throw new ArgumentException("A SHA-256 has 32 bytes", nameof(sha256));
        var name = Encoding.UTF8.GetBytes(field);
        var message = new byte[name.Length + 1 + sha256.Length];
        name.CopyTo(message, 0);
        sha256.CopyTo(message.AsSpan(name.Length + 1));
        return personKey.Of(message);
    }

    public byte[] KeyHash(string key) => apiKeyKey.Of(Encoding.UTF8.GetBytes(key));

    /// <summary><c>s-</c> and eight characters for the publisher; with a sub-source the publisher's alias, a hyphen and five more.</summary>
    public string Alias(string buyer, string publisher, string? subId)
    {
        if (aliases.TryGetValue((buyer, publisher, subId), out var known)) return known;
        var alias = "s-" + Word(8, buyer, publisher);
        if (subId is not null) alias += "-" + Word(5, buyer, publisher, subId);
        // Sub-sources are the publishers' to invent.
        if (aliases.Count >= MostAliases) aliases.Clear();
        aliases[(buyer, publisher, subId)] = alias;
        return alias;
    }

    /// <summary><c>b-</c> and 24 characters: 120 bits, so that no two of an installation's life meet.</summary>
    public string BidRequest(LeadId ping, string campaign) => "b-" + Word(bidKey, 24, ping.ToString(), campaign);

    private string Word(int length, params ReadOnlySpan<string> parts) => Word(aliasKey, length, parts);

    private static string Word(KeyedHash key, int length, params ReadOnlySpan<string> parts)
    {
        // NUL cannot occur in a name, so no two lists of names make the same message.
        var hash = key.Of(Encoding.UTF8.GetBytes(string.Join('\0', parts)));
        return string.Create(length, hash, static (span, hash) =>
        {
            for (var i = 0; i < span.Length; i++) span[i] = AliasAlphabet[hash[i] & 31];
        });
    }

    private static byte[] Derive(ReadOnlySpan<byte> masterKey, string use)
    {
        var key = new byte[KeyBytes];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, masterKey, key, [], Encoding.ASCII.GetBytes("exchange/" + use + "/1"));
        return key;
    }

    private static void Encrypt(ReadOnlySpan<byte> key, ReadOnlySpan<byte> context, ReadOnlySpan<byte> plain, Span<byte> destination)
    {
        var nonce = destination[..NonceBytes];
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(key, TagBytes);
        aes.Encrypt(nonce, plain, destination.Slice(NonceBytes, plain.Length), destination[(NonceBytes + plain.Length)..], context);
    }

    private static void Decrypt(ReadOnlySpan<byte> key, ReadOnlySpan<byte> context, ReadOnlySpan<byte> source, Span<byte> plain)
    {
        using var aes = new AesGcm(key, TagBytes);
        aes.Decrypt(source[..NonceBytes], source.Slice(NonceBytes, plain.Length), source[(NonceBytes + plain.Length)..], plain, context);
    }
}
