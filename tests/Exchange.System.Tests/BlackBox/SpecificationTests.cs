using System.Text.Json.Nodes;
using Shouldly;

namespace Exchange.System.Tests.BlackBox;

/// <summary>A posting specification says what really holds: its examples are sent as they stand and are taken.</summary>
[Collection(OffersAndRaces.Name)]
public sealed class SpecificationTests(RunningExchange running)
{
    private static readonly (string, string) Html = ("Accept", "text/html");
    private readonly ExchangeProcess exchange = running.Process;

    private const string Catalog = """
        exchange: { currency: USD, time_zone: UTC }
        verticals:
          solar:
            consent: proof
            fields:
              zip:        { type: us_zip, ping: required }
              state:      { type: us_state, ping: optional }
              homeowner:  { type: choice, values: [own, rent], ping: required }
              bill:       { type: decimal, min: 20, max: 90, ping: optional }
              rooms:      { type: integer, min: 40, ping: optional }
              moving:     { type: date, min: today+2d, max: today+90d, ping: optional }
              shaded:     { type: boolean, ping: optional }
              first_name: { type: text, max_length: 4, pii: true, post: required }
              email:      { type: email, pii: true, ping: hashed, post: required }
              phone:      { type: phone, region: US, pii: true, post: required }
              cert:       { type: url, post: optional }
              ip:         { type: ip, sensitive: true, ping: optional }
              survey:     { type: text }
          boats: { fields: { zip: { type: us_zip, ping: required } } }
        publishers:
          sun:
            name: "Sun <script>alert(1)</script> & Co"
            verticals: [solar, boats]
            payout: { share: 80% }
            intake:
              verticals: { "<b>19</b>": solar }
              fields: { "Zip<img src=x>": zip, Postal: zip, Home_Owner: homeowner }
              values: { homeowner: { "Yes, \"mine\"": own, "No": rent } }
          one: { verticals: [boats], payout: { share: 80% } }
        buyers: { acme: { credit_limit: unlimited } }
        campaigns: { west: { buyer: acme, vertical: solar, bid: "10.00" } }
        ping_trees: { main: { vertical: solar, tiers: [ { name: t, method: priority, campaigns: [west] } ] } }
        """;

    [Fact]
    public async Task Examples_OfASpecification_AreTakenAsTheyStand()
    {
        await exchange.ApplyAsync(Catalog);
        var test = await exchange.KeyAsync("publisher", "sun", "test");
        var told = await exchange.GetAsync("/v1/spec?vertical=solar", test);
        told.Status.ShouldBe(200, told.Text);
        var samples = told.Json["samples"]!;
        var ping = await exchange.PostAsync((string)samples["ping"]!["path"]!, test, samples["ping"]!["request"]!.ToJsonString());
        ping["status"].ShouldBe("offered", ping.Text);
        SameMembers(samples["ping"]!["reply"]!, ping.Json);
        var request = samples["post"]!["request"]!.DeepClone();
        request["ping_id"] = ping["ping_id"];
        var post = await exchange.PostAsync((string)samples["post"]!["path"]!, test, request.ToJsonString());
        post["status"].ShouldBe("sold", post.Text);
        SameMembers(samples["post"]!["reply"]!, post.Json);
    }

    [Fact]
    public async Task Fields_OfASpecification_AreInThePublishersWords()
    {
        await exchange.ApplyAsync(Catalog);
        var told = (await exchange.GetAsync("/v1/spec?vertical=%3Cb%3E19%3C/b%3E", await exchange.KeyAsync("publisher", "sun"))).Json;
        (told.Text("vertical"), told.Text("consent"), told.Text("unknown_fields"), told.Text("currency")).ShouldBe(("<b>19</b>", "proof", "refuse", "USD"));
        Field(told, "Zip<img src=x>").ShouldBe("us_zip required/required [] [] or Postal zip");
        Field(told, "Home_Owner").ShouldBe("choice required/required [No Yes, \"mine\" own rent] [] or homeowner");
        Field(told, "bill").ShouldBe("decimal optional/optional [] [at least 20 at most 90] or ");
        Field(told, "email").ShouldBe("email hashed/required [] [in a ping only its SHA-256, as email_sha256] or ");
        Field(told, "first_name").ShouldBe("text never/required [] [at most 4 characters] or ");
        Field(told, "survey").ShouldBe("text never/later [] [at most 2000 characters] or ");
    }

    [Fact]
    public async Task Page_OfASpecification_EscapesWhatTheCatalogSays()
    {
        await exchange.ApplyAsync(Catalog);
        var page = await exchange.SendAsync(HttpMethod.Get, "/v1/admin/publishers/sun/spec?vertical=solar", ExchangeProcess.AdminKey, headers: Html);
        page.Status.ShouldBe(200, page.Text);
        page.Headers["Content-Security-Policy"].ShouldStartWith("default-src 'none'");
        page.Text.ShouldStartWith("<!DOCTYPE html>");
        foreach (var raw in (string[])["<script", "<img", "<b>19", "\"mine\""]) page.Text.ShouldNotContain(raw);
        page.Text.ShouldContain("Sun &lt;script&gt;");
        page.Text.ShouldContain("Zip&lt;img src=x&gt;");
        if (Environment.GetEnvironmentVariable("EXCHANGE_TEST_PAGES") is { } folder) await File.WriteAllTextAsync(Path.Combine(folder, "spec.html"), page.Text);
    }

    [Fact]
    public async Task Specification_OfWhatIsNotThere_IsRefused()
    {
        await exchange.ApplyAsync(Catalog);
        var key = await exchange.KeyAsync("publisher", "sun", "test");
        var two = await exchange.GetAsync("/v1/spec", key);
        (two.Status, two.Code).ShouldBe((422, "missing_field"));
        (await exchange.GetAsync("/v1/spec?vertical=trees", key)).Code.ShouldBe("not_found");
        (await exchange.GetAsync("/v1/spec?vertical=solar", await exchange.KeyAsync("publisher", "one"))).Code.ShouldBe("not_found");
        (await exchange.GetAsync("/v1/spec", await exchange.KeyAsync("publisher", "one", "test"))).Status.ShouldBe(200);
        (await exchange.GetAsync("/v1/spec", ExchangeProcess.AdminKey)).Code.ShouldBe("forbidden");
        (await exchange.GetAsync("/v1/admin/publishers/sun/spec?vertical=solar", key)).Code.ShouldBe("forbidden");
        (await exchange.GetAsync("/v1/admin/publishers/nobody/spec")).Code.ShouldBe("not_found");
        (await exchange.GetAsync("/v1/admin/publishers/sun/spec?vertical=solar", await exchange.KeyAsync("viewer", "auditor"))).Status.ShouldBe(200);
        (await exchange.SendAsync(HttpMethod.Get, "/v1/spec?vertical=solar", key, headers: ("Accept", "application/xml"))).Status.ShouldBe(406);
    }

    private static string Field(JsonNode told, string name)
    {
        var field = told["fields"]!.AsArray().Single(field => field.Text("name") == name)!;
        return $"{field["type"]} {field["ping"]}/{field["post"]} [{Texts(field, "values")}] [{Texts(field, "rules")}] or {Texts(field, "other_names")}";
    }

    private static string Texts(JsonNode field, string list) => string.Join(' ', field[list]!.AsArray().Select(text => text!.ToString()));

    private static void SameMembers(JsonNode sample, JsonNode real) => sample.AsObject().Select(member => member.Key).ShouldBe(real.AsObject().Select(member => member.Key));
}
