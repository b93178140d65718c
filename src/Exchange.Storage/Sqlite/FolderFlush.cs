using System.Runtime.InteropServices;

namespace Exchange.Storage.Sqlite;

/// <summary>Makes what was created, renamed or removed in a folder survive a loss of power. Files flush themselves; their names are the folder's.</summary>
internal static class FolderFlush
{
    private const int ReadOnly = 0;

    public static void Flush(string folder)
    {
        // Windows has no such call; its file systems write names through.
        if (OperatingSystem.IsWindows()) return;
        var handle = Open(folder, ReadOnly);
        if (handle < 0) throw new IOException($"The folder '{folder}' cannot be opened ({Marshal.GetLastPInvokeErrorMessage()})");
        try
        {
            if (FSync(handle) != 0) throw new IOException($"The folder '{folder}' cannot be flushed ({Marshal.GetLastPInvokeErrorMessage()})");
        }
        finally { _ = Close(handle); }
    }

    [DllImport("libc", EntryPoint = "open", SetLastError = true, CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    [DllImport("libc", EntryPoint = "fsync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int FSync(int handle);

    [DllImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Close(int handle);
}
