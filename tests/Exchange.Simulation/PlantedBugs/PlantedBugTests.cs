using System.Globalization;
using Exchange.Simulation.World;
using Shouldly;
using Xunit.Abstractions;

namespace Exchange.Simulation.PlantedBugs;

/// <summary>The simulator has teeth: every planted bug is found, and what finds it is told.</summary>
public sealed class PlantedBugTests(ITestOutputHelper output)
{
    private const ulong MostSeeds = 3_000;

    [Fact]
    public void Bugs_ThatArePlanted_AreAllFound()
    {
        List<string> missed = [];
        List<ulong> seeds = [];
        foreach (var bug in PlantedBug.All)
        {
            var seed = 1UL;
            RunResult run;
            while ((run = World.Simulation.Run(seed, bug.Plant(), bug.In?.Invoke(Plan.Draw(new(~seed))))).Violation is null && seed < MostSeeds) seed++;
            if (run.Violation is null) missed.Add(bug.Name);
            else seeds.Add(seed);
            var told = run.Violation is null ? "NOT FOUND" : run.Violation.Split('\n')[0];
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {bug.Name} | {run.Check} | {seed} | {told[..Math.Min(told.Length, 110)]} |"));
        }
        seeds.Sort();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{PlantedBug.All.Count} planted, {PlantedBug.All.Count - missed.Count} found; median {seeds[seeds.Count / 2]} seeds, most {seeds[^1]}"));
        missed.ShouldBeEmpty();
    }
}
