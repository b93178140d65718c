using System.CommandLine;
using System.Text.Json;
using Exchange.Storage.Postgres;

namespace Exchange.LoadTests.Journal;

/// <summary>One process of several that sell through journals on one database.</summary>
internal static class JournalSellCommand
{
    /// <summary>Its first line: the store is open.</summary>
    public const string Ready = "ready";

    public static Command Create()
    {
        var connection = new Option<string>("--connection") { Description = "The PostgreSQL database.", Required = true };
        var campaigns = new Option<int>("--campaigns") { Description = "How many campaigns take turns.", DefaultValueFactory = _ => 10 }.AtLeast(1);
        var cap = new Option<int>("--cap") { Description = "Cap of each campaign, as it was applied.", DefaultValueFactory = _ => 1_000_000 }.AtLeast(0);
        var sales = new Option<int>("--sales") { Description = "How many leads are offered.", DefaultValueFactory = _ => 10_000 }.AtLeast(1);
        var seconds = new Option<int>("--seconds") { Description = "How long it sells at most; 0: until all are offered.", DefaultValueFactory = _ => 0 }.AtLeast(0);
        var callers = new Option<int>("--callers") { Description = "How many wait at once.", DefaultValueFactory = _ => 128 }.AtLeast(1);
        var command = new Command("journal-sell", "Opens the store on a PostgreSQL that has the campaigns, prints 'ready', waits for a line, sells, and prints what came of it as JSON.")
        {
            connection, campaigns, cap, sales, seconds, callers,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            await using var store = await PostgresStore.OpenAsync(new PostgresStoreOptions { ConnectionString = parsed.GetValue(connection)!, MasterKey = new byte[32] });
            Console.WriteLine(Ready);
            await Console.In.ReadLineAsync(cancel);
            var market = new Market(parsed.GetValue(campaigns), parsed.GetValue(cap));
            var sold = await Sellers.RunAsync(parsed.GetValue(callers), parsed.GetValue(sales), n =>
                store.Journal.SubmitAsync(market.Sale(store.SiloNumber, n, TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds()), CancellationToken.None), parsed.GetValue(seconds) is var most and > 0 ? TimeSpan.FromSeconds(most) : null);
            Console.WriteLine(JsonSerializer.Serialize(new Seller.Outcome(sold.Done, sold.Refused, sold.Failed, sold.Longest, sold.PerSecond, store.Journal.Retries)));
            return 0;
        });
        return command;
    }
}
