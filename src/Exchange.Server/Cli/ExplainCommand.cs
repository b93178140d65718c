using System.CommandLine;

namespace Exchange.Server.Cli;

/// <summary><c>explain PING_ID</c>: why a ping was offered, to whom, and why not to everybody else.</summary>
internal static class ExplainCommand
{
    public static Command Make(Connection connection)
    {
        var id = new Argument<string>("PING_ID") { Description = "The ping_id (or lead_id) as answered." };
        var command = new Command("explain", "Show for every campaign why it won, lost, declined or was excluded, with the numbers used.") { id };
        connection.Act(command, async call =>
        {
            var answer = await call.Client.GetAsync($"v1/admin/pings/{Uri.EscapeDataString(call.Parsed.GetValue(id)!)}/explanation", call.Cancel);
            return call.Finish(answer, explanation => ExplanationText.Write(explanation, call.Console));
        });
        return command;
    }
}
