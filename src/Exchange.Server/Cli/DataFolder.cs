using System.CommandLine;

namespace Exchange.Server.Cli;

/// <summary>The embedded database's folder, for commands that work on its files: <c>--data</c>, else <c>Exchange__Data</c>, else <c>./data</c>.</summary>
internal static class DataFolder
{
    public static Option<string?> Option() => new("--data") { Description = "The data folder of the embedded database (or Exchange__Data; ./data)." };

    public static string Of(string? given) => given ?? (Environment.GetEnvironmentVariable("Exchange__Data") is { Length: > 0 } folder ? folder : "./data");
}
