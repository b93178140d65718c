using System.Globalization;
using System.Text.Json;

namespace Exchange.LoadTests.Admin;

/// <summary>Money as the API writes it: a decimal string.</summary>
internal static class Amounts
{
    public static decimal Read(JsonElement amount) => decimal.Parse(amount.GetString()!, NumberStyles.Number, CultureInfo.InvariantCulture);

    public static string Text(decimal amount) => amount.ToString("#,##0.00####", CultureInfo.InvariantCulture);
}
