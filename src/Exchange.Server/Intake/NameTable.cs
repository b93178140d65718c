using System.Text.Json;

namespace Exchange.Server.Intake;

/// <summary>
/// Remembers the names of fields, which repeat from request to request, so that they are made into strings once. Fixed in size; a clash
/// replaces. Only for names: values are people's data and are not kept.
/// </summary>
internal static class NameTable
{
    private const int Slots = 4096;
    private const int LongestName = 64;

    private static readonly string?[] Names = new string?[Slots];

    /// <summary>The name at the reader, which stands on a name without escapes.</summary>
    public static string Read(ref Utf8JsonReader json)
    {
        var utf8 = json.ValueSpan;
        if (utf8.Length > LongestName) return json.GetString()!;
        var hash = new HashCode();
        hash.AddBytes(utf8);
        ref var slot = ref Names[hash.ToHashCode() & Slots - 1];
        // A torn read is impossible for a reference, and whichever of two writers wins is as good.
        var name = slot;
        if (name is null || !json.ValueTextEquals(name)) slot = name = json.GetString()!;
        return name;
    }
}
