using System.CommandLine;
using System.Text.Json;

namespace Exchange.Server.Cli;

/// <summary><c>deliveries list</c>: deliveries as they stand, dead letters unless told otherwise; <c>deliveries replay</c> sends dead ones again, one or many.</summary>
internal static class DeliveryCommands
{
    public static Command All(Connection connection)
    {
        var command = new Command("deliveries", "See deliveries and dead letters, and send them again.");
        command.Add(List(connection));
        command.Add(Replay(connection));
        return command;
    }

    private static Command List(Connection connection)
    {
        var status = new Option<string>("--status") { Description = "waiting, delivered, failed, dead, cancelled or all.", DefaultValueFactory = _ => "dead" };
        var buyer = new Option<string?>("--buyer") { Description = "Only this buyer's." };
        var command = new Command("list", "List deliveries, newest first; dead letters unless told otherwise.") { status, buyer };
        connection.Act(command, async call =>
        {
            var which = call.Parsed.GetValue(status)!;
            var query = string.Concat(which == "all" ? "" : $"&status={Uri.EscapeDataString(which)}", call.Parsed.GetValue(buyer) is { } who ? $"&buyer={Uri.EscapeDataString(who)}" : "");
            return call.Finish(await call.Client.GetAsync("v1/admin/deliveries?limit=500" + query, call.Cancel), answer =>
            {
                var table = CliConsole.TableOf("copy", "endpoint", "campaign", "buyer", "status", "attempts", "error", "due", "since");
                foreach (var row in answer.Items("deliveries"))
                    CliConsole.Row(table, row.Text("copy_id"), row.Text("endpoint"), row.Text("campaign"), row.Text("buyer"), row.Text("status"), row.Text("attempts"), row.Text("error"),
                        row.Text("status") == "waiting" ? row.Text("due_at") : "", row.Text("at"));
                call.Console.Show(table);
                if (answer.Text("next") is { Length: > 0 }) call.Console.Line("There are more; narrow it with --buyer, or read on with GET /v1/admin/deliveries?cursor=");
            });
        });
        return command;
    }

    private static Command Replay(Connection connection)
    {
        var copy = new Argument<string?>("COPY") { Description = "The copy's id, as list shows it; with --endpoint. Without it all that match are sent again.", Arity = ArgumentArity.ZeroOrOne };
        var endpoint = new Option<string?>("--endpoint") { Description = "Only to this endpoint." };
        var buyer = new Option<string?>("--buyer") { Description = "Only this buyer's." };
        var error = new Option<string?>("--error") { Description = "Only those that ended with this error, as list shows it." };
        var from = new Option<string?>("--from") { Description = "Only those that ended then or later, as 2026-11-22T12:00:00Z." };
        var until = new Option<string?>("--until") { Description = "Only those that ended before." };
        var all = new Option<bool>("--all") { Description = "Every dead letter there is." };
        var note = new Option<string?>("--note") { Description = "Why, for the audit trail. Name no person in it." };
        var command = new Command("replay", "Send dead and failed deliveries again now, with the same copy ids; one that is named by COPY also if it waits for its next attempt.") { copy, endpoint, buyer, error, from, until, all, note };
        command.Validators.Add(result =>
        {
            Option<string?>[] filters = [buyer, error, from, until];
            var filtered = filters.Any(option => result.GetValue(option) is not null);
            if (result.GetValue(copy) is not null)
            {
                if (result.GetValue(endpoint) is null || filtered || result.GetValue(all)) result.AddError("One copy is sent again with --endpoint, and no other filter.");
            }
            else if (!filtered && result.GetValue(endpoint) is null && !result.GetValue(all)) result.AddError("Say which: COPY with --endpoint, --buyer, --endpoint, --error, --from, --until, or --all.");
        });
        connection.Act(command, async call =>
        {
            var body = new Dictionary<string, string>();
            if (call.Parsed.GetValue(note) is { } why) body["note"] = why;
            if (call.Parsed.GetValue(copy) is { } one)
            {
                var path = $"v1/admin/deliveries/{Uri.EscapeDataString(one)}/{Uri.EscapeDataString(call.Parsed.GetValue(endpoint)!)}/replay";
                return call.Finish(await call.Client.PostAsync(path, JsonSerializer.Serialize(body), null, call.Cancel), sent => call.Console.Line($"Copy {sent.Text("copy_id")} goes to {sent.Text("endpoint")} again."));
            }
            foreach (var (name, option) in ((string, Option<string?>)[])[("buyer", buyer), ("endpoint", endpoint), ("error", error), ("from", from), ("until", until)])
                if (call.Parsed.GetValue(option) is { } value) body[name] = value;
            return call.Finish(await call.Client.PostAsync("v1/admin/deliveries/replay", JsonSerializer.Serialize(body), null, call.Cancel, takesLong: true),
                sent => call.Console.Line($"{sent.Text("replayed")} deliveries go again."));
        });
        return command;
    }
}
