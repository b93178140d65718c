using System.Globalization;
using System.Text;
using System.Text.Json;
using Exchange.Engine.Values;

namespace Exchange.Delivery;

/// <summary>Our copy message as JSON: one shape, in this order of members, for the inbox, webhooks and native buyers.</summary>
public static class CopyMessageJson
{
    // Only what a native bid gave comes back to it.
    public static byte[] ToBytes(CopyMessage message) => JsonBytes.Plain(message, static (json, message) =>
        Write(json, message, message.Carried.TryGetValue(Bidders.NativeBidder.Ref, out var bid) ? () => json.WriteString("bid_ref", bid) : null));

    /// <summary>Writes one object. A member without a value is null, so that every message has every member.</summary>
    /// <param name="more">Writes members after the message's own.</param>
    public static void Write(Utf8JsonWriter json, CopyMessage message, Action? more = null)
    {
        json.WriteStartObject();
        json.WriteString("type", "copy.sold");
        json.WriteString("copy_id", message.Copy.ToString());
        json.WriteString("campaign", message.Campaign);
        json.WriteString("vertical", message.Vertical);
        json.WriteString("price", message.Price.ToString());
        json.WriteString("currency", message.Currency);
        json.WriteString("sharing", message.Exclusive ? "exclusive" : "shared");
        json.WriteNumber("copies_max", message.CopiesMax);
        json.WriteString("sold_at", Time(message.SoldAt));
        json.WriteString("source", message.Source);
        json.WriteString("sub_source", message.SubSource);
        json.WriteString("return_until", Time(message.ReturnUntil));
        json.WriteBoolean("test", message.Test);
        json.WriteStartObject("fields");
        foreach (var field in message.Fields) WriteField(json, field);
        json.WriteEndObject();
        json.WritePropertyName("consent");
        WriteConsent(json, message.Consent);
        more?.Invoke();
        json.WriteEndObject();
    }

    internal static void WriteField(Utf8JsonWriter json, OutField field)
    {
        switch (field.Kind)
        {
            case OutKind.Boolean when field.Text is "true" or "false":
                json.WriteBoolean(field.Name, field.Text == "true");
                break;
            case OutKind.Number when IsNumber(field.Text):
                json.WritePropertyName(field.Name);
                json.WriteRawValue(field.Text, skipInputValidation: true);
                break;
            default:
                // Also a number that JSON cannot write bare, such as one with a leading zero: its digits must not change.
                json.WriteString(field.Name, field.Text);
                break;
        }
    }

    internal static void WriteConsent(Utf8JsonWriter json, OutConsent? consent)
    {
        if (consent is null)
        {
            json.WriteNullValue();
            return;
        }
        json.WriteStartObject();
        json.WriteString("text", consent.Text);
        json.WriteString("at", Time(consent.At));
        json.WriteString("page", consent.Page);
        json.WriteString("ip", consent.Ip);
        json.WriteString("user_agent", consent.UserAgent);
        json.WriteStartArray("sellers");
        foreach (var seller in consent.Sellers) json.WriteStringValue(seller);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>UTC with Z, milliseconds only where there are some.</summary>
    internal static string? Time(DateTimeOffset? at) => at?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFF'Z'", CultureInfo.InvariantCulture);

    private static bool IsNumber(string text)
    {
        if (text.Length is 0 or > 40) return false;
        foreach (var c in text) if (!char.IsAsciiDigit(c) && c is not ('-' or '.')) return false;
        try
        {
            var reader = new Utf8JsonReader(Encoding.ASCII.GetBytes(text));
            return reader.Read() && reader.TokenType == JsonTokenType.Number && !reader.Read();
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
