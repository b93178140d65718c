using System.CommandLine;
using System.Text;
using System.Text.Json;
using Exchange.Server.Admin;
using Exchange.Storage;
using Exchange.Storage.Audit;
using Exchange.Storage.Postgres;
using Exchange.Storage.Sqlite;

namespace Exchange.Server.Cli;

/// <summary>
/// <c>audit</c>: everything that is stored against the invariants. With <c>--url</c> (or EXCHANGE_URL) it asks a running exchange; else it reads the
/// database itself (Exchange__Postgres, or the data folder), also while an exchange serves it. Exit code for cron: 0 clean, 1 findings, 2 it could not be done.
/// </summary>
internal static class AuditCommand
{
    public static Command Make(Connection connection)
    {
        var data = DataFolder.Option();
        var command = new Command("audit", "Check everything stored: caps = sales, ledger, copies, holds, answers, deliveries. Exit code 0 clean, 1 findings.") { data };
        connection.ActAnywhere(command, OverHttpAsync, (parsed, console, json, cancel) => LocalAsync(parsed.GetValue(data), console, json, cancel));
        return command;
    }

    private static async Task<int> OverHttpAsync(Call call)
    {
        var answer = await call.Client.GetAsync("v1/admin/audit", call.Cancel, takesLong: true);
        // No audit was made: for cron that is not the same as findings.
        return answer.IsOk ? Show(answer.Body, call.Console, call.Json) : Refused(call, answer);
    }

    /// <summary>A folder that is named is meant, whatever the environment says.</summary>
    private static async Task<int> LocalAsync(string? folder, CliConsole console, bool json, CancellationToken cancel)
    {
        try
        {
            using var postgres = folder is null && Environment.GetEnvironmentVariable("Exchange__Postgres") is { Length: > 0 } connection ? new PostgresAudits(connection) : null;
            using var sqlite = postgres is null ? new SqliteAudits(DataFolder.Of(folder)) : null;
            var report = await (postgres ?? (IAudits)sqlite!).RunAsync(TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(), cancel);
            return Show(Encoding.UTF8.GetString(Reply.Json(writer => AuditJson.WriteMembers(writer, report)).Body), console, json);
        }
        catch (Exception fault) when (fault is StorageOpenException or StorageBusyException)
        {
            await console.Error.WriteLineAsync(fault.Message);
            return ExitCodes.Usage;
        }
    }

    private static int Refused(Call call, ExchangeAnswer answer)
    {
        call.Refuse(answer);
        return ExitCodes.Usage;
    }

    private static int Show(string report, CliConsole console, bool json)
    {
        using var document = JsonDocument.Parse(report);
        // What does not say it is no report, and nothing of it is shown.
        var isClean = document.RootElement.GetProperty("clean").GetBoolean();
        if (json) console.Output.WriteLine(report);
        else AuditText.Write(document.RootElement, console);
        return isClean ? ExitCodes.Ok : ExitCodes.Refused;
    }
}
