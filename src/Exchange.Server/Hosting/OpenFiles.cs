using System.Globalization;
using Exchange.Engine;

namespace Exchange.Server.Hosting;

/// <summary>
/// Files that a process may have open, sockets among them. Where none is left nobody can connect, the web server asks for the next connection without a pause, and databases and
/// buyers cannot be reached: so there are never more connections than leave room for those (docs/decisions/0065).
/// </summary>
internal static class OpenFiles
{
    /// <summary>What is open without any caller, or may be: assemblies, databases, other silos, buyers.</summary>
    private const int Own = 500;
    /// <summary>A port that takes fewer is of no use.</summary>
    private const int FewestConnections = 32;
    private const int Ports = 3;
    private const string Line = "Max open files";

    /// <summary>How many connections a port takes by default.</summary>
    /// <param name="limits">The system's table of this process's limits.</param>
    public static int ConnectionsPerPort(string limits)
    {
        var line = limits.Split('\n').FirstOrDefault(static line => line.StartsWith(Line, StringComparison.Ordinal));
        var words = line?[Line.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        // "unlimited", or a system that says it otherwise.
        if (words is not [var soft, ..] || !long.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out var files)) return Limits.ConnectionsPerPort;
        return (int)Math.Clamp((files - Own) / Ports, FewestConnections, Limits.ConnectionsPerPort);
    }

    /// <summary>As this process may.</summary>
    public static int ConnectionsPerPort()
    {
        const string file = "/proc/self/limits";
        return ConnectionsPerPort(File.Exists(file) ? File.ReadAllText(file) : "");
    }
}
