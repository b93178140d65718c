using System.CommandLine;

namespace Exchange.Server.Cli;

/// <summary><c>buyers test CAMPAIGN</c>: what a campaign's endpoints get, what they answered, and what was read in it.</summary>
internal static class BuyerCommands
{
    public static Command All(Connection connection) => new("buyers", "Try how buyers are reached.") { Test(connection) };

    private static Command Test(Connection connection)
    {
        var campaign = new Argument<string>("CAMPAIGN") { Description = "The campaign's id." };
        var command = new Command("test", "Send a test ping and post to the `test` of a campaign's endpoints; without one, show what would be sent. Secrets are shown by name.") { campaign };
        connection.Act(command, async call => call.Finish(
            await call.Client.PostAsync($"v1/admin/campaigns/{Uri.EscapeDataString(call.Parsed.GetValue(campaign)!)}/test", "{}", null, call.Cancel), answer => TrialText.Write(answer, call.Console)));
        return command;
    }
}
