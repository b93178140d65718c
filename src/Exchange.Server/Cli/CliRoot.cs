using System.CommandLine;
using System.CommandLine.Invocation;

namespace Exchange.Server.Cli;

/// <summary>The whole command line. Without a command the exchange is served.</summary>
public static class CliRoot
{
    /// <param name="serve">Runs the exchange until it is stopped; gets the words after <c>serve</c> as configuration (<c>--Exchange:Http:Port=9000</c>).</param>
    /// <param name="migrate">Brings the store's schema up to date and returns the exit code.</param>
    /// <param name="patience">How long a running exchange's answers are waited for; null: a minute. What may take long is waited for longer.</param>
    public static RootCommand Build(Func<string[], CancellationToken, Task<int>> serve, Func<string[], CancellationToken, Task<int>> migrate, TimeSpan? patience = null)
    {
        var connection = new Connection { Patience = patience ?? ExchangeClient.Patience };
        var root = new RootCommand("A self-hosted ping-post lead exchange.");
        connection.AddTo(root);
        root.SetAction((_, cancel) => serve([], cancel));

        root.Add(WithSettings("serve", "Run the exchange (what no command does too).", serve));
        foreach (var command in CatalogCommands.All(connection)) root.Add(command);
        root.Add(KeyCommands.All(connection));
        root.Add(ExplainCommand.Make(connection));
        root.Add(DoubtCommands.All(connection));
        root.Add(DeliveryCommands.All(connection));
        root.Add(BuyerCommands.All(connection));
        root.Add(PostbackCommands.All(connection));
        root.Add(AuditCommand.Make(connection));
        root.Add(BackupCommand.Make(connection));
        root.Add(RestoredCommand.Make(connection));
        root.Add(WithSettings("migrate", "Bring the database's schema up to date, then end.", migrate));
        return root;
    }

    /// <summary>Runs one command line and gives its exit code; a command line that makes no sense is told and exits 2.</summary>
    public static async Task<int> RunAsync(RootCommand root, IReadOnlyList<string> arguments, InvocationConfiguration? configuration = null)
    {
        var parsed = root.Parse(arguments);
        // Signals are the host's: the command line would end a process two seconds after SIGTERM, whatever it has still to finish.
        var code = await parsed.InvokeAsync(configuration ?? new() { ProcessTerminationTimeout = null });
        return parsed.Action is ParseErrorAction ? ExitCodes.Usage : code;
    }

    private static Command WithSettings(string name, string description, Func<string[], CancellationToken, Task<int>> run)
    {
        var command = new Command(name, description) { TreatUnmatchedTokensAsErrors = false };
        command.SetAction((parsed, cancel) => run([.. parsed.UnmatchedTokens], cancel));
        return command;
    }
}
