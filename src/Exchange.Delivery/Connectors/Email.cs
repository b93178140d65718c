using Exchange.Delivery.Templates;
using Exchange.Engine.Catalog;
using Exchange.Engine.Deliveries;

namespace Exchange.Delivery.Connectors;

/// <summary>
/// A copy as a mail through the operator's server. The server's reply is the answer: it has taken the mail, it refuses it for good (5xx) or for now (4xx). Silence
/// after the text began to leave is a doubt. Every attempt has the same Message-ID, by which mail systems and people know a repeat.
/// </summary>
/// <param name="server">Null: the operator has set none, and nothing is sent.</param>
internal sealed class Email(SmtpOptions? server, TimeProvider time) : IConnector
{
    /// <summary>At one endpoint at once.</summary>
    private const int InFlight = 8;

    private static readonly SmtpOptions Unset = new() { Host = "", From = "exchange@invalid" };

    private readonly OutsideHttp calls = new(InFlight, time);
    private readonly SmtpCall smtp = new(time);

    public ConnectorKind Kind => ConnectorKind.Email;

    public Task<AttemptResult> SendAsync(EndpointModel endpoint, EndpointSecrets secrets, CopyMessage message, DateTimeOffset now, CancellationToken deadline)
    {
        if (endpoint.Email is null) return Task.FromResult(new AttemptResult(AttemptKind.NotSent, "no_connector"));
        // What would be sent can be shown without a server.
        var through = server ?? (CallTrace.Current is { Sends: false } ? Unset : null);
        if (through is null) return Task.FromResult(new AttemptResult(AttemptKind.NotSent, "smtp_not_set"));
        return calls.RunAsync(endpoint, async limited =>
        {
            try
            {
                using var mail = MailText.Of(endpoint, TemplateScope.Of(endpoint, secrets, message, now), message, through, now);
                Task<AttemptResult> Send() => smtp.SendAsync(endpoint.Key, through, mail, limited);
                return CallTrace.Current is { } trace ? await trace.PassAsync("mail", string.Join(", ", mail.To), mail.ToString(), Send) : await Send();
            }
            catch (TemplateFaultException fault)
            {
                return new(AttemptKind.NotSent, fault.Code);
            }
        }, deadline);
    }
}
