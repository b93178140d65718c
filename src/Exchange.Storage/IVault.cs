using Exchange.Engine.Values;

namespace Exchange.Storage;

/// <summary>Sealing and hashing with keys that live outside the database (file or environment).</summary>
public interface IVault
{
    /// <summary>AES-256-GCM under a fresh data key that is wrapped by the installation's key; bound to the lead's id.</summary>
    byte[] Seal(LeadId lead, ReadOnlySpan<byte> plain);
    byte[] Open(LeadId lead, ReadOnlySpan<byte> sealedBytes);

    /// <summary>HMAC of field name and SHA-256 of the normalized value, so that a pinged hash matches. 32 bytes.</summary>
    byte[] PersonHash(string field, string normalized);

    /// <summary>The same, of a value of which only the SHA-256 is known.</summary>
    byte[] PersonHashOfSha(string field, ReadOnlySpan<byte> sha256);

    /// <summary>HMAC of an API key. 32 bytes.</summary>
    byte[] KeyHash(string key);

    /// <summary>How a buyer hears of one campaign's bid at one ping: always the same, and not to be told apart from any other without the key.</summary>
    string BidRequest(LeadId ping, string campaign);

    /// <summary>A stable short alias for one of our names as one buyer sees it, such as <c>s-7f3k2</c>.</summary>
    string Alias(string buyer, string publisher, string? subId);
}
