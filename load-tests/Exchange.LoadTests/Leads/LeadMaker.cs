using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Exchange.LoadTests.Admin;

namespace Exchange.LoadTests.Leads;

/// <summary>
/// Makes leads that a vertical's fields accept and that hold together: zip, state, city and area code of one place, name and e-mail of one
/// person. The same seed and index give the same lead, whatever else runs; different indexes give different telephone numbers and addresses.
/// </summary>
/// <param name="today">Where dates are counted from.</param>
internal sealed class LeadMaker(int seed, DateOnly today)
{
    private const double OptionalInPing = 0.85;
    private const double OptionalInPost = 0.8;
    private const double HashInPing = 0.5;

    private static readonly string[] Starts = ["Al", "Bren", "Cor", "Dal", "El", "Far", "Gar", "Hol", "Jen", "Kel", "Lan", "Mar", "Nor", "Per", "Ros", "Sel", "Tor", "Ver", "Wil"];
    private static readonly string[] Ends = ["a", "an", "en", "er", "ia", "in", "is", "ley", "lyn", "on", "or", "us"];
    private static readonly string[] FamilyEnds = ["berg", "brook", "by", "croft", "dale", "den", "field", "ford", "ham", "ley", "man", "mont", "son", "ton", "well", "wood"];
    private static readonly string[] Streets = ["Oak", "Maple", "Cedar", "Pine", "Elm", "Lake", "Hill", "Park", "Main", "Washington", "Sunset", "River"];

    /// <summary>Text for a field whose pattern the usual words do not fit, most telling first.</summary>
    private static readonly string[] PatternTries = ["12345", "123456789", "1234567890", "1234", "AB12", "A1", "ABC123", "abcdef", "abc-123", "ABCDEFGH", "1HGCM82633A004352", "12", "1", "A", "a"];

    public MadeLead Make(VerticalShape vertical, int index)
    {
        var draw = SeededDraws.For(seed, index);
        var place = Places.All[draw.Next(Places.All.Count)];
        var first = Pick(draw, Starts) + Pick(draw, Ends);
        var last = Pick(draw, Starts) + Pick(draw, FamilyEnds);
        var number = unchecked((uint)((seed * 7_919) + index));
        var person = new Person(first, last, string.Create(CultureInfo.InvariantCulture, $"{first}.{last}.{number:x}@example.{Pick(draw, ["com", "net", "org"])}").ToLowerInvariant(),
            PhoneNumbers.Number(place.AreaCode, number), place, string.Create(CultureInfo.InvariantCulture, $"198.51.100.{draw.Next(1, 255)}"));

        var ping = new Dictionary<string, string>();
        var post = new Dictionary<string, string>();
        foreach (var field in vertical.Fields)
        {
            if (field.PingPlain && (field.PingRequired || draw.NextDouble() < OptionalInPing))
            {
                Give(ping, field, draw, person, field.PingRequired);
                continue;
            }

            if (!field.InPost || !(field.PostRequired || draw.NextDouble() < OptionalInPost))
            {
                continue;
            }

            Give(post, field, draw, person, field.PostRequired);
            if (field.PingHashed && draw.NextDouble() < HashInPing && post.TryGetValue(field.Name, out var value))
            {
                ping[field.Name + "_sha256"] = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(value)));
            }
        }

        return new MadeLead(vertical.Id, ping, post, Convert.ToHexStringLower(RandomBytes(draw, 6)), $"kw-{draw.Next(1, 40)}", person.Ip);
    }

    private void Give(Dictionary<string, string> fields, FieldShape field, Random draw, Person person, bool required)
    {
        var value = Value(field, draw, person);
        if (field.MaxLength is { } most && value.Length > most)
        {
            value = value[..most];
        }

        if (field.Pattern is { } pattern && !Fits(value, pattern))
        {
            var fitting = PatternTries.FirstOrDefault(text => Fits(text, pattern));
            if (fitting is null)
            {
                if (required)
                {
                    throw new RunFailedException($"Cannot make a value for the required field {field.Name}: nothing tried fits its pattern.");
                }

                return;
            }

            value = fitting;
        }

        fields[field.Name] = value;
    }

    private static bool Fits(string text, string pattern) => Regex.IsMatch(text, pattern, RegexOptions.NonBacktracking);

    private string Value(FieldShape field, Random draw, Person person) => field.Type switch
    {
        "boolean" => draw.NextDouble() < 0.7 ? "true" : "false",
        "choice" => field.Values[draw.Next(field.Values.Count)],
        "integer" => Whole(field, draw).ToString(CultureInfo.InvariantCulture),
        "decimal" => Fraction(field, draw).ToString("0.00", CultureInfo.InvariantCulture),
        "date" => Date(field, draw).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        "us_zip" => person.Place.Zip,
        "us_state" => person.Place.State,
        "email" => person.Email,
        "phone" => person.Phone,
        "ip" => person.Ip,
        "url" => field.Name.Contains("trusted_form", StringComparison.Ordinal)
            ? $"https://cert.trustedform.com/{Convert.ToHexStringLower(RandomBytes(draw, 20))}"
            : $"https://www.example.com/{field.Name.Replace('_', '-')}",
        _ => Words(field.Name, draw, person),
    };

    private static string Words(string name, Random draw, Person person) => name switch
    {
        "first_name" => person.First,
        "last_name" => person.Last,
        "full_name" or "name" => $"{person.First} {person.Last}",
        "city" => person.Place.City,
        "state" => person.Place.State,
        "zip" => person.Place.Zip,
        "country" => "US",
        "gender" => draw.Next(2) == 0 ? "female" : "male",
        "user_agent" => "Mozilla/5.0 (X11; Linux x86_64)",
        _ when name.Contains("address", StringComparison.Ordinal) || name.Contains("street", StringComparison.Ordinal) =>
            string.Create(CultureInfo.InvariantCulture, $"{draw.Next(1, 9900)} {Pick(draw, Streets)} Street"),
        _ when name.Contains("lead_id", StringComparison.Ordinal) || name.Contains("leadid", StringComparison.Ordinal) || name.Contains("jornaya", StringComparison.Ordinal) =>
            new Guid(RandomBytes(draw, 16)).ToString().ToUpperInvariant(),
        _ when name.Contains("make", StringComparison.Ordinal) => Pick(draw, ["Ford", "Toyota", "Honda", "Chevrolet", "Nissan"]),
        _ when name.Contains("model", StringComparison.Ordinal) => Pick(draw, ["F-150", "Camry", "Civic", "Malibu", "Altima"]),
        _ when name.Contains("utility", StringComparison.Ordinal) || name.Contains("provider", StringComparison.Ordinal) => $"{person.Place.City} Electric",
        _ => $"{Pick(draw, Starts)}{Pick(draw, Ends)}".ToLowerInvariant(),
    };

    /// <summary>Within the field's bounds, where it has them; else what its name suggests.</summary>
    private long Whole(FieldShape field, Random draw)
    {
        var (low, high) = Usual(field.Name);
        var least = field.Min is null ? Math.Min(low, Bound(field.Max, low)) : Bound(field.Min, low);
        var most = field.Max is null ? Math.Max(high, least) : Bound(field.Max, high);
        // The usual range where it lies inside the bounds, so that ages and years look like people's.
        var from = Math.Max(least, low);
        var to = Math.Min(most, high);
        return from <= to ? draw.NextInt64(from, to + 1) : draw.NextInt64(least, most + 1);
    }

    private (long Low, long High) Usual(string name) => name switch
    {
        _ when name.Contains("age", StringComparison.Ordinal) && !name.Contains("mileage", StringComparison.Ordinal) => (name == "age" ? 18 : 1, name == "age" ? 78 : 30),
        _ when name.Contains("year", StringComparison.Ordinal) => (today.Year - 20, today.Year),
        _ when name.Contains("bill", StringComparison.Ordinal) => (60, 420),
        _ when name.Contains("credit_score", StringComparison.Ordinal) => (580, 820),
        _ when name.Contains("income", StringComparison.Ordinal) => (24_000, 180_000),
        _ when name.Contains("mileage", StringComparison.Ordinal) => (4_000, 20_000),
        _ when name.Contains("shade", StringComparison.Ordinal) => (0, 40),
        _ => (0, 10),
    };

    private static long Bound(string? text, long otherwise) =>
        decimal.TryParse(text, NumberStyles.Number, CultureInfo.InvariantCulture, out var bound) ? (long)bound : otherwise;

    private decimal Fraction(FieldShape field, Random draw)
    {
        var whole = Whole(field, draw);
        var most = decimal.TryParse(field.Max, NumberStyles.Number, CultureInfo.InvariantCulture, out var bound) ? bound : decimal.MaxValue;
        return Math.Min(most, whole + (draw.Next(100) / 100m));
    }

    private DateOnly Date(FieldShape field, Random draw)
    {
        var birth = field.Name.Contains("birth", StringComparison.Ordinal) || field.Name == "dob";
        var low = birth ? today.AddYears(-78) : today;
        var high = birth ? today.AddYears(-18) : today.AddDays(60);
        var least = Day(field.Min) ?? (field.Max is null ? low : Day(field.Max)!.Value.AddDays(-60));
        var most = Day(field.Max) ?? least.AddDays(60);
        var from = low > least ? low : least;
        var to = birth || high < most ? high : most;
        if (field.Min is null && field.Max is null)
        {
            (from, to) = (low, high);
        }

        return from <= to ? from.AddDays(draw.Next((to.DayNumber - from.DayNumber) + 1)) : least;
    }

    /// <summary>A date, <c>today</c>, or <c>today</c> and days more or less.</summary>
    private DateOnly? Day(string? text)
    {
        if (text is null)
        {
            return null;
        }

        if (!text.StartsWith("today", StringComparison.Ordinal))
        {
            return DateOnly.ParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture);
        }

        return text.Length == 5 ? today : today.AddDays(int.Parse(text[5..].TrimEnd('d'), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture));
    }

    private static string Pick(Random draw, string[] words) => words[draw.Next(words.Length)];

    private static byte[] RandomBytes(Random draw, int count)
    {
        var bytes = new byte[count];
        draw.NextBytes(bytes);
        return bytes;
    }

    private sealed record Person(string First, string Last, string Email, string Phone, Place Place, string Ip);
}
