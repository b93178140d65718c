using Exchange.Engine.Fields;
using Exchange.Storage;

namespace Exchange.Grains.Leads;

/// <summary>
/// By what an erased person is known again: the HMAC of a phone number or an address, whatever its field is called, so that it is known in every
/// vertical. A pinged hash makes the same.
/// </summary>
public static class SuppressionHash
{
    public static IReadOnlyList<byte[]> Of(IVault vault, FieldSet fields, Func<FieldSchema, string?> valueOf) =>
        [.. fields.All.Where(field => field.Type is FieldType.Phone or FieldType.Email).Select(field => (field.Type, Value: valueOf(field)))
            .Where(field => field.Value is not null).Select(field => vault.PersonHash(NameOf(field.Type), field.Value!))];

    public static byte[] OfSha(IVault vault, FieldType type, ReadOnlySpan<byte> sha256) => vault.PersonHashOfSha(NameOf(type), sha256);

    private static string NameOf(FieldType type) => type == FieldType.Phone ? "suppressed:phone" : "suppressed:email";
}
