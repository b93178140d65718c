using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Engine.Tests.Catalog;
using Shouldly;

namespace Exchange.Engine.Tests.Fields;

/// <summary>Fields under a publisher's own names and in its own values are read as ours, and whatever is wrong is told under its own names.</summary>
public sealed class PublisherWordsTests
{
    private const string Words = """
        { "verticals": { "Auto Insurance": "auto" },
          "fields": { "Zip": "zip", "ZipCode": "zip", "St": "state", "Cover": "cover", "Years": "age", "Mail": "email", "Mail Hash": "email_sha256", "age": "cover" },
          "values": { "cover": { "Min": "minimum", "1": "minimum", "2": "standard", "true": "standard" } } }
        """;

    private static readonly CatalogModel Model = Catalogs.Model(ConfigPatch.Set(
        Catalogs.With("publishers search intake", Words), ["verticals", "auto", "fields", "email", "ping"], Catalogs.Json("\"hashed\"")));
    private static readonly FieldSet Auto = Model.Verticals["auto"].Fields;
    private static readonly IntakeModel Search = Model.Publishers["search"].Intake;

    private static readonly string Hash = Convert.ToHexStringLower(GivenHash.Of("a@example.com"));

    [Theory]
    // What is sent; what is read: zip state age cover, then errors.
    [InlineData("Zip=90210 St=ca Years=35 Cover=min", "90210 CA 35 minimum")]
    [InlineData("zip=90210 state=CA cover=standard", "90210 CA  standard")]
    [InlineData("ZipCode=90210 state=CA cover=2", "90210 CA  standard")]
    // Its word beats ours: what it calls age is our cover.
    [InlineData("Zip=90210 St=CA age=1", "90210 CA  minimum")]
    [InlineData("Zip=90210 St=CA Cover=MINIMUM", "90210 CA  minimum")]
    [InlineData("Zip=90210 St=CA Cover=3", "/fields/Cover not_allowed")]
    [InlineData("Zip=90210 zip=90210 St=CA", "/fields/zip duplicate_property")]
    [InlineData("Zip=90210 ZipCode=90211 St=CA", "/fields/ZipCode duplicate_property")]
    [InlineData("Zip=9021 Years=7 Mail=a@example.com", "/fields/Zip invalid_format, /fields/Years out_of_range, /fields/Mail pii_in_ping, /fields/St missing_field")]
    [InlineData("Years=35", "/fields/Zip missing_field, /fields/St missing_field")]
    [InlineData("Zip=90210 St=CA Shoe=9", "/fields/Shoe unknown_field")]
    public void Ping_InItsWords_IsRead(string sent, string told) => Told(FieldsReader.ReadPing(Auto, Raw(sent), Catalogs.Options.Parsers, Catalogs.Options.Today!.Value, Search)).ShouldBe(told);

    [Fact]
    public void Number_OrBoolean_IsAWordToo()
    {
        FieldsReader.ReadPing(Auto, [new("Zip", RawKind.String, "90210"), new("St", RawKind.String, "CA"), new("Cover", RawKind.Number, "1")], Catalogs.Options.Parsers, 0, Search)
            .Values[Auto.Find("cover")!.Ordinal].Text.ShouldBe("minimum");
        FieldsReader.ReadPing(Auto, [new("Zip", RawKind.String, "90210"), new("St", RawKind.String, "CA"), new("Cover", RawKind.Boolean, "true")], Catalogs.Options.Parsers, 0, Search)
            .Values[Auto.Find("cover")!.Ordinal].Text.ShouldBe("standard");
    }

    [Fact]
    public void Hash_UnderItsName_IsRead()
    {
        var read = FieldsReader.ReadPing(Auto, [.. Raw("Zip=90210 St=CA"), new("Mail Hash", RawKind.String, Hash)], Catalogs.Options.Parsers, 0, Search);
        read.Errors.ShouldBeEmpty();
        read.Hashes.ShouldHaveSingleItem().Field.Name.ShouldBe("email");
    }

    [Fact]
    public void Post_InItsWords_IsComparedWithThePing()
    {
        var pinged = FieldsReader.ReadPing(Auto, Raw("Zip=90210 St=CA"), Catalogs.Options.Parsers, 0, Search).Values;
        Told(FieldsReader.ReadPost(Auto, Raw("Mail=a@example.com phone=+1 Zip=90211"), pinged, PostChanges.Refuse, Catalogs.Options.Parsers, 0, Search)).ShouldBe("/fields/Zip ping_mismatch");
        var ignored = FieldsReader.ReadPost(Auto, Raw("Mail=a@example.com phone=+1 Zip=90211"), pinged, PostChanges.Ignore, Catalogs.Options.Parsers, 0, Search);
        ignored.Errors.ShouldBeEmpty();
        ignored.Warnings.ShouldHaveSingleItem().Pointer.ShouldBe("/fields/Zip");
        Told(FieldsReader.ReadAddition(Auto, Raw("St=NY notes=x"), pinged, Catalogs.Options.Parsers, 0, Search)).ShouldBe("/fields/St field_fixed");
    }

    [Fact]
    public void UnknownFields_Ignored_AreWarnedOf()
    {
        var ignoring = Catalogs.Model(Catalogs.With("publishers search intake", "{ \"unknown_fields\": \"ignore\" }")).Publishers["search"].Intake;
        var read = FieldsReader.ReadPing(Auto, Raw("zip=90210 state=CA Shoe=9 email=a@example.com"), Catalogs.Options.Parsers, 0, ignoring);
        // A field that we know and must not be pinged is not an unknown one.
        read.Errors.Select(error => $"{error.Pointer} {error.Code}").ShouldBe(["/fields/email pii_in_ping"]);
        read.Warnings.Select(warning => $"{warning.Pointer} {warning.Code}").ShouldBe(["/fields/Shoe unknown_field"]);
        Told(FieldsReader.ReadPing(Auto, Raw("zip=90210 state=CA Shoe=9 Shoe=10"), Catalogs.Options.Parsers, 0, ignoring)).ShouldBe("/fields/Shoe duplicate_property");
    }

    [Fact]
    public void Vertical_UnderItsWordOrOurs_IsFound()
    {
        Search.Vertical("Auto Insurance").ShouldBe("auto");
        Search.Vertical("auto").ShouldBe("auto");
        Search.Vertical("boats").ShouldBe("boats");
        Model.Publishers["social"].Intake.ShouldBeSameAs(IntakeModel.Plain);
    }

    private static RawField[] Raw(string sent) => [.. sent.Split(' ').Select(pair => new RawField(pair.Split('=')[0], RawKind.String, pair.Split('=')[1]))];

    private static string Told(FieldsReading read) => read.Ok
        ? string.Join(' ', new[] { "zip", "state", "age", "cover" }.Select(name => read.Values[Auto.Find(name)!.Ordinal].Text))
        : string.Join(", ", read.Errors.Select(error => $"{error.Pointer} {error.Code}"));
}
