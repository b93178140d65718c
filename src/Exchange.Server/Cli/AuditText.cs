using System.Globalization;
using System.Text.Json;

namespace Exchange.Server.Cli;

/// <summary>An audit for people: what was checked, and below it what was found.</summary>
internal static class AuditText
{
    public static void Write(JsonElement report, CliConsole console)
    {
        var table = CliConsole.TableOf("", "invariant", "what must hold", "looked at", "found");
        foreach (var check in report.Items("checks"))
        {
            var found = check.GetProperty("found").GetInt64();
            CliConsole.Row(table, found == 0 ? "ok" : "!!", check.Text("id"), check.Text("name"), Number(check.GetProperty("looked").GetInt64()), found == 0 ? "–" : Number(found));
        }
        console.Show(table);
        foreach (var check in report.Items("checks"))
        {
            foreach (var note in check.Items("notes")) console.Line($"note   {check.Text("id")} {note.Text("subject")}: {note.Text("what")}");
            foreach (var finding in check.Items("findings")) console.Line($"FOUND  {check.Text("id")} {finding.Text("subject")}: {finding.Text("what")}", "red");
            var more = check.GetProperty("found").GetInt64() - check.GetProperty("findings").GetArrayLength();
            if (more > 0) console.Line($"       … and {Number(more)} more of {check.Text("name")}", "red");
        }
        if (report.GetProperty("clean").GetBoolean()) console.Line("Clean: every check holds.", "green");
    }

    private static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
