using System.Net.Sockets;
using Grpc.Core;

namespace Exchange.LoadTests.Crash;

/// <summary>How a call ends whose server dies: whatever comes of it, nobody answered. The sockets' own exception comes through where a connection dies while it is made.</summary>
internal static class LostCall
{
    public static bool Is(Exception fault) => fault is HttpRequestException or OperationCanceledException or IOException or SocketException or RpcException;
}
