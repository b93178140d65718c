using System.Text.Json;

namespace Exchange.LoadTests.Admin;

/// <summary>Reads <c>application/problem+json</c>.</summary>
internal static class Problems
{
    /// <summary>The problem's code; <c>unreadable</c> for any other body.</summary>
    public static string Code(string body)
    {
        try
        {
            using var problem = JsonDocument.Parse(body);
            return problem.RootElement.ValueKind == JsonValueKind.Object && problem.RootElement.TryGetProperty("code", out var code)
                ? code.GetString() ?? "unreadable"
                : "unreadable";
        }
        catch (JsonException)
        {
            return "unreadable";
        }
    }
}
