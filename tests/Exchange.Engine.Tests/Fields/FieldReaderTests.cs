using System.Text.RegularExpressions;
using CsCheck;
using Exchange.Engine.Fields;
using Shouldly;

namespace Exchange.Engine.Tests.Fields;

public sealed class FieldReaderTests
{
    /// <summary>Stand-ins with the rules of the real ones that matter here: ten digits are a US number, dots or colons an address.</summary>
    internal static readonly FieldParsers Parsers = new(
        (text, region) =>
        {
            var digits = string.Concat(text.Where(char.IsAsciiDigit));
            return text.StartsWith('+') ? (digits.Length is >= 8 and <= 15 ? "+" + digits : null)
                : region == "US" && digits.Length == 10 ? "+1" + digits : null;
        },
        text => Regex.IsMatch(text, @"^(\d{1,3}\.){3}\d{1,3}$|^[0-9a-fA-F:]*:[0-9a-fA-F:]*$") ? text.ToLowerInvariant() : null);

    internal static readonly int Today = new DateOnly(2026, 11, 22).DayNumber;

    [Theory]
    // type, as sent, as kept, number
    [InlineData(FieldType.Text, "  Anna  ", "Anna", 0)]
    [InlineData(FieldType.Text, "O'Brien-Ñandú 👍", "O'Brien-Ñandú 👍", 0)]
    [InlineData(FieldType.Integer, "35", "35", 35)]
    [InlineData(FieldType.Integer, " -7 ", "-7", -7)]
    [InlineData(FieldType.Integer, "007", "7", 7)]
    [InlineData(FieldType.Integer, "35.0", "35", 35)]
    [InlineData(FieldType.Integer, "9223372036854775807", "9223372036854775807", long.MaxValue)]
    [InlineData(FieldType.Decimal, "12.50", "12.5", 12_500_000)]
    [InlineData(FieldType.Decimal, "12", "12", 12_000_000)]
    [InlineData(FieldType.Decimal, "100", "100", 100_000_000)]
    [InlineData(FieldType.Decimal, "-0.000001", "-0.000001", -1)]
    [InlineData(FieldType.Decimal, "-0", "0", 0)]
    [InlineData(FieldType.Boolean, "true", "true", 1)]
    [InlineData(FieldType.Boolean, "FALSE", "false", 0)]
    [InlineData(FieldType.Choice, "RENT", "rent", 1)]
    [InlineData(FieldType.Date, "2026-12-24", "2026-12-24", 739_973)]
    [InlineData(FieldType.Date, "12/24/2026", "2026-12-24", 739_973)]
    [InlineData(FieldType.Date, "02/29/2028", "2028-02-29", 740_405)]
    [InlineData(FieldType.UsZip, "02139", "02139", 2139)]
    [InlineData(FieldType.UsZip, "90210-1234", "90210", 90210)]
    [InlineData(FieldType.UsState, "ca", "CA", 0)]
    [InlineData(FieldType.UsState, "pr", "PR", 0)]
    [InlineData(FieldType.UsState, "DC", "DC", 0)]
    [InlineData(FieldType.Email, " Anna.B+x@Example.COM ", "anna.b+x@example.com", 0)]
    [InlineData(FieldType.Phone, "(415) 555-0132", "+14155550132", 0)]
    [InlineData(FieldType.Phone, "+44 20 7946 0958", "+442079460958", 0)]
    [InlineData(FieldType.Ip, "203.0.113.9", "203.0.113.9", 0)]
    [InlineData(FieldType.Ip, "2001:DB8::1", "2001:db8::1", 0)]
    [InlineData(FieldType.Url, "https://cert.trustedform.com/ab12?x=1", "https://cert.trustedform.com/ab12?x=1", 0)]
    public void Value_AcceptableText_IsNormalized(FieldType type, string sent, string kept, long number)
    {
        var reading = Read(type, RawKind.String, sent);
        reading.Message.ShouldBeNull();
        reading.Value.ShouldBe(new FieldValue(kept, number));
        // Reading what was kept changes nothing, and neither does storing it and reading it back.
        Read(type, RawKind.String, kept).Value.ShouldBe(reading.Value);
        FieldFormat.Text(Schema(type), reading.Value).ShouldBe(kept);
        FieldFormat.Restore(Schema(type), kept).ShouldBe(reading.Value);
    }

    [Theory]
    [InlineData(FieldType.Integer, RawKind.Number, "35", "35")]
    [InlineData(FieldType.Decimal, RawKind.Number, "35.5", "35.5")]
    [InlineData(FieldType.UsZip, RawKind.Number, "90210", "90210")]
    [InlineData(FieldType.Text, RawKind.Number, "12", "12")]
    [InlineData(FieldType.Boolean, RawKind.Boolean, "true", "true")]
    [InlineData(FieldType.Phone, RawKind.Number, "4155550132", "+14155550132")]
    public void Value_JsonNumberOrBoolean_ReadsLikeItsText(FieldType type, RawKind kind, string sent, string kept) =>
        Read(type, kind, sent).Value.Text.ShouldBe(kept);

    [Theory]
    [InlineData(FieldType.Text, RawKind.Other, "{}", "wrong_type")]
    [InlineData(FieldType.Integer, RawKind.Other, "null", "wrong_type")]
    [InlineData(FieldType.Text, RawKind.Boolean, "true", "wrong_type")]
    [InlineData(FieldType.Integer, RawKind.Boolean, "true", "wrong_type")]
    [InlineData(FieldType.Boolean, RawKind.Number, "1", "wrong_type")]
    [InlineData(FieldType.Boolean, RawKind.String, "yes", "wrong_type")]
    [InlineData(FieldType.Integer, RawKind.String, "abc", "wrong_type")]
    [InlineData(FieldType.Integer, RawKind.String, "3.5", "wrong_type")]
    [InlineData(FieldType.Integer, RawKind.String, "1e3", "wrong_type")]
    [InlineData(FieldType.Integer, RawKind.String, "-", "wrong_type")]
    [InlineData(FieldType.Integer, RawKind.String, "+5", "wrong_type")]
    [InlineData(FieldType.Integer, RawKind.String, "٣٥", "wrong_type")]
    [InlineData(FieldType.Integer, RawKind.String, "99999999999999999999", "out_of_range")]
    [InlineData(FieldType.Decimal, RawKind.String, "1,000.00", "wrong_type")]
    [InlineData(FieldType.Decimal, RawKind.String, ".", "wrong_type")]
    [InlineData(FieldType.Decimal, RawKind.String, "1.", "wrong_type")]
    [InlineData(FieldType.Decimal, RawKind.String, "NaN", "wrong_type")]
    [InlineData(FieldType.Decimal, RawKind.String, "1.1234567", "out_of_range")]
    [InlineData(FieldType.Decimal, RawKind.String, "1234567890123", "out_of_range")]
    [InlineData(FieldType.Choice, RawKind.String, "lease", "not_allowed")]
    [InlineData(FieldType.Date, RawKind.String, "2026-02-30", "invalid_format")]
    [InlineData(FieldType.Date, RawKind.String, "24/12/2026", "invalid_format")]
    [InlineData(FieldType.Date, RawKind.String, "2026-1-5", "invalid_format")]
    [InlineData(FieldType.UsZip, RawKind.String, "9021", "invalid_format")]
    [InlineData(FieldType.UsZip, RawKind.Number, "2139", "invalid_format")]
    [InlineData(FieldType.UsZip, RawKind.String, "90210-12", "invalid_format")]
    [InlineData(FieldType.UsZip, RawKind.String, "9021O", "invalid_format")]
    [InlineData(FieldType.UsZip, RawKind.String, "९०२१०", "invalid_format")]
    [InlineData(FieldType.UsState, RawKind.String, "California", "invalid_format")]
    [InlineData(FieldType.UsState, RawKind.String, "XX", "invalid_format")]
    [InlineData(FieldType.Email, RawKind.String, "anna", "invalid_format")]
    [InlineData(FieldType.Email, RawKind.String, "anna@host", "invalid_format")]
    [InlineData(FieldType.Email, RawKind.String, "@example.com", "invalid_format")]
    [InlineData(FieldType.Email, RawKind.String, "a@b@example.com", "invalid_format")]
    [InlineData(FieldType.Email, RawKind.String, "a b@example.com", "invalid_format")]
    [InlineData(FieldType.Email, RawKind.String, "a..b@example.com", "invalid_format")]
    [InlineData(FieldType.Email, RawKind.String, "anna@example..com", "invalid_format")]
    [InlineData(FieldType.Email, RawKind.String, "anna@-example.com", "invalid_format")]
    [InlineData(FieldType.Email, RawKind.String, "anna@example.c", "invalid_format")]
    [InlineData(FieldType.Email, RawKind.String, "anna@192.168.0.1", "invalid_format")]
    [InlineData(FieldType.Phone, RawKind.String, "555-0132", "invalid_format")]
    [InlineData(FieldType.Ip, RawKind.String, "localhost", "invalid_format")]
    [InlineData(FieldType.Url, RawKind.String, "/relative", "invalid_format")]
    [InlineData(FieldType.Url, RawKind.String, "javascript:alert(1)", "invalid_format")]
    [InlineData(FieldType.Url, RawKind.String, "ftp://example.com/x", "invalid_format")]
    [InlineData(FieldType.Url, RawKind.String, "https://user:secret@example.com/", "invalid_format")]
    [InlineData(FieldType.Url, RawKind.String, "https://exa mple.com", "invalid_format")]
    [InlineData(FieldType.Text, RawKind.String, "a\0b", "invalid_format")]
    [InlineData(FieldType.Text, RawKind.String, "a\u001bb", "invalid_format")]
    [InlineData(FieldType.Text, RawKind.String, "a\u0085b", "invalid_format")]
    public void Value_NotAcceptable_HasThisCodeAndIsNotRepeated(FieldType type, RawKind kind, string sent, string code)
    {
        var reading = Read(type, kind, sent);
        reading.Code.ShouldBe(code);
        reading.Value.IsGiven.ShouldBeFalse();
        if (sent.Length > 2) reading.Message!.ShouldNotContain(sent);
    }

    [Fact]
    public void Text_HalfASurrogatePair_IsInvalidFormat()
    {
        // Not as theory data: attributes cannot hold a broken text.
        foreach (var sent in new[] { "\ud83d", "a\udc4d", "\ud83d\ud83d\udc4d", "\udc4d\ud83d" })
            Read(FieldType.Text, RawKind.String, sent).Code.ShouldBe("invalid_format");
        Read(FieldType.Text, RawKind.String, "\ud83d\udc4d").Ok.ShouldBeTrue();
    }

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("\t\n")]
    public void Value_EmptyText_IsNotGivenWhateverTheType(string sent)
    {
        foreach (var type in Enum.GetValues<FieldType>())
        {
            var reading = Read(type, RawKind.String, sent);
            reading.Ok.ShouldBeTrue();
            reading.Value.IsGiven.ShouldBeFalse();
        }
    }

    [Theory]
    [InlineData("15", "out_of_range")]
    [InlineData("16", null)]
    [InlineData("110", null)]
    [InlineData("111", "out_of_range")]
    public void Integer_MinAndMax_AreIncluded(string sent, string? code) =>
        FieldReader.Read(new() { Name = "age", Type = FieldType.Integer, Ordinal = 0, Min = 16, Max = 110 }, new("age", RawKind.String, sent), Parsers, Today).Code.ShouldBe(code);

    [Theory]
    [InlineData("2026-11-21", "out_of_range")]
    [InlineData("2026-11-22", null)]
    [InlineData("2027-11-27", null)]
    [InlineData("2027-11-28", "out_of_range")]
    public void Date_BoundsFromToday_MoveWithTheDay(string sent, string? code) =>
        FieldReader.Read(
            new() { Name = "renewal_date", Type = FieldType.Date, Ordinal = 0, MinDate = new(true, 0), MaxDate = new(true, 370) },
            new("renewal_date", RawKind.String, sent), Parsers, Today).Code.ShouldBe(code);

    [Theory]
    [InlineData("today", true, 0)]
    [InlineData("today+45d", true, 45)]
    [InlineData("today-1d", true, -1)]
    [InlineData("2026-11-22", false, 739_941)]
    public void DateBound_AsWritten_Reads(string text, bool relative, int number)
    {
        DateBound.TryParse(text, out var bound).ShouldBeTrue();
        bound.ShouldBe(new DateBound(relative, number));
    }

    [Theory]
    [InlineData("tomorrow")]
    [InlineData("today+")]
    [InlineData("today+5")]
    [InlineData("today+5w")]
    [InlineData("today5d")]
    [InlineData("today+999999d")]
    [InlineData("")]
    public void DateBound_NotADate_IsRefused(string text) => DateBound.TryParse(text, out _).ShouldBeFalse();

    [Fact]
    public void Text_LongerThanItsField_IsOutOfRange()
    {
        var schema = new FieldSchema { Name = "note", Type = FieldType.Text, Ordinal = 0, MaxLength = 5 };
        FieldReader.Read(schema, new("note", RawKind.String, "12345"), Parsers, Today).Ok.ShouldBeTrue();
        FieldReader.Read(schema, new("note", RawKind.String, "123456"), Parsers, Today).Code.ShouldBe("out_of_range");
    }

    [Fact]
    public void Text_NotFittingItsPattern_IsInvalidFormat()
    {
        var schema = new FieldSchema { Name = "vin", Type = FieldType.Text, Ordinal = 0, Pattern = new("^[A-Z0-9]{17}$", RegexOptions.NonBacktracking) };
        FieldReader.Read(schema, new("vin", RawKind.String, "1HGCM82633A004352"), Parsers, Today).Ok.ShouldBeTrue();
        FieldReader.Read(schema, new("vin", RawKind.String, "short"), Parsers, Today).Code.ShouldBe("invalid_format");
    }

    [Fact]
    public void Value_AnyTextWhatever_ReadsToItsNormalFormOrACodeAndNeverThrows() =>
        Gen.Select(Gen.String[0, 40], Gen.Enum<FieldType>(), Gen.Enum<RawKind>()).Sample((text, type, kind) =>
        {
            var reading = Read(type, kind, text);
            if (!reading.Ok) { reading.Message.ShouldNotBeNullOrEmpty(); return; }
            if (reading.Value.IsGiven) Read(type, RawKind.String, reading.Value.Text!).Value.ShouldBe(reading.Value);
        }, iter: 5_000);

    [Fact]
    public void Decimal_AnyAmount_SurvivesTextAndBack() =>
        Gen.Long[-999_999_999_999_999_999, 999_999_999_999_999_999].Sample(micros =>
            Read(FieldType.Decimal, RawKind.String, FieldFormat.Number(Schema(FieldType.Decimal), micros)).Value.Number.ShouldBe(micros));

    internal static FieldSchema Schema(FieldType type) => new() { Name = "f", Type = type, Ordinal = 0, Values = ["own", "rent"], Region = "US" };

    private static FieldReading Read(FieldType type, RawKind kind, string text) => FieldReader.Read(Schema(type), new("f", kind, text), Parsers, Today);
}
