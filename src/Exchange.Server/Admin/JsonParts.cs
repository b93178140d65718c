using System.Globalization;
using System.Text.Json;
using Exchange.Engine.Fields;

namespace Exchange.Server.Admin;

/// <summary>The small shapes that every answer writes the same way.</summary>
internal static class JsonParts
{
    /// <summary>UTC with Z and milliseconds.</summary>
    public static void WriteTime(this Utf8JsonWriter json, string name, DateTimeOffset at) =>
        json.WriteString(name, at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));

    public static void WriteTime(this Utf8JsonWriter json, string name, long unixMs) => json.WriteTime(name, DateTimeOffset.FromUnixTimeMilliseconds(unixMs));

    public static void WriteErrors(this Utf8JsonWriter json, string name, IEnumerable<InputError> errors)
    {
        json.WriteStartArray(name);
        foreach (var error in errors)
        {
            json.WriteStartObject();
            json.WriteString("pointer", error.Pointer);
            json.WriteString("code", error.Code);
            json.WriteString("message", error.Message);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    public static void WriteObjects<T>(this Utf8JsonWriter json, string name, IEnumerable<T> items, Action<T> members)
    {
        json.WriteStartArray(name);
        foreach (var item in items)
        {
            json.WriteStartObject();
            members(item);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}
