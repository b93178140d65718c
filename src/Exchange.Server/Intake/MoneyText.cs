using System.Globalization;
using System.Text.Json;
using Exchange.Engine.Values;

namespace Exchange.Server.Intake;

/// <summary>Writes money as <see cref="Money.ToString"/> does, without making strings: an answer holds many amounts.</summary>
internal static class MoneyText
{
    private const int LongestChars = 24;

    public static void WriteMoney(this Utf8JsonWriter json, JsonEncodedText name, Money money)
    {
        if (money.Micros < 0)
        {
            json.WriteString(name, money.ToString());
            return;
        }
        Span<char> text = stackalloc char[LongestChars];
        (money.Micros / Money.MicrosPerUnit).TryFormat(text, out var length, default, CultureInfo.InvariantCulture);
        text[length++] = '.';
        var fraction = money.Micros % Money.MicrosPerUnit;
        var digits = 0;
        for (var scale = Money.MicrosPerUnit / 10; scale > 0 && (digits < 2 || fraction > 0); scale /= 10, digits++)
        {
            text[length++] = (char)('0' + fraction / scale);
            fraction %= scale;
        }
        json.WriteString(name, text[..length]);
    }
}
