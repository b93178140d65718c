using System.CommandLine;
using System.Globalization;
using Exchange.LoadTests.Admin;
using Exchange.LoadTests.Children;
using Exchange.LoadTests.Compare;
using Spectre.Console;

namespace Exchange.LoadTests.Overload;

/// <summary>What more than the server can do, does to it: its peak, the same with a multiple of that arriving, and how soon all is as before.</summary>
internal static class OverloadCommand
{
    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(500);
    /// <summary>Longer than a post may take.</summary>
    private static readonly TimeSpan AnswerPatience = TimeSpan.FromSeconds(40);
    /// <summary>What must be done of what is due for all to be as before, and sent of what was asked for an overload to be one.</summary>
    private const double Enough = 0.95;

    public static Command Create()
    {
        var factor = new Option<double>("--factor") { Description = "What arrives in the overload, as a multiple of the peak.", DefaultValueFactory = _ => 2 };
        var seconds = new Option<int>("--seconds") { Description = "Time of the overload and of the time after it.", DefaultValueFactory = _ => 10 }.AtLeast(2);
        var rounds = new Option<int>("--rounds") { Description = "Overloads, one after the other; medians are told.", DefaultValueFactory = _ => 3 }.AtLeast(1);
        var warmUp = new Option<int>("--warm-up") { Description = "Most seconds of closed load before anything is measured; shorter when it has stopped growing.", DefaultValueFactory = _ => 120 }.AtLeast(0);
        var connections = new Option<int>("--connections") { Description = "HTTP/2 connections.", DefaultValueFactory = _ => 4 }.AtLeast(1);
        var pings = new Option<bool>("--pings") { Description = "Pings alone instead of pings with their durable posts." };
        var stream = new Option<bool>("--stream") { Description = "Pings over PingStream, one stream for each connection, as a publisher of many sends them; else a call for each." };
        var together = new Option<bool>("--together") { Description = "Server and client share all cores, and the client goes first: what it tells of waits is the server's. Else they have half of the cores each." };
        var server = new Option<string?>("--server") { Description = "The server's exchange.dll to start. Default: the one built in this repository." };
        var command = new Command("overload",
            "Finds the peak of durable ping + post pairs in a closed loop, then offers a multiple of it whether it is served or not, then half of it. Prints goodput, how soon refusals come and how soon all is as before. Exit code 0: 90 % of the peak were kept, something was refused and 99 of 100 within 10 ms, all was as before within 5 s, every call was answered, the books are right. Build with -c Release.")
        {
            factor, seconds, rounds, warmUp, connections, pings, stream, together, server,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            // A child is born on the cores of its parent, and has as many threads and heaps as it sees cores.
            var all = parsed.GetValue(together);
            if (!all) Cores.Bind(Environment.ProcessId, Cores.Half);
            await using var exchange = await ExchangeChild.StartAsync(parsed.GetValue(server), "Production", cancel, new Dictionary<string, string> { ["Exchange__Intake__OverloadAfterMs"] = "100" });
            if (!all) Cores.Bind(Environment.ProcessId, Cores.Without(Cores.Half));
            else Cores.GoBefore(exchange.ProcessId);
            // Wide enough for a file.
            if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = 230;
            using var admin = new AdminClient(exchange.Http, exchange.AdminKey);
            await admin.ReplaceCatalogAsync(new ComparedCatalog(1_000, 20, 1).Json(), cancel);
            var key = await admin.IssuePublisherKeyAsync(ComparedCatalog.Publisher, cancel);
            using var intake = new RawIntake(exchange.Grpc, key.Key, parsed.GetValue(connections), 1, parsed.GetValue(stream));
            var (time, run) = (TimeSpan.FromSeconds(parsed.GetValue(seconds)), new Run(new Load(intake, parsed.GetValue(pings)), exchange, AnsiConsole.Console));
            var met = await run.RunAsync(TimeSpan.FromSeconds(parsed.GetValue(warmUp)), parsed.GetValue(factor), time, parsed.GetValue(rounds));
            await FloorAsync(run.MostCallsPerSecond, parsed.GetValue(connections), time, all, cancel);
            if (intake.FirstFailure is { } failure) AnsiConsole.MarkupLine($"[red]{Markup.Escape(failure)}[/]");
            var clean = await BooksAudit.IsCleanAsync(exchange, cancel);
            return met && intake.FirstFailure is null && clean ? 0 : ExitCodes.Failed;
        });
        return command;
    }

    /// <summary>What the same client sees of a service that answers as many calls at once and does nothing else: this much of the waits above is the client's, the transport's and the machine's.</summary>
    private static async Task FloorAsync(double perSecond, int connections, TimeSpan time, bool together, CancellationToken cancel)
    {
        var port = FreePorts.Find(1)[0];
        if (!together) Cores.Bind(Environment.ProcessId, Cores.Half);
        await using var echo = ChildProcess.Start(typeof(OverloadCommand).Assembly.Location, ["echo-server", "--port", port.ToString(CultureInfo.InvariantCulture)], new Dictionary<string, string>());
        if (!together) Cores.Bind(Environment.ProcessId, Cores.Without(Cores.Half));
        else Cores.GoBefore(echo.ProcessId);
        using var wire = new RawIntake(new Uri($"http://localhost:{port}"), "none", connections, 1);
        for (var patience = 100; patience > 0 && await wire.PairAsync(0, static () => { }, pingOnly: true, cancel) != Ended.Done; patience--) await Task.Delay(TimeSpan.FromMilliseconds(100), cancel);
        var load = new Load(wire, pingOnly: true);
        await load.OpenAsync(perSecond, TimeSpan.FromSeconds(10));
        load.Tally.Take();
        await load.OpenAsync(perSecond, time);
        var floor = load.Tally.Take();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"The floor: a bare service answers as many calls ({floor.OfferedPerSecond:#,##0}/s) after {floor.DoneMs.P50:0.0} ms (p50), {floor.DoneMs.P99:0.0} ms (p99), {floor.DoneMs.Max:0.0} ms at the longest; {floor.DoneFromDueMs.P99:0.0} ms (p99) after they were due."));
    }

    private sealed class Run(Load load, ExchangeChild exchange, IAnsiConsole console)
    {
        private readonly Table table = new Table().RoundedBorder().AddColumns("", "offered /s", "not sent", "done /s", "refused pings", "posts", "failed", "done p50 · p99 ms", "refused p50 · p99 · max ms", "from due: done p50 · p99, refused p99 ms", "server CPU", "client CPU", "MB");
        private TimeSpan cpu, own;

        /// <summary>Pings and posts that were sent in the overload that had most of them.</summary>
        public double MostCallsPerSecond { get; private set; }

        public async Task<bool> RunAsync(TimeSpan warmUp, double factor, TimeSpan seconds, int rounds)
        {
            await WarmUp.UntilCalmAsync(warmUp, async slice =>
            {
                Begin();
                // As many as are no overload for a server that is still compiling: refusals would keep it from that.
                await load.ClosedAsync(32, slice);
                return load.Tally.Take().PerSecond;
            });
            var (peak, callers) = (0.0, 0);
            foreach (var many in (int[])[64, 128, 256, 512])
                if (await ClosedAsync(many) is var now && now > peak) (peak, callers) = (now, many);
            var overloads = new List<Overloaded>();
            for (var round = 0; round < rounds; round++)
            {
                // Half of the peak is what it serves without haste.
                Begin();
                var calmly = peak / 2;
                await load.OpenAsync(calmly, TimeSpan.FromSeconds(4));
                var before = Row("half of the peak", load.Tally.Take());
                var memory = exchange.MemoryMb;
                Begin();
                await load.OpenAsync(peak * factor, seconds);
                var over = Row(string.Create(CultureInfo.InvariantCulture, $"{factor:0.#} times the peak"), load.Tally.Take());
                MostCallsPerSecond = Math.Max(MostCallsPerSecond, over.OfferedPerSecond + over.PerSecond);
                var memoryAfter = exchange.MemoryMb;
                var slices = new List<Stretch>();
                var calm = load.OpenAsync(calmly, seconds);
                while (!calm.IsCompleted)
                {
                    Begin();
                    await Task.WhenAny(calm, Task.Delay(Slice));
                    slices.Add(load.Tally.Take());
                }
                Row("half of the peak again, its end", slices[^2]);
                // As before: nobody is refused, the wait of most is what it was, or within 10 ms of it, and what is due is done, for two seconds on end: this machine has a slow moment now and then at any load.
                bool IsAsBefore(Stretch slice) => slice.Refused + slice.Failed == 0 && slice.Done > 0 && slice.DoneMs.P99 <= Math.Max(2 * before.DoneMs.P99, before.DoneMs.P99 + 10);
                bool AreAsBefore(List<Stretch> together) =>
                    together.TrueForAll(IsAsBefore) && together.Sum(static slice => slice.Done + slice.NoOffer) >= Enough * calmly * together.Sum(static slice => slice.Seconds);
                var steady = (int)(TimeSpan.FromSeconds(2) / Slice);
                var recovered = Enumerable.Range(0, slices.Count).FirstOrDefault(at => at + steady <= slices.Count && AreAsBefore(slices.GetRange(at, steady)), slices.Count);
                var neverAnswered = await load.AnsweredAsync(AnswerPatience);
                // A machine that others use is not as fast after a while as it was: the peak is measured on both sides.
                var after = await ClosedAsync(callers);
                overloads.Add(new(over.OfferedPerSecond / ((peak + after) / 2), over.OfferedPerSecond / peak, over.PerSecond / ((peak + after) / 2), over, neverAnswered, memory, memoryAfter,
                    recovered < slices.Count ? recovered * Slice.TotalSeconds : double.PositiveInfinity));
                peak = after;
            }
            console.Write(table);
            double Median(Func<Overloaded, double> of) => Medians.Of(overloads.Select(of));
            var (kept, refusedMs, wait) = (Median(round => round.Kept), Median(round => round.Over.RefusedMs.P99), overloads.Max(round => round.BackAfter));
            var (reached, never) = (Median(round => round.Reached), overloads.Sum(round => round.NeverAnswered));
            console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"Medians of {rounds}: in the overload {Median(round => round.Factor):0.00} times the peak was sent: goodput {kept:0.0%} of the peak before and after it, refused within {Median(round => round.Over.RefusedMs.P50):0.0} ms (p50), {refusedMs:0.0} ms (p99), memory {Median(round => round.MemoryAfter / round.MemoryBefore - 1):+0%;-0%}. All as before {(double.IsFinite(wait) ? $"{wait:0.0} s after it at the longest" : "not always within the time after it")}."));
            console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"Served within {Median(round => round.Over.DoneMs.P50):0.0} ms (p50), {Median(round => round.Over.DoneMs.P99):0.0} ms (p99). From when they were due: served {Median(round => round.Over.DoneFromDueMs.P99):0.0} ms (p99), refused {Median(round => round.Over.RefusedFromDueMs.P99):0.0} ms (p99). Memory {Median(round => round.MemoryBefore):0} MB before, {Median(round => round.MemoryAfter):0} MB after. Sent: {reached:0.00} times the peak before it, of {factor:0.##}; refused in the round that had fewest: {overloads.Min(round => round.Over.Refused)}; never answered: {never}."));
            // Without a refusal there is no time of one, and less than was asked is no overload.
            return kept >= 0.9 && refusedMs < 10 && wait <= 5 && overloads.TrueForAll(round => round.Over.Refused > 0) && reached >= Enough * factor && never == 0;

            async Task<double> ClosedAsync(int many)
            {
                Begin();
                await load.ClosedAsync(many, TimeSpan.FromSeconds(3));
                return Row($"closed, {many} in flight", load.Tally.Take()).PerSecond;
            }
        }

        /// <param name="Factor">What was offered, of the peak before and after it, and <paramref name="Reached"/> of the one before, which it was a multiple of.</param>
        /// <param name="Kept">What was done, of the peak before and after it.</param>
        /// <param name="MemoryBefore">Megabytes.</param>
        /// <param name="BackAfter">Seconds; infinite: not within the time after it.</param>
        private sealed record Overloaded(double Factor, double Reached, double Kept, Stretch Over, int NeverAnswered, double MemoryBefore, double MemoryAfter, double BackAfter);

        private void Begin()
        {
            load.Tally.Take();
            (cpu, own) = (exchange.ProcessorTime, Environment.CpuUsage.TotalTime);
        }

        private Stretch Row(string name, Stretch stretch)
        {
            table.AddRow(name, Number(stretch.OfferedPerSecond), Number(stretch.NotSent), Number(stretch.PerSecond), Number(stretch.PingsRefused), Number(stretch.PostsRefused), Number(stretch.Failed),
                string.Create(CultureInfo.InvariantCulture, $"{stretch.DoneMs.P50:0.0} · {stretch.DoneMs.P99:0.0}"),
                string.Create(CultureInfo.InvariantCulture, $"{stretch.RefusedMs.P50:0.0} · {stretch.RefusedMs.P99:0.0} · {stretch.RefusedMs.Max:0.0}"),
                string.Create(CultureInfo.InvariantCulture, $"{stretch.DoneFromDueMs.P50:0.0} · {stretch.DoneFromDueMs.P99:0.0}, {stretch.RefusedFromDueMs.P99:0.0}"),
                Processor(exchange.ProcessorTime - cpu, stretch), Processor(Environment.CpuUsage.TotalTime - own, stretch), Number(exchange.MemoryMb));
            return stretch;
        }

        private static string Processor(TimeSpan used, Stretch stretch) => string.Create(CultureInfo.InvariantCulture, $"{used / TimeSpan.FromSeconds(stretch.Seconds):0%}");

        private static string Number(double value) => value.ToString("#,##0", CultureInfo.InvariantCulture);
    }
}
