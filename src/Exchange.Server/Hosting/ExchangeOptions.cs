using System.Globalization;
using Exchange.Delivery;
using Exchange.Engine.Values;
using Exchange.Grains.Intake;

namespace Exchange.Server.Hosting;

/// <summary>Every setting of the process, from configuration section <c>Exchange</c> (environment <c>Exchange__Http__Port</c> …). All faults are told at once.</summary>
public sealed class ExchangeOptions
{
    /// <summary>Folder of the embedded database; one process at a time.</summary>
    public string Data { get; private init; } = "./data";
    /// <summary>Connection string of a PostgreSQL that takes the embedded database's place, for as many processes as there are; null: there is none.</summary>
    public string? Postgres { get; private init; }
    /// <summary>HTTP/1.1: API and pages.</summary>
    public int HttpPort { get; private init; }
    /// <summary>gRPC, h2c.</summary>
    public int GrpcPort { get; private init; }
    /// <summary>/metrics and /health.</summary>
    public int ManagementPort { get; private init; }
    /// <summary>Most connections of each port; what comes beyond them is closed at once. Default: by the files that the process may have open, 20,000 at most.</summary>
    public int MaxConnections { get; private init; }
    /// <summary><c>localhost</c> or <c>any</c>; default: localhost in development, any elsewhere.</summary>
    public bool ListenOnAny { get; private init; }
    /// <summary>Proxies of the operator's before the API and gRPC; what they say of where a call comes from (<c>X-Forwarded-For</c>) is believed. Default: none.</summary>
    public IpRanges TrustedProxies { get; private init; } = IpRanges.None;
    /// <summary>Buyers on this machine; development only.</summary>
    public bool AllowLoopback { get; private init; }
    /// <summary>Base64 of 32 bytes that wrap every data key; default: made at first start and kept in the data folder. Needed with PostgreSQL.</summary>
    public byte[]? MasterKey { get; private init; }
    public string? AdminKey { get; private init; }
    /// <summary>Redis as StackExchange.Redis reads it, such as <c>localhost:6379</c>; null: there is none, and nothing needs one.</summary>
    public string? Redis { get; private init; }
    public RateLimitOptions RateLimits { get; private init; } = new(0, 0);
    /// <summary>How long calls must queue before new ones are turned away.</summary>
    public TimeSpan OverloadAfter { get; private init; } = TimeSpan.FromMilliseconds(100);
    /// <summary>How many days the record of a ping is kept: so long it can be explained.</summary>
    public int PingRetentionDays { get; private init; }
    /// <summary>Through which mails to buyers go; null: none is set, and no mail is sent.</summary>
    public SmtpOptions? Mail { get; private init; }
    /// <summary>How it meets the other silos.</summary>
    public ClusteringOptions Cluster { get; private init; } = new();
    public bool Production { get; private init; }

    /// <exception cref="OptionsException">With every fault.</exception>
    public static ExchangeOptions Read(IConfiguration configuration, IHostEnvironment environment)
    {
        var section = configuration.GetSection("Exchange");
        var faults = new List<string>();
        var listen = section["Listen"] ?? (environment.IsDevelopment() ? "localhost" : "any");
        if (listen is not ("localhost" or "any")) faults.Add("Exchange:Listen is neither localhost nor any");
        var loopback = section["Delivery:AllowLoopback"] is { } text && (bool.TryParse(text, out var allowed) ? allowed : Fault(faults, "Exchange:Delivery:AllowLoopback is neither true nor false"));
        if (loopback && environment.IsProduction()) faults.Add("Exchange:Delivery:AllowLoopback is for development; in Production it would let a catalog reach this machine");
        var postgres = section["Postgres"] is { Length: > 0 } database ? database : null;
        if (postgres is not null && string.IsNullOrEmpty(section["MasterKey"]))
            faults.Add("Exchange:MasterKey is needed with Exchange:Postgres: the Base64 of 32 bytes, the same in every process (openssl rand -base64 32)");
        var options = new ExchangeOptions
        {
            Data = section["Data"] is { Length: > 0 } folder ? folder : "./data",
            Postgres = postgres,
            HttpPort = Port(section, "Http:Port", 8080, faults),
            GrpcPort = Port(section, "Grpc:Port", 8081, faults),
            ManagementPort = Port(section, "Management:Port", 9090, faults),
            MaxConnections = Number(section, "MaxConnections", OpenFiles.ConnectionsPerPort(), 1, 1_000_000, "a number of connections", faults),
            ListenOnAny = listen == "any",
            TrustedProxies = Proxies(section["Http:TrustedProxies"], faults),
            AllowLoopback = loopback,
            MasterKey = Key(section["MasterKey"], faults),
            AdminKey = Environment.GetEnvironmentVariable("EXCHANGE_ADMIN_KEY") is { Length: > 0 } admin ? admin : null,
            Redis = section["Redis"] is { Length: > 0 } redis ? redis : null,
            RateLimits = new(PerSecond(section, "Intake:PingsPerSecond", faults), PerSecond(section, "Intake:PostsPerSecond", faults)),
            OverloadAfter = Milliseconds(section, "Intake:OverloadAfterMs", 100, faults),
            // Yesterday's pings are what a planned catalog is tried on.
            PingRetentionDays = Number(section, "Pings:RetentionDays", 30, 2, 3_650, "a number of days", faults),
            Mail = ReadMail(section, environment.IsProduction(), faults),
            Production = environment.IsProduction(),
            Cluster = ClusteringOptions.Read(section, Port(section, "Http:Port", 8080, []), listen == "any", faults),
        };
        if (faults.Count == 0 && new HashSet<int> { options.HttpPort, options.GrpcPort, options.ManagementPort }.Count < 3)
            faults.Add("Exchange:Http:Port, Exchange:Grpc:Port and Exchange:Management:Port must differ");
        return faults.Count == 0 ? options : throw new OptionsException(string.Join(Environment.NewLine, faults));
    }

    private static int Port(IConfigurationSection section, string name, int otherwise, List<string> faults) => Number(section, name, otherwise, 1, 65_535, "a port", faults);

    /// <summary>A whole number between two others, both included.</summary>
    /// <param name="what">What it counts, for the fault; null: nothing that has a name.</param>
    internal static int Number(IConfigurationSection section, string name, int otherwise, int least, int most, string? what, List<string> faults)
    {
        if (section[name] is not { Length: > 0 } text) return otherwise;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most) return number;
        faults.Add(string.Create(CultureInfo.InvariantCulture, $"Exchange:{name} is not {(what is null ? $"a number from {least} to {most}" : $"{what} ({least} to {most})")}"));
        return otherwise;
    }

    private static IpRanges Proxies(string? text, List<string> faults)
    {
        var ranges = new List<IpRange>();
        foreach (var part in (text ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (IpRange.Parse(part, out var range) == IpRangeFault.None) ranges.Add(range);
            else faults.Add($"Exchange:Http:TrustedProxies: {part} is neither an IP address nor a range that starts with its first address, such as 10.0.0.0/8");
        }
        return new(ranges);
    }

    /// <summary>Of each publisher; 0: without a limit.</summary>
    private static int PerSecond(IConfigurationSection section, string name, List<string> faults) => Number(section, name, 0, 0, 1_000_000, "a number of calls a second", faults);

    private static TimeSpan Milliseconds(IConfigurationSection section, string name, int otherwise, List<string> faults) =>
        TimeSpan.FromMilliseconds(Number(section, name, otherwise, 10, 600_000, "a time in milliseconds", faults));

    private static SmtpOptions? ReadMail(IConfigurationSection section, bool production, List<string> faults)
    {
        if (section["Smtp:Host"] is not { Length: > 0 } host) return null;
        SmtpTls? tls = section["Smtp:Tls"] switch { null or "" or "starttls" => SmtpTls.StartTls, "tls" => SmtpTls.Tls, "none" => SmtpTls.None, _ => null };
        if (tls is null) faults.Add("Exchange:Smtp:Tls is neither starttls nor tls nor none");
        var mail = new SmtpOptions
        {
            Host = host, Port = Port(section, "Smtp:Port", tls == SmtpTls.Tls ? 465 : 587, faults), User = section["Smtp:User"] is { Length: > 0 } user ? user : null,
            Password = section["Smtp:Password"] is { Length: > 0 } password ? password : null, From = section["Smtp:From"] ?? "", Tls = tls ?? SmtpTls.StartTls,
        };
        faults.AddRange(mail.Validate(production).Select(fault => $"Exchange:{fault}"));
        return mail;
    }

    private static byte[]? Key(string? text, List<string> faults)
    {
        if (string.IsNullOrEmpty(text)) return null;
        if (Storage.MasterKey.Read(text) is { } key) return key;
        faults.Add("Exchange:MasterKey is not the Base64 of 32 bytes");
        return null;
    }

    private static bool Fault(List<string> faults, string fault)
    {
        faults.Add(fault);
        return false;
    }
}

/// <summary>The process cannot start as configured; the message is for the operator.</summary>
public sealed class OptionsException(string message) : Exception(message);
