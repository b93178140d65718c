using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Exchange.Server.Hosting;
using Exchange.Storage;
using Exchange.Storage.Sqlite;

namespace Exchange.Server.Cli;

/// <summary><c>backup FOLDER</c>: the embedded database's files as of one moment, also while an exchange serves them.</summary>
internal static class BackupCommand
{
    public static Command Make(Connection connection)
    {
        var target = new Argument<string>("FOLDER") { Description = "Where the backup goes: a folder that is not there yet, or empty." };
        var data = DataFolder.Option();
        var withKey = new Option<bool>("--with-key") { Description = "Put the installation's key in as well. Whoever has both can read contact data." };
        var command = new Command("backup", "Copy the embedded database while it runs (docs/backup.md tells how to restore, and PostgreSQL).") { target, data, withKey };
        command.SetAction((parsed, _) => Task.Run(() => Run(
            parsed.GetValue(data), parsed.GetValue(target)!, parsed.GetValue(withKey), parsed.GetValue(connection.Json),
            new CliConsole(parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error))));
        return command;
    }

    /// <param name="data">A folder that is named is meant, whatever the environment says.</param>
    private static int Run(string? data, string target, bool withKey, bool json, CliConsole console)
    {
        if (data is null && Environment.GetEnvironmentVariable("Exchange__Postgres") is { Length: > 0 })
        {
            console.Error.WriteLine("This exchange runs on PostgreSQL, which has its own backup: docs/backup.md tells the steps.");
            return ExitCodes.Usage;
        }
        try
        {
            FaultPlan.Arm(Environment.GetEnvironmentVariable(FaultPlan.Variable), production: false);
            var files = SqliteBackup.Run(DataFolder.Of(data), target, withKey);
            if (json)
            {
                console.Output.WriteLine(JsonSerializer.Serialize(new { folder = Path.GetFullPath(target), files = files.Select(file => new { name = file.Name, bytes = file.Bytes }), with_key = withKey }));
                return ExitCodes.Ok;
            }
            foreach (var file in files) console.Line(string.Create(CultureInfo.InvariantCulture, $"{file.Name,-14} {file.Bytes,15:N0} bytes"));
            console.Line($"The backup is in {Path.GetFullPath(target)}.");
            if (!withKey) console.Line("The installation's key is not in it. Without the key contact data in it cannot be read: keep it elsewhere, and apart.");
            return ExitCodes.Ok;
        }
        catch (Exception fault) when (fault is StorageOpenException or OptionsException)
        {
            console.Error.WriteLine(fault.Message);
            return ExitCodes.Refused;
        }
    }
}
