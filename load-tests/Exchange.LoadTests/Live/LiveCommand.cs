using System.CommandLine;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using Exchange.LoadTests.Admin;
using Exchange.LoadTests.Children;
using Exchange.LoadTests.Compare;
using Spectre.Console;

namespace Exchange.LoadTests.Live;

/// <summary>
/// What live bidding costs: pings whose campaigns are all asked over HTTP, against a bare handler that only makes the same calls, by turns in one run; what
/// slow bidders add to their own slowness; and what hanging bidders do to auctions without them.
/// </summary>
internal static class LiveCommand
{
    /// <summary>Before each part: what the parts before it left behind is done.</summary>
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(1);

    public static Command Create()
    {
        var bidders = new Option<int>("--bidders") { Description = "Live campaigns in each auction.", DefaultValueFactory = _ => 10 }.AtLeast(1);
        var callers = new Option<int>("--in-flight") { Description = "Pings in flight.", DefaultValueFactory = _ => 16 }.AtLeast(1);
        var seconds = new Option<int>("--seconds") { Description = "Measured time of each part of a round.", DefaultValueFactory = _ => 8 }.AtLeast(1);
        var rounds = new Option<int>("--rounds") { Description = "All parts take turns this often.", DefaultValueFactory = _ => 3 }.AtLeast(1);
        var warmUp = new Option<int>("--warm-up") { Description = "Most seconds of load for each process before anything is measured; shorter when it has stopped growing.", DefaultValueFactory = _ => 60 }.AtLeast(0);
        var think = new Option<int>("--think-ms") { Description = "How long the slow bidders take.", DefaultValueFactory = _ => 50 }.AtLeast(1);
        var server = new Option<string?>("--server") { Description = "The server's exchange.dll to start. Default: the one built in this repository." };
        var command = new Command("live",
            "Measures live bidding over HTTP: auctions per second against a bare handler that only makes the same calls (each on one core of its own), the time above slow bidders, and what hanging ones cost the others. Build with -c Release.")
        {
            bidders, callers, seconds, rounds, warmUp, think, server,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            var (count, thinkMs) = (parsed.GetValue(bidders), parsed.GetValue(think));
            var self = typeof(LiveCommand).Assembly.Location;
            var ports = FreePorts.Find(2);
            var at = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{ports[0]}"));
            // The measured process has the first core, whatever measures it the others. A child is born on the cores of its parent, and has as many threads and
            // heaps as it sees cores.
            var others = Cores.Without(1);
            Cores.Bind(Environment.ProcessId, others);
            await using var bidServer = ChildProcess.Start(self, ["bid-server", "--port", Text(ports[0])], new Dictionary<string, string>());
            Cores.Bind(Environment.ProcessId, 1);
            await using var bare = ChildProcess.Start(self, ["bare-caller", "--port", Text(ports[1]), "--bidders", Text(count), "--at", at.AbsoluteUri.TrimEnd('/')], new Dictionary<string, string>());
            await using var exchange = await ExchangeChild.StartAsync(parsed.GetValue(server), "Development", cancel, new Dictionary<string, string> { ["Exchange__Delivery__AllowLoopback"] = "true" });
            Cores.Bind(Environment.ProcessId, others);

            using var admin = new AdminClient(exchange.Http, exchange.AdminKey);
            await admin.SetSecretAsync(LiveCatalog.Secret, "whsec_" + Convert.ToBase64String(new byte[24]), cancel);
            await admin.ReplaceCatalogAsync(LiveCatalog.Json(at, count, thinkMs), cancel);
            var key = await admin.IssuePublisherKeyAsync(LiveCatalog.Publisher, cancel);
            using var http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 512 });
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key.Key);
            var ours = new Uri(exchange.Http, "/v1/pings");
            var theirs = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{ports[1]}/v1/pings"));

            var most = TimeSpan.FromSeconds(parsed.GetValue(warmUp));
            await WarmUp.UntilCalmAsync(most, async slice => (await LoadAsync(theirs, LiveCatalog.Fast, parsed.GetValue(callers), slice, () => bare.ProcessorTime)).PerSecond);
            await WarmUp.UntilCalmAsync(most, async slice => (await LoadAsync(ours, LiveCatalog.Fast, parsed.GetValue(callers), slice, () => exchange.ProcessorTime)).PerSecond);
            var results = new List<LiveRound>();
            for (var round = 0; round < parsed.GetValue(rounds); round++)
            {
                var time = TimeSpan.FromSeconds(parsed.GetValue(seconds));
                var callersNow = parsed.GetValue(callers);
                var floor = await LoadAsync(theirs, LiveCatalog.Fast, callersNow, time, () => bare.ProcessorTime);
                var fast = await LoadAsync(ours, LiveCatalog.Fast, callersNow, time, () => exchange.ProcessorTime);
                var slowFloor = await LoadAsync(new(theirs, string.Create(CultureInfo.InvariantCulture, $"pings/think/{thinkMs}")), LiveCatalog.Slow, 4, time, () => bare.ProcessorTime);
                var slow = await LoadAsync(ours, LiveCatalog.Slow, 4, time, () => exchange.ProcessorTime);
                using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
                var hanging = HangAsync(stop.Token);
                var beside = await LoadAsync(ours, LiveCatalog.Slow, 4, time, () => exchange.ProcessorTime);
                await stop.CancelAsync();
                await hanging;
                results.Add(new(floor, fast, slowFloor, slow, beside));
            }
            LiveReport.Print(results, count, thinkMs, AnsiConsole.Console);
            return results.Any(round => round.All.Any(load => load.Errors.Count + load.NotDone.Count > 0 || load.Done == 0)) ? ExitCodes.Failed : 0;

            Task<LoadResult> LoadAsync(Uri url, string vertical, int inFlight, TimeSpan time, Func<TimeSpan> cpu) =>
                ClosedLoop.RunAsync(inFlight, Settle, time, (_, _, stop) => PingAsync(http, url, vertical, stop), cpu, cancel);

            async Task HangAsync(CancellationToken stop)
            {
                try
                {
                    // As many pings as the others send, not as many as fit: those of rested bidders are answered at once.
                    await Task.WhenAll(Enumerable.Range(0, 4).Select(async _ =>
                    {
                        while (!stop.IsCancellationRequested) await Task.WhenAll(PingAsync(http, ours, LiveCatalog.Hung, stop), Task.Delay(thinkMs, stop));
                    }));
                }
                catch (OperationCanceledException) { }
            }
        });
        return command;
    }

    /// <summary>Null: offered.</summary>
    private static async Task<string?> PingAsync(HttpClient http, Uri url, string vertical, CancellationToken stop)
    {
        using var content = new StringContent($$"""{ "vertical": "{{vertical}}", "fields": { "state": "CA", "age": 35 } }""", Encoding.UTF8, "application/json");
        using var answer = await http.PostAsync(url, content, stop);
        var text = await answer.Content.ReadAsStringAsync(stop);
        if (!answer.IsSuccessStatusCode) throw new RunFailedException(string.Create(CultureInfo.InvariantCulture, $"{(int)answer.StatusCode}: {text}"));
        return text.Contains("\"offered\"", StringComparison.Ordinal) ? null : text;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
