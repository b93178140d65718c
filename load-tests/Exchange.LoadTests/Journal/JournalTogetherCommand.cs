using System.CommandLine;
using System.Globalization;
using Exchange.LoadTests.Children;
using Exchange.Storage.Postgres;
using Npgsql;
using Spectre.Console;

namespace Exchange.LoadTests.Journal;

/// <summary>Two processes, each with a journal of its own, on the same campaigns of one PostgreSQL: nothing but the database stands between them. Exit code 0: all is exact.</summary>
internal static class JournalTogetherCommand
{
    /// <summary>Longer than a transaction may idle: what the stopped process held is free again.</summary>
    private static readonly TimeSpan Stopped = TimeSpan.FromMilliseconds(1_200);
    private static readonly TimeSpan Going = TimeSpan.FromMilliseconds(600);

    public static Command Create()
    {
        var seconds = new Option<int>("--seconds") { Description = "How long both sell at most.", DefaultValueFactory = _ => 60 }.AtLeast(1);
        var sales = new Option<int>("--sales") { Description = "How many leads each is offered at most.", DefaultValueFactory = _ => 10_000_000 }.AtLeast(1);
        var campaigns = new Option<int>("--campaigns") { Description = "How many campaigns take turns.", DefaultValueFactory = _ => 10 }.AtLeast(1);
        var cap = new Option<int>("--cap") { Description = "Cap of each campaign.", DefaultValueFactory = _ => 10_000_000 }.AtLeast(0);
        var callers = new Option<int>("--callers") { Description = "How many wait at once in each.", DefaultValueFactory = _ => 64 }.AtLeast(1);
        var stop = new Option<bool>("--stop") { Description = "Stop one of them now and then (SIGSTOP), wherever it is, for longer than a transaction may idle." };
        var command = new Command("journal-together", "Sells from two processes at once on a PostgreSQL of its own, and adds up what is stored.") { seconds, sales, campaigns, cap, callers, stop };
        command.SetAction((parsed, cancel) => RunAsync(
            new(parsed.GetValue(campaigns), parsed.GetValue(cap)), parsed.GetValue(sales), parsed.GetValue(seconds), parsed.GetValue(callers), parsed.GetValue(stop), cancel));
        return command;
    }

    private static async Task<int> RunAsync(Market market, int sales, int seconds, int callers, bool stop, CancellationToken cancel)
    {
        await using var postgres = await PrivatePostgres.StartAsync(cancel);
        await using (var store = await PostgresStore.OpenAsync(new PostgresStoreOptions { ConnectionString = postgres.Database, MasterKey = new byte[32] }))
            await market.ApplyAsync(store, NowMs(), cancel);
        using var one = await StartAsync();
        using var other = await StartAsync();
        one.Go();
        other.Go();
        var ended = other.EndAsync(cancel);
        var stops = stop ? await StopAsync(one, ended) : [];
        var (second, first) = (await ended, await one.EndAsync(cancel));

        var sold = first.Done + second.Done;
        var wrong = await AddUpAsync(postgres.Database, sold, cancel);
        var deadlocks = await ReadAsync(postgres.Database, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()", cancel);
        var table = new Table { ShowHeaders = false }.AddColumns("", "");
        Row("Sold", sold);
        Row("Refused", first.Refused + second.Refused);
        Row("Failed", first.Failed + second.Failed);
        Row("Sales a second, both", first.PerSecond + second.PerSecond);
        Row("Retries", first.Retries + second.Retries);
        Row("Deadlocks", deadlocks);
        Row("Campaigns at their cap", await ReadAsync(postgres.Database, "SELECT count(*) FROM counter WHERE key LIKE 'cap:%' AND used = lim", cancel));
        Row("Stops of one process", stops.Count);
        Row("Sold by it", first.Done);
        // A wait that was under way while it stood.
        var (beside, apart) = (second.Longest.Where(Stood).ToList(), second.Longest.Where(wait => !Stood(wait)).ToList());
        Row("Worst wait in the other while it stood, ms", beside.Select(static wait => wait.Ms).DefaultIfEmpty().Max());
        Row("Worst wait in the other at other times, ms", apart.Select(static wait => wait.Ms).DefaultIfEmpty().Max());
        table.AddRow("Not exact", wrong.Length == 0 ? "nothing" : wrong);
        AnsiConsole.Write(table);
        // Whoever is stopped in mid-transaction loses it, and tries again.
        return wrong.Length == 0 && deadlocks == 0 && first.Failed + second.Failed == 0 && (stop || first.Retries + second.Retries == 0) ? 0 : ExitCodes.Failed;

        Task<Seller> StartAsync() => Seller.StartAsync(postgres.Database, market.Campaigns, market.Cap, sales, seconds, callers, cancel);
        void Row(string name, double value) => table.AddRow(name, value.ToString("#,0", CultureInfo.InvariantCulture));

        bool Stood(Wait wait) => stops.Exists(stood => wait.FromMs < stood.To && wait.FromMs + wait.Ms > stood.From);

        static long NowMs() => TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();

        // When it stood, in Unix milliseconds.
        async Task<List<(long From, long To)>> StopAsync(Seller seller, Task until)
        {
            List<(long From, long To)> done = [];
            await Task.WhenAny(until, Task.Delay(Sellers.WarmUp, cancel));
            while (!until.IsCompleted)
            {
                // Wherever it is: most likely in the middle of a commit.
                await seller.SignalAsync("STOP");
                var from = NowMs();
                await Task.WhenAny(until, Task.Delay(Stopped, cancel));
                done.Add((from, NowMs()));
                await seller.SignalAsync("CONT");
                await Task.WhenAny(until, Task.Delay(Going, cancel));
            }
            return done;
        }
    }

    /// <summary>What is not as it must be if so many were sold, by name.</summary>
    private static async Task<string> AddUpAsync(string database, int sold, CancellationToken cancel)
    {
        List<string> wrong = [];
        foreach (var rows in (string[])["copy WHERE state = 3", "lead", "request", "sold", "delivery"]) await MustBeAsync($"SELECT count(*) FROM {rows}", sold);
        await MustBeAsync("SELECT count(*) FROM person", 2L * sold);
        await MustBeAsync("SELECT coalesce(sum(used), 0)::bigint FROM counter WHERE key LIKE 'cap:%'", sold);
        await MustBeAsync("SELECT count(*) FROM counter WHERE held <> 0 OR key LIKE 'cap:%' AND used > lim", 0);
        await MustBeAsync("SELECT count(*) FROM counter c WHERE c.key LIKE 'cap:%' AND c.used <> (SELECT count(*) FROM copy x WHERE c.key = ANY (x.takes))", 0);
        return string.Join("; ", wrong);

        async Task MustBeAsync(string sql, long expected)
        {
            if (await ReadAsync(database, sql, cancel) is var found && found != expected) wrong.Add(string.Create(CultureInfo.InvariantCulture, $"{sql} = {found}, not {expected}"));
        }
    }

    private static async Task<long> ReadAsync(string database, string sql, CancellationToken cancel)
    {
        await using var connection = new NpgsqlConnection(database + ";Pooling=false");
        await connection.OpenAsync(cancel);
#pragma warning disable CA2100 // Statements of this file.
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
#pragma warning restore CA2100
        return Convert.ToInt64(await command.ExecuteScalarAsync(cancel), CultureInfo.InvariantCulture);
    }
}
