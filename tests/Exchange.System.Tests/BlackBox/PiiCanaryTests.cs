using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Exchange.System.Tests.Delivery;
using Exchange.V1;
using Grpc.Core;
using Grpc.Net.Client;
using Shouldly;

namespace Exchange.System.Tests.BlackBox;

/// <summary>
/// A run with a marker in every field that tells who somebody is, sold, unsold, refused and doubled, over HTTP and gRPC. Afterwards no marker
/// is anywhere but with the buyer who got the lead: not in a file, not in the log, not in an answer to anybody else.
/// </summary>
public sealed class PiiCanaryTests : IAsyncLifetime
{
    private const string CrmSecret = "whsec_Y2FuYXJ5LXNlY3JldC1vZi1hLXRlc3QtMDEyMzQ1Njc4OQ==";

    private const string Tracked = "&lead={{ lead_id }}&status={{ status }}&reason={{ reason }}&payout={{ payout }}&sub={{ sub_id }}&click={{ tags.click_id }}";

    private readonly List<string> markers = [];
    /// <summary>What a page says and where it is: an admin may see it, a disk may not.</summary>
    private readonly List<string> documents = [];
    private readonly List<string> keys = [ExchangeProcess.AdminKey, CrmSecret];
    private readonly FakeBuyer accepting = FakeBuyer.Answering(FakeBuyer.Response(200, """{ "answer": "accepted", "ref": "A-1" }"""));
    private readonly FakeBuyer refusing = FakeBuyer.Answering(FakeBuyer.Response(200, """{ "answer": "rejected", "reason": "not in area" }"""));
    private readonly FakeBuyer hooked = FakeBuyer.Answering(FakeBuyer.Response(200));
    private readonly FakeBuyer tracking = FakeBuyer.Answering(FakeBuyer.Response(200));
    private ExchangeProcess exchange = null!;
    private int persons;

    public async Task InitializeAsync()
    {
        exchange = await ExchangeProcess.StartAsync();
        (await exchange.SendAsync(HttpMethod.Put, "/v1/admin/secrets/crm", ExchangeProcess.AdminKey, CrmSecret, "text/plain")).Status.ShouldBe(200);
        await exchange.ApplyAsync($$"""
            exchange: { currency: USD, time_zone: UTC }
            verticals:
              auto:
                duplicate: { keys: [phone, email], window: 30d }
                fields:
                  state:      { type: us_state, ping: required }
                  first_name: { type: text, pii: true, post: required }
                  last_name:  { type: text, pii: true, post: required }
                  email:      { type: email, pii: true, post: required }
                  phone:      { type: phone, region: US, pii: true, post: required }
                  illness:    { type: text, sensitive: true, post: optional }
                  home_ip:    { type: ip, pii: true, post: optional }
                  profile:    { type: url, pii: true, post: optional }
            publishers:
              one: { verticals: [auto], payout: { share: 80% }, postback: { url: "{{tracking.Url}}{{Tracked}}" } }
              two: { verticals: [auto], payout: { share: 80% }, postback: { url: "{{tracking.Url}}", secret: { secret: crm } } }
            buyers:
              inbox-buyer: { credit_limit: unlimited }
              loser: { credit_limit: unlimited }
              native-yes: { credit_limit: unlimited, endpoints: { crm: { connector: native, with: { url: "{{accepting.Url}}", secret: { secret: crm } } } } }
              native-no: { credit_limit: unlimited, endpoints: { crm: { connector: native, with: { url: "{{refusing.Url}}", secret: { secret: crm } } } } }
              hook: { credit_limit: unlimited, endpoints: { crm: { connector: webhook, with: { url: "{{hooked.Url}}", secret: { secret: crm } } } } }
            campaigns:
              ca-inbox: { buyer: inbox-buyer, vertical: auto, filter: { field: state, is: CA }, bid: { fixed: "10.00" } }
              ca-loser: { buyer: loser, vertical: auto, filter: { field: state, is: CA }, bid: { fixed: "9.00" } }
              ny-native: { buyer: native-yes, vertical: auto, filter: { field: state, is: NY }, bid: { fixed: "10.00" }, delivery: { sold: on_accept, to: [crm] } }
              tx-native: { buyer: native-no, vertical: auto, filter: { field: state, is: TX }, bid: { fixed: "10.00" }, delivery: { sold: on_accept, to: [crm] } }
              wa-hook: { buyer: hook, vertical: auto, filter: { field: state, is: WA }, bid: { fixed: "10.00" }, delivery: { to: [crm] } }
            ping_trees:
              main: { vertical: auto, tiers: [{ name: market, method: auction, pricing: first_price, campaigns: all }] }
            """);
    }

    public async Task DisposeAsync()
    {
        await exchange.DisposeAsync();
        await accepting.DisposeAsync();
        await refusing.DisposeAsync();
        await hooked.DisposeAsync();
        await tracking.DisposeAsync();
    }

    [Fact]
    public async Task Marker_OfAnyPerson_IsWithTheWinnerAndNowhereElse()
    {
        var (one, two) = (await KeyAsync("publisher", "one"), await KeyAsync("publisher", "two"));
        var (winner, loser) = (await KeyAsync("buyer", "inbox-buyer"), await KeyAsync("buyer", "loser"));
        // Everything that anybody but the winner was told.
        var told = new StringBuilder();

        // Sold into an inbox, by a native yes and to a webhook; unsold by a native no; over both wires.
        foreach (var (state, status) in ((string, string)[])[("CA", "sold"), ("NY", "sold"), ("WA", "sold"), ("TX", "unsold")])
        {
            var post = await PostAsync(one, state, Person());
            post["status"].ShouldBe(status, post.Text);
            told.Append(post.Text).Append((await exchange.GetAsync($"/v1/leads/{post["lead_id"]}", two)).Text).Append((await exchange.GetAsync($"/v1/leads/{post["lead_id"]}", one)).Text);
        }
        using var channel = GrpcChannel.ForAddress($"http://127.0.0.1:{exchange.GrpcPort}");
        var grpc = new IntakeService.IntakeServiceClient(channel);
        var headers = new Metadata { { "x-api-key", one } };
        foreach (var state in (string[])["CA", "NY", "TX"])
        {
            var ping = await grpc.PingAsync(new PingRequest { Vertical = "auto", Fields = { ["state"] = state } }, headers);
            var post = new PostRequest { PingId = ping.PingId, Fields = { Person() }, Consent = new V1.Consent { Text = Documented("consentword"), Page = $"https://{Documented("page")}.example.com/x", Ip = MarkedIp(), UserAgent = Marked("agent") } };
            var answer = await grpc.PostAsync(post, headers);
            answer.Status.ShouldBe(state == "TX" ? LeadStatus.Unsold : LeadStatus.Sold);
            told.Append(answer);
        }

        // The same person again, once with another address of mail; refused in the ping, in the post, and against the ping.
        var person = Person();
        (await PostAsync(one, "CA", person))["status"].ShouldBe("sold");
        var again = await PostAsync(two, "CA", new(person) { ["email"] = MarkedMail() });
        again["reason"].ShouldBe("duplicate", again.Text);
        told.Append(again.Text);
        told.Append((await exchange.PostAsync("/v1/pings", one, new { vertical = "auto", fields = new Dictionary<string, string>(Person()) { ["state"] = "CA" } })).Text);
        foreach (var (field, value) in ((string, string)[])[("phone", Marked("nophone")), ("email", Marked("nomail")), ("home_ip", Marked("noip")), ("unknown", Marked("nofield")), ("state", "NY")])
        {
            var refused = await PostAsync(one, "CA", new(Person()) { [field] = value });
            refused.Status.ShouldBe(422, refused.Text);
            told.Append(refused.Text);
        }
        told.Append((await exchange.SendAsync(HttpMethod.Post, "/v1/posts", one, $$"""{ "ping_id": "x", "fields": { "email": "{{MarkedMail()}}" """)).Text);

        // Only the winner has it, in its inbox, its native call or its webhook.
        var inbox = (await exchange.GetAsync("/v1/buyer/copies?limit=100", winner)).Text;
        inbox.ShouldContain(person["email"]);
        inbox.ShouldContain(person["phone"]);
        var clock = Stopwatch.StartNew();
        while (hooked.Requests.IsEmpty && clock.Elapsed < TimeSpan.FromSeconds(20)) await Task.Delay(20);
        while (tracking.Requests.Count < 9 && clock.Elapsed < TimeSpan.FromSeconds(30)) await Task.Delay(20);
        // Their publishers were told of the sales and of the others, in an address and in a message.
        tracking.Requests.Count.ShouldBe(9);
        tracking.Requests.Select(request => request.Line.Split(' ')[0]).Distinct().ShouldBe(["GET", "POST"], ignoreOrder: true);
        foreach (var request in tracking.Requests) told.AppendLine(request.Line).AppendJoin('\n', request.Headers).AppendLine().AppendLine(Encoding.UTF8.GetString(request.Body));
        foreach (var buyer in (FakeBuyer[])[accepting, hooked]) Encoding.UTF8.GetString(buyer.Requests.First().Body).ShouldContain("@canary-");
        var losing = (await exchange.GetAsync("/v1/buyer/copies?limit=100", loser)).Text;
        JsonDocument.Parse(losing).RootElement.GetProperty("copies").GetArrayLength().ShouldBe(0);
        told.Append(losing);

        // The admin's lists and records are masked; the explanation, the metrics and the ledger know nobody.
        var leads = (await exchange.GetAsync("/v1/admin/leads?limit=100")).Json;
        leads["leads"]!.AsArray().Count.ShouldBeGreaterThanOrEqualTo(8);
        told.Append(leads.ToJsonString());
        foreach (var id in leads["leads"]!.AsArray().Select(lead => lead!["lead_id"]!.ToString()))
        {
            foreach (var path in (string[])[$"/v1/admin/leads/{id}", $"/v1/admin/pings/{id}/explanation", $"/v1/admin/ledger?lead_id={id}"])
            {
                var reply = await exchange.GetAsync(path);
                reply.Status.ShouldBe(200, path + reply.Text);
                told.Append(reply.Text);
            }
        }
        foreach (var path in (string[])["/v1/admin/catalog", "/v1/admin/catalog/history", "/v1/admin/keys", "/v1/admin/secrets", "/v1/admin/deliveries", "/v1/admin/postbacks", "/v1/admin/ledger", "/openapi/v1.json"])
            told.Append((await exchange.GetAsync(path)).Text);
        told.Append(await exchange.MetricsAsync());

        // As it lies there after a power cut, write-ahead logs and all.
        exchange.Kill();
        markers.Count.ShouldBeGreaterThan(100);
        var places = Directory.EnumerateFiles(exchange.Folder, "*", SearchOption.AllDirectories).ToDictionary(file => Path.GetFileName(file), File.ReadAllBytes);
        places.Keys.ShouldContain("facts.db");
        places.Keys.ShouldContain("pings.db");
        places["answers"] = Encoding.UTF8.GetBytes(told.ToString());
        places["output"] = Encoding.UTF8.GetBytes(exchange.Output);
        var found = (from place in places from marker in place.Key == "answers" ? markers : markers.Concat(documents) from form in Forms(marker) where place.Value.AsSpan().IndexOf(form.Bytes) >= 0 select $"{marker} as {form.Name} in {place.Key}").ToList();
        found.ShouldBeEmpty();

        // Keys and secrets neither; the first letters of a key are kept to tell keys apart, the whole is not.
        var disk = places.Where(place => place.Key != "answers");
        (from place in disk from key in keys from form in Forms(key) where place.Value.AsSpan().IndexOf(form.Bytes) >= 0 select $"key {key[..8]} as {form.Name} in {place.Key}").ShouldBeEmpty();
        // The search finds what is there: what is no secret is found in the file that holds it.
        places.Where(place => place.Key.StartsWith("facts.db", StringComparison.Ordinal)).Any(place => place.Value.AsSpan().IndexOf("ca-inbox"u8) >= 0).ShouldBeTrue();
    }

    private async Task<Reply> PostAsync(string key, string state, Dictionary<string, string> fields)
    {
        var ping = await exchange.PostAsync("/v1/pings", key, new { vertical = "auto", fields = new { state } });
        ping["status"].ShouldBe("offered", ping.Text);
        return await exchange.PostAsync("/v1/posts", key, new
        {
            ping_id = ping["ping_id"],
            fields,
            consent = new { text = Documented("consentword"), at = "2026-11-22T12:00:00Z", page = $"https://{Documented("page")}.example.com/x?who={Marked("query")}", ip = MarkedIp(), user_agent = Marked("agent") },
        });
    }

    private async Task<string> KeyAsync(string role, string id)
    {
        var key = await exchange.KeyAsync(role, id);
        keys.Add(key);
        return key;
    }

    /// <summary>Somebody all of whose data are markers.</summary>
    private Dictionary<string, string> Person()
    {
        var number = Interlocked.Increment(ref persons);
        var phone = $"+1310{RandomNumberGenerator.GetInt32(200, 1000):D3}{RandomNumberGenerator.GetInt32(0, 10_000):D4}";
        markers.Add(phone);
        markers.Add(phone[2..]);
        return new()
        {
            ["first_name"] = Marked($"First{number}"), ["last_name"] = Marked($"Last{number}"), ["email"] = MarkedMail(), ["phone"] = phone,
            ["illness"] = Marked($"Ill{number}"), ["home_ip"] = MarkedIp(), ["profile"] = $"https://{Marked("profile")}.example.com/me",
        };
    }

    private string Marked(string word)
    {
        var marker = word.ToLowerInvariant() + "-canary-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6));
        markers.Add(marker);
        return marker;
    }

    private string Documented(string word)
    {
        var marker = Marked(word);
        markers.Remove(marker);
        documents.Add(marker);
        return marker;
    }

    private string MarkedMail()
    {
        var marker = $"Mail.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(5))}@canary-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}.example.com".ToLowerInvariant();
        markers.Add(marker);
        return marker;
    }

    private string MarkedIp()
    {
        var bytes = RandomNumberGenerator.GetBytes(3);
        var marker = $"2001:db8:{bytes[0] | 0x100:x}:{bytes[1] | 0x100:x}:{bytes[2] | 0x100:x}::7";
        markers.Add(marker);
        return marker;
    }

    private static IEnumerable<(string Name, byte[] Bytes)> Forms(string marker)
    {
        var plain = Encoding.UTF8.GetBytes(marker);
        yield return ("it is", plain);
        yield return ("upper case", Encoding.UTF8.GetBytes(marker.ToUpperInvariant()));
        yield return ("UTF-16", Encoding.Unicode.GetBytes(marker));
        yield return ("URL", Encoding.UTF8.GetBytes(Uri.EscapeDataString(marker)));
        // Base64 of a longer text holds it in one of three ways; the characters at the seams belong to its neighbours too.
        for (var shift = 0; shift < 3; shift++)
        {
            var text = Convert.ToBase64String([.. new byte[shift], .. plain]);
            yield return ("base64", Encoding.ASCII.GetBytes(text[(shift == 0 ? 0 : 4)..(text.Length - 4)]));
        }
        foreach (var (name, bytes) in (IEnumerable<(string, byte[])>)[("", plain), ("MD5 ", Md5(plain)), ("SHA-1 ", Sha1(plain)), ("SHA-256 ", SHA256.HashData(plain))])
        {
            if (name.Length > 0) yield return (name + "bytes", bytes);
            yield return (name + "hex", Encoding.ASCII.GetBytes(Convert.ToHexStringLower(bytes)));
            yield return (name + "HEX", Encoding.ASCII.GetBytes(Convert.ToHexString(bytes)));
            if (name.Length > 0) yield return (name + "base64", Encoding.ASCII.GetBytes(Convert.ToBase64String(bytes).TrimEnd('=')));
        }
    }

#pragma warning disable CA5350, CA5351 // Not to protect anything: to find what somebody thought protected by it.
    private static byte[] Md5(byte[] bytes) => MD5.HashData(bytes);
    private static byte[] Sha1(byte[] bytes) => SHA1.HashData(bytes);
#pragma warning restore CA5350, CA5351
}
