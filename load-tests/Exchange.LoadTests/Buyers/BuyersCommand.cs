using System.CommandLine;
using System.Globalization;
using Exchange.LoadTests.Buyers.Shapes;
using Spectre.Console;

namespace Exchange.LoadTests.Buyers;

/// <summary>Buyers of every known shape behind one port, for trying connectors by hand and under load.</summary>
internal static class BuyersCommand
{
    public static Command Create()
    {
        var port = new Option<int>("--port") { Description = "Loopback port to listen on.", DefaultValueFactory = _ => 8093 }.AtLeast(1);
        var seed = new Option<int>("--seed") { Description = "The same seed gives the same fates, call by call.", DefaultValueFactory = _ => 1 };
        var quiet = new Option<bool>("--quiet") { Description = "No line for each call." };
        var profile = new Option<string>("--profile") { Description = "How they behave: " + string.Join(", ", BuyerProfile.All.Select(known => known.Name)) + ".", DefaultValueFactory = _ => "honest" };
        profile.AcceptOnlyFromAmong([.. BuyerProfile.All.Select(known => known.Name)]);
        var command = new Command("buyers",
            "Buyers that speak " + string.Join(", ", BuyerShape.All.Select(shape => shape.Name)) + " on one port, each under its product's own paths. Point a connector's url at http://localhost:PORT/… "
            + "(the exchange must run with Exchange__Delivery__AllowLoopback=true).")
        {
            port, seed, profile, quiet,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            await using var buyers = await FakeBuyers.StartAsync(parsed.GetValue(port), parsed.GetValue(seed), BuyerProfile.Find(parsed.GetValue(profile)!), cancel);
            // Contact data is not printed: a person only counts.
            if (!parsed.GetValue(quiet))
            {
                buyers.Called += call => AnsiConsole.MarkupLine($"{call.Shape} {call.Asked} → {call.Fate}{(call.Took ? ", taken" : "")}");
            }

            AnsiConsole.MarkupLine(string.Create(CultureInfo.InvariantCulture, $"Listening on http://localhost:{buyers.Port}/, {parsed.GetValue(profile)}. Ctrl-C ends."));
            await Task.Delay(Timeout.InfiniteTimeSpan, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            var took = buyers.Calls.Count(call => call.Took);
            AnsiConsole.MarkupLine(string.Create(CultureInfo.InvariantCulture, $"{buyers.Calls.Count} calls, {took} leads taken."));
            return 0;
        });
        return command;
    }
}
