using System.Globalization;
using System.Text;
using System.Text.Unicode;
using Exchange.Grains.Intake;

namespace Exchange.Server.Intake;

/// <summary>The pairs of an <c>application/x-www-form-urlencoded</c> body, in their order. Strict: what is not well encoded is no guess.</summary>
internal static class FormPairs
{
    private const int MostPairs = 2_000;

    /// <summary>Null: read.</summary>
    public static Problem? Read(ReadOnlySpan<byte> body, out List<KeyValuePair<string, string>> pairs)
    {
        pairs = [];
        if (body.IsEmpty) return Malformed("The body is empty; a form is needed.");
        foreach (var range in body.Split((byte)'&'))
        {
            var pair = body[range];
            if (pair.IsEmpty) continue;
            if (pairs.Count == MostPairs) return Malformed(string.Create(CultureInfo.InvariantCulture, $"The form has more than {MostPairs} values."));
            var equals = pair.IndexOf((byte)'=');
            if (Decode(equals < 0 ? pair : pair[..equals]) is not { } nameText || Decode(equals < 0 ? default : pair[(equals + 1)..]) is not { } valueText)
                return Malformed(string.Create(CultureInfo.InvariantCulture, $"The form is not well encoded in UTF-8 in the pair at byte {range.Start.Value}."));
            if (nameText.Length == 0) return Malformed(string.Create(CultureInfo.InvariantCulture, $"The form has a value without a name at byte {range.Start.Value}."));
            pairs.Add(new(nameText, valueText));
        }
        return null;
    }

    private static Problem Malformed(string detail) => Problem.Of(400, "malformed", detail);

    private static string? Decode(ReadOnlySpan<byte> encoded)
    {
        if (!encoded.ContainsAny((byte)'%', (byte)'+')) return Utf8.IsValid(encoded) ? Encoding.UTF8.GetString(encoded) : null;
        var bytes = new byte[encoded.Length];
        var length = 0;
        for (var i = 0; i < encoded.Length; i++)
        {
            var value = encoded[i];
            if (value == '+') value = (byte)' ';
            else if (value == '%')
            {
                if (i + 2 >= encoded.Length || !byte.TryParse(encoded.Slice(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value)) return null;
                i += 2;
            }
            bytes[length++] = value;
        }
        var decoded = bytes.AsSpan(0, length);
        return Utf8.IsValid(decoded) ? Encoding.UTF8.GetString(decoded) : null;
    }
}
