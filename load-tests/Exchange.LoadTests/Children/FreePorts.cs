using System.Net;
using System.Net.Sockets;

namespace Exchange.LoadTests.Children;

/// <summary>
/// Loopback ports that nobody listens on at this moment, below the range from which systems take ports for outgoing calls: those of the load
/// itself must not take one before its server listens.
/// </summary>
internal static class FreePorts
{
    private const int First = 26_000, Range = 6_000;

    /// <summary>All different: every one is held until the last is found.</summary>
    public static int[] Find(int count)
    {
        var at = Random.Shared.Next(Range);
        var held = new List<TcpListener>(count);
        try
        {
            for (var tries = 0; tries < Range && held.Count < count; tries++)
            {
                var listener = new TcpListener(IPAddress.Any, First + (at + tries) % Range);
                try
                {
                    listener.Start();
                    held.Add(listener);
                }
                catch (SocketException)
                {
                    listener.Dispose();
                }
            }
            return held.Count == count ? [.. held.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port)] : throw new InvalidOperationException("No free ports were found.");
        }
        finally
        {
            foreach (var listener in held)
            {
                listener.Dispose();
            }
        }
    }
}
