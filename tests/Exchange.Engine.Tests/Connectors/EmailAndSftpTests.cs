using Exchange.Engine.Catalog;
using Exchange.Engine.Connectors;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Filters;
using Exchange.Engine.Ledger;
using Exchange.Engine.Tests.Catalog;
using Shouldly;

namespace Exchange.Engine.Tests.Connectors;

/// <summary>Endpoints that are a mail address or a folder on a server.</summary>
public sealed class EmailAndSftpTests
{
    private const string Print = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    /// <summary>The basic catalog with `mail` and `files` of acme, through which a campaign sends.</summary>
    private static ConfigNode Catalog(string? keys = null, string? json = null)
    {
        var root = ConfigPatch.Set(Catalogs.Json(Catalogs.Basic), ["buyers", "acme", "endpoints", "mail"], Catalogs.Json(
            """{ "connector": "email", "with": { "to": "leads@acme.example", "subject": "Lead {{ sale.id }} in {{ lead.zip }}", "body": "{{ lead.phone }} {{ consent.ip }}" }, "test": { "with": { "to": "test@acme.example" } } }"""));
        root = ConfigPatch.Set(root, ["buyers", "acme", "endpoints", "files"], Catalogs.Json(
            $$"""{ "connector": "sftp", "with": { "host": "sftp.acme.example", "user": "us", "key": { "secret": "acme-key" }, "folder": "in", "host_key": "{{Print}}", "every": "15m" } }"""));
        root = ConfigPatch.Set(root, ["campaigns", "acme-a", "delivery"], Catalogs.Json("""{ "to": ["mail", "files"], "send": "all" }"""));
        return keys is null ? root : ConfigPatch.Set(root, keys.Split(' '), json == "-" ? null : Catalogs.Json(json!));
    }

    [Fact]
    public void Read_AsWritten_WithDefaults()
    {
        var endpoints = Catalogs.Model(Catalog()).Buyers["acme"].Endpoints;
        var (mail, files) = (endpoints["mail"].Email.ShouldNotBeNull(), endpoints["files"].Sftp.ShouldNotBeNull());
        (mail.To.Text, mail.Subject?.Text, mail.Body?.Text).ShouldBe(("leads@acme.example", "Lead {{ sale.id }} in {{ lead.zip }}", "{{ lead.phone }} {{ consent.ip }}"));
        (endpoints["mail"].Test!.Email!.To.Text, endpoints["mail"].Test!.Email!.Subject?.Text).ShouldBe(("test@acme.example", mail.Subject?.Text));
        (files.Host, files.Port, files.User, files.Folder, files.Format, files.Every).ShouldBe(("sftp.acme.example", 22, "us", "in", FileFormat.Csv, TimeSpan.FromMinutes(15)));
        files.HostKeys.ShouldBe([Print[7..]]);
        endpoints["files"].SecretNames.ShouldBe(["acme-key"]);
        endpoints["files"].PostTimeout.ShouldBe(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public void Sftp_WithoutAHostKey_IsWarnedOf()
    {
        var compiled = Catalogs.Compile(Catalog("buyers acme endpoints files with host_key", "-"));
        compiled.Errors.Errors.ShouldBeEmpty();
        compiled.Errors.Warnings.Select(warning => (warning.Code, warning.Pointer)).ShouldContain(("no_host_key", "buyers.acme.endpoints.files.with.host_key"));
    }

    [Fact]
    public void Email_WithoutAServer_IsWarnedOf() =>
        CatalogCompiler.Compile(Catalog(), 7, Catalogs.Options with { HasMailServer = false }).Errors.Warnings.Select(warning => (warning.Code, warning.Pointer)).ShouldContain(("no_mail_server", "buyers.acme.endpoints.mail.with"));

    /// <summary>Another server has other keys: those of the live one would refuse it, or worse, be believed to be its own.</summary>
    [Fact]
    public void Test_OnAnotherHost_HasNotTheLiveOnesHostKey() =>
        Catalogs.Model(Catalog("buyers acme endpoints files test", """{ "with": { "host": "test.acme.example" } }""")).Buyers["acme"].Endpoints["files"].Test!.Sftp!.HostKeys.ShouldBeEmpty();

    [Theory]
    // A subject is read by everybody on its way.
    [InlineData("mail with subject", "\"{{ lead.phone }}\"", "field_not_here", "mail.with.subject")]
    [InlineData("mail with subject", "\"{{ lead.email }}\"", "field_not_here", "mail.with.subject")]
    [InlineData("mail with subject", "\"{{ lead.notes }}\"", "field_not_here", "mail.with.subject")]
    [InlineData("mail with subject", "\"{{ consent.ip }}\"", "field_not_here", "mail.with.subject")]
    [InlineData("mail with subject", "\"{{ lead.zap }}\"", "unknown_field", "mail.with.subject")]
    [InlineData("mail test with subject", "\"{{ lead.phone }}\"", "field_not_here", "mail.test.with.subject")]
    [InlineData("mail with body", "\"{{ lead.zap }}\"", "unknown_field", "mail.with.body")]
    [InlineData("mail with body", "\"{{ ping.id }}\"", "field_not_here", "mail.with.body")]
    [InlineData("mail with body", "\"{{ with.host }}\"", "unknown_name", "mail.with.body")]
    [InlineData("mail with to", "\"{{ lead.email }}\"", "field_not_here", "mail.with.to")]
    [InlineData("mail with to", "\"acme.example\"", "invalid_format", "mail.with.to")]
    [InlineData("mail with to", "\"a@acme.example\\nBcc: b@x.example\"", "invalid_format", "mail.with.to")]
    [InlineData("mail with to", "-", "missing_key", "mail.with.to")]
    [InlineData("mail with host", "\"smtp.acme.example\"", "unknown_key", "mail.with.host")]
    [InlineData("mail with", "-", "missing_key", "mail.with")]
    [InlineData("mail price_at_post", "\"ignore\"", "misplaced_key", "mail.price_at_post")]
    [InlineData("files with host", "\"127.0.0.1\"", "invalid_url", "files.with.host")]
    [InlineData("files with host", "\"sftp://a.example/b\"", "invalid_format", "files.with.host")]
    [InlineData("files with port", "80", "out_of_range", "files.with.port")]
    [InlineData("files with key", "\"-----BEGIN\"", "secret_in_file", "files.with.key")]
    [InlineData("files with user", "-", "missing_key", "files.with.user")]
    [InlineData("files with folder", "-", "missing_key", "files.with.folder")]
    [InlineData("files with format", "\"xlsx\"", "unknown_value", "files.with.format")]
    [InlineData("files with every", "\"8d\"", "out_of_range", "files.with.every")]
    [InlineData("files with host_key", "\"MD5:1:2\"", "invalid_format", "files.with.host_key")]
    public void Catalog_WithOneWrongThing_IsRefusedThere(string keys, string value, string code, string path) =>
        Catalogs.Compile(Catalog("buyers acme endpoints " + keys, value)).Errors.Errors.Select(error => (error.Code, error.Pointer)).ShouldContain((code, "buyers.acme.endpoints." + path));

    [Theory]
    [InlineData("subject")]
    [InlineData("body")]
    public void Mail_ThatTellsTheBid_SaysSo(string text)
    {
        Catalogs.Model(Catalog($"buyers acme endpoints mail with {text}", "\"{{ sale.bid }}\"")).Buyers["acme"].Endpoints["mail"].ReadsBid.ShouldBeTrue();
        Catalogs.Model(Catalog($"buyers acme endpoints mail with {text}", "\"{{ sale.price }}\"")).Buyers["acme"].Endpoints["mail"].ReadsBid.ShouldBeFalse();
    }

    /// <summary>Nobody answers a mail or a file, so neither can make a sale.</summary>
    [Theory]
    [InlineData("mail")]
    [InlineData("files")]
    public void OnAccept_IsRefused(string endpoint) =>
        Catalogs.Compile(Catalog("campaigns acme-a delivery", $$"""{ "sold": "on_accept", "to": ["{{endpoint}}"] }""")).Errors.Errors.Select(error => error.Code).ShouldContain("conflict");

    [Fact]
    public void Sold_IsMailedNow_AndFiledAtTheNextMoment()
    {
        var delivery = Catalogs.Model(Catalog()).Campaigns["acme-a"].Delivery;
        var quarter = 15 * 60_000L;
        var made = DeliveryPlan.AtSale(delivery, false, new Subject { Vertical = "auto", Publisher = "search", Now = default, Values = [] }, 100 * quarter);
        made.Select(each => (each.Endpoint, each.DueAtMs, each.IsLeased)).ShouldBe([("mail", 100 * quarter, true), ("files", 101 * quarter, false)]);
        NewDelivery.AreListed(made).ShouldBeTrue();
    }
}
