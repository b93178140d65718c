using System.Globalization;
using System.Text;
using Exchange.Delivery.Templates;
using Exchange.Engine.Catalog;
using MimeKit;
using MimeKit.Text;

namespace Exchange.Delivery.Connectors;

/// <summary>Writes the mail of a copy: pure, the same templates and values give the same mail but for its date.</summary>
internal static class MailText
{
    /// <exception cref="TemplateFaultException">It cannot be written: also <c>address_invalid</c>.</exception>
    public static MimeMessage Of(EndpointModel endpoint, TemplateScope scope, CopyMessage message, SmtpOptions server, DateTimeOffset now)
    {
        var email = endpoint.Email!;
        if (!InternetAddressList.TryParse(HttpRequests.Render(email.To, scope), out var to) || to.Count == 0 || to.Any(static each => each is not MailboxAddress { Address: var address } || !address.Contains('@', StringComparison.Ordinal)))
            throw new TemplateFaultException("address_invalid");
        var from = MailboxAddress.Parse(server.From);
        var mail = new MimeMessage { MessageId = IdOf(endpoint, message, from), Date = now };
        mail.From.Add(from);
        mail.To.AddRange(to);
        // One line, whatever was filled in: a line's end would be the next header.
        mail.Subject = (email.Subject is { } subject ? BuyerText.Clean(HttpRequests.Render(subject, scope)) : null) ?? $"{(message.Test ? "Test lead" : "Lead")} {message.Copy}";
        // Nobody's holiday reply is wanted (RFC 3834).
        mail.Headers.Add("Auto-Submitted", "auto-generated");
        mail.Headers.Add("X-Copy-Id", message.Copy.ToString());
        mail.Body = new TextPart(TextFormat.Plain) { Text = email.Body is { } body ? HttpRequests.Render(body, scope) : Fields(message) };
        return mail;
    }

    /// <summary>Of the copy and the endpoint alone, so that it is the same on every attempt and in every process.</summary>
    public static string IdOf(EndpointModel endpoint, CopyMessage message, MailboxAddress from) => $"{message.Copy}.{endpoint.Name}@{from.Domain}";

    private static string Fields(CopyMessage message)
    {
        var text = new StringBuilder();
        if (message.Test) Line("This is a test", "no such person asked for anything");
        foreach (var field in message.Fields) Line(field.Name, field.Text);
        text.Append('\n');
        if (message.Consent is { } consent)
        {
            Line("consent", consent.Text);
            Line("consent at", Time(consent.At));
            Line("consent page", consent.Page);
            Line("consent ip", consent.Ip);
            Line("consent sellers", string.Join(", ", consent.Sellers));
            text.Append('\n');
        }
        Line("copy", message.Copy.ToString());
        Line("campaign", message.Campaign);
        Line("price", $"{message.Price} {message.Currency}");
        Line("sharing", message.Exclusive ? "exclusive" : "shared");
        Line("source", message.SubSource ?? message.Source);
        Line("sold at", Time(message.SoldAt));
        Line("return until", Time(message.ReturnUntil));
        return text.ToString();

        // What is missing is left out.
        void Line(string name, string? value)
        {
            if (!string.IsNullOrEmpty(value)) text.Append(CultureInfo.InvariantCulture, $"{name}: {value.ReplaceLineEndings(" ")}\n");
        }
    }

    private static string? Time(DateTimeOffset? at) => at?.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);
}
