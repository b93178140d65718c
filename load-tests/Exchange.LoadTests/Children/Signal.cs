using System.Diagnostics;
using System.Globalization;

namespace Exchange.LoadTests.Children;

/// <summary>A signal to a process that this one started.</summary>
internal static class Signal
{
    /// <param name="name">Without its SIG: <c>STOP</c>, <c>CONT</c>, <c>TERM</c>, <c>QUIT</c>.</param>
    public static async Task SendAsync(Process process, string name)
    {
        using var kill = Process.Start("kill", ["-" + name, process.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
    }
}
