using System.Net;
using System.Net.Sockets;

namespace Exchange.LoadTests.Children;

/// <summary>Loopback ports that nobody listens on at this moment.</summary>
internal static class FreePorts
{
    /// <summary>All different: every one is held until the last is found.</summary>
    public static int[] Find(int count)
    {
        var listeners = Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0)).ToArray();
        try
        {
            return [.. listeners.Select(listener =>
            {
                listener.Start();
                return ((IPEndPoint)listener.LocalEndpoint).Port;
            })];
        }
        finally
        {
            foreach (var listener in listeners)
            {
                listener.Dispose();
            }
        }
    }
}
