using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Shouldly;

namespace Exchange.Engine.Tests.Fields;

public sealed class FieldsReaderTests
{
    private static readonly FieldSet Auto = new(
    [
        new() { Name = "zip", Type = FieldType.UsZip, Ordinal = 0, Ping = FieldUse.Required },
        new() { Name = "age", Type = FieldType.Integer, Ordinal = 1, Ping = FieldUse.Optional, Min = 16, Max = 110 },
        new() { Name = "coverage", Type = FieldType.Choice, Ordinal = 2, Values = ["minimum", "standard"], Ping = FieldUse.Optional, Post = FieldUse.Required },
        new() { Name = "email", Type = FieldType.Email, Ordinal = 3, Pii = true, Post = FieldUse.Required },
        new() { Name = "cert", Type = FieldType.Url, Ordinal = 4, Post = FieldUse.Optional },
        new() { Name = "survey", Type = FieldType.Text, Ordinal = 5 },
    ]);

    [Fact]
    public void Ping_WholeAndRight_GivesValuesByOrdinal()
    {
        var read = Ping("zip=90210-1234", "age=35");
        read.Errors.ShouldBeEmpty();
        read.Values.Select(value => value.Text).ShouldBe(["90210", "35", null, null, null, null]);
    }

    [Theory]
    [InlineData("age=35", "/fields/zip missing_field")]
    [InlineData("zip= ", "/fields/zip missing_field")]
    [InlineData("zip=9021", "/fields/zip invalid_format")]
    [InlineData("zip=90210 zip=90210", "/fields/zip duplicate_property")]
    [InlineData("zip=90210 Zip=90210", "/fields/Zip unknown_field")]
    [InlineData("zip=90210 shoe/size~=9 shoe/size~=9", "/fields/shoe~1size~0 unknown_field, /fields/shoe~1size~0 duplicate_property")]
    [InlineData("zip=90210 email=a@example.com", "/fields/email pii_in_ping")]
    [InlineData("zip=90210 email=broken", "/fields/email pii_in_ping")]
    [InlineData("zip=90210 cert=https://example.com/c", "/fields/cert invalid_field")]
    [InlineData("zip=90210 survey=x", "/fields/survey invalid_field")]
    [InlineData("age=12 coverage=gold x=1", "/fields/age out_of_range, /fields/coverage not_allowed, /fields/x unknown_field, /fields/zip missing_field")]
    public void Ping_WithMistakes_TellsAllAtOnce(string sent, string told) => Told(Ping(sent.Split(' '))).ShouldBe(told);

    [Theory]
    [InlineData("zip=90210 coverage=standard", "email=a@example.com", "")]
    [InlineData("zip=90210 coverage=standard", "email=a@example.com zip=90210-9999 coverage=STANDARD", "")]
    [InlineData("zip=90210", "email=a@example.com coverage=minimum", "")]
    [InlineData("zip=90210", "email=a@example.com", "/fields/coverage missing_field")]
    [InlineData("zip=90210 coverage=standard", "", "/fields/email missing_field")]
    [InlineData("zip=90210 coverage=standard", "email=a@example.com zip=90211", "/fields/zip ping_mismatch")]
    [InlineData("zip=90210 coverage=standard", "email=a@example.com zip=broken", "/fields/zip invalid_format")]
    [InlineData("zip=90210 coverage=standard", "email=a@example.com zip= ", "")]
    [InlineData("zip=90210 coverage=standard", "email=a@example.com age=40", "")]
    [InlineData("zip=90210 coverage=standard", "email=a@example.com survey=x", "/fields/survey unknown_field")]
    [InlineData("zip=90210 coverage=standard", "email=a@example.com email=b@example.com", "/fields/email duplicate_property")]
    public void Post_AfterAPing_IsCheckedAgainstIt(string pinged, string posted, string told) =>
        Told(FieldsReader.ReadPost(Auto, Raw(posted), Ping(pinged.Split(' ')).Values, PostChanges.Refuse, FieldReaderTests.Parsers, FieldReaderTests.Today)).ShouldBe(told);

    private static readonly FieldSet Dated = new(
    [
        new() { Name = "move_date", Type = FieldType.Date, Ordinal = 0, Ping = FieldUse.Required, MinDate = new(true, 0) },
        new() { Name = "call_date", Type = FieldType.Date, Ordinal = 1, Post = FieldUse.Optional, MinDate = new(true, 0) },
    ]);

    /// <summary>An offer stands over midnight: only what is new is judged by the day of the post.</summary>
    [Theory]
    [InlineData("move_date=2026-11-22", "")]
    [InlineData("move_date=11/22/2026 call_date=2026-11-23", "")]
    [InlineData("move_date=2026-11-22 call_date=2026-11-22", "/fields/call_date out_of_range")]
    [InlineData("move_date=2026-11-21", "/fields/move_date ping_mismatch")]
    [InlineData("move_date=tomorrow", "/fields/move_date invalid_format")]
    public void Post_PingedDateOfYesterday_IsStillEqual(string posted, string told) => Told(FieldsReader.ReadPost(
        Dated, Raw(posted), [new("2026-11-22", FieldReaderTests.Today), default], PostChanges.Refuse, FieldReaderTests.Parsers, FieldReaderTests.Today + 1)).ShouldBe(told);

    [Fact]
    public void Addition_OfADateThatWasGivenYesterday_IsFixed() => Told(FieldsReader.ReadAddition(
        Dated, Raw("move_date=2026-11-22"), [new("2026-11-22", FieldReaderTests.Today), default], FieldReaderTests.Parsers, FieldReaderTests.Today + 1)).ShouldBe("/fields/move_date field_fixed");

    private static readonly FieldSet Hashed = new(
    [
        new() { Name = "zip", Type = FieldType.UsZip, Ordinal = 0, Ping = FieldUse.Required },
        new() { Name = "email", Type = FieldType.Email, Ordinal = 1, Pii = true, PingHashed = true, Post = FieldUse.Required },
        new() { Name = "phone", Type = FieldType.Phone, Ordinal = 2, Pii = true, Post = FieldUse.Optional },
    ]);

    [Theory]
    [InlineData("zip=90210 email_sha256={A}", "")]
    [InlineData("zip=90210 email_sha256={a}", "")]
    [InlineData("zip=90210 email_sha256=", "")]
    [InlineData("zip=90210 email_sha256=abc", "/fields/email_sha256 invalid_format")]
    [InlineData("zip=90210 email_sha256={A}0", "/fields/email_sha256 invalid_format")]
    [InlineData("zip=90210 email_sha256={g}", "/fields/email_sha256 invalid_format")]
    [InlineData("zip=90210 email_sha256=a@example.com", "/fields/email_sha256 invalid_format")]
    [InlineData("zip=90210 email_sha256={A} email_sha256={A}", "/fields/email_sha256 duplicate_property")]
    [InlineData("zip=90210 email_sha256= email_sha256={A}", "/fields/email_sha256 duplicate_property")]
    [InlineData("zip=90210 email=a@example.com", "/fields/email pii_in_ping")]
    [InlineData("zip=90210 email_sha256={A} email=a@example.com", "/fields/email pii_in_ping")]
    [InlineData("zip=90210 phone_sha256={A}", "/fields/phone_sha256 unknown_field")]
    [InlineData("zip=90210 zip_sha256={A}", "/fields/zip_sha256 unknown_field")]
    [InlineData("zip=90210 EMAIL_sha256={A}", "/fields/EMAIL_sha256 unknown_field")]
    [InlineData("email_sha256={A}", "/fields/zip missing_field")]
    public void Ping_WithAHash_IsReadOrTold(string sent, string told)
    {
        var read = FieldsReader.ReadPing(Hashed, Raw(WithHashes(sent)), FieldReaderTests.Parsers, FieldReaderTests.Today);
        Told(read).ShouldBe(told);
        if (told.Length == 0 && !sent.EndsWith('='))
        {
            var hash = read.Hashes.ShouldHaveSingleItem();
            (hash.Field.Name, Convert.ToHexStringLower(hash.Sha256)).ShouldBe(("email", Sha("a@example.com")));
        }
        else if (sent.EndsWith('=')) read.Hashes.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("zip=90210 email=A@Example.com", "")]
    [InlineData("zip=90210 email=A@Example.com email_sha256={a}", "")]
    [InlineData("zip=90210 email_sha256={a} email=b@example.com", "/fields/email_sha256 invalid_field")]
    [InlineData("zip=90210 email_sha256={a}", "/fields/email missing_field")]
    public void DirectPost_WithAHashBesideTheValue_MustBeOfThatValue(string sent, string told) =>
        Told(FieldsReader.ReadDirect(Hashed, Raw(WithHashes(sent)), FieldReaderTests.Parsers, FieldReaderTests.Today)).ShouldBe(told);

    [Theory]
    [InlineData("email=a@example.com email_sha256={a}", "")]
    [InlineData("email=b@example.com email_sha256={a}", "/fields/email_sha256 invalid_field")]
    public void Post_ThatRepeatsTheHash_IsTaken(string posted, string told) => Told(FieldsReader.ReadPost(
        Hashed, Raw(WithHashes(posted)), [new("90210", 90210), default, default], PostChanges.Refuse, FieldReaderTests.Parsers, FieldReaderTests.Today)).ShouldBe(told);

    [Fact]
    public void Addition_OfAHash_IsAnUnknownField() => Told(FieldsReader.ReadAddition(
        Hashed, Raw(WithHashes("email_sha256={a}")), [new("90210", 90210), default, default], FieldReaderTests.Parsers, FieldReaderTests.Today)).ShouldBe("/fields/email_sha256 unknown_field");

    [Fact]
    public void DirectPost_HashesOfItsValues_AreThoseAPingWouldHaveCarried()
    {
        var pinged = FieldsReader.ReadPing(Hashed, Raw(WithHashes("zip=90210 email_sha256={A}")), FieldReaderTests.Parsers, FieldReaderTests.Today);
        var direct = FieldsReader.ReadDirect(Hashed, Raw("zip=90210 email=A@Example.com"), FieldReaderTests.Parsers, FieldReaderTests.Today);
        direct.HashesOfValues(Hashed).ShouldHaveSingleItem().Sha256.ShouldBe(pinged.Hashes[0].Sha256);
    }

    /// <summary>{a}: the hash of a@example.com, {A}: in capitals, {g}: no hash though as long.</summary>
    private static string WithHashes(string text) => text.Replace("{a}", Sha("a@example.com"), StringComparison.Ordinal)
        .Replace("{A}", Sha("a@example.com").ToUpperInvariant(), StringComparison.Ordinal).Replace("{g}", new string('g', 64), StringComparison.Ordinal);

    private static string Sha(string text) => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(text)));

    [Fact]
    public void Post_ChangesIgnored_KeepsThePingedValueAndWarns()
    {
        var read = FieldsReader.ReadPost(
            Auto, Raw("zip=90211 email=a@example.com"), Ping("zip=90210", "coverage=standard").Values, PostChanges.Ignore, FieldReaderTests.Parsers, FieldReaderTests.Today);
        read.Ok.ShouldBeTrue();
        read.Values[0].Text.ShouldBe("90210");
        read.Warnings.ShouldHaveSingleItem().ShouldSatisfyAllConditions(
            warning => warning.Pointer.ShouldBe("/fields/zip"), warning => warning.Code.ShouldBe("ping_mismatch"));
    }

    [Fact]
    public void Post_LeavesThePingedArrayAlone()
    {
        var pinged = Ping("zip=90210", "coverage=standard").Values;
        FieldsReader.ReadPost(Auto, Raw("email=a@example.com"), pinged, PostChanges.Refuse, FieldReaderTests.Parsers, FieldReaderTests.Today).Values[3].Text.ShouldBe("a@example.com");
        pinged[3].IsGiven.ShouldBeFalse();
    }

    [Theory]
    [InlineData("zip=90210 coverage=standard email=a@example.com cert=https://example.com/c", "")]
    [InlineData("age=35", "/fields/zip missing_field, /fields/coverage missing_field, /fields/email missing_field")]
    [InlineData("zip=90210 coverage=standard email=a@example.com survey=x", "/fields/survey unknown_field")]
    public void DirectPost_WantsWhatPingAndPostWant(string sent, string told) =>
        Told(FieldsReader.ReadDirect(Auto, Raw(sent), FieldReaderTests.Parsers, FieldReaderTests.Today)).ShouldBe(told);

    [Theory]
    [InlineData("survey=done", "")]
    [InlineData("survey=done zip=90210", "/fields/zip field_fixed")]
    [InlineData("shoe=9", "/fields/shoe unknown_field")]
    public void Addition_TakesOnlyWhatWasNotGiven(string sent, string told) =>
        Told(FieldsReader.ReadAddition(Auto, Raw(sent), Ping("zip=90210").Values, FieldReaderTests.Parsers, FieldReaderTests.Today)).ShouldBe(told);

    [Fact]
    public void Request_WithMoreFieldsThanTheLimit_IsRefusedAsOne()
    {
        var many = Enumerable.Range(0, Limits.FieldsPerRequest + 1).Select(i => new RawField($"x{i}", RawKind.String, "1")).ToArray();
        Told(FieldsReader.ReadPing(Auto, many, FieldReaderTests.Parsers, FieldReaderTests.Today)).ShouldBe("/fields out_of_range");
    }

    [Fact]
    public void Request_WithManyMistakes_TellsNoMoreThanTheLimit()
    {
        var many = Enumerable.Range(0, Limits.FieldsPerRequest).Select(i => new RawField($"x{i}", RawKind.String, "1")).ToArray();
        FieldsReader.ReadPing(Auto, many, FieldReaderTests.Parsers, FieldReaderTests.Today).Errors.Count.ShouldBe(Limits.ErrorsPerAnswer);
    }

    [Fact]
    public void Errors_NameAVeryLongName_OnlyInPart() =>
        FieldsReader.Pointer(new string('x', 5_000)).Length.ShouldBeLessThan(100);

    [Fact]
    public void Errors_NeverRepeatAValue()
    {
        var read = Ping("zip=Marker77", "age=Marker77", "coverage=Marker77", "email=Marker77@example.com", "cert=Marker77", "other=Marker77");
        read.Errors.Count.ShouldBe(6);
        string.Concat(read.Errors).ShouldNotContain("Marker77");
    }

    private static FieldsReading Ping(params string[] pairs) => FieldsReader.ReadPing(Auto, Raw(string.Join(' ', pairs)), FieldReaderTests.Parsers, FieldReaderTests.Today);

    private static RawField[] Raw(string pairs) =>
        [.. pairs.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('=', 2)).Select(pair => new RawField(pair[0], RawKind.String, pair[1]))];

    private static string Told(FieldsReading read) => string.Join(", ", read.Errors.Select(error => $"{error.Pointer} {error.Code}"));
}
