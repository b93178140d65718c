using System.CommandLine;
using System.Globalization;
using Exchange.LoadTests.Children;
using Exchange.Storage.Postgres;
using Spectre.Console;

namespace Exchange.LoadTests.Journal;

/// <summary>Durable sales through the journal against one transaction per sale, in turn, in one run and database. Exit code 1 if it makes fewer than it is to.</summary>
internal static class JournalCommand
{
    private const int Campaigns = 10, Connections = 32;
    /// <summary>So many times as many the journal is to make.</summary>
    private const double Asked = 5;

    public static Command Create()
    {
        var connection = new Option<string?>("--connection") { Description = "An empty PostgreSQL database; its schema is made, and rows stay in it. Without it one of its own, gone afterwards." };
        var rounds = new Option<int>("--rounds") { Description = "Rounds of both; the medians are compared.", DefaultValueFactory = _ => 3 }.AtLeast(1);
        var sales = new Option<int>("--sales") { Description = "Sales of a round through the journal; one by one a fifth of it.", DefaultValueFactory = _ => 40_000 }.AtLeast(1_000);
        var callers = new Option<int>("--callers") { Description = "Callers that wait for a sale at once.", DefaultValueFactory = _ => 256 }.AtLeast(1);
        var command = new Command("journal", "Compares durable sales through the journal with one transaction per sale: the same rows, run and database.") { connection, rounds, sales, callers };
        command.SetAction(async (parsed, cancel) =>
        {
            await using var postgres = parsed.GetValue(connection) is null ? await PrivatePostgres.StartAsync(cancel) : null;
            var options = new PostgresStoreOptions { ConnectionString = parsed.GetValue(connection) ?? postgres!.Database, MasterKey = new byte[32], MaxConnections = Connections + 8 };
            await using var store = await PostgresStore.OpenAsync(options);
            var market = new Market(Campaigns, 1_000_000_000);
            await market.ApplyAsync(store, NowMs(), cancel);
            // Not the journal's connections: its sessions have plans made for each call, which costs a function of many statements dear.
            await using var plain = OneByOne.Source(options.ConnectionString, Connections);
            await OneByOne.PrepareAsync(plain, Enumerable.Range(0, Campaigns).SelectMany(n => market.Sale(0, n, NowMs()).Starts[0].Takes).Where(take => take.Key != take.LimitId).DistinctBy(take => take.Key));

            List<Sold> journal = [], single = [];
            using var gate = new SemaphoreSlim(Connections);
            // A warm-up round first; a range of leads for each round and side.
            for (var round = 0; round <= parsed.GetValue(rounds); round++)
            {
                var first = round * 10_000_000;
                var through = await Sellers.RunAsync(parsed.GetValue(callers), parsed.GetValue(sales), n => store.Journal.SubmitAsync(market.Sale(store.SiloNumber, first + n, NowMs()), CancellationToken.None));
                var alone = await Sellers.RunAsync(parsed.GetValue(callers), parsed.GetValue(sales) / 5, async n =>
                {
                    await gate.WaitAsync(CancellationToken.None);
                    try { return await OneByOne.SellAsync(plain, market.Sale(store.SiloNumber, first + 5_000_000 + n, NowMs())); }
                    finally { gate.Release(); }
                });
                if (round == 0) continue;
                journal.Add(through);
                single.Add(alone);
            }

            var table = new Table().AddColumns("Durable sales", "per second", "p50 ms", "p99 ms", "refused");
            Row("through the journal", journal);
            Row("one transaction each", single);
            AnsiConsole.Write(table);
            var ratio = Median(journal) / Median(single);
            AnsiConsole.WriteLine(string.Create(CultureInfo.InvariantCulture, $"The journal makes {ratio:0.0} times as many (median of {journal.Count} rounds, {parsed.GetValue(callers)} callers, {Campaigns} campaigns; {store.Journal.Retries} retries)."));
            return ratio >= Asked ? 0 : ExitCodes.Failed;

            void Row(string name, List<Sold> sold) => table.AddRow(name, Number(Median(sold)), Number(sold.Average(round => round.P50Ms)), Number(sold.Average(round => round.P99Ms)),
                Number(sold.Sum(round => round.Refused + round.Failed)));
        });
        return command;
    }

    private static long NowMs() => TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
    private static double Median(List<Sold> rounds) => rounds.Select(round => round.PerSecond).Order().ElementAt(rounds.Count / 2);
    private static string Number(double value) => value.ToString("#,0.#", CultureInfo.InvariantCulture);
}
