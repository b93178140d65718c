using System.Net;
using System.Net.Sockets;

namespace Exchange.Delivery;

/// <summary>Looks a host's addresses up. A parameter, so that a test can answer differently each time.</summary>
public delegate Task<IPAddress[]> ResolveHost(string host, CancellationToken cancel);

/// <summary>
/// The addresses at which a buyer's host may be called. Whoever connects does so to one of these and never to the name, so that no second look-up can lead
/// elsewhere.
/// </summary>
/// <param name="allowLoopback">Development: this machine too.</param>
public sealed class PublicHosts(bool allowLoopback, ResolveHost? resolve = null)
{
    // The wait ends at the deadline even where the system's resolver cannot be interrupted.
    private readonly ResolveHost resolve = resolve ?? (static (host, cancel) => Dns.GetHostAddressesAsync(host, cancel).WaitAsync(cancel));

    /// <summary>At least one, in the resolver's order.</summary>
    /// <exception cref="ConnectRefusedException"><c>name_not_found</c>, or <c>address_refused</c>: none of them is a public one.</exception>
    public async Task<IPAddress[]> FindAsync(string host, CancellationToken cancel)
    {
        IPAddress[] found;
        if (IPAddress.TryParse(host, out var literal)) found = [literal];
        else
        {
            try
            {
                found = await resolve(host, cancel);
            }
            catch (SocketException)
            {
                throw new ConnectRefusedException("name_not_found");
            }
        }
        var allowed = Array.FindAll(found, address => AddressRules.MayConnect(address, allowLoopback));
        return allowed.Length > 0 ? allowed : throw new ConnectRefusedException(found.Length == 0 ? "name_not_found" : "address_refused");
    }

    /// <summary>A connection to the first address that answers; the caller's to dispose.</summary>
    /// <exception cref="ConnectRefusedException">None was made: also <c>connect_refused</c>, <c>connect_failed</c>.</exception>
    public async Task<Socket> ConnectAsync(string host, int port, CancellationToken cancel)
    {
        SocketException? last = null;
        foreach (var address in await FindAsync(host, cancel))
        {
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(new IPEndPoint(address, port), cancel);
                return socket;
            }
            catch (SocketException fault)
            {
                socket.Dispose();
                last = fault;
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }
        throw new ConnectRefusedException(CodeOf(last));
    }

    internal static string CodeOf(SocketException? fault) => fault is { SocketErrorCode: SocketError.ConnectionRefused } ? "connect_refused" : "connect_failed";
}

/// <summary>Why no connection was made, as an error code. Names no address.</summary>
public sealed class ConnectRefusedException(string code) : IOException(code)
{
    public string Code => Message;
}
