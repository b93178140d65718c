using System.Globalization;
using System.Runtime.InteropServices;
using Exchange.Engine;

namespace Exchange.Server.Hosting;

/// <summary>
/// For tests: <c>EXCHANGE_FAULT_POINT=name</c> or <c>name:n</c> lets this process kill itself with SIGKILL the first or n-th time it passes that point. No
/// handler runs, no file is closed, nothing is flushed: what a kill -9 leaves. Refused in Production.
/// </summary>
public static class FaultPlan
{
    public const string Variable = "EXCHANGE_FAULT_POINT";
    private const int Sigkill = 9;

    /// <exception cref="OptionsException">The plan makes no sense, or this is Production.</exception>
    public static void Arm(string? plan, bool production)
    {
        if (string.IsNullOrEmpty(plan)) return;
        if (production) throw new OptionsException($"{Variable} is for tests of a crash; in Production it is refused");
        var colon = plan.IndexOf(':', StringComparison.Ordinal);
        var name = colon < 0 ? plan : plan[..colon];
        var nth = 1;
        if (colon >= 0 && (!int.TryParse(plan.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out nth) || nth < 1))
            throw new OptionsException($"{Variable} is name or name:n, n from 1 on");
        var point = FaultPoints.All.Concat(FaultPoints.OfCommands).FirstOrDefault(point => point.Name == name)
            ?? throw new OptionsException($"{Variable} names no fault point; there are {string.Join(", ", FaultPoints.All.Concat(FaultPoints.OfCommands))}");
        var passed = 0;
        FaultPoints.Arm(passing =>
        {
            if (!ReferenceEquals(passing, point) || Interlocked.Increment(ref passed) != nth) return;
            // Nobody else knows when: a parent sees its child's end late on a busy machine.
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{FaultPoints.LastWord}{TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds()}"));
            _ = Kill(Environment.ProcessId, Sigkill);
        });
    }

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int process, int signal);
}
