using Exchange.Engine.Catalog.Reading;
using Exchange.Engine.Values;

namespace Exchange.Engine.Catalog.Sections;

/// <summary><c>exchange</c>: the one currency, the default zone, the step of prices.</summary>
internal static class ExchangeSection
{
    private static readonly MapKeys Keys = new(["currency", "time_zone", "price_step"]);

    public static (string Currency, TimeZoneInfo Zone, Money PriceStep) Read(ConfigNode? node, ConfigErrors errors)
    {
        var (currency, zone, step) = ("", TimeZoneInfo.Utc, new Money(Money.MicrosPerUnit / 100));
        if (node is null)
        {
            errors.Add("exchange", ConfigCodes.MissingKey, "`exchange` is required: { currency: USD } at least.");
            return (currency, zone, step);
        }
        if (MapReader.Open(node, Keys, errors) is not { } map) return (currency, zone, step);
        if (map.Required("currency", "the three letters of ISO 4217, as USD", errors) is { } currencyNode && ValueReader.Text(currencyNode, errors) is { } text)
        {
            if (text.Length == 3 && text.All(char.IsAsciiLetterUpper)) currency = text;
            else errors.Add(currencyNode.Path, ConfigCodes.InvalidFormat, "A currency is written as the three capital letters of ISO 4217, as USD.");
        }
        if (map["time_zone"] is { } zoneNode) zone = ValueReader.Zone(zoneNode, errors) ?? zone;
        if (map["price_step"] is { } stepNode && ValueReader.Money(stepNode, errors) is { } read)
        {
            if (read > Money.Zero) step = read;
            else errors.Add(stepNode.Path, ConfigCodes.OutOfRange, "The price step must be more than nothing; \"0.01\" is the usual one.");
        }
        return (currency, zone, step);
    }
}
