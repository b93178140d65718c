using System.Globalization;
using System.Net.Sockets;
using Exchange.Engine.Deliveries;
using MailKit.Net.Smtp;
using MailKit.Security;
using MimeKit;

namespace Exchange.Delivery.Connectors;

/// <summary>One mail over one connection, and what came of it.</summary>
internal static class SmtpCall
{
    /// <summary>How long a server that has taken the mail is waited for to say goodbye.</summary>
    private static readonly TimeSpan Goodbye = TimeSpan.FromMilliseconds(500);

    /// <summary>Never throws for what the outside does.</summary>
    public static async Task<AttemptResult> SendAsync(SmtpOptions server, MimeMessage mail, CancellationToken deadline)
    {
        using var client = new Client(mail.To.Count);
        try
        {
            await client.ConnectAsync(server.Host, server.Port, server.Tls switch
            {
                SmtpTls.Tls => SecureSocketOptions.SslOnConnect,
                SmtpTls.None => SecureSocketOptions.None,
                _ => SecureSocketOptions.StartTls,
            }, deadline);
            if (server is { User: { } user, Password: { } password }) await client.AuthenticateAsync(user, password, deadline);
            await client.SendAsync(mail, deadline);
        }
        // Every exception, also one nobody thought of: what may have left must come back as doubt and not as a failure of ours.
        catch (Exception fault) when (fault is not OutOfMemoryException)
        {
            return Read(client, fault, deadline);
        }
        await LeaveAsync(client);
        return new(AttemptKind.Accepted);
    }

    private static AttemptResult Read(Client client, Exception fault, CancellationToken deadline)
    {
        if (fault is SmtpCommandException said) return Refused((int)said.StatusCode, client);
        // Its own no is known, even where the connection broke after it.
        if (client.Refusal is { } code) return Refused(code, client);
        var error = deadline.IsCancellationRequested ? "timeout" : fault switch
        {
            _ when client.MayHaveLeft => "connection_lost",
            MailKit.Security.AuthenticationException or MailKit.ServiceNotAuthenticatedException => "smtp_auth",
            SslHandshakeException => "tls_failed",
            SocketException socket => PublicHosts.CodeOf(socket),
            // STARTTLS that the server does not know.
            NotSupportedException => "tls_failed",
            _ => "connect_failed",
        };
        return new(client.MayHaveLeft ? AttemptKind.Unknown : AttemptKind.NotSent, error);
    }

    /// <summary>
    /// A 4xx is for now, a 5xx for good: about this recipient or this mail. Before the sender was accepted nobody has heard of either, and what is refused is ourselves.
    /// </summary>
    private static AttemptResult Refused(int status, Client client) => status switch
    {
        >= 400 and < 500 => new(AttemptKind.RetryLater, Code(status)),
        >= 500 when client.IsSenderAccepted => new(AttemptKind.Rejected, Code(status)) { Refusal = Refusal.Answer },
        // No answer to a text at all.
        < 400 when client.MayHaveLeft => new(AttemptKind.Unknown, "answer_unclear"),
        _ => new(AttemptKind.NotSent, Code(status)),
    };

    private static string Code(int status) => string.Create(CultureInfo.InvariantCulture, $"smtp_{status}");

    /// <summary>The mail is taken: how the connection ends says nothing of it any more.</summary>
    private static async Task LeaveAsync(Client client)
    {
        using var patience = new CancellationTokenSource(Goodbye);
        try
        {
            await client.DisconnectAsync(quit: true, patience.Token);
        }
        catch (Exception fault) when (fault is not OutOfMemoryException) { }
    }

    /// <summary>Notes how far it got: MailKit's exceptions do not say on which side of the text a connection broke.</summary>
    private sealed class Client : SmtpClient
    {
        private readonly int recipients;
        private int accepted;

        public Client(int recipients)
        {
            this.recipients = recipients;
            // Asking strangers about a certificate takes longer than a lead may wait.
            CheckCertificateRevocation = false;
        }

        public bool IsSenderAccepted { get; private set; }
        /// <summary>The first no to a recipient.</summary>
        public int? Refusal { get; private set; }
        /// <summary>After the last recipient was accepted comes the text.</summary>
        public bool MayHaveLeft => accepted >= recipients && Refusal is null;

        protected override void OnSenderAccepted(MimeMessage message, MailboxAddress mailbox, SmtpResponse response)
        {
            IsSenderAccepted = true;
            base.OnSenderAccepted(message, mailbox, response);
        }

        protected override void OnRecipientAccepted(MimeMessage message, MailboxAddress mailbox, SmtpResponse response)
        {
            accepted++;
            base.OnRecipientAccepted(message, mailbox, response);
        }

        protected override void OnRecipientNotAccepted(MimeMessage message, MailboxAddress mailbox, SmtpResponse response)
        {
            Refusal ??= (int)response.StatusCode;
            base.OnRecipientNotAccepted(message, mailbox, response);
        }
    }
}
