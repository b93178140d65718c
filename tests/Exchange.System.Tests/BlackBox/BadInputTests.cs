using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Exchange.V1;
using Google.Rpc;
using Grpc.Core;
using Grpc.Net.Client;
using Shouldly;

namespace Exchange.System.Tests.BlackBox;

/// <summary>An exchange with one ping that can be posted, one that was, one that got no offer, one that expired, and keys of every role.</summary>
public sealed class BadInputMarket : IAsyncLifetime
{
    public ExchangeProcess Exchange { get; private set; } = null!;
    public string Publisher { get; private set; } = "";
    public string OtherPublisher { get; private set; } = "";
    public string Buyer { get; private set; } = "";
    public string OtherBuyer { get; private set; } = "";
    public string Viewer { get; private set; } = "";
    public string Offered { get; private set; } = "";
    public string Posted { get; private set; } = "";
    public string NoOffer { get; private set; } = "";
    public string Expired { get; private set; } = "";
    public string Lead { get; private set; } = "";

    public static object Person { get; } = new { first_name = "Pat", last_name = "Doe", email = "pat.doe@example.com", phone = "+13105550111" };

    public async Task InitializeAsync()
    {
        Exchange = await ExchangeProcess.StartAsync();
        await Exchange.ApplyAsync("""
            exchange: { currency: USD, time_zone: UTC }
            verticals:
              auto:
                fields:
                  zip:        { type: us_zip, ping: required }
                  state:      { type: us_state, ping: required }
                  age:        { type: integer, min: 16, max: 110, ping: optional }
                  insured:    { type: boolean, ping: optional }
                  note:       { type: text, max_length: 20, ping: optional }
                  first_name: { type: text, pii: true, post: required }
                  last_name:  { type: text, pii: true, post: required }
                  email:      { type: email, pii: true, post: required }
                  phone:      { type: phone, region: US, pii: true, post: required }
              brief:
                ping_ttl: 1s
                fields:
                  zip:        { type: us_zip, ping: required }
                  state:      { type: us_state, ping: required }
                  age:        { type: integer, min: 16, max: 110, ping: optional }
                  insured:    { type: boolean, ping: optional }
                  note:       { type: text, max_length: 20, ping: optional }
                  first_name: { type: text, pii: true, post: required }
                  last_name:  { type: text, pii: true, post: required }
                  email:      { type: email, pii: true, post: required }
                  phone:      { type: phone, region: US, pii: true, post: required }
              closed: { fields: { state: { type: us_state, ping: required } } }
            publishers:
              one: { verticals: [auto, brief], payout: { share: 80% } }
              two: { verticals: [auto], payout: { share: 80% } }
            buyers: { acme: { credit_limit: unlimited }, other: { credit_limit: unlimited } }
            campaigns:
              a: { buyer: acme, vertical: auto, bid: { fixed: "10.00" }, filter: { field: state, is: CA } }
              b: { buyer: acme, vertical: brief, bid: { fixed: "10.00" } }
            ping_trees:
              a: { vertical: auto, tiers: [{ name: t, method: priority, campaigns: [a] }] }
              b: { vertical: brief, tiers: [{ name: t, method: priority, campaigns: [b] }] }
            """);
        Publisher = await Exchange.KeyAsync("publisher", "one");
        OtherPublisher = await Exchange.KeyAsync("publisher", "two");
        Buyer = await Exchange.KeyAsync("buyer", "acme");
        OtherBuyer = await Exchange.KeyAsync("buyer", "other");
        Viewer = await Exchange.KeyAsync("viewer", "auditor");
        Expired = await PingAsync("brief", "CA");
        Offered = await PingAsync("auto", "CA");
        NoOffer = await PingAsync("auto", "NY");
        Posted = await PingAsync("auto", "CA");
        var post = await Exchange.PostAsync("/v1/posts", Publisher, new { ping_id = Posted, fields = Person }, ("Idempotency-Key", "used"));
        if (post["status"] != "sold") throw new InvalidOperationException($"not sold: {post.Text}");
        Lead = post["lead_id"]!;
        // What the pings wrote in the background is on disk before anything is counted.
        await RowCounts.UntilPingAsync(Exchange.Folder, Posted);
        // The offer says itself when it ends.
        while (TimeProvider.System.GetUtcNow() <= expiresAt) await Task.Delay(50);
    }

    private DateTimeOffset expiresAt;

    public async Task DisposeAsync() => await Exchange.DisposeAsync();

    private async Task<string> PingAsync(string vertical, string state)
    {
        var ping = await Exchange.PostAsync("/v1/pings", Publisher, new { vertical, fields = new { zip = "90210", state } });
        if (ping.Status != 200) throw new InvalidOperationException(ping.Text);
        if (vertical == "brief") expiresAt = DateTimeOffset.Parse(ping["expires_at"]!, global::System.Globalization.CultureInfo.InvariantCulture);
        return ping["ping_id"]!;
    }
}

/// <summary>What a caller can send that is wrong: each gets the contract's status and code, leaves no row, and never a 5xx.</summary>
public sealed class BadInputTests(BadInputMarket market) : IClassFixture<BadInputMarket>
{
    private const string Fields = """ "fields": { "zip": "90210", "state": "CA" } """;
    private const string Good = $$"""{ "vertical": "auto", {{Fields}} }""";

    private readonly ExchangeProcess exchange = market.Exchange;

    private sealed record Case(string Name, int Status, string Code)
    {
        public string Method { get; init; } = "POST";
        public string Path { get; init; } = "/v1/pings";
        public Func<BadInputMarket, string?> Key { get; init; } = market => market.Publisher;
        public Func<BadInputMarket, string?> Body { get; init; } = _ => Good;
        public byte[]? Bytes { get; init; }
        public string? ContentType { get; init; } = "application/json";
        public (string Name, string Value)[] Headers { get; init; } = [];
        public bool Chunked { get; init; }
    }

    private static Case Ping(string name, int status, string code, string body) => new(name, status, code) { Body = _ => body };

    private static Case Post(string name, int status, string code, Func<BadInputMarket, object> body, params (string, string)[] headers) =>
        new(name, status, code) { Path = "/v1/posts", Body = market => JsonSerializer.Serialize(body(market)), Headers = headers };

    private static Case Admin(string name, int status, string code, string method, string path, string? body = null, Func<BadInputMarket, string?>? key = null) =>
        new(name, status, code) { Method = method, Path = path, Body = _ => body, ContentType = body is null ? null : "application/json", Key = key ?? (_ => ExchangeProcess.AdminKey) };

    private static string Of(string field) => $$"""{ "vertical": "auto", "fields": { "zip": "90210", "state": "CA", {{field}} } }""";

    private static string With(string member) => $$"""{ "vertical": "auto", {{Fields}}, {{member}} }""";

    private static readonly Case[] Table =
    [
        Ping("unknown field", 422, "unknown_field", Of(""" "nope": 1 """)),
        Ping("unknown member", 422, "unknown_field", With(""" "nope": 1 """)),
        Ping("wrong type", 422, "wrong_type", Of(""" "age": true """)),
        Ping("object for a field", 422, "wrong_type", Of(""" "note": { "a": 1 } """)),
        Ping("missing field", 422, "missing_field", """{ "vertical": "auto", "fields": { "zip": "90210" } }"""),
        Ping("missing vertical", 422, "missing_field", $$"""{ {{Fields}} }"""),
        Ping("out of range", 422, "out_of_range", Of(""" "age": 7 """)),
        Ping("bad zip", 422, "invalid_format", """{ "vertical": "auto", "fields": { "zip": "9021", "state": "CA" } }"""),
        Ping("too long a value", 422, "out_of_range", Of($""" "note": "{new string('n', 21)}" """)),
        Ping("pii in a ping", 422, "pii_in_ping", Of(""" "email": "pat.doe@example.com" """)),
        Ping("nul escaped", 422, "invalid_format", Of(""" "note": "a\u0000b" """)),
        Ping("lone surrogate", 400, "malformed", Of(""" "note": "a\ud800b" """)),
        Ping("unknown vertical", 422, "vertical_unknown", $$"""{ "vertical": "nope", {{Fields}} }"""),
        Ping("vertical not allowed", 403, "forbidden", $$"""{ "vertical": "closed", {{Fields}} }"""),
        Ping("doubled member", 422, "duplicate_property", With(""" "vertical": "auto" """)),
        Ping("doubled field", 422, "duplicate_property", Of(""" "zip": "90211" """)),
        Ping("money with seven decimals", 422, "invalid_format", With(""" "min_payout": "1.0000001" """)),
        Ping("money that is negative", 422, "out_of_range", With(""" "min_payout": "-1" """)),
        Ping("money that is no number", 422, "invalid_format", With(""" "min_payout": "NaN" """)),
        Ping("money beyond every sum", 422, "invalid_format", With(""" "min_payout": "99999999999999999999" """)),
        Ping("a tag that is a number", 422, "wrong_type", With(""" "tags": { "a": 1 } """)),
        Ping("eleven tags", 422, "out_of_range", With($""" "tags": {JsonSerializer.Serialize(Enumerable.Range(0, 11).ToDictionary(i => $"t{i}", i => "x"))} """)),
        Ping("a tag that is too long", 422, "out_of_range", With($""" "tags": {JsonSerializer.Serialize(new { a = new string('x', 201) })} """)),
        Ping("a deadline of zero", 422, "out_of_range", With(""" "deadline_ms": 0 """)),
        Ping("2,000 fields", 422, "out_of_range", JsonSerializer.Serialize(new { vertical = "auto", fields = Enumerable.Range(0, 2000).ToDictionary(i => $"f{i}", i => 1) })),
        Ping("10,000 fields", 413, "body_too_large", JsonSerializer.Serialize(new { vertical = "auto", fields = Enumerable.Range(0, 10_000).ToDictionary(i => $"f{i}", i => 1) })),
        Ping("depth bomb", 400, "malformed", string.Concat(Enumerable.Repeat("{\"fields\":", 5_000))),
        Ping("deep value", 400, "malformed", Of($""" "note": {new string('[', 40)}{new string(']', 40)} """)),
        Ping("cut off", 400, "malformed", Good[..^4]),
        Ping("trailing text", 400, "malformed", Good + "x"),
        Ping("an array", 400, "malformed", "[]"),
        Ping("empty", 400, "malformed", ""),
        Ping("xml declared as json", 400, "malformed", "<ping/>"),
        new("raw nul", 400, "malformed") { Bytes = Encoding.UTF8.GetBytes(Of(""" "note": "a?b" """)).Select(b => b == (byte)'?' ? (byte)0 : b).ToArray() },
        new("not utf-8", 400, "malformed") { Bytes = Encoding.UTF8.GetBytes(Of(""" "note": "a?b" """)).Select(b => b == (byte)'?' ? (byte)0xff : b).ToArray() },
        new("ping of 300 KiB", 413, "body_too_large") { Body = _ => Good + new string(' ', 300 * 1024) },
        new("ping of 300 KiB in chunks", 413, "body_too_large") { Body = _ => Good + new string(' ', 300 * 1024), Chunked = true },
        new("post of 300 KiB", 413, "body_too_large") { Path = "/v1/posts", Body = _ => "{}" + new string(' ', 300 * 1024) },
        new("post of 300 KiB in chunks", 413, "body_too_large") { Path = "/v1/posts", Body = _ => "{}" + new string(' ', 300 * 1024), Chunked = true },
        new("text/plain", 415, "unsupported_media_type") { ContentType = "text/plain" },
        new("no content type", 415, "unsupported_media_type") { ContentType = null },
        new("compressed", 415, "unsupported_media_type") { Headers = [("Content-Encoding", "gzip")] },
        new("only images taken", 406, "not_acceptable") { Headers = [("Accept", "image/png")] },
        new("GET of pings", 405, "method_not_allowed") { Method = "GET", Body = _ => null, ContentType = null },
        new("GET of posts", 405, "method_not_allowed") { Method = "GET", Path = "/v1/posts", Body = _ => null, ContentType = null },
        new("DELETE of leads", 405, "method_not_allowed") { Method = "DELETE", Path = "/v1/leads", Body = _ => null, ContentType = null },
        new("unknown path", 404, "not_found") { Path = "/v1/nothing" },
        new("no key", 401, "unauthenticated") { Key = _ => null },
        new("bad key", 401, "unauthenticated") { Key = _ => "lx_live_0000000000000000000000000000000000000000000000000" },
        new("buyer's key", 403, "forbidden") { Key = market => market.Buyer },
        new("admin's key", 403, "forbidden") { Key = _ => ExchangeProcess.AdminKey },
        new("key in the url", 400, "credential_in_url") { Path = "/v1/pings?api_key=lx_live_0" },
        new("idempotency key with a space", 400, "malformed") { Headers = [("Idempotency-Key", "a b")] },
        new("idempotency key too long", 400, "malformed") { Headers = [("Idempotency-Key", new string('k', 256))] },

        Post("unknown ping", 404, "ping_not_found", _ => new { ping_id = "01m8227b2300000000011hadt7", fields = BadInputMarket.Person }),
        Post("no id of a ping", 404, "ping_not_found", _ => new { ping_id = "nonsense", fields = BadInputMarket.Person }),
        new("foreign ping", 404, "ping_not_found") { Path = "/v1/posts", Key = market => market.OtherPublisher, Body = market => JsonSerializer.Serialize(new { ping_id = market.Offered, fields = BadInputMarket.Person }) },
        Post("expired ping", 410, "ping_expired", market => new { ping_id = market.Expired, fields = BadInputMarket.Person }),
        Post("ping without an offer", 409, "no_offer", market => new { ping_id = market.NoOffer, fields = BadInputMarket.Person }),
        Post("posted before, another body", 409, "already_posted", market => new { ping_id = market.Posted, fields = new { first_name = "Else", last_name = "Doe", email = "else@example.com", phone = "+13105550112" } }),
        Post("posted before, another key", 409, "already_posted", market => new { ping_id = market.Posted, fields = BadInputMarket.Person }, ("Idempotency-Key", "another")),
        Post("key used with another body", 422, "idempotency_key_reused", market => new { ping_id = market.Offered, fields = BadInputMarket.Person }, ("Idempotency-Key", "used")),
        Post("post without contact", 422, "invalid_request", market => new { ping_id = market.Offered, fields = new { } }),
        Post("post against its ping", 422, "ping_mismatch", market => new { ping_id = market.Offered, fields = new { first_name = "P", last_name = "D", email = "p@example.com", phone = "+13105550113", state = "NY" } }),
        Post("bad phone", 422, "invalid_format", market => new { ping_id = market.Offered, fields = new { first_name = "P", last_name = "D", email = "p@example.com", phone = "12" } }),
        Post("bad e-mail", 422, "invalid_format", market => new { ping_id = market.Offered, fields = new { first_name = "P", last_name = "D", email = "p", phone = "+13105550113" } }),
        Post("offer that is not there", 422, "invalid_field", market => new { ping_id = market.Offered, offer_ids = (string[])["9"], fields = BadInputMarket.Person }),
        new("direct post with a ping", 422, "unknown_field") { Path = "/v1/leads", Body = market => $$"""{ "ping_id": "{{market.Offered}}", "vertical": "auto", "fields": { "zip": "90210", "state": "CA", "first_name": "P", "last_name": "D", "email": "p@example.com", "phone": "+13105550113" } }""" },
        new("foreign lead", 404, "not_found") { Method = "GET", Path = "/v1/leads/LEAD", Key = market => market.OtherPublisher, Body = _ => null, ContentType = null },
        new("field given before", 409, "field_fixed") { Method = "PATCH", Path = "/v1/leads/LEAD", Body = _ => """{ "fields": { "first_name": "Other" } }""" },

        Admin("catalog by a publisher", 403, "forbidden", "GET", "/v1/admin/catalog", null, market => market.Publisher),
        Admin("keys by a publisher", 403, "forbidden", "POST", "/v1/admin/keys", """{ "role": "admin", "for": "me" }""", market => market.Publisher),
        Admin("keys by a viewer", 403, "forbidden", "POST", "/v1/admin/keys", """{ "role": "admin", "for": "me" }""", market => market.Viewer),
        Admin("copies by a publisher", 403, "forbidden", "GET", "/v1/buyer/copies", null, market => market.Publisher),
        Admin("reveal by a viewer", 403, "forbidden", "GET", "/v1/admin/leads/LEAD?reveal=true", null, market => market.Viewer),
        Admin("limit of zero", 422, "out_of_range", "GET", "/v1/admin/leads?limit=0"),
        Admin("limit of a million", 422, "out_of_range", "GET", "/v1/admin/ledger?limit=1000000"),
        Admin("limit that is a word", 422, "out_of_range", "GET", "/v1/buyer/copies?limit=many", null, market => market.Buyer),
        Admin("status that is none", 422, "invalid_field", "GET", "/v1/admin/leads?status=lost"),
        Admin("lead that is none", 422, "invalid_format", "GET", "/v1/admin/ledger?lead_id=x"),
        Admin("funds of nothing", 422, "out_of_range", "POST", "/v1/admin/buyers/acme/funds", """{ "amount": "0", "reference": "r" }"""),
        Admin("funds of more than there is", 422, "out_of_range", "POST", "/v1/admin/buyers/acme/funds", """{ "amount": "999999999999", "reference": "much" }"""),
        Admin("funds to nobody", 404, "not_found", "POST", "/v1/admin/buyers/nobody/funds", """{ "amount": "5.00", "reference": "r" }"""),
        Admin("patch without If-Match", 428, "if_match_required", "PATCH", "/v1/admin/campaigns/a", """{ "status": "paused" }"""),
        Admin("acknowledge another's copy", 404, "not_found", "POST", "/v1/buyer/copies/LEAD-1/ack", "{}", market => market.OtherBuyer),
    ];

    public static TheoryData<string> Cases() => [.. Table.Select(row => row.Name)];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Request_ThatIsWrong_IsRefusedByTheContractAndLeavesNoRow(string name)
    {
        var row = Table.Single(candidate => candidate.Name == name);
        var before = RowCounts.Of(exchange.Folder, "facts.db");
        using var response = await SendAsync(row);
        var text = await response.Content.ReadAsStringAsync();
        ((int)response.StatusCode).ShouldBe(row.Status, text);
        response.Content.Headers.ContentType?.MediaType.ShouldBe("application/problem+json");
        var problem = JsonNode.Parse(text)!;
        problem["code"]!.ToString().ShouldBe(row.Code, text);
        problem["status"]!.GetValue<int>().ShouldBe(row.Status);
        foreach (var member in (string[])["type", "title", "detail", "trace_id"]) problem[member]!.ToString().ShouldNotBeEmpty();
        problem["errors"]!.AsArray().Count.ShouldBeGreaterThanOrEqualTo(row.Status == 422 && row.Code != "idempotency_key_reused" ? 1 : 0);
        if (row.Status == 401) response.Headers.WwwAuthenticate.ToString().ShouldStartWith("Bearer");
        if (row.Status == 405) response.Content.Headers.Allow.ShouldNotBeEmpty();
        if (row.Code == "already_posted") (problem["lead"]!["lead_id"]!.ToString(), problem["lead"]!["status"]!.ToString()).ShouldBe((market.Lead, "sold"));
        // Nothing that a person may have typed comes back.
        foreach (var value in (string[])["pat.doe@example.com", "+13105550111", "else@example.com", "\"Other\""]) text.ShouldNotContain(value);
        RowCounts.Of(exchange.Folder, "facts.db").ShouldBe(before);
    }

    [Fact]
    public async Task Pings_ThatWereRefused_LeaveNoRecordAndTheExchangeServesOn()
    {
        var before = RowCounts.Pings(exchange.Folder);
        foreach (var row in Table.Where(row => row.Path == "/v1/pings")) (await SendAsync(row)).Dispose();
        var good = await exchange.PostAsync("/v1/pings", market.Publisher, Good);
        (good.Status, good["status"]).ShouldBe((200, "offered"));
        await RowCounts.UntilPingAsync(exchange.Folder, good["ping_id"]!);
        // Records are written in the order of the pings: the good one is there, so would every earlier one be.
        RowCounts.Pings(exchange.Folder).ShouldBe(before + 1);
        exchange.Output.ShouldNotContain("fail:");
    }

    [Fact]
    public async Task Cursor_ThatIsNone_IsNoFault()
    {
        foreach (var path in (string[])["/v1/admin/leads", "/v1/admin/ledger", "/v1/admin/leads?campaign=a", "/v1/admin/deliveries"])
            (await exchange.GetAsync(path + (path.Contains('?', StringComparison.Ordinal) ? "&" : "?") + "cursor=%00'%22;--")).Status.ShouldBeLessThan(500, path);
        (await exchange.GetAsync("/v1/buyer/copies?after=zzz", market.Buyer)).Status.ShouldBeLessThan(500);
    }

    [Theory]
    [InlineData("no key", StatusCode.Unauthenticated, "unauthenticated")]
    [InlineData("buyer's key", StatusCode.PermissionDenied, "forbidden")]
    [InlineData("unknown field", StatusCode.InvalidArgument, "unknown_field")]
    [InlineData("missing field", StatusCode.InvalidArgument, "missing_field")]
    [InlineData("pii in a ping", StatusCode.InvalidArgument, "pii_in_ping")]
    [InlineData("wrong type", StatusCode.InvalidArgument, "wrong_type")]
    [InlineData("nul", StatusCode.InvalidArgument, "invalid_format")]
    [InlineData("bad money", StatusCode.InvalidArgument, "out_of_range")]
    [InlineData("unknown ping", StatusCode.NotFound, "ping_not_found")]
    [InlineData("foreign ping", StatusCode.NotFound, "ping_not_found")]
    [InlineData("expired ping", StatusCode.FailedPrecondition, "ping_expired")]
    [InlineData("no offer", StatusCode.FailedPrecondition, "no_offer")]
    [InlineData("posted before", StatusCode.AlreadyExists, "already_posted")]
    [InlineData("key used before", StatusCode.InvalidArgument, "idempotency_key_reused")]
    public async Task Call_ThatIsWrong_HasTheStatusAndTheReasonAndLeavesNoRow(string name, StatusCode status, string code)
    {
        var before = RowCounts.Of(exchange.Folder, "facts.db");
        using var channel = GrpcChannel.ForAddress($"http://127.0.0.1:{exchange.GrpcPort}");
        var client = new IntakeService.IntakeServiceClient(channel);
        var fault = await Should.ThrowAsync<RpcException>(async () => await CallAsync(client, name));
        fault.StatusCode.ShouldBe(status, fault.Status.Detail);
        var details = Google.Rpc.Status.Parser.ParseFrom(fault.Trailers.GetValueBytes("grpc-status-details-bin"));
        var info = details.Details.Single(detail => detail.Is(ErrorInfo.Descriptor)).Unpack<ErrorInfo>();
        info.Reason.ShouldBe(code, fault.Status.Detail);
        if (code == "already_posted") details.Details.Single(detail => detail.Is(PostResponse.Descriptor)).Unpack<PostResponse>().LeadId.ShouldBe(market.Lead);
        RowCounts.Of(exchange.Folder, "facts.db").ShouldBe(before);
    }

    [Fact]
    public async Task Message_Over256KiB_IsResourceExhausted()
    {
        using var channel = GrpcChannel.ForAddress($"http://127.0.0.1:{exchange.GrpcPort}");
        var client = new IntakeService.IntakeServiceClient(channel);
        var fault = await Should.ThrowAsync<RpcException>(async () => await client.PingAsync(new PingRequest { Vertical = new string('x', 300 * 1024) }, Key(market.Publisher)));
        fault.StatusCode.ShouldBe(StatusCode.ResourceExhausted);
    }

    private async Task CallAsync(IntakeService.IntakeServiceClient client, string name)
    {
        var key = Key(market.Publisher);
        var ping = new PingRequest { Vertical = "auto", Fields = { ["zip"] = "90210", ["state"] = "CA" } };
        switch (name)
        {
            case "no key": await client.PingAsync(ping); break;
            case "buyer's key": await client.PingAsync(ping, Key(market.Buyer)); break;
            case "unknown field": ping.Fields["nope"] = "1"; await client.PingAsync(ping, key); break;
            case "missing field": ping.Fields.Remove("zip"); await client.PingAsync(ping, key); break;
            case "pii in a ping": ping.Fields["email"] = "pat.doe@example.com"; await client.PingAsync(ping, key); break;
            case "wrong type": ping.Fields["age"] = "old"; await client.PingAsync(ping, key); break;
            case "nul": ping.Fields["note"] = "a\0b"; await client.PingAsync(ping, key); break;
            case "bad money": ping.MinPayoutMicros = -1; await client.PingAsync(ping, key); break;
            case "unknown ping": await client.PostAsync(PostOf("01m8227b2300000000011hadt7"), key); break;
            case "foreign ping": await client.PostAsync(PostOf(market.Offered), Key(market.OtherPublisher)); break;
            case "expired ping": await client.PostAsync(PostOf(market.Expired), key); break;
            case "no offer": await client.PostAsync(PostOf(market.NoOffer), key); break;
            case "posted before": await client.PostAsync(PostOf(market.Posted), key); break;
            case "key used before": key.Add("idempotency-key", "used"); await client.PostAsync(PostOf(market.Offered), key); break;
            default: throw new ArgumentException(name);
        }
    }

    private static PostRequest PostOf(string ping) => new()
    {
        PingId = ping, Fields = { ["first_name"] = "Ann", ["last_name"] = "Doe", ["email"] = "ann@example.com", ["phone"] = "+13105550114" },
    };

    private static Metadata Key(string key) => new() { { "authorization", "Bearer " + key } };

    private async Task<HttpResponseMessage> SendAsync(Case row)
    {
        var path = row.Path.Replace("LEAD", market.Lead, StringComparison.Ordinal);
        using var request = new HttpRequestMessage(new HttpMethod(row.Method), path);
        if (row.Key(market) is { } key) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        if ((row.Bytes ?? (row.Body(market) is { } text ? Encoding.UTF8.GetBytes(text) : null)) is { } body)
        {
            request.Content = row.Chunked ? new StreamContent(new MemoryStream(body)) : new ByteArrayContent(body);
            if (row.ContentType is not null) request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(row.ContentType);
            if (row.Chunked) request.Headers.TransferEncodingChunked = true;
        }
        foreach (var (header, value) in row.Headers)
            if (!request.Headers.TryAddWithoutValidation(header, value)) request.Content!.Headers.TryAddWithoutValidation(header, value);
        return await exchange.Http.SendAsync(request);
    }
}
