using System.Security.Cryptography;
using System.Text;
using Exchange.Engine.Values;
using Exchange.Storage;

namespace Exchange.Simulation.Store;

/// <summary>Seals by writing the lead's id before the text, so that the same seed makes the same bytes; opened for another lead it fails. Ciphers have tests of their own.</summary>
internal sealed class SimVault : IVault
{
    public static SimVault Instance { get; } = new();

    public byte[] Seal(LeadId lead, ReadOnlySpan<byte> plain) => [.. lead.ToBytes(), .. plain];

    public byte[] Open(LeadId lead, ReadOnlySpan<byte> sealedBytes) =>
        sealedBytes[..16].SequenceEqual(lead.ToBytes()) ? sealedBytes[16..].ToArray() : throw new CryptographicException("Sealed for another lead");

    public byte[] PersonHash(string field, string normalized) => PersonHashOfSha(field, Hash(normalized));

    public byte[] PersonHashOfSha(string field, ReadOnlySpan<byte> sha256)
    {
        var hash = sha256.ToArray();
        hash[0] ^= (byte)field.Length;
        return hash;
    }

    public byte[] KeyHash(string key) => Hash(key);
    public string BidRequest(LeadId ping, string campaign) => "b-" + ping + campaign;
    public string Alias(string buyer, string publisher, string? subId) => "s-" + buyer + publisher.Length;

    private static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));
}
