using System.CommandLine;
using Exchange.LoadTests;
using Exchange.LoadTests.Buyers;
using Exchange.LoadTests.Compare;
using Exchange.LoadTests.Crash;
using Exchange.LoadTests.Demo;
using Exchange.LoadTests.Journal;
using Exchange.LoadTests.Live;
using Exchange.LoadTests.Outage;
using Exchange.LoadTests.Overload;
using Exchange.LoadTests.Restart;
using Exchange.LoadTests.Sales;
using Exchange.LoadTests.Swap;

var root = new RootCommand("Shows the exchange at work, measures it, and stands in for a buyer.")
{
    DemoCommand.Create(),
    CompareCommand.Create(),
    SwapCommand.Create(),
    LiveCommand.Create(),
    OverloadCommand.Create(),
    OutageCommand.Create(),
    BidServerCommand.Create(),
    BareCallerCommand.Create(),
    CrashCommand.Create(),
    FakeBuyerCommand.Create(),
    BuyersCommand.Create(),
    EchoServerCommand.Create(),
    RestartCommand.Create(),
    SalesCommand.Create(),
    OneSaleServerCommand.Create(),
    JournalCommand.Create(),
    JournalSellCommand.Create(),
    JournalTogetherCommand.Create(),
};

var parsed = root.Parse(args);
if (parsed.Errors.Count > 0)
{
    await parsed.InvokeAsync();
    return ExitCodes.Usage;
}

try
{
    // Ctrl-C cancels the command's token; the time is for stopping the server that was started and removing its folder.
    return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TimeSpan.FromSeconds(30) });
}
catch (OperationCanceledException)
{
    await Console.Error.WriteLineAsync("Stopped.");
    return ExitCodes.Stopped;
}
catch (RunFailedException failure)
{
    await Console.Error.WriteLineAsync(failure.Message);
    return ExitCodes.Failed;
}
