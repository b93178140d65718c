using System.Net;
using System.Text;
using System.Xml.Linq;
using Exchange.Engine;
using Exchange.Engine.Fields;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Grains.Intake;
using Shouldly;

namespace Exchange.System.Tests.Intake;

/// <summary>Forms and XML carry what JSON carries: the same content reaches the desk the same, and the answer comes as the caller likes it.</summary>
public sealed class WireTests(IntakeHost host) : IClassFixture<IntakeHost>
{
    private const string Form = "Content-Type: application/x-www-form-urlencoded", Xml = "Content-Type: application/xml", Key = "Idempotency-Key: of-a-test";

    private const string Json = """
        {"vertical":"auto-insurance","sub_id":"kw-17","tags":{"a":"1","b":"ü & 2"},"min_payout":"4.00","max_copies":3,"deadline_ms":500,"channel":"web","test":true,"test_result":"sold",
         "sold_elsewhere":{"copies":1,"sellers":["X, Y","Z"]},"consent":{"page":"p","text":"I <agree>","at":"2026-11-22T12:00:00Z","ip":"1.2.3.4","user_agent":"u","sellers":["S"]},
         "fields":{"zip":"90210","age":35,"currently_insured":true}}
        """;

    private const string AsForm =
        "zip=90210&age=35&currently_insured=true&vertical=auto-insurance&sub_id=kw-17&tags.b=%C3%BC+%26+2&tags.a=1&min_payout=4&max_copies=3&deadline_ms=500&channel=web&test=1&test_result=sold" +
        "&sold_elsewhere.copies=1&sold_elsewhere.sellers=X%2C+Y&sold_elsewhere.sellers=Z&consent.page=p&consent.text=I+%3Cagree%3E&consent.at=2026-11-22T14:00:00%2B02:00&consent.ip=1.2.3.4" +
        "&consent.user_agent=u&consent.sellers=S";

    private const string AsXml = """
        <?xml version="1.0" encoding="UTF-8"?>
        <p:ping xmlns:p="urn:of-the-caller">
          <!-- by hand -->
          <vertical>
            auto-insurance
          </vertical>
          <sub_id>kw-17</sub_id><channel><![CDATA[web]]></channel><test>true</test><test_result>sold</test_result>
          <tags><tag name="b">&#252; &amp; 2</tag><a>1</a></tags>
          <min_payout>4.00</min_payout><max_copies>3</max_copies><deadline_ms>500</deadline_ms>
          <sold_elsewhere><copies>1</copies><sellers><seller>X, Y</seller><seller>Z</seller></sellers></sold_elsewhere>
          <consent><page>p</page><text>I &lt;agree&gt;</text><at>2026-11-22T12:00:00Z</at><ip>1.2.3.4</ip><user_agent>u</user_agent><sellers><seller>S</seller></sellers></consent>
          <fields><zip>90210</zip><field name="age">35</field><currently_insured>true</currently_insured></fields>
        </p:ping>
        """;

    [Theory, InlineData(Form, AsForm), InlineData(Xml, AsXml), InlineData("Content-Type: text/xml; charset=UTF-8", AsXml)]
    public async Task Ping_InAnotherFormat_IsTheSamePing(string type, string body)
    {
        var asJson = await SentAsync(Json, "Content-Type: application/json");
        var other = await SentAsync(body, type);
        other.MemberErrors.ShouldBeEmpty();
        other.BodyHash.ShouldBe(asJson.BodyHash);
        (other.Vertical, other.SubId, other.Channel, other.MinPayout, other.MaxCopies, other.DeadlineMs, other.Test, other.TestResult, other.SoldElsewhereCopies)
            .ShouldBe(("auto-insurance", "kw-17", "web", Money.Parse("4.00"), 3, 500, true, "sold", 1));
        other.Tags.ShouldBe([new("a", "1"), new("b", "ü & 2")]);
        other.SoldElsewhereSellers.ShouldBe(["X, Y", "Z"]);
        other.Consent.ShouldNotBeNull();
        (other.Consent.Text, other.Consent.Page, other.Consent.Ip, other.Consent.UserAgent, other.Consent.At).ShouldBe(("I <agree>", "p", "1.2.3.4", "u", asJson.Consent!.At));
        other.Consent.Sellers.ShouldBe(["S"]);
        other.Fields.ShouldBe([new("age", RawKind.String, "35"), new("currently_insured", RawKind.String, "true"), new("zip", RawKind.String, "90210")]);
    }

    [Theory]
    [InlineData(Form, "ping_id=PING&offer_ids=1,2&offer_ids=3&a=true")]
    [InlineData(Form, "offer_ids=1&offer_ids=2&offer_ids=+3&ping_id=PING&a=true&min_payout=")]
    [InlineData(Xml, "<post><ping_id>PING</ping_id><offer_ids><offer_id>1</offer_id><offer_id>2</offer_id><offer_id>3</offer_id></offer_ids><fields><a>true</a></fields></post>")]
    public async Task Post_InAnotherFormat_IsTheSamePost(string type, string body)
    {
        host.Desk.Posts.Clear();
        await host.PostJsonAsync("/v1/posts", $$$"""{"ping_id":"{{{RecordingDesk.Id}}}","offer_ids":["1","2","3"],"fields":{"a":true}}""");
        (await host.PostJsonAsync("/v1/posts", body.Replace("PING", RecordingDesk.Id.ToString(), StringComparison.Ordinal), type)).StatusCode.ShouldBe(HttpStatusCode.OK);
        var posts = host.Desk.Posts.ToArray();
        posts[1].OfferIds.ShouldBe(["1", "2", "3"]);
        posts[1].BodyHash.ShouldBe(posts[0].BodyHash);
    }

    [Theory, InlineData(Form, "b=2&a=1"), InlineData(Xml, "<lead><fields><b>2</b><a>1</a></fields></lead>")]
    public async Task Patch_InAnotherFormat_ReachesTheDesk(string type, string body)
    {
        host.Desk.Added.Clear();
        (await host.SendAsync("PATCH", $"/v1/leads/{RecordingDesk.Id}", Encoding.UTF8.GetBytes(body), type)).StatusCode.ShouldBe(HttpStatusCode.OK);
        host.Desk.Added.ShouldHaveSingleItem().Fields.ShouldBe([new PostedField("a", RawKind.String, "1"), new PostedField("b", RawKind.String, "2")]);
    }

    [Theory]
    [InlineData(Form, "", "The body is empty; a form is needed.")]
    [InlineData(Form, "a=%zz&b=1", "The form is not well encoded in UTF-8 in the pair at byte 0.")]
    [InlineData(Form, "b=1&a=%2", "The form is not well encoded in UTF-8 in the pair at byte 4.")]
    [InlineData(Form, "a=%ff", "The form is not well encoded in UTF-8 in the pair at byte 0.")]
    [InlineData(Form, "b=1&=x", "The form has a value without a name at byte 4.")]
    [InlineData(Xml, "", "The body is empty; an XML document is needed.")]
    [InlineData(Xml, "{}", "The body is not valid XML at line 1, position 1.")]
    [InlineData(Xml, "<ping><vertical>a</ping>", "The body is not valid XML at line 1, position 20.")]
    [InlineData(Xml, "<ping>&own;</ping>", "The body is not valid XML at line 1, position 8.")]
    [InlineData(Xml, "<ping>&#0;</ping>", "The body is not valid XML at line 1, position 9.")]
    [InlineData(Xml, "<post/>", "The body must be one <ping> element.")]
    [InlineData(Xml, "<?xml version='1.0' encoding='ISO-8859-1'?><ping/>", "The body must be in UTF-8.")]
    [InlineData(Xml, "<!DOCTYPE ping [<!ENTITY a \"x\">]><ping><vertical>&a;</vertical></ping>", "The body must not have a document type.")]
    [InlineData(Xml, "<!DOCTYPE ping SYSTEM \"file:///etc/passwd\"><ping/>", "The body must not have a document type.")]
    public async Task Body_ThatCannotBeRead_IsMalformedWithThePlace(string type, string body, string detail)
    {
        var asked = host.Desk.Asked;
        var problem = await BadInputTests.ProblemOf(await host.PostJsonAsync("/v1/pings", body, type), 400, "malformed");
        problem.GetProperty("detail").GetString().ShouldBe(detail);
        host.Desk.Asked.ShouldBe(asked);
    }

    [Theory]
    [InlineData(Form, "a=1", "/vertical missing_field")]
    [InlineData(Form, "vertical=a&vertical=b", "/vertical duplicate_property")]
    [InlineData(Form, "vertical=a&zip=1&age=2&zip=3", "/fields/zip duplicate_property")]
    [InlineData(Form, "vertical=a&ping_id=x", "/ping_id unknown_field")]
    [InlineData(Form, "vertical=a&offer_ids=1", "/offer_ids unknown_field")]
    [InlineData(Form, "vertical=a&max_copies=3.5&test=yes&deadline_ms=soon&min_payout=4,00", "/max_copies out_of_range", "/test wrong_type", "/deadline_ms wrong_type", "/min_payout invalid_format")]
    [InlineData(Form, "vertical=a&tags=x&consent=y", "/tags wrong_type", "/consent wrong_type")]
    [InlineData(Form, "vertical=a&tags.a=x&tags.a=y&tags.=z", "/tags invalid_field", "/tags/a duplicate_property")]
    [InlineData(Form, "vertical=a&consent.at=now&consent.page=p&consent.page=q&consent.nope=1", "/consent/at invalid_format", "/consent/page duplicate_property", "/consent/nope unknown_field")]
    [InlineData(Xml, "<ping><vertical>a</vertical></ping>", "/fields missing_field")]
    [InlineData(Xml, "<ping><vertical>a</vertical><vertical/><fields/><fields/></ping>", "/vertical duplicate_property", "/fields duplicate_property")]
    [InlineData(Xml, "<ping><vertical><b>a</b></vertical>text<fields>text</fields></ping>", " wrong_type", "/vertical wrong_type", "/fields wrong_type", "/vertical missing_field")]
    [InlineData(Xml, "<ping><vertical>a</vertical><fields><zip>1</zip><zip>2</zip></fields><campagn/></ping>", "/campagn unknown_field", "/fields/zip duplicate_property")]
    [InlineData(Xml, "<ping><vertical>a</vertical><fields/><sold_elsewhere><sellers><s><t/></s></sellers><x/></sold_elsewhere></ping>", "/sold_elsewhere/sellers/0 wrong_type", "/sold_elsewhere/x unknown_field")]
    public async Task Ping_WithWrongMembers_HearsOfAllAtOnce(string type, string body, params string[] expected)
    {
        var problem = await BadInputTests.ProblemOf(await host.PostJsonAsync("/v1/pings", body, type), 422, expected.Length == 1 ? expected[0].Split(' ')[1] : "invalid_request");
        BadInputTests.ErrorsOf(problem).ShouldBe(expected);
    }

    [Theory]
    [InlineData("Accept: application/xml", "application/xml")]
    [InlineData("Accept: text/xml", "application/xml")]
    [InlineData("Accept: application/json;q=0.5, application/xml", "application/xml")]
    [InlineData("Accept: */*;q=0.1, text/xml", "application/xml")]
    [InlineData("Accept: application/xml, application/json", "application/xml")]
    [InlineData("Accept: application/json, application/xml", "application/json")]
    [InlineData("Accept: application/*", "application/json")]
    [InlineData("Accept: application/*, application/json;q=0", "application/xml")]
    [InlineData("Accept: application/xml;q=0.2, */*", "application/json")]
    [InlineData("Accept: nonsense", "application/json")]
    [InlineData("Accept:", "application/json")]
    public async Task Answer_ByAccept_IsWritten(string accept, string type)
    {
        var response = await host.PostJsonAsync("/v1/pings", "vertical=a", Form, accept);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Content.Headers.ContentType!.ToString().ShouldBe(type);
    }

    [Fact]
    public async Task Ping_AnsweredInXml_HasEveryMember()
    {
        host.Desk.OnPing = _ => new(RecordingDesk.Offered() with
        {
            Offers = [new("1", Money.Parse("8.80"), false, "A & B"), new("2", Money.Parse("1"), true, null)], Tags = [new("c d", "\uFFFF<"), new("e", "2")],
            Warnings = [new("/fields/x", "unknown_field", "m")],
        }, null);
        var text = await (await host.PostJsonAsync("/v1/pings", AsXml, Xml, "Accept: application/xml")).Content.ReadAsStringAsync();
        host.Desk.OnPing = RecordingDesk.RefuseErrorsElseOffer;
        XDocument.Parse(text).Root!.ToString(SaveOptions.DisableFormatting).ShouldBe(
            $"<answer><ping_id>{RecordingDesk.Id}</ping_id><status>offered</status><payout>8.80</payout><best><offer_id>1</offer_id></best><currency>USD</currency>" +
            "<expires_at>2026-11-22T12:05:00Z</expires_at><test>false</test><offers><offer><offer_id>1</offer_id><payout>8.80</payout><sharing>shared</sharing><seller>A &amp; B</seller></offer>" +
            "<offer><offer_id>2</offer_id><payout>1.00</payout><sharing>exclusive</sharing></offer></offers><tags><tag name=\"c d\">\uFFFD&lt;</tag><e>2</e></tags>" +
            "<warnings><warning><pointer>/fields/x</pointer><code>unknown_field</code><message>m</message></warning></warnings></answer>");
    }

    [Fact]
    public async Task Post_AnsweredInXml_HasStatusAndLocationAsInJson()
    {
        host.Desk.OnPost = () => RecordingDesk.Sold(CopyState.InDoubt);
        var response = await host.PostJsonAsync("/v1/leads", "<lead><vertical>a</vertical><fields/></lead>", Xml, "Accept: application/xml");
        host.Desk.OnPost = () => RecordingDesk.Sold();
        response.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        response.Headers.Location!.ToString().ShouldBe($"/v1/leads/{RecordingDesk.Id}");
        var answer = XDocument.Parse(await response.Content.ReadAsStringAsync()).Root!;
        (answer.Name.LocalName, answer.Element("status")!.Value, answer.Element("copies")!.Element("copy")!.Element("status")!.Value).ShouldBe(("answer", "in_doubt", "in_doubt"));
        answer.Element("redirect_url").ShouldBeNull();
    }

    [Fact]
    public async Task Problem_ToWhoLikesXml_IsXml()
    {
        var response = await host.PostJsonAsync("/v1/pings", "<ping><campagn/></ping>", Xml, "Accept: application/xml");
        ((int)response.StatusCode).ShouldBe(422);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("application/problem+xml");
        XNamespace space = "urn:ietf:rfc:7807";
        var problem = XDocument.Parse(await response.Content.ReadAsStringAsync()).Root!;
        problem.Name.ShouldBe(space + "problem");
        problem.Element(space + "code")!.Value.ShouldBe("invalid_request");
        problem.Element(space + "errors")!.Elements().Select(error => $"{error.Element(space + "pointer")!.Value} {error.Element(space + "code")!.Value}")
            .ShouldBe(["/campagn unknown_field", "/vertical missing_field", "/fields missing_field"]);
    }

    [Theory]
    [InlineData(Form, 64 * 1024, "vertical=a&zip=")]
    [InlineData(Xml, 64 * 1024, "<ping><vertical>a</vertical><fields/></ping>")]
    public async Task Body_OverItsLimit_IsTooLarge(string type, int limit, string start)
    {
        ((int)(await host.PostJsonAsync("/v1/pings", start.PadRight(limit), type)).StatusCode).ShouldBe(200);
        await BadInputTests.ProblemOf(await host.PostJsonAsync("/v1/pings", start.PadRight(limit + 1), type), 413, "body_too_large");
    }

    private async Task<PingCommand> SentAsync(string body, string type)
    {
        host.Desk.Pings.Clear();
        (await host.PostJsonAsync("/v1/pings", body, type, Key)).StatusCode.ShouldBe(HttpStatusCode.OK);
        return host.Desk.Pings.ShouldHaveSingleItem();
    }
}
