using System.Runtime.InteropServices;

namespace Exchange.Storage.Sqlite;

/// <summary>Lets a thread that nobody waits for give way to the others (docs/decisions/0063).</summary>
internal static class LowPriority
{
    /// <summary>A third of an ordinary thread's share where processors are short, all of it where they are not.</summary>
    private const int Nicer = 5;

    /// <summary>Of the calling thread, for good. Where the system has no such thing, nothing changes.</summary>
    public static void OfThisThread()
    {
        // A thread has a priority of its own on Linux alone; the runtime's `Thread.Priority` does nothing there.
        if (OperatingSystem.IsLinux()) _ = Nice(Nicer);
    }

    [DllImport("libc", EntryPoint = "nice")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Nice(int by);
}
