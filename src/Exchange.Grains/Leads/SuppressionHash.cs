using Exchange.Engine.Fields;
using Exchange.Storage;

namespace Exchange.Grains.Leads;

/// <summary>
/// By what an erased person is known again: the HMAC of a phone number or an address, whatever its field is called, so that it is known in every
/// vertical. A pinged hash makes the same.
/// </summary>
public static class SuppressionHash
{
    public static IReadOnlyList<byte[]> Of(IVault vault, FieldSet fields, Func<FieldSchema, string?> valueOf)
    {
        var hashes = new List<byte[]>(2);
        foreach (var field in fields.All)
            if (field.Type is FieldType.Phone or FieldType.Email && valueOf(field) is { } value) hashes.Add(vault.PersonHash(NameOf(field.Type), value));
        return hashes;
    }

    public static byte[] OfSha(IVault vault, FieldType type, ReadOnlySpan<byte> sha256) => vault.PersonHashOfSha(NameOf(type), sha256);

    private static string NameOf(FieldType type) => type == FieldType.Phone ? "suppressed:phone" : "suppressed:email";
}
