using System.Net;
using Exchange.Engine.Fields;
using Exchange.Engine.Values;
using PhoneNumbers;

namespace Exchange.Server.Hosting;

/// <summary>What the engine has libraries do for it: phone numbers and IP addresses.</summary>
public static class Parsers
{
    public static FieldParsers All { get; } = new(Phone, Ip);

    /// <summary>E.164, or null if it is no possible number of the region (or of its country code).</summary>
    private static string? Phone(string text, string region)
    {
        if (text.Length > 40) return null;
        try
        {
            var phones = PhoneNumberUtil.GetInstance();
            var number = phones.Parse(text, region);
            return phones.IsValidNumber(number) ? phones.Format(number, PhoneNumberFormat.E164) : null;
        }
        catch (NumberParseException)
        {
            return null;
        }
    }

    private static string? Ip(string text) => text.Length <= 45 && !text.Contains('%', StringComparison.Ordinal) && IPAddress.TryParse(text, out var address)
        // 072.014.201.010 is 58.12.201.8 to some and 72.14.201.10 to others: nobody knows whom it means.
        && (text.Contains(':', StringComparison.Ordinal) || IpAddress.TryParse(text, out _))
        ? address.ToString()
        : null;
}
