using System.Text.Json;
using Exchange.Engine.Catalog;

namespace Exchange.Engine.Tests.Filters;

/// <summary>A piece of a catalog written as relaxed JSON in a test: names and words need no quotes where that is unambiguous.</summary>
internal static class Written
{
    public static ConfigNode Node(string text, string path = "filter")
    {
        var quoted = System.Text.RegularExpressions.Regex.Replace(text, """("(?:[^"\\]|\\.)*")|([A-Za-z0-9_+.%-][A-Za-z0-9_+.%@/-]*)""",
            match => match.Groups[1].Success ? match.Value : $"\"{match.Value}\"");
        using var document = JsonDocument.Parse(quoted);
        return Read(document.RootElement, path);
    }

    private static ConfigNode Read(JsonElement element, string path) => element.ValueKind switch
    {
        JsonValueKind.Object => new ConfigMap(path, 0, [.. element.EnumerateObject().Select(
            member => KeyValuePair.Create(member.Name, Read(member.Value, ConfigErrors.At(path, member.Name))))]),
        JsonValueKind.Array => new ConfigList(path, 0, [.. element.EnumerateArray().Select((item, index) => Read(item, ConfigErrors.At(path, index)))]),
        _ => new ConfigText(path, 0, element.GetString()!),
    };
}
