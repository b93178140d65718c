using System.Globalization;
using System.Net.Sockets;
using Exchange.Engine.Catalog;
using Exchange.Engine.Deliveries;
using MailKit.Net.Smtp;
using MailKit.Security;
using MimeKit;

namespace Exchange.Delivery.Connectors;

/// <summary>One mail over one connection, and what came of it. A kept connection that turns out dead before the text could leave is replaced, once.</summary>
internal sealed class SmtpCall(TimeProvider time)
{
    private readonly SmtpConnections connections = new(time);

    /// <summary>Never throws for what the outside does.</summary>
    public async Task<AttemptResult> SendAsync(EndpointKey endpoint, SmtpOptions server, MimeMessage mail, CancellationToken deadline)
    {
        if (connections.Take(endpoint) is { } kept && await SendAsync(endpoint, server, kept, mail, deadline) is { } known) return known;
        return await SendAsync(endpoint, server, new SmtpConnection(), mail, deadline) ?? throw new InvalidOperationException("a new connection is nobody's leftover");
    }

    /// <summary>Null: the connection was kept and had died, and nothing of this mail can have been taken by it.</summary>
    private async Task<AttemptResult?> SendAsync(EndpointKey endpoint, SmtpOptions server, SmtpConnection connection, MimeMessage mail, CancellationToken deadline)
    {
        var isOld = connection.IsOld;
        try
        {
            await connection.BringAsync(server, mail, deadline);
        }
        // Every exception, also one nobody thought of: what may have left must come back as doubt and not as a failure of ours.
        catch (Exception fault) when (fault is not OutOfMemoryException)
        {
            // Without a goodbye: who knows in what the other side is.
            connection.Dispose();
            return isOld && IsEnd(connection, fault, deadline) ? null : Read(connection, fault, deadline);
        }
        // The mail is taken: how the connection ends says nothing of it any more.
        connections.Keep(endpoint, connection);
        return new(AttemptKind.Accepted);
    }

    /// <summary>The connection ended, and not this mail's turn: it broke, or the server has closed it (421) or forgotten who we are, all before the text.</summary>
    private static bool IsEnd(SmtpConnection connection, Exception fault, CancellationToken deadline) =>
        !connection.MayHaveLeft && !deadline.IsCancellationRequested
        && (fault is SmtpCommandException { StatusCode: SmtpStatusCode.ServiceNotAvailable } || fault is not SmtpCommandException && connection.Refusal is null);

    private static AttemptResult Read(SmtpConnection connection, Exception fault, CancellationToken deadline)
    {
        if (fault is SmtpCommandException said) return Refused((int)said.StatusCode, connection);
        // Its own no is known, even where the connection broke after it.
        if (connection.Refusal is { } code) return Refused(code, connection);
        var error = deadline.IsCancellationRequested ? "timeout" : fault switch
        {
            _ when connection.MayHaveLeft => "connection_lost",
            MailKit.Security.AuthenticationException or MailKit.ServiceNotAuthenticatedException => "smtp_auth",
            SslHandshakeException => "tls_failed",
            SocketException socket => PublicHosts.CodeOf(socket),
            // STARTTLS that the server does not know.
            NotSupportedException => "tls_failed",
            _ => "connect_failed",
        };
        return new(connection.MayHaveLeft ? AttemptKind.Unknown : AttemptKind.NotSent, error);
    }

    /// <summary>
    /// A 4xx is for now, a 5xx for good: about this recipient or this mail. Before the sender was accepted nobody has heard of either, and what is refused is ourselves.
    /// </summary>
    private static AttemptResult Refused(int status, SmtpConnection connection) => status switch
    {
        >= 400 and < 500 => new(AttemptKind.RetryLater, Code(status)),
        >= 500 when connection.IsSenderAccepted => new(AttemptKind.Rejected, Code(status)) { Refusal = Refusal.Answer },
        // No answer to a text at all.
        < 400 when connection.MayHaveLeft => new(AttemptKind.Unknown, "answer_unclear"),
        _ => new(AttemptKind.NotSent, Code(status)),
    };

    private static string Code(int status) => string.Create(CultureInfo.InvariantCulture, $"smtp_{status}");
}
