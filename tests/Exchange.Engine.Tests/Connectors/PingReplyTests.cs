using System.Globalization;
using Exchange.Engine.Connectors;
using Shouldly;

namespace Exchange.Engine.Tests.Connectors;

public sealed class PingReplyTests
{
    private static readonly PingReply Usual = Replies.Ping("""
        { "bid_when": { "at": "response.status", "is": "Matched" }, "price": ["response.price", "response.bid"], "currency": "response.currency", "expires_in": "response.ttl",
          "sharing": "response.kind", "seller": "response.seller", "carry": { "lead_id": "response.lead_id" }, "reason": ["response.errors.error", "response.error.error"] }
        """);

    [Theory]
    [InlineData(200, "{\"response\":{\"status\":\"Matched\",\"price\":\"12.5\",\"lead_id\":7}}", "12.50 lead_id=7")]
    [InlineData(200, "<response><status>MATCHED</status><bid>3</bid></response>", "3.00")]
    [InlineData(200, "{\"response\":{\"status\":\"Matched\",\"price\":12.300000000000001,\"currency\":\"usd\",\"ttl\":90,\"kind\":\"Shared\",\"seller\":\"A Co\"}}", "12.30 usd 90s Shared A Co")]
    [InlineData(200, "{\"response\":{\"status\":\"Matched\",\"price\":0}}", "NoBid")]
    [InlineData(200, "{\"response\":{\"status\":\"Matched\",\"price\":-1}}", "? InvalidPrice")]
    [InlineData(200, "{\"response\":{\"status\":\"Matched\",\"price\":\"NaN\"}}", "? InvalidPrice")]
    [InlineData(200, "{\"response\":{\"status\":\"Matched\",\"price\":\"1e3\"}}", "? InvalidPrice")]
    [InlineData(200, "{\"response\":{\"status\":\"Matched\",\"price\":\"12,50\"}}", "? InvalidPrice")]
    [InlineData(200, "{\"response\":{\"status\":\"Matched\",\"price\":\"$12.50\"}}", "? InvalidPrice")]
    [InlineData(200, "{\"response\":{\"status\":\"Matched\",\"price\":1234567890123}}", "? InvalidPrice")]
    [InlineData(200, "{\"response\":{\"status\":\"Matched\"}}", "? InvalidPrice")]
    [InlineData(200, "{\"response\":{\"status\":\"Matched\",\"price\":5,\"currency\":\"EUR\"}}", "5.00 EUR InvalidCurrency")]
    [InlineData(200, "{\"response\":{\"status\":\"Matched\",\"price\":5,\"ttl\":\"-3\"}}", "5.00 0s")]
    [InlineData(200, "{\"response\":{\"status\":\"Matched\",\"price\":5,\"ttl\":\"soon\"}}", "5.00 BadResponse")]
    [InlineData(200, "{\"response\":{\"status\":\"Matched\",\"price\":5,\"ttl\":\"2026-11-22T12:00:00Z\"}}", "5.00 BadResponse")]
    [InlineData(200, "{\"response\":{\"status\":\"Matched\",\"price\":5,\"kind\":\"multi\"}}", "5.00 BadResponse")]
    [InlineData(200, "{\"response\":{\"status\":\"Matched\",\"price\":5,\"kind\":\" \",\"ttl\":null}}", "5.00")]
    [InlineData(200, "{\"response\":{\"status\":\"Matched\",\"price\":5,\"ttl\":99999999999}}", "5.00 86400s")]
    [InlineData(200, "{\"response\":{\"status\":\"Unmatched\",\"errors\":{\"error\":[\"none left\"]}}}", "NoBid: none left")]
    [InlineData(400, "{\"response\":{\"status\":\"Error\",\"error\":{\"error\":\"bad key\"}}}", "NoBid: bad key")]
    [InlineData(400, "{\"response\":{\"status\":\"Matched\",\"price\":5}}", "NoBid")]
    [InlineData(500, "{\"response\":{\"status\":\"Matched\",\"price\":5}}", "BadResponse")]
    [InlineData(200, "{\"hello\":1}", "BadResponse")]
    [InlineData(200, "{\"response\":", "BadResponse")]
    [InlineData(200, "", "BadResponse")]
    [InlineData(200, "Matched", "BadResponse")]
    [InlineData(204, "", "NoBid")]
    public void Read_Answer_IsABidOrNot(int status, string body, string expected) => Told(Usual.Read(Replies.Reply(body, status), "USD")).ShouldBe(expected);

    [Fact]
    public void Read_WithoutAPriceInTheReading_IsAYes() =>
        Told(Replies.Ping("""{ "bid_when": { "at": "ok", "is": true } }""").Read(Replies.Reply("""{"ok":true}"""), "USD")).ShouldBe("?");

    [Fact]
    public void Read_WithAPriceAlone_IsABidWhereThereIsOne()
    {
        var reply = Replies.Ping("""{ "price": "bid" }""");
        Told(reply.Read(Replies.Reply("""{"bid":4}"""), "USD")).ShouldBe("4.00");
        Told(reply.Read(Replies.Reply("""{"bid":null}"""), "USD")).ShouldBe("BadResponse");
    }

    /// <summary>An older system's answer is no tree of any format, and needs to be none.</summary>
    [Theory]
    [InlineData("""{ "price": { "at": "body", "matches": "price=([0-9.]+)" } }""", "OK price=4.50", "4.50")]
    [InlineData("""{ "price": { "at": "body", "matches": "price=([0-9.]+)" } }""", "NO coverage", "NoBid")]
    [InlineData("""{ "price": { "at": "body", "matches": "price=([0-9.]+)" } }""", "", "BadResponse")]
    [InlineData("""{ "price": "http.header.X-Bid" }""", "OK", "7.25")]
    [InlineData("""{ "price": ["bid", "http.header.X-Bid"] }""", "OK", "7.25")]
    [InlineData("""{ "price": "bid" }""", "OK price=4.50", "BadResponse")]
    public void Read_WithAPriceOutsideOfAnyTree_NeedsNone(string reply, string body, string expected) =>
        Told(Replies.Ping(reply).Read(Replies.Reply(body, headers: ("x-bid", "7.25")), "USD")).ShouldBe(expected);

    [Fact]
    public void Read_TooLongToBringBack_CannotCount() =>
        Told(Replies.Ping("""{ "price": "bid", "carry": { "id": "id" } }""").Read(Replies.Reply($$"""{"bid":4,"id":"{{new string('x', 1001)}}"}"""), "USD")).ShouldBe("4.00 BadResponse");

    private static readonly PingReply Several = Replies.Ping("""
        { "each": "bids.bid", "bid_when": { "at": "accepted", "is_not": false }, "price": "seller_lead_bid", "seller": "seller_company_name",
          "carry": { "bid": "bid_id", "lead": "lead_id" }, "reason": "process_information.unmatched_reason" }
        """);

    [Theory]
    [InlineData("""{"lead_id":5,"bids":{"bid":[{"bid_id":1,"accepted":true,"seller_company_name":"A","seller_lead_bid":9},{"bid_id":2,"accepted":1,"seller_lead_bid":"7.5"},{"bid_id":3,"accepted":false,"seller_lead_bid":8}]}}""",
        "9.00 A bid=1 lead=5, 7.50 bid=2 lead=5")]
    [InlineData("""{"lead_id":5,"bids":{"bid":{"bid_id":1,"accepted":"yes","seller_lead_bid":9}}}""", "9.00 bid=1 lead=5")]
    [InlineData("""{"bids":{"bid":[]},"process_information":{"unmatched_reason":"nobody"}}""", "NoBid: nobody")]
    [InlineData("""{"bids":""", "BadResponse")]
    public void Read_SeveralBids_EachIsRead(string body, string expected) => Told(Several.Read(Replies.Reply(body), "USD")).ShouldBe(expected);

    [Fact]
    public void Read_BidsByTheirNames_InXml() => Told(Replies.Ping("""
        { "format": "xml", "each": "Result.Bid*", "bid_when": { "at": "Status", "is": "Success" }, "price": "Payout", "carry": { "leg": "Legname", "id": "Result.TransactionID" } }
        """).Read(Replies.Reply("<Response><Result Value='BaeOK'><TransactionID>t</TransactionID><Bid0><Legname>A</Legname><Payout>5</Payout><Status>Success</Status></Bid0><Bid1><Legname>B</Legname><Payout>4</Payout><Status>Failed</Status></Bid1></Result></Response>"), "USD"))
        .ShouldBe("5.00 leg=A id=t");

    [Fact]
    public void Read_MoreBidsThanAnAnswerMayHave_TakesTheFirst()
    {
        var many = string.Join(',', Enumerable.Range(1, 50).Select(i => i.ToString(CultureInfo.InvariantCulture)).Select(i => $$"""{"seller_lead_bid":{{i}},"accepted":1}"""));
        Several.Read(Replies.Reply("{\"bids\":{\"bid\":[" + many + "]}}"), "USD").Bids.Count.ShouldBe(Limits.OffersPerAnswer);
    }

    private static string Told(BidReading reading) => reading.Bids.Count == 0
        ? $"{reading.Reason}{(reading.Told is null ? "" : ": " + reading.Told)}"
        : string.Join(", ", reading.Bids.Select(bid => string.Join(' ', ((string?[])[
            bid.Price?.ToString() ?? "?", bid.Currency, bid.ExpiresIn is { } ttl ? $"{ttl.TotalSeconds}s" : null, bid.Sharing?.ToString(), bid.Seller,
            .. bid.Carry.Select(pair => $"{pair.Key}={pair.Value}"), bid.Wrong == Reason.None ? null : bid.Wrong.ToString()]).OfType<string>())));
}
