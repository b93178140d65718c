using System.CommandLine;
using System.Data.Common;
using System.Globalization;
using System.Net.Http.Headers;
using Exchange.LoadTests.Admin;
using Exchange.LoadTests.Children;
using Exchange.LoadTests.Crash;
using Exchange.Storage;
using Exchange.Storage.Postgres;
using Exchange.Storage.Sqlite;
using Microsoft.Data.Sqlite;
using Npgsql;
using Spectre.Console;

namespace Exchange.LoadTests.Restart;

/// <summary>How long a server that was killed needs until it trades again, with nothing stored and with many leads.</summary>
internal static class RestartCommand
{
    private const string AdminKey = "admin-key-of-a-restart-run-0123456789";

    public static Command Create()
    {
        var leads = new Option<int>("--leads") { Description = "Leads that are stored, sold, each with a copy, a delivery, two persons, a key and two transfers.", DefaultValueFactory = _ => 1_000_000 }.AtLeast(1);
        var rounds = new Option<int>("--rounds") { Description = "kill -9 and start so often, of the empty and of the full books.", DefaultValueFactory = _ => 7 }.AtLeast(1);
        var postgres = new Option<bool>("--postgres") { Description = "On a PostgreSQL of the run's own instead of the embedded database." };
        var audit = new Option<bool>("--audit") { Description = "Has the exchange audit its books at the end." };
        var keep = new Option<string?>("--keep") { Description = "A folder for the embedded database that stays; filled before, it is used as it is." };
        var server = new Option<string?>("--server") { Description = "The server's exchange.dll to start. Default: the one built in this repository." };
        var command = new Command("restart",
            "Kills a server (kill -9) with sales just made, starts it and measures the time until /health/ready says yes: first with nothing stored, then with many leads. Build with -c Release.")
        {
            leads, rounds, postgres, audit, keep, server,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            var kept = parsed.GetValue(keep);
            var folder = kept ?? Directory.CreateTempSubdirectory("exchange-restart-").FullName;
            var postgresql = parsed.GetValue(postgres) ? await PrivatePostgres.StartAsync(cancel) : null;
            var run = new Run(parsed.GetValue(server), folder, postgresql?.Database, AnsiConsole.Console);
            try
            {
                await run.RunAsync(parsed.GetValue(leads), parsed.GetValue(rounds), parsed.GetValue(audit), cancel);
            }
            finally
            {
                await run.DisposeAsync();
                if (postgresql is not null) await postgresql.DisposeAsync();
                if (kept is null) Directory.Delete(folder, recursive: true);
            }
            return 0;
        });
        return command;
    }

    private sealed class Run : IAsyncDisposable
    {
        /// <summary>A file with the publisher's key.</summary>
        private const string Filled = "filled";
        // The books hold nothing but noise.
        private readonly byte[] _masterKey = new byte[32];
        private readonly string _folder;
        private readonly string? _database;
        private readonly IAnsiConsole _console;
        private readonly Server _server;

        public Run(string? assembly, string folder, string? database, IAnsiConsole console)
        {
            (_folder, _database, _console) = (folder, database, console);
            var ports = FreePorts.Find(4);
            var settings = new Dictionary<string, string> { ["EXCHANGE_ADMIN_KEY"] = AdminKey, ["Exchange__Data"] = folder, ["Exchange__MasterKey"] = Convert.ToBase64String(_masterKey) };
            if (database is not null)
            {
                settings["Exchange__Postgres"] = database;
                settings["Exchange__Silo__Port"] = ports[3].ToString(CultureInfo.InvariantCulture);
            }
            _server = new Server(assembly is null ? ExchangeChild.FindAssembly() : Path.GetFullPath(assembly), settings, ports[..3]);
        }

        public async Task RunAsync(int leads, int rounds, bool audit, CancellationToken cancel)
        {
            var note = Path.Combine(_folder, Filled);
            var isFilled = _database is null && File.Exists(note);
            await _server.StartAsync(null, cancel);
            var key = isFilled ? await File.ReadAllTextAsync(note, cancel) : await PrepareAsync(cancel);
            var empty = isFilled ? [] : await RestartsAsync(key, rounds, cancel);
            await _server.StopAsync();
            if (!isFilled) await FillAsync(leads, cancel);
            if (_database is null) await File.WriteAllTextAsync(note, key, cancel);
            // The first start after the filling finds a clean end.
            await _server.StartAsync(null, cancel);
            var full = await RestartsAsync(key, rounds, cancel);
            var table = new Table().RoundedBorder().AddColumns("ready after kill -9", "median s", "longest s", "its processor time, median s");
            if (empty.Count > 0) Row("nothing stored", empty);
            Row(string.Create(CultureInfo.InvariantCulture, $"{leads:#,##0} leads more"), full);
            _console.Write(table);
            if (audit) await BooksAudit.IsCleanAsync(_server.Http, AdminKey, _console, cancel);

            void Row(string name, List<(double Seconds, double Cpu)> starts) => table.AddRow(name, Text(Medians.Of(starts.Select(start => start.Seconds))), Text(starts.Max(start => start.Seconds)), Text(Medians.Of(starts.Select(start => start.Cpu))));

            static string Text(double seconds) => seconds.ToString("0.00", CultureInfo.InvariantCulture);
        }

        public async ValueTask DisposeAsync() => await _server.DisposeAsync();

        /// <summary>Sells a little, kills it, starts it, and sells once more: ready means that it trades.</summary>
        private async Task<List<(double Seconds, double Cpu)>> RestartsAsync(string key, int rounds, CancellationToken cancel)
        {
            var starts = new List<(double Seconds, double Cpu)>();
            for (var round = 0; round < rounds; round++)
            {
                for (var sale = 0; sale < 20; sale++) await SellAsync(key, cancel);
                await _server.KillAsync();
                var ready = await _server.StartAsync(null, cancel);
                starts.Add((ready!.Value.TotalSeconds, _server.ProcessorTime.TotalSeconds));
                await SellAsync(key, cancel);
            }
            return starts;
        }

        private long _persons = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();

        private async Task SellAsync(string key, CancellationToken cancel)
        {
            using var http = new HttpClient { BaseAddress = _server.Http, DefaultRequestHeaders = { Authorization = new("Bearer", key) } };
            var body = $$"""{ "vertical": "{{ManyLeads.Vertical}}", "fields": { "state": "CA", "email": "restart{{_persons++}}@example.com" } }""";
            using var answer = await http.PostAsync(new Uri("/v1/leads", UriKind.Relative), new StringContent(body, new MediaTypeHeaderValue("application/json")), cancel);
            var text = await answer.Content.ReadAsStringAsync(cancel);
            if (!text.Contains("\"sold\"", StringComparison.Ordinal)) throw new RunFailedException($"Not sold: {text}");
        }

        private async Task<string> PrepareAsync(CancellationToken cancel)
        {
            using var http = new HttpClient { BaseAddress = _server.Http, DefaultRequestHeaders = { Authorization = new("Bearer", AdminKey) } };
            using var request = new HttpRequestMessage(HttpMethod.Put, "/v1/admin/catalog") { Content = new StringContent(ManyLeads.Catalog, new MediaTypeHeaderValue("application/yaml")) };
            request.Headers.IfMatch.Add(EntityTagHeaderValue.Any);
            using var applied = await http.SendAsync(request, cancel);
            if (!applied.IsSuccessStatusCode) throw new RunFailedException($"The catalog: {await applied.Content.ReadAsStringAsync(cancel)}");
            using var admin = new AdminClient(_server.Http, AdminKey);
            return (await admin.IssuePublisherKeyAsync(ManyLeads.Publisher, cancel)).Key;
        }

        private async Task FillAsync(int leads, CancellationToken cancel)
        {
            DbConnection database;
            IExchangeStore store;
            ushort silo = 0;
            if (_database is null)
            {
                store = await SqliteStore.OpenAsync(new SqliteStoreOptions { Folder = _folder, MasterKey = _masterKey });
                database = new SqliteConnection($"Data Source={Path.Combine(_folder, SqliteStore.FactsFile)};Mode=ReadOnly;Pooling=False");
            }
            else
            {
                var opened = await PostgresStore.OpenAsync(new PostgresStoreOptions { ConnectionString = _database, MasterKey = _masterKey });
                (store, silo) = (opened, opened.SiloNumber);
                database = new NpgsqlConnection(_database);
            }
            await using (store)
            await using (database)
            {
                await database.OpenAsync(cancel);
                var sold = await ManyLeads.SellAsync(store, database, silo, leads, cancel);
                if (sold.Done != leads) throw new RunFailedException(string.Create(CultureInfo.InvariantCulture, $"Of {leads} leads {sold.Done} were stored, {sold.Refused} refused, {sold.Failed} failed"));
                _console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{leads:#,##0} leads stored through the journal in {sold.Seconds:0} s ({sold.PerSecond:#,##0}/s)"));
            }
            NpgsqlConnection.ClearAllPools();
        }
    }
}
