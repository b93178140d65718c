using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Exchange.LoadTests.Children;

/// <summary>
/// Binds processes to cores. Linux binds threads: every thread that is there is bound, and those to come inherit it. (What <c>Process.ProcessorAffinity</c>
/// binds is the first thread alone.)
/// </summary>
internal static class Cores
{
    public static long All => (1L << Environment.ProcessorCount) - 1;

    /// <summary>The lower half of the cores, at least one.</summary>
    public static long Half => (1L << Math.Max(1, Environment.ProcessorCount / 2)) - 1;

    /// <summary>All but these; where these are all there are, the same.</summary>
    public static long Without(long cores) => (All & ~cores) is > 0 and var rest ? rest : All;

    /// <summary>A child that is started now sees one core alone.</summary>
    public static bool ChildSeesOne { get; private set; } = BitOperations.PopCount((ulong)All) == 1;

    /// <param name="cores">A bit mask; cores that the machine does not have are left out, and of none nothing is bound.</param>
    public static void Bind(int process, long cores)
    {
        var here = cores & All;
        if (!OperatingSystem.IsLinux() || here == 0) return;
        if (process == Environment.ProcessId) ChildSeesOne = BitOperations.PopCount((ulong)here) == 1;
        // Twice: a thread may start another between being listed and being bound.
        for (var round = 0; round < 2; round++)
        {
            foreach (var thread in Threads(process)) _ = SetAffinity(thread, sizeof(long), here);
        }
    }

    /// <summary>Where a child shares its cores with this process, this one has the processor when it has something to do. Threads to come inherit it.</summary>
    public static void GoBefore(int child)
    {
        const int lower = 5;
        if (!OperatingSystem.IsLinux()) return;
        foreach (var thread in Threads(child)) _ = SetPriority(0, thread, lower);
    }

    private static IEnumerable<int> Threads(int process) =>
        Directory.GetDirectories(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/task")).Select(static task => int.Parse(Path.GetFileName(task), CultureInfo.InvariantCulture));

    [DllImport("libc", EntryPoint = "setpriority")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SetPriority(int which, int thread, int nice);

    [DllImport("libc", EntryPoint = "sched_setaffinity")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SetAffinity(int thread, nint bytes, in long mask);
}
