namespace Exchange.Delivery;

/// <summary>How the connection to the mail server is secured.</summary>
public enum SmtpTls
{
    /// <summary>Begun in the clear and secured before anything is said; a server that cannot is refused.</summary>
    StartTls,
    /// <summary>From the first byte.</summary>
    Tls,
    /// <summary>Never: for a server on this machine or a trusted network.</summary>
    None,
}

/// <summary>The operator's own mail server, through which every mail goes. A catalog cannot choose another, so this one may be a private address.</summary>
public sealed record SmtpOptions
{
    public required string Host { get; init; }
    public int Port { get; init; } = 587;
    /// <summary>Null: the server asks nobody who he is.</summary>
    public string? User { get; init; }
    public string? Password { get; init; }
    /// <summary>The sender, as <c>leads@example.com</c> or <c>Our Leads &lt;leads@example.com&gt;</c>.</summary>
    public required string From { get; init; }
    public SmtpTls Tls { get; init; }

    /// <summary>Everything that is wrong, for one message at start; empty if nothing is.</summary>
    public IReadOnlyList<string> Validate(bool production)
    {
        List<string> errors = [];
        if (!MimeKit.MailboxAddress.TryParse(From, out var from) || !from.Address.Contains('@', StringComparison.Ordinal)) errors.Add("Smtp:From must be an e-mail address, as leads@example.com");
        if (User is null != (Password is null)) errors.Add("Smtp:User and Smtp:Password belong together");
        if (production && Password is not null && Tls == SmtpTls.None) errors.Add("Smtp:Tls none would send Smtp:Password in the clear; write starttls or tls");
        return errors;
    }
}
