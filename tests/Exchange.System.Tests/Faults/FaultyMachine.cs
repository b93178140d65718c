using System.Diagnostics;
using System.Globalization;

namespace Exchange.System.Tests.Faults;

/// <summary>A machine whose clock jumps and whose disk fails its syncs, for the processes that are started in it: <c>faults.c</c>, compiled once and loaded before libc.</summary>
internal sealed class FaultyMachine : IDisposable
{
    private static readonly Lazy<string> Library = new(Compile);
    private readonly string folder = OpenToAll("exchange-machine-");

    /// <param name="clock">False: its clock is right, and nobody who asks for the time reads a file for it.</param>
    public FaultyMachine(bool clock = true)
    {
        Clock = Path.Combine(folder, "clock");
        BadSync = Path.Combine(folder, "bad-sync");
        Into = ["env", "LD_PRELOAD=" + Library.Value, .. clock ? (string[])["EXCHANGE_TEST_CLOCK=" + Clock] : [], "EXCHANGE_TEST_FSYNC=" + BadSync];
        Jump(TimeSpan.Zero);
    }

    private string Clock { get; }
    private string BadSync { get; }

    /// <summary>What a command line begins with to be run in it.</summary>
    public string[] Into { get; }

    /// <summary>From now on the wall clock is wrong by so much. Monotonic time goes on as it was.</summary>
    public void Jump(TimeSpan by)
    {
        // Whoever reads it reads the old or the new.
        var next = Clock + ".next";
        File.WriteAllText(next, ((long)by.TotalSeconds).ToString(CultureInfo.InvariantCulture));
        File.Move(next, Clock, overwrite: true);
    }

    /// <summary>Every fsync fails from now on.</summary>
    public void FailSyncs() => File.WriteAllText(BadSync, "");

    public void HealSyncs() => File.Delete(BadSync);

    public void Dispose() => Directory.Delete(folder, recursive: true);

    /// <summary>A folder that processes of another user read as well.</summary>
    private static string OpenToAll(string prefix)
    {
        var made = Directory.CreateTempSubdirectory(prefix);
        if (!OperatingSystem.IsWindows()) made.UnixFileMode |= UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
        return made.FullName;
    }

    private static string Compile()
    {
        var library = Path.Combine(OpenToAll("exchange-faults-"), "faults.so");
        var source = Path.Combine(AppContext.BaseDirectory, "Faults", "faults.c");
        try
        {
            using var compiler = Process.Start(new ProcessStartInfo("gcc", ["-shared", "-fPIC", "-O2", "-o", library, source, "-ldl"]) { RedirectStandardError = true })!;
            var said = compiler.StandardError.ReadToEnd();
            compiler.WaitForExit();
            return compiler.ExitCode == 0 ? library : throw new InvalidOperationException("faults.c does not compile: " + said);
        }
        catch (global::System.ComponentModel.Win32Exception missing)
        {
            throw new InvalidOperationException("The tests need a C compiler: apt-get install gcc libc6-dev", missing);
        }
    }
}
