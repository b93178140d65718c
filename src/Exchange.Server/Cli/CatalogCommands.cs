using System.CommandLine;
using System.Globalization;
using System.Text.Json;

namespace Exchange.Server.Cli;

/// <summary><c>plan</c>, <c>apply</c>, <c>export</c>, <c>history</c>, <c>rollback</c>: the catalog from a file and back.</summary>
internal static class CatalogCommands
{
    private const string Path = "v1/admin/catalog";

    public static IEnumerable<Command> All(Connection connection) => [Plan(connection), Apply(connection), Export(connection), History(connection), Rollback(connection)];

    private static Command Plan(Connection connection)
    {
        var command = new Command("plan", "Show what applying a catalog would change, and everything wrong with it; changes nothing.") { CatalogFile.Argument };
        connection.Act(command, async call =>
        {
            if (await CatalogFile.ReadAsync(call) is not var (bytes, mediaType)) return ExitCodes.Usage;
            var answer = await call.Client.PutAsync(Path + "?dry_run=true", bytes, mediaType, null, call.Cancel);
            return call.Finish(answer, outcome => PlanText.Write(outcome, call.Console));
        });
        return command;
    }

    private static Command Apply(Connection connection)
    {
        var force = new Option<bool>("--force") { Description = "Overwrite a newer version." };
        var command = new Command("apply", "Apply a catalog whole, or not at all.") { CatalogFile.Argument, force };
        connection.Act(command, async call =>
        {
            if (await CatalogFile.ReadAsync(call) is not var (bytes, mediaType)) return ExitCodes.Usage;
            var ifMatch = "*";
            if (!call.Parsed.GetValue(force))
            {
                // The file's own `version:` is judged by the exchange; this closes the gap between looking and writing.
                var current = await call.Client.GetAsync(Path, call.Cancel);
                if (!current.IsOk) return call.Refuse(current);
                ifMatch = current.Tag ?? "*";
            }
            var answer = await call.Client.PutAsync(Path, bytes, mediaType, ifMatch, call.Cancel);
            return call.Finish(answer, outcome =>
            {
                PlanText.Write(outcome, call.Console);
                call.Console.Line($"Version {outcome.Text("version")} serves.", "bold");
            });
        });
        return command;
    }

    private static Command Export(Connection connection)
    {
        var version = new Option<long?>("--version-number") { Description = "An earlier version instead of the current one." };
        var command = new Command("export", "Print the catalog: YAML, or JSON with --json.") { version };
        connection.Act(command, async call =>
        {
            var query = call.Parsed.GetValue(version) is { } number ? string.Create(CultureInfo.InvariantCulture, $"?version={number}") : "";
            var answer = await call.Client.GetAsync(Path + query, call.Cancel, call.Json ? "application/json" : "application/yaml");
            if (!answer.IsOk) return call.Refuse(answer);
            await call.Console.Output.WriteLineAsync(answer.Body.TrimEnd());
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command History(Connection connection)
    {
        var command = new Command("history", "List the catalog's versions, newest first.");
        connection.Act(command, async call => call.Finish(await call.Client.GetAsync(Path + "/history?limit=500", call.Cancel), answer =>
        {
            var table = CliConsole.TableOf("version", "at", "author");
            foreach (var row in answer.Items("versions")) CliConsole.Row(table, row.Text("version"), row.Text("at"), row.Text("author"));
            call.Console.Show(table);
            if (answer.Text("next") is { Length: > 0 }) call.Console.Line("There are more; read on with GET /v1/admin/catalog/history?cursor=");
        }));
        return command;
    }

    private static Command Rollback(Connection connection)
    {
        var version = new Argument<long>("VERSION") { Description = "The version to serve again, as a new version." };
        var command = new Command("rollback", "Apply an earlier version again.") { version };
        connection.Act(command, async call =>
        {
            var current = await call.Client.GetAsync(Path, call.Cancel);
            if (!current.IsOk) return call.Refuse(current);
            var body = JsonSerializer.Serialize(new Dictionary<string, long> { ["version"] = call.Parsed.GetValue(version) });
            return call.Finish(await call.Client.PostAsync(Path + "/rollback", body, current.Tag ?? "*", call.Cancel), outcome =>
            {
                PlanText.Write(outcome, call.Console);
                call.Console.Line($"Version {outcome.Text("version")} serves.", "bold");
            });
        });
        return command;
    }
}
