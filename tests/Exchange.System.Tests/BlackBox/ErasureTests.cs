using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Exchange.Engine.Values;
using Exchange.System.Tests.Delivery;
using Microsoft.Data.Sqlite;
using Shouldly;

namespace Exchange.System.Tests.BlackBox;

/// <summary>A person who is erased: no answer, page or file has anything of it, not even sealed; the books stand; nobody may send it again.</summary>
public sealed class ErasureTests
{
    private const string Phone = "+13102345678", Mail = "erased.person@example.com";

    [Fact]
    public async Task Erased_NothingIsLeftAnywhere_BooksStand_AndThePersonIsNeverTakenAgain()
    {
        await using var refusing = FakeBuyer.Answering(FakeBuyer.Response(503));
        await using var exchange = await ExchangeProcess.StartAsync();
        (await exchange.SendAsync(HttpMethod.Put, "/v1/admin/secrets/crm", ExchangeProcess.AdminKey, "whsec_" + Convert.ToBase64String(new byte[24]), "text/plain")).Status.ShouldBe(200);
        await exchange.ApplyAsync($$"""
            exchange: { currency: USD, time_zone: UTC }
            verticals:
              auto: { fields: { state: { type: us_state, ping: required }, birth: { type: date, sensitive: true, ping: optional },
                email: { type: email, pii: true, ping: hashed, post: required }, phone: { type: phone, region: US, pii: true, ping: hashed, post: optional } } }
              loan: { fields: { state: { type: us_state, ping: required }, mobile: { type: phone, region: US, pii: true, post: required } } }
            publishers: { one: { verticals: [auto, loan], payout: { share: 80% } } }
            buyers:
              inbox: { credit_limit: unlimited }
              hook: { credit_limit: unlimited, endpoints: { crm: { connector: webhook, with: { url: "{{refusing.Url}}", secret: { secret: crm } } } } }
            campaigns:
              ca: { buyer: inbox, vertical: auto, filter: { field: state, is: CA }, bid: { fixed: "10.00" } }
              wa: { buyer: hook, vertical: auto, filter: { field: state, is: WA }, bid: { fixed: "10.00" }, delivery: { to: [crm] } }
              lo: { buyer: inbox, vertical: loan, bid: { fixed: "10.00" } }
            ping_trees:
              auto: { vertical: auto, tiers: [ { name: market, method: auction, pricing: first_price, campaigns: all } ] }
              loan: { vertical: loan, tiers: [ { name: market, method: auction, pricing: first_price, campaigns: all } ] }
            """);
        var (one, buyer) = (await exchange.KeyAsync("publisher", "one"), await exchange.KeyAsync("buyer", "inbox"));
        var sold = await PostAsync(one, "CA", new { email = Mail, phone = Phone });
        var told = await PostAsync(one, "WA", new { email = "second.person@example.com" });
        var bystander = await PostAsync(one, "CA", new { email = "bystander@example.com" });
        await MarketCalls.Until(async () => (await exchange.AdminAsync("deliveries?buyer=hook"))["deliveries"]!.AsArray().Any(row => row.Text("error") is not null), "the webhook was tried", exchange);
        var books = (await exchange.AdminAsync("ledger")).ToJsonString();
        var sealedBefore = Sealed(exchange.Folder, sold);
        FilesWith(exchange.Folder, sealedBefore).ShouldNotBeEmpty();

        foreach (var lead in (string[])[sold, told, sold, "01m8g5y2nw0000000000swmga8", "nonsense"])
        {
            var erased = await exchange.SendAsync(HttpMethod.Delete, $"/v1/admin/leads/{lead}/pii", ExchangeProcess.AdminKey);
            (erased.Status, erased["status"]).ShouldBe((202, "erased"));
        }

        // Not sealed either: nobody can open what is not there, whatever keys he has. The ping's record went with it.
        FilesWith(exchange.Folder, sealedBefore).ShouldBeEmpty();
        LeadId.TryParse(sold, out var id).ShouldBeTrue();
        FilesWith(exchange.Folder, id.ToBytes()).ShouldNotContain("pings.db");
        (await exchange.GetAsync($"/v1/admin/pings/{sold}/explanation")).Status.ShouldBe(404);
        foreach (var lead in (string[])[sold, told])
        {
            var seen = (await exchange.GetAsync($"/v1/admin/leads/{lead}?reveal=true")).Json;
            (seen.Text("erased"), seen["fields"]!.AsObject().Count, seen.Text("consent")).ShouldBe(("true", 0, null));
        }
        // The publisher's answer, the money and the copies stand; the buyer's copy is there, of nobody.
        var answer = (await exchange.GetAsync($"/v1/leads/{sold}", one)).Json;
        (answer.Text("status"), answer.Text("payout")).ShouldBe(("sold", "8.00"));
        (await exchange.AdminAsync("ledger")).ToJsonString().ShouldBe(books);
        var copies = (await exchange.GetAsync("/v1/buyer/copies", buyer)).Json["copies"]!.AsArray();
        copies.Select(copy => (copy.Text("copy_id"), copy!["fields"]!.AsObject().ContainsKey("email"))).ShouldBe([(sold + "-1", false), (bystander + "-1", true)]);
        (await exchange.AdminAsync("deliveries?status=cancelled"))["deliveries"]!.AsArray().Select(row => row.Text("copy_id")).ShouldBe([told + "-1", sold + "-1"], ignoreOrder: true);
        (await exchange.SendAsync(HttpMethod.Patch, $"/v1/leads/{sold}", one, """{ "fields": { "phone": "+13109999999" } }""")).Code.ShouldBe("erased");

        await SuppressedAsync();
        await exchange.KillAndRestartAsync();
        await SuppressedAsync();
        FilesWith(exchange.Folder, sealedBefore).ShouldBeEmpty();

        // By its hash at the ping; by the whole at the post, also under another field's name in another vertical; others are taken.
        async Task SuppressedAsync()
        {
            var hashed = await exchange.PostAsync("/v1/pings", one, new { vertical = "auto", fields = new { state = "CA", email_sha256 = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Mail))) } });
            (hashed["status"], hashed["reason"]).ShouldBe(("no_offer", "suppressed"), hashed.Text);
            var direct = await exchange.PostAsync("/v1/leads", one, new { vertical = "loan", fields = new { state = "CA", mobile = Phone } });
            (direct["status"], direct["reason"]).ShouldBe(("unsold", "suppressed"), direct.Text);
            var ping = await exchange.PostAsync("/v1/pings", one, new { vertical = "auto", fields = new { state = "CA" } });
            var post = await exchange.PostAsync("/v1/posts", one, new { ping_id = ping["ping_id"], fields = new { email = "new@example.com", phone = Phone } });
            (post["status"], post["reason"]).ShouldBe(("unsold", "suppressed"), post.Text);
            (await PostAsync(one, "CA", new { email = string.Create(CultureInfo.InvariantCulture, $"other{RandomNumberGenerator.GetInt32(int.MaxValue)}@example.com") })).ShouldNotBeNull();
        }

        async Task<string> PostAsync(string key, string state, object fields)
        {
            var ping = await exchange.PostAsync("/v1/pings", key, new { vertical = "auto", fields = new { state, birth = "1990-01-02" } });
            var post = await exchange.PostAsync("/v1/posts", key, new { ping_id = ping["ping_id"], fields, consent = new { text = "yes", page = "https://example.com/x" } });
            post["status"].ShouldBe("sold", post.Text);
            return post["lead_id"]!;
        }
    }

    /// <summary>Some of the stored payload: of its wrapped key, which comes first.</summary>
    private static byte[] Sealed(string folder, string lead)
    {
        LeadId.TryParse(lead, out var id).ShouldBeTrue();
        using var connection = new SqliteConnection($"Data Source={Path.Combine(folder, "facts.db")};Mode=ReadOnly;Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT sealed FROM lead WHERE lead_id = $id";
        command.Parameters.AddWithValue("$id", id.ToBytes());
        return ((byte[])command.ExecuteScalar()!)[1..45];
    }

    private static List<string> FilesWith(string folder, byte[] bytes)
    {
        var found = new List<string>();
        foreach (var file in Directory.EnumerateFiles(folder, "*.db*"))
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var copy = new MemoryStream();
            stream.CopyTo(copy);
            if (copy.GetBuffer().AsSpan(0, (int)copy.Length).IndexOf(bytes) >= 0) found.Add(Path.GetFileName(file));
        }
        return found;
    }
}
