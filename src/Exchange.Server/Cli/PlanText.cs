using System.Text.Json;

namespace Exchange.Server.Cli;

/// <summary>Shows what an apply changes: one line per change with + - or ~, then what is worth a second look.</summary>
internal static class PlanText
{
    /// <summary>A whole entry that comes or goes is told by its beginning; --json has all of it.</summary>
    private const int ValueChars = 100;

    public static void Write(JsonElement outcome, CliConsole console)
    {
        var changes = 0;
        foreach (var change in outcome.Items("changes"))
        {
            changes++;
            var path = change.Text("path");
            switch (change.Text("kind"))
            {
                case "added": console.Line($"+ {path}  {Short(change.Text("new"))}", "green"); break;
                case "removed": console.Line($"- {path}  {Short(change.Text("old"))}", "red"); break;
                default: console.Line($"~ {path}  {Short(change.Text("old"))} → {Short(change.Text("new"))}", "yellow"); break;
            }
        }
        if (changes == 0) console.Line("Nothing changes.");
        foreach (var warning in outcome.Items("warnings")) console.Line($"! {warning.Text("pointer")}: {warning.Text("message")}", "yellow");
    }

    private static string Short(string? value) => value is { Length: > ValueChars } ? value[..ValueChars] + " …" : value ?? "";
}
