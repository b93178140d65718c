using Exchange.V1;
using Grpc.Core;
using Google.Protobuf.WellKnownTypes;
using Shouldly;

namespace Exchange.System.Tests.Intake;

/// <summary>The same content hashes the same over both wires and in any spelling; other content does not.</summary>
public sealed class CanonicalHashTests(IntakeHost host) : IClassFixture<IntakeHost>
{
    private const string Json = """
        {"vertical":"auto-insurance","sub_id":"kw-17","tags":{"a":"1","b":"2"},"min_payout":"4.00","max_copies":3,"deadline_ms":500,
         "sold_elsewhere":{"copies":1,"sellers":["X"]},"consent":{"page":"p","at":"2026-11-22T12:00:00Z"},"fields":{"zip":"90210","age":35,"currently_insured":true}}
        """;

    private static PingRequest Proto() => new()
    {
        Vertical = "auto-insurance", SubId = "kw-17", Tags = { ["b"] = "2", ["a"] = "1" }, MinPayoutMicros = 4_000_000, MaxCopies = 3, DeadlineMs = 500,
        SoldElsewhere = new SoldElsewhere { Copies = 1, Sellers = { "X" } },
        Consent = new Consent { Page = "p", At = Timestamp.FromDateTimeOffset(new DateTimeOffset(2026, 11, 22, 12, 0, 0, TimeSpan.Zero)) },
        Fields = { ["currently_insured"] = "true", ["zip"] = "90210", ["age"] = "35" },
    };

    [Theory]
    [InlineData("as it is", Json)]
    [InlineData("another order, escapes, offsets, spaces", """
        { "fields" : { "age" : 35, "currently_insured" : true, "z\u0069p" : "90210" }, "consent" : { "at" : "2026-11-22T14:00:00.000+02:00", "page" : "p", "text" : null },
          "sold_elsewhere" : { "sellers" : ["X"], "copies" : 1 }, "deadline_ms" : 500, "max_copies" : 3, "min_payout" : 4, "tags" : { "b" : "2", "a" : "1" },
          "channel" : null, "test" : false, "sub_id" : "kw-17", "vertical" : "auto-insurance" }
        """)]
    public async Task Hash_OfJsonAndProtobuf_IsEqual(string name, string json)
    {
        (await HashOf(json)).ShouldBe(await HashOf(Proto()), name);
    }

    [Theory]
    [InlineData("\"kw-17\"", "\"kw-18\"")]
    [InlineData("\"kw-17\"", "\"kw-1\",\"channel\":\"7\"")]
    [InlineData("\"4.00\"", "\"4.01\"")]
    [InlineData("\"max_copies\":3,", "")]
    [InlineData("\"copies\":1", "\"copies\":2")]
    [InlineData("\"a\":\"1\",\"b\":\"2\"", "\"a\":\"2\",\"b\":\"1\"")]
    [InlineData("\"a\":\"1\",\"b\":\"2\"", "\"a\":\"1\"")]
    [InlineData("\"page\":\"p\"", "\"text\":\"p\"")]
    [InlineData("12:00:00Z", "12:00:01Z")]
    [InlineData("\"age\":35", "\"age\":36")]
    [InlineData("\"age\":35", "\"aged\":35")]
    [InlineData("\"age\":35,", "")]
    [InlineData("\"max_copies\":3", "\"max_copies\":3,\"test\":true")]
    public async Task Hash_OfOtherContent_Differs(string part, string other)
    {
        Json.ShouldContain(part);
        (await HashOf(Json.Replace(part, other, StringComparison.Ordinal))).ShouldNotBe(await HashOf(Json));
    }

    [Fact]
    public async Task Hash_OfPost_IsEqualOverBothWires()
    {
        host.Desk.Posts.Clear();
        await host.PostJsonAsync("/v1/posts", $$"""{"fields":{"b":"2","a":true},"offer_ids":["1","2"],"ping_id":"{{RecordingDesk.Id}}"}""");
        await host.Grpc.PostAsync(new PostRequest { PingId = RecordingDesk.Id.ToString(), OfferIds = { "1", "2" }, Fields = { ["a"] = "true", ["b"] = "2" } }, Headers());
        var hashes = host.Desk.Posts.Select(post => Convert.ToHexString(post.BodyHash)).ToArray();
        hashes.Length.ShouldBe(2);
        hashes[1].ShouldBe(hashes[0]);
    }

    [Fact]
    public async Task Hash_OfAPingAndOfADirectPostWithItsContent_Differ()
    {
        host.Desk.DirectPosts.Clear();
        await host.PostJsonAsync("/v1/leads", Json);
        await host.Grpc.DirectPostAsync(new DirectPostRequest { Ping = Proto() }, Headers());
        var hashes = host.Desk.DirectPosts.Select(direct => Convert.ToHexString(direct.Ping.BodyHash)).ToArray();
        hashes.Length.ShouldBe(2);
        hashes[1].ShouldBe(hashes[0]);
        hashes[0].ShouldNotBe(await HashOf(Json));
    }

    [Fact]
    public async Task Hash_WithAnotherCallDeadline_IsTheSame()
    {
        var ping = Proto();
        ping.DeadlineMs = 0;
        var without = await HashOf(ping);
        host.Desk.Pings.Clear();
        await host.Grpc.PingAsync(ping, new CallOptions(Headers(), DateTime.SpecifyKind(TimeProvider.System.GetUtcNow().AddSeconds(20).UtcDateTime, DateTimeKind.Utc)));
        var command = host.Desk.Pings.ShouldHaveSingleItem();
        Convert.ToHexString(command.BodyHash).ShouldBe(without);
        command.DeadlineMs.ShouldBeInRange(1, 20_000);
    }

    /// <summary>With a key: a ping without one is never looked up again, so it is not hashed.</summary>
    private Metadata Headers() => new() { { "authorization", $"Bearer {host.PublisherKey}" }, { "idempotency-key", "of-a-test" } };

    private async Task<string> HashOf(string json)
    {
        host.Desk.Pings.Clear();
        (await host.PostJsonAsync("/v1/pings", json, "Idempotency-Key: of-a-test")).EnsureSuccessStatusCode();
        return Convert.ToHexString(host.Desk.Pings.ShouldHaveSingleItem().BodyHash);
    }

    private async Task<string> HashOf(PingRequest ping)
    {
        host.Desk.Pings.Clear();
        await host.Grpc.PingAsync(ping, Headers());
        return Convert.ToHexString(host.Desk.Pings.ShouldHaveSingleItem().BodyHash);
    }
}
