using System.Globalization;

namespace Exchange.System.Tests.BlackBox;

/// <summary>Catalogs that tests share the beginning of.</summary>
public static class Market
{
    /// <summary>One vertical, `auto`: a zip and a few more may be pinged; name, e-mail and phone come with the post.</summary>
    public static string With(string rest) => Of("", rest);

    /// <param name="rules">More keys of the vertical, such as its duplicate window or consent.</param>
    /// <param name="field">One more field of the vertical.</param>
    public static string Of(string rules, string rest, string lists = "", string field = "") =>
        $$"""
        exchange: { currency: USD, time_zone: America/New_York }
        {{lists}}
        verticals:
          auto:
            fields:
              zip:        { type: us_zip, ping: required }
              state:      { type: us_state, ping: optional }
              age:        { type: integer, min: 16, max: 110, ping: optional }
              first_name: { type: text, pii: true, post: optional }
              email:      { type: email, pii: true, post: required }
              phone:      { type: phone, region: US, pii: true, post: required }
              occupation: { type: text, post: optional }
              callback:   { type: text, max_length: 40 }
              {{field}}
            {{rules}}
        {{rest}}
        """;

    /// <summary>A zone in which it is neither shortly before nor shortly after midnight, so that a day's cap keeps its day while a test runs.</summary>
    public static string ZoneAtDaytime() => TimeProvider.System.GetUtcNow().Hour is >= 4 and < 20 ? "UTC" : "Asia/Tokyo";

    public static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
