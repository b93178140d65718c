using System.Text;
using Exchange.Delivery;
using Exchange.Engine.Catalog;
using Exchange.Engine.Values;

namespace Exchange.System.Tests.Delivery;

internal static class Samples
{
    public static DateTimeOffset Now { get; } = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    public static byte[] Secret { get; } = Encoding.ASCII.GetBytes("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    public static EndpointSecrets Secrets { get; } = SecretsOf(Secret);

    public static EndpointSecrets SecretsOf(byte[] secret) => new(new Dictionary<string, byte[]> { ["crm-secret"] = secret });

    /// <summary>Nobody is meant to be late in connecting: a handshake takes seconds where a machine is full.</summary>
    public static OutboundOptions Loopback { get; } = new() { AllowLoopback = true, ConnectTimeout = TimeSpan.FromSeconds(20) };

    public static CopyMessage Message { get; } = new()
    {
        Copy = new(LeadId.Create(1_790_000_000_000, 1, false, 42), 2),
        Campaign = "north-auto",
        Vertical = "auto",
        Price = Money.Parse("11.00"),
        Currency = "USD",
        Exclusive = true,
        CopiesMax = 1,
        SoldAt = Now.AddMilliseconds(250),
        Source = "s-7f3k2",
        Fields =
        [
            new("zip", "02139", OutKind.Text),
            new("age", "35", OutKind.Number),
            new("insured", "true", OutKind.Boolean),
            new("phone", "+12025550123", OutKind.Text),
            new("name", "Zoë \"Z\"\n", OutKind.Text),
        ],
        Consent = new("I agree", Now, "https://example.com/auto", null, "agent", ["North Auto"]),
    };

    public static EndpointModel Endpoint(Uri url, ConnectorKind kind = ConnectorKind.Native, int timeoutMs = 15_000) =>
        new("crm", kind, url, "crm-secret", TimeSpan.FromMilliseconds(timeoutMs)) { PingTimeout = TimeSpan.FromSeconds(10) };
}
