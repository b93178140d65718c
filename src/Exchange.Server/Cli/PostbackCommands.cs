using System.CommandLine;
using System.Text.Json;

namespace Exchange.Server.Cli;

/// <summary><c>postbacks list</c>: what publishers are told, dead letters unless told otherwise; <c>postbacks replay</c> sends dead ones again, one or many.</summary>
internal static class PostbackCommands
{
    public static Command All(Connection connection)
    {
        var command = new Command("postbacks", "See publishers' postbacks and send dead ones again.");
        command.Add(List(connection));
        command.Add(Replay(connection));
        return command;
    }

    private static Command List(Connection connection)
    {
        var status = new Option<string>("--status") { Description = "waiting, delivered, dead, cancelled or all.", DefaultValueFactory = _ => "dead" };
        var publisher = new Option<string?>("--publisher") { Description = "Only this publisher's." };
        var lead = new Option<string?>("--lead") { Description = "Only this lead's." };
        var command = new Command("list", "List postbacks, newest lead first; dead ones unless told otherwise.") { status, publisher, lead };
        connection.Act(command, async call =>
        {
            var query = "";
            if (call.Parsed.GetValue(status) is { } which && which != "all") query += $"&status={Uri.EscapeDataString(which)}";
            if (call.Parsed.GetValue(publisher) is { } who) query += $"&publisher={Uri.EscapeDataString(who)}";
            if (call.Parsed.GetValue(lead) is { } id) query += $"&lead_id={Uri.EscapeDataString(id)}";
            return call.Finish(await call.Client.GetAsync("v1/admin/postbacks?limit=500" + query, call.Cancel), answer =>
            {
                var table = CliConsole.TableOf("postback", "publisher", "event", "change", "status", "attempts", "error", "due", "since");
                foreach (var row in answer.Items("postbacks"))
                    CliConsole.Row(table, row.Text("postback_id"), row.Text("publisher"), row.Text("event"), row.Text("change"), row.Text("status"), row.Text("attempts"), row.Text("error"),
                        row.Text("status") == "waiting" ? row.Text("due_at") : "", row.Text("at"));
                call.Console.Show(table);
                if (answer.Text("next") is { Length: > 0 }) call.Console.Line("There are more; narrow it with --publisher, or read on with GET /v1/admin/postbacks?cursor=");
            });
        });
        return command;
    }

    private static Command Replay(Connection connection)
    {
        var postback = new Argument<string?>("POSTBACK") { Description = "The postback's id, as list shows it. Without it all that match are sent again.", Arity = ArgumentArity.ZeroOrOne };
        var publisher = new Option<string?>("--publisher") { Description = "Only this publisher's." };
        var error = new Option<string?>("--error") { Description = "Only those that ended with this error, as list shows it." };
        var from = new Option<string?>("--from") { Description = "Only those that ended then or later, as 2026-11-22T12:00:00Z." };
        var until = new Option<string?>("--until") { Description = "Only those that ended before." };
        var all = new Option<bool>("--all") { Description = "Every dead postback there is." };
        var note = new Option<string?>("--note") { Description = "Why, for the audit trail. Name no person in it." };
        var command = new Command("replay", "Send dead postbacks again now, with the same ids; one that is named by POSTBACK also if it waits for its next attempt.") { postback, publisher, error, from, until, all, note };
        Option<string?>[] filters = [publisher, error, from, until];
        command.Validators.Add(result =>
        {
            var filtered = filters.Any(option => result.GetValue(option) is not null);
            if (result.GetValue(postback) is not null ? filtered || result.GetValue(all) : !filtered && !result.GetValue(all))
                result.AddError("Say which: POSTBACK alone, or --publisher, --error, --from, --until, or --all.");
        });
        connection.Act(command, async call =>
        {
            var body = new Dictionary<string, string>();
            if (call.Parsed.GetValue(note) is { } why) body["note"] = why;
            if (call.Parsed.GetValue(postback) is { } one)
                return call.Finish(await call.Client.PostAsync($"v1/admin/postbacks/{Uri.EscapeDataString(one)}/replay", JsonSerializer.Serialize(body), null, call.Cancel),
                    sent => call.Console.Line($"Postback {sent.Text("postback_id")} goes again."));
            foreach (var option in filters)
                if (call.Parsed.GetValue(option) is { } value) body[option.Name.TrimStart('-')] = value;
            return call.Finish(await call.Client.PostAsync("v1/admin/postbacks/replay", JsonSerializer.Serialize(body), null, call.Cancel, takesLong: true),
                sent => call.Console.Line($"{sent.Text("replayed")} postbacks go again."));
        });
        return command;
    }
}
