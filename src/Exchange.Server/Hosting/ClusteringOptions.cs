using System.Globalization;
using System.Net;

namespace Exchange.Server.Hosting;

/// <summary>Where the silos of a cluster find each other.</summary>
public enum Membership { Alone, Postgres, Redis }

/// <summary>
/// How this silo meets the others: sections <c>Exchange:Silo</c> and <c>Exchange:Cluster</c>. Without PostgreSQL there is one silo and nothing to set.
/// </summary>
public sealed class ClusteringOptions
{
    public Membership Membership { get; private init; }
    /// <summary>Silos with the same id are one cluster.</summary>
    public string ClusterId { get; private init; } = "exchange";
    /// <summary>Where it listens for other silos. 0: a free port is taken.</summary>
    public int SiloPort { get; private init; }
    /// <summary>The port at which the others reach it, where something between maps ports; else <see cref="SiloPort"/>.</summary>
    public int AdvertisedPort { get; private init; }
    /// <summary>Where the other silos reach this one. Default: loopback where it listens on localhost only, else the host's own address.</summary>
    public IPAddress? Address { get; private init; }
    /// <summary>Of the place it runs at, the same after a restart: its rotation positions are kept under it.</summary>
    public string Name { get; private init; } = "0";
    /// <summary>How long it still takes requests after it said that it is not ready, so that whoever shares them out has seen it.</summary>
    public TimeSpan Drain { get; private init; }

    public bool IsAlone => Membership == Membership.Alone;

    /// <param name="faults">What is wrong is added.</param>
    public static ClusteringOptions Read(IConfigurationSection section, int httpPort, bool listenOnAny, List<string> faults)
    {
        var postgres = !string.IsNullOrEmpty(section["Postgres"]);
        var redis = !string.IsNullOrEmpty(section["Redis"]);
        var membership = (section["Cluster:Membership"], postgres) switch
        {
            (null or "", false) => Membership.Alone,
            (null or "" or "postgres", true) => Membership.Postgres,
            ("redis", true) when redis => Membership.Redis,
            ("redis", true) => Fault("Exchange:Cluster:Membership is redis, but Exchange:Redis is not set"),
            (_, false) => Fault("Exchange:Cluster:Membership needs Exchange:Postgres: the embedded database serves one process"),
            _ => Fault("Exchange:Cluster:Membership is neither postgres nor redis"),
        };
        var port = Number("Silo:Port", membership == Membership.Alone ? 0 : 11_111, 0, 65_535);
        return new()
        {
            Membership = membership,
            ClusterId = section["Cluster:Id"] is { Length: > 0 } id ? id : "exchange",
            SiloPort = port,
            AdvertisedPort = Number("Silo:AdvertisedPort", port, 1, 65_535),
            Address = Address(section["Silo:Address"]),
            Name = section["Silo:Name"] is { Length: > 0 } name ? name
                : membership == Membership.Alone ? "0" : string.Create(CultureInfo.InvariantCulture, $"{Environment.MachineName}-{httpPort}"),
            Drain = TimeSpan.FromSeconds(Number("Silo:DrainSeconds", membership == Membership.Alone ? 0 : 5, 0, 300)),
        };

        IPAddress? Address(string? text)
        {
            if (string.IsNullOrEmpty(text)) return listenOnAny ? null : IPAddress.Loopback;
            if (IPAddress.TryParse(text, out var address)) return address;
            faults.Add("Exchange:Silo:Address is no IP address");
            return null;
        }

        int Number(string name, int otherwise, int least, int most) => ExchangeOptions.Number(section, name, otherwise, least, most, null, faults);

        Membership Fault(string fault)
        {
            faults.Add(fault);
            return Membership.Alone;
        }
    }
}
