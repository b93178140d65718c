using System.CommandLine;
using System.Text.Json;

namespace Exchange.Server.Cli;

/// <summary><c>doubts</c>: copies of which nobody knows whether their buyer took them; <c>doubts resolve</c> ends one by the operator's word.</summary>
internal static class DoubtCommands
{
    public static Command All(Connection connection)
    {
        var buyer = new Option<string?>("--buyer") { Description = "Only this buyer's." };
        var campaign = new Option<string?>("--campaign") { Description = "Only this campaign's." };
        var command = new Command("doubts", "List copies in doubt, oldest first: since when, how often asked, what happens next.") { buyer, campaign };
        connection.Act(command, async call =>
        {
            var query = string.Concat(
                call.Parsed.GetValue(buyer) is { } who ? $"&buyer={Uri.EscapeDataString(who)}" : "", call.Parsed.GetValue(campaign) is { } which ? $"&campaign={Uri.EscapeDataString(which)}" : "");
            return call.Finish(await call.Client.GetAsync("v1/admin/doubts?limit=500" + query, call.Cancel), answer =>
            {
                var table = CliConsole.TableOf("copy", "campaign", "buyer", "price", "since", "asked", "last error", "next");
                foreach (var doubt in answer.Items("doubts"))
                    CliConsole.Row(table, doubt.Text("copy_id"), doubt.Text("campaign"), doubt.Text("buyer"), doubt.Text("price"), doubt.Text("since"), doubt.Text("attempts"), doubt.Text("error"),
                        doubt.Text("next") == "operator" ? "you decide: doubts resolve" : $"asked again {doubt.Text("next_at")}");
                call.Console.Show(table);
                if (answer.Text("next") is { Length: > 0 }) call.Console.Line("There are more; resolve these first, or read on with GET /v1/admin/doubts?cursor=");
            });
        });
        command.Add(Resolve(connection));
        return command;
    }

    private static Command Resolve(Connection connection)
    {
        var copy = new Argument<string>("COPY") { Description = "The copy's id, as doubts shows it." };
        var accepted = new Option<bool>("--accepted") { Description = "The buyer has it: the sale is made." };
        var rejected = new Option<bool>("--rejected") { Description = "The buyer does not have it: its hold is freed and the next in rank is asked." };
        // Written into runbooks when it was kept; it may name a person, and nothing of it is kept any more.
        var note = new Option<string>("--note") { Hidden = true };
        var command = new Command("resolve", "Say what became of one, after asking the buyer.") { copy, accepted, rejected, note };
        command.Validators.Add(result =>
        {
            if (result.GetValue(accepted) == result.GetValue(rejected)) result.AddError("Say either --accepted or --rejected.");
        });
        connection.Act(command, async call =>
        {
            var outcome = call.Parsed.GetValue(accepted) ? "accepted" : "rejected";
            var body = new Dictionary<string, string> { ["outcome"] = outcome };
            var answer = await call.Client.PostAsync($"v1/admin/copies/{Uri.EscapeDataString(call.Parsed.GetValue(copy)!)}/resolve", JsonSerializer.Serialize(body), null, call.Cancel);
            return call.Finish(answer, resolved => call.Console.Line($"Copy {resolved.Text("copy_id")} is {resolved.Text("outcome")}{(resolved.GetProperty("changed").GetBoolean() ? "" : ", as it was before")}."));
        });
        return command;
    }
}
