using System.Text.RegularExpressions;
using Shouldly;

namespace Exchange.System.Tests.BlackBox;

/// <summary>One publisher for each product's form, with its field names in the catalog, and a buyer in California.</summary>
public sealed class CompatibilityMarket(RunningExchange running) : IAsyncLifetime
{
    public ExchangeProcess Exchange => running.Process;
    public Dictionary<string, string> Keys { get; } = [];

    public async Task InitializeAsync()
    {
        await Exchange.ApplyAsync("""
            exchange: { currency: USD, time_zone: UTC }
            verticals:
              solar:
                duplicate: { keys: [phone] }
                consent: proof
                fields:
                  zip:              { type: us_zip, ping: required }
                  state:            { type: us_state, ping: required }
                  homeowner:        { type: choice, values: [own, rent], ping: optional }
                  first_name:       { type: text, pii: true, post: required }
                  last_name:        { type: text, pii: true, post: required }
                  email:            { type: email, pii: true, post: required }
                  phone:            { type: phone, region: US, pii: true, post: required }
                  ip:               { type: ip, sensitive: true, ping: optional }
                  trusted_form_url: { type: url, post: optional }
            publishers:
              boberdoo:
                verticals: [solar]
                payout: { share: 80% }
                intake:
                  verticals: { "19": solar }
                  fields: { Zip: zip, State: state, Homeowner: homeowner, First_Name: first_name, Last_Name: last_name, Email: email, Primary_Phone: phone, IP_Address: ip, Trusted_Form_URL: trusted_form_url }
                  values: { homeowner: { "Yes": own, "No": rent } }
              leadspedia:
                verticals: [solar]
                payout: { share: 80% }
                intake: { verticals: { "5f3a": solar }, fields: { zip_code: zip, email_address: email, phone_home: phone } }
              phonexa:
                verticals: [solar]
                payout: { share: 80% }
                intake: { verticals: { "7": solar }, fields: { firstName: first_name, lastName: last_name, homePhone: phone } }
              leadprosper:
                verticals: [solar]
                payout: { share: 80% }
                intake: { verticals: { "1203": solar }, fields: { zip_code: zip } }
            buyers: { acme: { credit_limit: unlimited } }
            campaigns: { west: { buyer: acme, vertical: solar, bid: "10.00", filter: { field: state, is: CA } } }
            ping_trees: { main: { vertical: solar, tiers: [ { name: t, method: priority, campaigns: [west] } ] } }
            """);
        foreach (var product in (string[])["boberdoo", "leadspedia", "phonexa", "leadprosper"]) Keys[product] = await running.KeyAsync("publisher", product);
    }

    public Task DisposeAsync() => Task.CompletedTask;
}

/// <summary>The examples beside each form, in their order: what a publisher sends to that product, and what it reads back.</summary>
[Collection(OffersAndRaces.Name)]
public sealed partial class CompatibilityTests(CompatibilityMarket market) : IClassFixture<CompatibilityMarket>
{
    private readonly ExchangeProcess exchange = market.Exchange;

    [Theory, InlineData("Boberdoo", 8), InlineData("LeadsPedia", 6), InlineData("Phonexa", 6), InlineData("LeadProsper", 6)]
    public async Task Examples_OfTheProduct_AreAnsweredAsWritten(string product, int examples)
    {
        var folder = Repository.Path("src", "Exchange.Server", "Intake", "Compatibility", product, "Examples");
        var requests = Directory.GetFiles(folder, "*.http").Order(StringComparer.Ordinal).ToArray();
        requests.Length.ShouldBe(examples);
        var known = new Dictionary<string, string> { ["key"] = market.Keys[product.ToLowerInvariant()] };
        foreach (var file in requests)
        {
            var lines = (await File.ReadAllTextAsync(file)).Split('\n', 4);
            var (path, type) = (lines[0]["POST ".Length..], lines[1]["Content-Type: ".Length..]);
            var reply = await exchange.SendAsync(HttpMethod.Post, path, null, Placeholder().Replace(lines[3], found => known[found.Groups[1].Value]), type);
            reply.Status.ShouldBe(200, $"{file}: {reply.Text}");
            var expected = await File.ReadAllTextAsync(Path.ChangeExtension(file, ".reply"));
            Read(expected, reply.Text, known).ShouldBeTrue($"{file}\n{expected}\n{reply.Text}");
        }
    }

    [Fact]
    public async Task Copy_OfALeadFromElsewhere_HasItsConsentAndAlias()
    {
        var key = market.Keys["boberdoo"];
        const string person = "&First_Name=Ann&Last_Name=Lee&Email=ann%40example.com&Primary_Phone=3105550130&IP_Address=192.0.2.30&Landing_Page=https%3A%2F%2Fexample.com%2Fs&TCPA_Language=Yes.&Disclaimer=Otherwise&consent.at=2026-11-22T12:00:00Z";
        var sold = await SendAsync("boberdoo/new_api/api.php", $"Key={key}&API_Action=pingPostLead&Mode=full&TYPE=solar&SRC=aff-9&Format=JSON&Zip=90210&State=CA{person}");
        sold.Text.ShouldContain("Matched");
        var lead = sold.Json["response"]!["lead_id"]!.ToString();
        var copy = (await exchange.GetAsync("/v1/buyer/copies", await exchange.KeyAsync("buyer", "acme"))).Json["copies"]!.AsArray()
            .Single(copy => copy!["copy_id"]!.ToString().StartsWith(lead, StringComparison.Ordinal))!;
        copy["fields"]!["first_name"]!.ToString().ShouldBe("Ann");
        // Both: the consent's, and the vertical's own field.
        (copy["consent"]!["ip"]!.ToString(), copy["fields"]!["ip"]!.ToString()).ShouldBe(("192.0.2.30", "192.0.2.30"));
        (copy["consent"]!["page"]!.ToString(), copy["consent"]!["text"]!.ToString()).ShouldBe(("https://example.com/s", "Yes."));
        copy["fields"]!.AsObject().ContainsKey("Landing_Page").ShouldBeFalse();
        (await exchange.AdminAsync($"leads/{lead}")).Text("sub_id").ShouldBe("aff-9");
    }

    [Fact]
    public async Task Post_MarkedATestOfALivePing_SellsNothing()
    {
        var key = market.Keys["leadspedia"];
        var ping = (await SendAsync("leadspedia/ping.do", $"lp_campaign_id=5f3a&lp_campaign_key={key}&lp_response=JSON&zip_code=90210&state=CA"))["ping_id"]!;
        var post = await SendAsync("leadspedia/post.do", $"lp_campaign_id=5f3a&lp_campaign_key={key}&lp_response=JSON&lp_test=1&lp_ping_id={ping}&first_name=A&last_name=B&email_address=t%40example.com&phone_home=3105550131"
            + "&ip_address=192.0.2.1&landing_page=p&tcpa_text=y&consent.at=2026-11-22T12:00:00Z");
        post["result"].ShouldBe("failed", post.Text);
        (await exchange.GetAsync($"/v1/leads/{ping}", key)).Status.ShouldBe(404);
    }

    /// <summary>The answer was lost, and the publisher's software sends the post again with a corrected address. A no would have it sell a sold lead elsewhere.</summary>
    [Theory]
    [InlineData("boberdoo/new_api/api.php", "Key=KEY&API_Action=pingPostLead&TYPE=19&Format=JSON&Mode=ping",
        "boberdoo/new_api/api.php", "Key=KEY&API_Action=pingPostLead&TYPE=19&Format=JSON&Mode=post&Lead_ID=PING&phone=3105550140")]
    [InlineData("leadspedia/ping.do", "lp_campaign_key=KEY&lp_campaign_id=5f3a&lp_response=JSON", "leadspedia/post.do", "lp_campaign_key=KEY&lp_campaign_id=5f3a&lp_response=JSON&lp_ping_id=PING&phone=3105550141")]
    [InlineData("leadprosper/ping", "lp_key=KEY&lp_campaign_id=1203", "leadprosper/post", "lp_key=KEY&lp_campaign_id=1203&lp_ping_id=PING&phone=3105550142")]
    public async Task Post_AgainWithAnotherBody_IsStillAccepted(string pingPath, string pinged, string postPath, string posted)
    {
        const string person = "&first_name=Kay&last_name=Orr&consent.ip=192.0.2.31&consent.page=https%3A%2F%2Fexample.com%2Fs&consent.text=Yes.&consent.at=2026-11-22T12:00:00Z&email=";
        var key = market.Keys[pingPath.Split('/')[0]];
        var ping = await SendAsync(pingPath, pinged.Replace("KEY", key, StringComparison.Ordinal) + "&zip=90210&state=CA");
        var told = ping.Json["response"] ?? ping.Json;
        var post = posted.Replace("KEY", key, StringComparison.Ordinal).Replace("PING", (told["ping_id"] ?? told["lead_id"])!.ToString(), StringComparison.Ordinal) + person;

        var first = await SendAsync(postPath, post + "kay%40example.com");
        first.Text.ShouldContain("8.00");
        var again = await SendAsync(postPath, post + "kay.orr%40example.com");
        (again.Status, again.Text).ShouldBe((200, first.Text));
    }

    [Theory]
    [InlineData("boberdoo/new_api/api.php?Key=x", "Mode=ping", 200, "never in the URL")]
    [InlineData("leadspedia/ping.do?lp_campaign_key=x", "lp_campaign_key=KEY&lp_campaign_id=5f3a&zip_code=90210&state=CA", 200, "never in the URL")]
    [InlineData("phonexa/lead/?apiPassword=x", "apiPassword=KEY&productId=7", 200, "never in the URL")]
    [InlineData("leadprosper/ping?LP_KEY=x", "lp_key=KEY&lp_campaign_id=1203&zip_code=90210&state=CA", 200, "never in the URL")]
    [InlineData("boberdoo/new_api/api.php", "Key=KEY&API_Action=getBuyers", 200, "API_Action must be pingPostLead")]
    [InlineData("boberdoo/new_api/api.php", "Key=KEY&API_Action=pingPostLead&Mode=pong", 200, "Mode must be")]
    [InlineData("leadspedia/ping.do", "lp_campaign_key=KEY&zip_code=%zz", 200, "not well encoded")]
    [InlineData("leadspedia/ping.do", "lp_campaign_key=KEY&lp_campaign_id=5f3a&lp_campaign_id=5f3a&zip_code=90210&state=CA", 200, "lp_campaign_id: A member may be given only once")]
    [InlineData("leadspedia/ping.do", "lp_campaign_key=KEY&lp_campaign_id=none&zip_code=90210&state=CA", 200, "lp_campaign_id: There is no such vertical")]
    [InlineData("phonexa/lead/", "[]", 415, "")]
    [InlineData("leadprosper/ping", "lp_key=KEY&lp_campaign_id=1203&zip_code=90210&state=CA&lp_action=live", 200, "lp_action is test")]
    public async Task Call_ThatCannotBeTaken_IsRefusedInTheProductsWords(string path, string body, int status, string told)
    {
        var key = market.Keys[path.Split('/')[0]];
        var reply = await SendAsync(path, body.Replace("KEY", key, StringComparison.Ordinal), body == "[]" ? "text/plain" : "application/x-www-form-urlencoded");
        reply.Status.ShouldBe(status, reply.Text);
        reply.Text.ShouldContain(told);
        reply.Text.ShouldNotContain(key);
    }

    [Fact]
    public async Task Key_OfABuyer_IsRefused() =>
        (await SendAsync("leadprosper/ping", $"lp_key={await exchange.KeyAsync("buyer", "acme")}&lp_campaign_id=1203"))["code"].ShouldBe("403");

    private Task<Reply> SendAsync(string path, string body, string type = "application/x-www-form-urlencoded") => exchange.SendAsync(HttpMethod.Post, "/compat/" + path, null, body, type);

    /// <summary>Whether the answer is what is written; <c>{{*}}</c> is any id, another name is an id that later requests use.</summary>
    private static bool Read(string expected, string answer, Dictionary<string, string> known)
    {
        var pattern = Placeholder().Replace(Regex.Escape(expected.Trim()).Replace("\\{\\{", "{{", StringComparison.Ordinal).Replace("{{\\*}}", "{{any}}", StringComparison.Ordinal),
            found => found.Groups[1].Value == "any" ? "[a-z0-9_]+" : known.TryGetValue(found.Groups[1].Value, out var value) ? value : $"(?<{found.Groups[1].Value}>[a-z0-9_]+)");
        var match = Regex.Match(answer.Trim(), $"^{pattern}$");
        foreach (var group in match.Groups.Cast<Group>().Where(group => group.Name != "0")) known[group.Name] = group.Value;
        return match.Success;
    }

    [GeneratedRegex(@"\{\{([a-z_]+)\}\}")]
    private static partial Regex Placeholder();
}
