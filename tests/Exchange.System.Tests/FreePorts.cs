using System.Net;
using System.Net.Sockets;

namespace Exchange.System.Tests;

/// <summary>
/// Ports for servers that tests start. They lie below the range from which the system takes ports for outgoing calls (32768 on), and each is
/// given once: a port that was free a moment ago is not taken by somebody's client before the server listens.
/// </summary>
internal static class FreePorts
{
    private const int First = 20_000, Count = 6_000;
    private static int given = Environment.ProcessId * 37 % Count;

    public static int Next()
    {
        for (var tries = 0; tries < Count; tries++)
        {
            var port = First + Interlocked.Increment(ref given) % Count;
            try
            {
                using var probe = new TcpListener(IPAddress.Any, port);
                probe.Start();
                return port;
            }
            catch (SocketException) { }
        }
        throw new InvalidOperationException("No free port was found");
    }
}
