using System.CommandLine;
using System.Globalization;
using System.Net.Http.Headers;
using Exchange.LoadTests.Admin;
using Exchange.LoadTests.Children;
using Exchange.LoadTests.Compare;
using Exchange.LoadTests.Overload;
using Exchange.LoadTests.Restart;
using Exchange.V1;
using Spectre.Console;

namespace Exchange.LoadTests.Sales;

/// <summary>Durable sales through gRPC: the exchange against a bare service with one transaction per sale, the same rows in the same PostgreSQL, by turns.</summary>
internal static class SalesCommand
{
    public static Command Create()
    {
        var callers = new Option<int>("--callers") { Description = "Pairs of ping and post in flight.", DefaultValueFactory = _ => 256 }.AtLeast(1);
        var seconds = new Option<int>("--seconds") { Description = "Measured time of each side of a round.", DefaultValueFactory = _ => 8 }.AtLeast(1);
        var warmUp = new Option<int>("--warm-up") { Description = "Most seconds of the same load before the first round, each side; shorter when it has stopped growing.", DefaultValueFactory = _ => 90 }.AtLeast(0);
        var rounds = new Option<int>("--rounds") { Description = "Both take turns this often.", DefaultValueFactory = _ => 3 }.AtLeast(1);
        var server = new Option<string?>("--server") { Description = "The server's exchange.dll to start. Default: the one built in this repository." };
        var command = new Command("sales",
            "Compares durable sales through gRPC with a bare gRPC service that answers each ping at once and makes one transaction of each post: the same rows, run and database (a PostgreSQL of the run's own). Build with -c Release.")
        {
            callers, seconds, warmUp, rounds, server,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            await using var postgres = await PrivatePostgres.StartAsync(cancel);
            await using var exchange = await ExchangeChild.StartAsync(parsed.GetValue(server), "Production", cancel, postgres.Settings());
            using var admin = new AdminClient(exchange.Http, exchange.AdminKey);
            using (var http = new HttpClient { BaseAddress = exchange.Http, DefaultRequestHeaders = { Authorization = new("Bearer", exchange.AdminKey) } })
            {
                using var request = new HttpRequestMessage(HttpMethod.Put, "/v1/admin/catalog") { Content = new StringContent(ManyLeads.Catalog, new MediaTypeHeaderValue("application/yaml")) };
                request.Headers.IfMatch.Add(EntityTagHeaderValue.Any);
                using var applied = await http.SendAsync(request, cancel);
                if (!applied.IsSuccessStatusCode) throw new RunFailedException($"The catalog: {await applied.Content.ReadAsStringAsync(cancel)}");
            }
            var key = await admin.IssuePublisherKeyAsync(ManyLeads.Publisher, cancel);
            var port = FreePorts.Find(1)[0];
            await using var single = ChildProcess.Start(typeof(SalesCommand).Assembly.Location, ["one-sale-server", "--port", Text(port), "--connection", postgres.Database], new Dictionary<string, string>());
            using var ours = new Pairs(exchange.Grpc, key.Key);
            using var theirs = new Pairs(new Uri($"http://localhost:{Text(port)}"), key.Key);
            for (var tries = 0; await theirs.SellAsync(0, 0, cancel) is not null && tries < 100 && !single.HasExited; tries++) await Task.Delay(100, cancel);
            foreach (var side in (Pairs[])[ours, theirs])
                await WarmUp.UntilCalmAsync(TimeSpan.FromSeconds(parsed.GetValue(warmUp)),
                    async slice => (await ClosedLoop.RunAsync(parsed.GetValue(callers), TimeSpan.Zero, slice, side.SellAsync, static () => TimeSpan.Zero, cancel)).PerSecond);
            List<LoadResult> journal = [], alone = [];
            for (var round = 0; round < parsed.GetValue(rounds); round++)
            {
                var (warm, time) = (TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(parsed.GetValue(seconds)));
                journal.Add(await ClosedLoop.RunAsync(parsed.GetValue(callers), warm, time, ours.SellAsync, () => exchange.ProcessorTime, cancel));
                alone.Add(await ClosedLoop.RunAsync(parsed.GetValue(callers), warm, time, theirs.SellAsync, () => single.ProcessorTime, cancel));
            }
            var table = new Table().RoundedBorder().AddColumns("durable sales through gRPC", "per second", "p50 ms", "p99 ms", "its processor per sale µs", "not sold", "errors");
            Row("the exchange", journal);
            Row("one transaction each", alone);
            AnsiConsole.Write(table);
            AnsiConsole.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"The exchange makes {Medians.Of(journal.Zip(alone, static (one, other) => one.PerSecond / other.PerSecond)):0.0} times as many (median of {journal.Count} rounds, {parsed.GetValue(callers)} in flight)."));
            return journal.Concat(alone).Any(load => load.Errors.Count > 0 || load.NotDone.Count > 0) ? ExitCodes.Failed : 0;

            void Row(string name, List<LoadResult> loads) => table.AddRow(name, Number(Medians.Of(loads.Select(load => load.PerSecond))), Number(Medians.Of(loads.Select(load => load.P50Micros / 1_000))),
                Number(Medians.Of(loads.Select(load => load.P99Micros / 1_000))), Number(Medians.Of(loads.Select(load => load.CpuMicrosPerRequest))), Markup.Escape(string.Join(", ", loads.SelectMany(load => load.NotDone).Select(pair => $"{pair.Value} {pair.Key}").Take(3))),
                Markup.Escape(string.Join(", ", loads.SelectMany(load => load.Errors).Select(pair => $"{pair.Value} {pair.Key}").Take(3))));
        });
        return command;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Number(double value) => value.ToString("#,##0.#", CultureInfo.InvariantCulture);

    /// <summary>A ping and its post make one sale, on either side.</summary>
    private sealed class Pairs(Uri server, string key) : IDisposable
    {
        private const int Connections = 4;
        private static readonly PingRequest Ping = new() { Vertical = ManyLeads.Vertical, Fields = { ["state"] = "CA" } };

        // The client's work is on the same processors: as little as possible, so that it does not hide what the servers' costs.
        private readonly RawIntake _intake = new(server, key, Connections, [Ping], static number => [new("email", string.Create(CultureInfo.InvariantCulture, $"sale{number}@example.com"))]);
        private long _number;

        public async Task<string?> SellAsync(int caller, long number, CancellationToken cancel)
        {
            // Also the last one of a slice is waited for: calls broken off by the hundred are what servers end connections for.
            var ended = await _intake.PairAsync(Interlocked.Increment(ref _number), static () => { }, pingOnly: false, CancellationToken.None);
            return ended switch { Ended.Done => null, Ended.Failed => _intake.FirstFailure, _ => ended.ToString() };
        }

        public void Dispose() => _intake.Dispose();
    }
}
