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

    /// <summary>Everything that is wrong, for one message at start; empty if nothing is.</summary>
    public IReadOnlyList<string> Validate(bool production)
    {
        List<string> errors = [];
        if (production && AllowLoopback) errors.Add("Delivery:AllowLoopback is for development: a buyer could reach services of this machine. Remove it in Production.");
        if (ConnectTimeout < TimeSpan.FromMilliseconds(50) || ConnectTimeout > TimeSpan.FromSeconds(30)) errors.Add("Delivery:ConnectTimeout must be between 50 ms and 30 s.");
        if (InFlightPerEndpoint is < 1 or > 10_000) errors.Add("Delivery:InFlightPerEndpoint must be between 1 and 10000.");
        if (WaitingPerEndpoint is < 0 or > 100_000) errors.Add("Delivery:WaitingPerEndpoint must be between 0 and 100000.");
        return errors;
    }
}
