namespace Exchange.Delivery;

/// <summary>Bounds of every call to a buyer.</summary>
public sealed record OutboundOptions
{
    /// <summary>Buyers on this machine and on any port: for development and tests only.</summary>
    public bool AllowLoopback { get; init; }

    /// <summary>Name, connect and TLS together. 50 ms to 30 s.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Calls to one address at the same time: one slow buyer must not take the sockets of all. 1 to 10,000.</summary>
    public int InFlightPerEndpoint { get; init; } = 64;

    /// <summary>Calls that wait for a free place at one address; one more is refused before anything is sent. 0 to 100,000.</summary>
    public int WaitingPerEndpoint { get; init; } = 256;
}
