using MailKit.Net.Smtp;
using MailKit.Security;
using MimeKit;

namespace Exchange.Delivery.Connectors;

/// <summary>
/// One connection to the mail server, for one mail after another. It notes how far each got: MailKit's exceptions do not say on which side of the text a
/// connection broke.
/// </summary>
internal sealed class SmtpConnection : SmtpClient
{
    /// <summary>How long a server is waited for to say goodbye.</summary>
    private static readonly TimeSpan Goodbye = TimeSpan.FromMilliseconds(500);

    private int recipients;
    private int accepted;

    public SmtpConnection()
    {
        // Asking strangers about a certificate takes longer than a lead may wait.
        CheckCertificateRevocation = false;
    }

    /// <summary>It has brought a mail before: it may have died since, without anybody's knowing.</summary>
    public bool IsOld { get; private set; }
    public bool IsSenderAccepted { get; private set; }
    /// <summary>The first no to a recipient.</summary>
    public int? Refusal { get; private set; }
    /// <summary>After the last recipient was accepted comes the text.</summary>
    public bool MayHaveLeft => accepted >= recipients && Refusal is null;

    /// <summary>Connected and let in where it is not yet; throws what MailKit throws.</summary>
    public async Task BringAsync(SmtpOptions server, MimeMessage mail, CancellationToken deadline)
    {
        (recipients, accepted, IsSenderAccepted, Refusal) = (mail.GetRecipients(onlyUnique: true).Count, 0, false, null);
        if (!IsOld) await OpenAsync(server, deadline);
        await SendAsync(mail, deadline);
        IsOld = true;
    }

    /// <summary>Says goodbye, if the server listens; it is not to be used any more. Never throws.</summary>
    public async Task LeaveAsync()
    {
        using var patience = new CancellationTokenSource(Goodbye);
        try
        {
            await DisconnectAsync(quit: true, patience.Token);
        }
        catch (Exception fault) when (fault is not OutOfMemoryException) { }
        Dispose();
    }

    private async Task OpenAsync(SmtpOptions server, CancellationToken deadline)
    {
        await ConnectAsync(server.Host, server.Port, server.Tls switch
        {
            SmtpTls.Tls => SecureSocketOptions.SslOnConnect,
            SmtpTls.None => SecureSocketOptions.None,
            _ => SecureSocketOptions.StartTls,
        }, deadline);
        if (server is { User: { } user, Password: { } password }) await AuthenticateAsync(user, password, deadline);
    }

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
