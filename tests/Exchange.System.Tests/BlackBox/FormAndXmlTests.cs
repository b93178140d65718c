using System.Xml.Linq;
using Shouldly;

namespace Exchange.System.Tests.BlackBox;

/// <summary>A publisher that speaks forms and one that speaks XML sell as one that speaks JSON does, and a repeat in another format is the same repeat.</summary>
[Collection(OffersAndRaces.Name)]
public sealed class FormAndXmlTests(RunningExchange running)
{
    private const string Form = "application/x-www-form-urlencoded", Xml = "application/xml";
    private static readonly (string, string) AcceptXml = ("Accept", Xml);

    private readonly ExchangeProcess exchange = running.Process;

    private async Task<string> KeyAsync(string id)
    {
        await exchange.ApplyAsync(Market.With($$"""
            publishers: { pub-{{id}}: { verticals: [auto], payout: { share: 80% } } }
            buyers: { buyer-{{id}}: { credit_limit: unlimited } }
            campaigns: { a-{{id}}: { buyer: buyer-{{id}}, vertical: auto, bid: "10.00" } }
            ping_trees: { tree-{{id}}: { vertical: auto, tiers: [ { name: t, method: priority, campaigns: all } ] } }
            """));
        return await exchange.KeyAsync("publisher", "pub-" + id);
    }

    [Fact]
    public async Task Sale_ByForm_AnswersInJsonUnlessAskedOtherwise()
    {
        var key = await KeyAsync("form");
        var ping = await exchange.SendAsync(HttpMethod.Post, "/v1/pings", key, "vertical=auto&zip=90210&state=ca&tags.click=7", Form);
        ping.Status.ShouldBe(200, ping.Text);
        (ping["status"], ping["payout"], ping.Json["tags"]!["click"]!.ToString()).ShouldBe(("offered", "8.00", "7"));
        var body = $"ping_id={ping["ping_id"]}&offer_ids=1&email=pat%40example.com&phone=%2B13105550142&zip=90210";
        var post = await exchange.SendAsync(HttpMethod.Post, "/v1/posts", key, body, Form, AcceptXml);
        post.Status.ShouldBe(200, post.Text);
        var answer = XDocument.Parse(post.Text).Root!;
        (answer.Name.LocalName, answer.Element("status")!.Value, answer.Element("payout")!.Value).ShouldBe(("answer", "sold", "8.00"));

        // The same content as JSON is the same post.
        var again = await exchange.PostAsync("/v1/posts", key,
            new { ping_id = ping["ping_id"], offer_ids = new[] { "1" }, fields = new { email = "pat@example.com", phone = "+13105550142", zip = "90210" } });
        again.Status.ShouldBe(200, again.Text);
        again.Headers["Idempotency-Replayed"].ShouldBe("true");
        (await exchange.SoldToAsync(ping["ping_id"]!)).ShouldBe(["a-form"]);

        var added = await exchange.SendAsync(HttpMethod.Patch, $"/v1/leads/{ping["ping_id"]}", key, "callback=noon", Form);
        added.Status.ShouldBe(200, added.Text);
        (await exchange.SendAsync(HttpMethod.Patch, $"/v1/leads/{ping["ping_id"]}", key, "callback=later", Form)).Code.ShouldBe("field_fixed");
    }

    [Fact]
    public async Task DirectSale_ByXml_UnderAKeyIsOneSaleInEveryFormat()
    {
        var key = await KeyAsync("xml");
        const string body = "<lead><vertical>auto</vertical><fields><zip>90210</zip><email>kim@example.com</email><phone>+13105550143</phone></fields></lead>";
        var first = await exchange.SendAsync(HttpMethod.Post, "/v1/leads", key, body, Xml, AcceptXml, ("Idempotency-Key", "x-1"));
        first.Status.ShouldBe(200, first.Text);
        var lead = XDocument.Parse(first.Text).Root!.Element("lead_id")!.Value;
        var again = await exchange.PostAsync("/v1/leads", key, new { vertical = "auto", fields = new { phone = "+13105550143", email = "kim@example.com", zip = "90210" } }, ("Idempotency-Key", "x-1"));
        (again.Status, again["lead_id"], again.Headers["Idempotency-Replayed"]).ShouldBe((200, lead, "true"));
        var other = await exchange.SendAsync(HttpMethod.Post, "/v1/leads", key, body.Replace("kim", "tim", StringComparison.Ordinal), Xml, AcceptXml, ("Idempotency-Key", "x-1"));
        other.Status.ShouldBe(422);
        other.Text.ShouldContain("idempotency_key_reused");
        var shown = await exchange.SendAsync(HttpMethod.Get, $"/v1/leads/{lead}", key, null, headers: AcceptXml);
        XDocument.Parse(shown.Text).Root!.Element("status")!.Value.ShouldBe("sold");
    }

    [Fact]
    public async Task Ping_WithContactDataInAForm_IsRefusedWithoutRepeatingIt()
    {
        var key = await KeyAsync("pii");
        var ping = await exchange.SendAsync(HttpMethod.Post, "/v1/pings", key, "vertical=auto&zip=90210&email=secret%40example.com", Form, AcceptXml);
        ping.Status.ShouldBe(422);
        ping.Text.ShouldContain("pii_in_ping");
        ping.Text.ShouldNotContain("secret");
    }
}
