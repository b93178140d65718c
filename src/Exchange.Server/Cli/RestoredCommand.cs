using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Exchange.Storage;
using Exchange.Storage.Postgres;

namespace Exchange.Server.Cli;

/// <summary><c>restored</c>: makes a PostgreSQL database that was restored from a copy ready to be served. A backup of the embedded one is made ready as it is taken.</summary>
internal static class RestoredCommand
{
    public static Command Make(Connection connection)
    {
        var command = new Command("restored", "Make a restored PostgreSQL database ready to serve: no number that a buyer reads its inbox on from is given twice (docs/backup.md).");
        command.SetAction((parsed, cancel) => RunAsync(parsed.GetValue(connection.Json), new CliConsole(parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error), cancel));
        return command;
    }

    private static async Task<int> RunAsync(bool json, CliConsole console, CancellationToken cancel)
    {
        if (Environment.GetEnvironmentVariable("Exchange__Postgres") is not { Length: > 0 } database)
        {
            await console.Error.WriteLineAsync("Exchange__Postgres names no database. A backup of the embedded one needs nothing more: docs/backup.md tells the steps.");
            return ExitCodes.Usage;
        }
        try
        {
            var buyers = await PostgresRestored.RunAsync(database, cancel);
            if (json) console.Output.WriteLine(JsonSerializer.Serialize(new { buyers, numbers_left_out = PostgresRestored.SoldNumbersLeftOut }));
            else console.Line(string.Create(CultureInfo.InvariantCulture, $"Ready to be served: what {buyers} buyers are sold from now on comes after whatever they have seen."));
            return ExitCodes.Ok;
        }
        catch (Exception fault) when (fault is StorageOpenException or StorageBusyException)
        {
            await console.Error.WriteLineAsync(fault.Message);
            return ExitCodes.Refused;
        }
    }
}
