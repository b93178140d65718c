using System.CommandLine;
using System.Text.Json;

namespace Exchange.Server.Cli;

/// <summary><c>keys create</c>, <c>keys list</c>, <c>keys revoke</c>.</summary>
internal static class KeyCommands
{
    private const string Path = "v1/admin/keys";

    public static Command All(Connection connection) => new("keys", "API keys of publishers, buyers, admins and viewers.")
    {
        Create(connection), List(connection), Revoke(connection),
    };

    private static Command Create(Connection connection)
    {
        var role = new Option<string>("--role") { Required = true, Description = "publisher, buyer, admin or viewer." };
        role.AcceptOnlyFromAmong("publisher", "buyer", "admin", "viewer");
        var party = new Option<string>("--for") { Required = true, Description = "Id of the publisher or buyer; for admins and viewers whose key it is." };
        var mode = new Option<string>("--mode") { DefaultValueFactory = _ => "live", Description = "live or test." };
        mode.AcceptOnlyFromAmong("live", "test");
        var command = new Command("create", "Make a key; it is shown this once.") { role, party, mode };
        connection.Act(command, async call =>
        {
            var body = JsonSerializer.Serialize(new Dictionary<string, string?>
            {
                ["role"] = call.Parsed.GetValue(role), ["for"] = call.Parsed.GetValue(party), ["mode"] = call.Parsed.GetValue(mode),
            });
            return call.Finish(await call.Client.PostAsync(Path, body, null, call.Cancel), key =>
            {
                // The key alone on its line, so that it can be caught by a script too.
                call.Console.Output.WriteLine(key.Text("key"));
                call.Console.Error.WriteLine($"Key {key.Text("id")}. It is not shown again.");
            });
        });
        return command;
    }

    private static Command List(Connection connection)
    {
        var command = new Command("list", "List keys; never the keys themselves.");
        connection.Act(command, async call => call.Finish(await call.Client.GetAsync(Path, call.Cancel), answer =>
        {
            var table = CliConsole.TableOf("id", "role", "for", "mode", "starts", "created", "revoked");
            foreach (var key in answer.Items("keys"))
                CliConsole.Row(table, key.Text("id"), key.Text("role"), key.Text("for"), key.Text("mode"), key.Text("prefix"), key.Text("created_at"), key.Text("revoked_at"));
            call.Console.Show(table);
        }));
        return command;
    }

    private static Command Revoke(Connection connection)
    {
        var id = new Argument<string>("ID") { Description = "The key's id, as keys list shows it." };
        var command = new Command("revoke", "End a key at once.") { id };
        connection.Act(command, async call =>
        {
            var answer = await call.Client.DeleteAsync($"{Path}/{Uri.EscapeDataString(call.Parsed.GetValue(id)!)}", call.Cancel);
            return call.Finish(answer, key => call.Console.Line($"Key {key.Text("id")} is revoked."));
        });
        return command;
    }
}
