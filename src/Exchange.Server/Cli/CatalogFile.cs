using System.CommandLine;

namespace Exchange.Server.Cli;

/// <summary>A catalog file on the command line: YAML unless its name ends in .json; <c>-</c> is standard input.</summary>
internal static class CatalogFile
{
    public static Argument<string> Argument { get; } = Make();

    /// <summary>Null, after saying why, if it cannot be read.</summary>
    public static async Task<(byte[] Bytes, string MediaType)?> ReadAsync(Call call)
    {
        var path = call.Parsed.GetValue(Argument)!;
        var mediaType = path.EndsWith(".json", StringComparison.OrdinalIgnoreCase) ? "application/json" : "application/yaml";
        try
        {
            if (path != "-") return (await File.ReadAllBytesAsync(path, call.Cancel), mediaType);
            using var bytes = new MemoryStream();
            await using var input = Console.OpenStandardInput();
            await input.CopyToAsync(bytes, call.Cancel);
            return (bytes.ToArray(), mediaType);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            await call.Console.Error.WriteLineAsync($"Cannot read {path}: {e.Message}");
            return null;
        }
    }

    private static Argument<string> Make() => new("FILE") { Description = "The catalog, YAML or JSON; - for standard input." };
}
