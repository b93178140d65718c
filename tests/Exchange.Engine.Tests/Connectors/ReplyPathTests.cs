using Exchange.Engine.Connectors;
using Shouldly;

namespace Exchange.Engine.Tests.Connectors;

public sealed class ReplyPathTests
{
    private const string Json = """
        { "response": { "status": "Matched", "price": 12.50, "ok": true, "none": null, "empty": "", "errors": { "error": ["first", "second"] }, "one": ["only"],
          "bids": [{ "id": 7 }, { "id": 8 }], "map": { "0": "zero" } }, "list": [] }
        """;
    private const string Xml = """
        <?xml version="1.0" encoding="utf-16"?>
        <!-- said --><response xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" code="5">
          <status> Matched </status><price xsi:nil="true" /><errors><error>first</error><error>second</error></errors><one><error>only</error></one>
          <Result Value="BaeOK">text<Sub>1</Sub></Result><a:name>with prefix</a:name><empty/><cdata><![CDATA[<b>]]></cdata>
        </response>
        """;

    [Theory]
    [InlineData("response.status", "Matched")]
    [InlineData("response.price", "12.50")]
    [InlineData("response.ok", "true")]
    [InlineData("response.none", null)]
    [InlineData("response.empty", null)]
    [InlineData("response.errors.error.0", "first")]
    [InlineData("response.errors.error.1", "second")]
    [InlineData("response.errors.error.2", null)]
    [InlineData("response.errors.error", "first")]
    [InlineData("response.one", "only")]
    [InlineData("response.status.0", "Matched")]
    [InlineData("response.status.1", null)]
    [InlineData("response.bids.1.id", "8")]
    [InlineData("response.bids.id", null)]
    [InlineData("response.map.0", "zero")]
    [InlineData("Response.status", null)]
    [InlineData("status", null)]
    [InlineData("list.0", null)]
    [InlineData("http.status", "200")]
    [InlineData("http.header.X-Ref", "r1")]
    [InlineData("http.header.x-none", null)]
    public void Json_AtPath(string path, string? expected) => Read(Json, "application/json", path).ShouldBe(expected);

    [Theory]
    [InlineData("response.status", "Matched")]
    [InlineData("status", "Matched")]
    [InlineData("response.@code", "5")]
    [InlineData("@code", "5")]
    [InlineData("price", null)]
    [InlineData("errors.error.1", "second")]
    [InlineData("one.error.0", "only")]
    [InlineData("Result.@Value", "BaeOK")]
    [InlineData("Result", "text")]
    [InlineData("response.Result.Sub", "1")]
    [InlineData("name", "with prefix")]
    [InlineData("empty", null)]
    [InlineData("cdata", "<b>")]
    [InlineData("@xmlns:xsi", null)]
    public void Xml_AtPath(string path, string? expected) => Read(Xml, "text/xml; charset=utf-8", path).ShouldBe(expected);

    [Theory]
    [InlineData("a=1&b=x+y%21&c=&a=2", "application/x-www-form-urlencoded", "b", "x y!")]
    [InlineData("a=1&b=2&a=3", "application/x-www-form-urlencoded", "a.1", "3")]
    [InlineData("c=", "application/x-www-form-urlencoded", "c", null)]
    [InlineData("{\"a\":1}", null, "a", "1")]
    [InlineData("  {\"a\":1}", "text/html", "a", "1")]
    [InlineData("<r><a>1</a></r>", "text/html; charset=iso-8859-1", "a", "1")]
    [InlineData("[\"x\"]", "text/plain", "0", "x")]
    [InlineData("\"alone\"", "application/json", "0", "alone")]
    [InlineData("POST_VALID|17", "text/plain", "body", "POST_VALID|17")]
    [InlineData("POST_VALID", "text/plain", "POST_VALID", null)]
    public void Body_ByTypeOrFirstLetter_AtPath(string body, string? type, string path, string? expected) => Read(body, type, path).ShouldBe(expected);

    [Theory]
    [InlineData("{\"a\":1")]
    [InlineData("{\"a\":1}x")]
    [InlineData("{\"a\":1,\"a\":2}")]
    [InlineData("{\"a\":[{\"b\":1,\"b\":1}]}")]
    [InlineData("{\"a\":\"\\ud800\"}")]
    [InlineData("{'a':1}")]
    [InlineData("<a><b></a>")]
    [InlineData("<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>")]
    [InlineData("<!DOCTYPE html><html></html>")]
    [InlineData("<a>&x;</a>")]
    [InlineData("<a/><b/>")]
    [InlineData("<a>\u0001</a>")]
    [InlineData("")]
    [InlineData("just words")]
    public void Body_ThatIsNotWhatItSeems_HasNoTree(string body) => ReplyView.Of(Replies.Reply(body), null).Root.ShouldBeNull();

    [Fact]
    public void Body_NestedTooDeep_HasNoTree()
    {
        ReplyView.Of(Replies.Reply(new string('[', 40) + new string(']', 40)), ReplyFormat.Json).Root.ShouldBeNull();
        ReplyView.Of(Replies.Reply(string.Concat(Enumerable.Repeat("<a>", 40)) + string.Concat(Enumerable.Repeat("</a>", 40))), ReplyFormat.Xml).Root.ShouldBeNull();
    }

    [Theory]
    [InlineData("Result.Bid*", "1 2 3")]
    [InlineData("Response.Result.Bid*", "1 2 3")]
    [InlineData("Result.Bid1", "2")]
    [InlineData("Result.Leg*", "")]
    public void FindAll_InXml_TakesEveryBid(string path, string ids)
    {
        var view = ReplyView.Of(Replies.Reply("<Response><Result Value='BaeOK'><Bid0><Id>1</Id></Bid0><Bid1><Id>2</Id></Bid1><Bid1><Id>3</Id></Bid1><Bid2/></Result></Response>"), null);
        if (path == "Result.Bid1") view = ReplyView.Of(Replies.Reply("<Response><Result><Bid1><Id>2</Id></Bid1></Result></Response>"), null);
        string.Join(' ', ReplyPath.Parse(path, mayBeMany: true)!.FindAll(view).Select(node => node.Find("Id")!.Text)).ShouldBe(ids);
    }

    [Theory]
    [InlineData("a..b")]
    [InlineData("")]
    [InlineData("http")]
    [InlineData("http.reason")]
    [InlineData("http.header.")]
    [InlineData("a*")]
    [InlineData("a.*.b")]
    public void Parse_OfWhatIsNoPath_IsRefused(string text) => ReplyPath.Parse(text).ShouldBeNull();

    private static string? Read(string body, string? type, string path) =>
        ReplyPath.Parse(path)!.Find(ReplyView.Of(Replies.Reply(body, 200, type, ("x-ref", "r1")), null))?.First?.Trim();
}
