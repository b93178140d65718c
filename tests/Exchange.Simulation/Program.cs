using System.Globalization;

namespace Exchange.Simulation;

/// <summary>
/// Beside the tests: <c>FROM COUNT</c> runs so many seeds and tells each one's hash and what it found. For nights, and to see that another process plays
/// the same.
/// </summary>
internal static class Program
{
    public static int Main(string[] args)
    {
        if (args is not [var first, var many] || !ulong.TryParse(first, CultureInfo.InvariantCulture, out var from) || !ulong.TryParse(many, CultureInfo.InvariantCulture, out var count))
        {
            Console.Error.WriteLine("FROM COUNT");
            return 2;
        }
        var found = 0;
        for (var seed = from; seed < from + count; seed++)
        {
            var run = World.Simulation.Run(seed);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{seed} {run.Hash:x16} {run.Check} {run.Violation}"));
            if (run.Violation is null) continue;
            found++;
            foreach (var line in run.Last) Console.WriteLine(line);
        }
        return found == 0 ? 0 : 1;
    }
}
