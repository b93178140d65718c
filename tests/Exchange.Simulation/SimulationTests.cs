using System.Diagnostics;
using System.Globalization;
using Exchange.Engine.Catalog;
using Exchange.Simulation.World;
using Shouldly;
using Xunit.Abstractions;

namespace Exchange.Simulation;

public sealed class SimulationTests(ITestOutputHelper output)
{
    [Fact]
    public void Worlds_OfManySeeds_HoldEveryInvariant()
    {
        var from = Setting("EXCHANGE_SIM_FROM", 1);
        var count = Setting("EXCHANGE_SIM_SEEDS", 20_000);
        var begun = Environment.CpuUsage.TotalTime;
        long steps = 0, leads = 0, sold = 0;
        var faults = new long[Enum.GetValues<Fault>().Length];
        List<string> failed = [];
        foreach (var seed in Regressions().Concat(Enumerable.Range(0, (int)count).Select(i => (ulong)(from + i))))
        {
            var run = World.Simulation.Run(seed);
            (steps, leads, sold) = (steps + run.Steps, leads + run.Leads, sold + run.Sold);
            for (var i = 0; i < faults.Length; i++) faults[i] += run.Faults[i];
            if (run.Violation is null) continue;
            failed.Add($"seed {seed}: {run.Check}: {run.Violation[..Math.Min(160, run.Violation.Length)]}");
            if (failed.Count == 1) output.WriteLine($"seed {seed}: {run.Check}: {run.Violation}\n{string.Join('\n', run.Last)}");
            if (failed.Count == 10) break;
        }
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{count} seeds from {from}: {leads} leads, {sold} sold, {steps} steps in {(Environment.CpuUsage.TotalTime - begun).TotalSeconds:0.0} s of processor"));
        output.WriteLine(string.Join(", ", Enum.GetValues<Fault>().Select(fault => $"{fault} {faults[(int)fault]}")));
        failed.ShouldBeEmpty();
    }

    [Fact]
    public void World_OfOneSeed_RunsTheSameAgain()
    {
        for (var seed = 1UL; seed <= 200; seed++) World.Simulation.Run(seed).Hash.ShouldBe(World.Simulation.Run(seed).Hash, $"seed {seed}");
    }

    /// <summary>Tests of other classes run worlds at the same time, and share compiled catalogs with these.</summary>
    [Fact]
    public void Worlds_AskingAtOnceForACatalog_GetTheSameModel()
    {
        var config = Markets.Version(0, 0);
        var options = new CompileOptions { Parsers = Markets.Parsers, ParseTemplate = Delivery.Templates.Liquid.Parse };
        for (var version = 1_000_000; version < 1_000_200; version++)
        {
            using var together = new Barrier(4);
            var models = new CompileResult[together.ParticipantCount];
            var askers = Enumerable.Range(0, models.Length).Select(i => new Thread(() =>
            {
                together.SignalAndWait();
                models[i] = Compiled.Once(config, version, options, null);
            })).ToArray();
            foreach (var asker in askers) asker.Start();
            foreach (var asker in askers) asker.Join();

            models.ShouldAllBe(model => ReferenceEquals(model, models[0]));
        }
    }

    [Fact]
    public async Task Worlds_InAnotherProcess_RunTheSame()
    {
        const ulong count = 60;
        using var other = Process.Start(new ProcessStartInfo("dotnet", [typeof(SimulationTests).Assembly.Location, "1", count.ToString(CultureInfo.InvariantCulture)]) { RedirectStandardOutput = true })!;
        var told = (await other.StandardOutput.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        await other.WaitForExitAsync();

        other.ExitCode.ShouldBe(0);
        told.Select(line => line.Split(' ')[1]).ShouldBe(Enumerable.Range(1, (int)count).Select(seed => World.Simulation.Run((ulong)seed).Hash.ToString("x16", CultureInfo.InvariantCulture)));
    }

    private static IEnumerable<ulong> Regressions() =>
        File.ReadLines(Path.Combine(AppContext.BaseDirectory, "regressions.txt")).Select(line => line.Split('#')[0].Trim()).Where(line => line.Length > 0)
            .Select(line => ulong.Parse(line, CultureInfo.InvariantCulture));

    private static long Setting(string name, long otherwise) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? long.Parse(text, CultureInfo.InvariantCulture) : otherwise;
}
