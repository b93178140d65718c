using System.Collections.Frozen;

namespace Exchange.Engine.Deliveries;

/// <summary>The error codes of attempts of which certainly nothing reached the buyer, or which it turned away as "surely not taken, come again".</summary>
public static class NothingArrived
{
    /// <summary>Those that are whole codes; the other is <see cref="MailServersNo"/> and what follows it.</summary>
    public static IReadOnlyCollection<string> Codes => Whole;

    private static readonly FrozenSet<string> Whole = new[]
    {
        // The buyer's own word.
        "http_429", "http_503", "retry_later",
        // Held back here: its limits, our time, no way to it.
        "rate_limited", "endpoint_busy", DeliveryDecision.NoTimeLeft, "storage_busy", "no_connector", "endpoint_gone", "smtp_not_set",
        // No request could be made: what is set, or what the template gave.
        "secret_missing", "secret_invalid", "url_missing", "url_invalid", "url_refused", "address_invalid", "header_invalid", "template_failed", "template_too_large", "message_failed",
        // No token to send it with.
        "token_url_invalid", "token_refused", "token_unreadable",
        // No connection, or none that may be spoken on.
        "name_not_found", "address_refused", "connect_refused", "connect_timeout", "connect_failed", "tls_failed", "not_connected",
        "host_key_changed", "sftp_auth", "smtp_auth",
        // A file that never got its name.
        "folder_missing", "permission_denied", "sftp_failed",
    }.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>A mail server's 4xx (for now), and its no to us: the text of the mail was not taken.</summary>
    public const string MailServersNo = "smtp_";

    /// <summary>Whether an attempt that ended with this code certainly brought nothing.</summary>
    public static bool Of(string error) => Whole.Contains(error) || error.StartsWith(MailServersNo, StringComparison.Ordinal) && !error.EndsWith(DeliveryDecision.AfterDoubt, StringComparison.Ordinal);
}
