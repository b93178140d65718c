using System.Text;
using CsCheck;
using Exchange.Engine.Connectors;
using Shouldly;

namespace Exchange.Engine.Tests.Connectors;

/// <summary>Replies that nobody would write: whatever comes, reading gives a verdict or none.</summary>
public sealed class ReplyFuzzTests
{
    private static readonly string[] Seeds =
    [
        "{\"response\":{\"status\":\"Matched\",\"price\":\"12.5\",\"lead_id\":7,\"errors\":{\"error\":[\"a\",\"b\"]},\"bids\":{\"bid\":[{\"id\":1},{\"id\":2}]}}}",
        "<?xml version=\"1.0\"?><Response a=\"1\"><Result Value=\"BaeOK\"><Bid0><Payout>5</Payout></Bid0><Bid1/></Result><!-- c --><![CDATA[x]]></Response>",
        "status=ok&price=12.50&price=13&x=%41%zz+%e2%82%ac",
        "POST_VALID|17|try again",
    ];

    private static readonly string?[] Types = [null, "application/json", "text/xml; charset=iso-8859-1", "application/x-www-form-urlencoded", "text/html", ";;;", "xml"];

    private static readonly PingReply Ping = Replies.Ping("""
        { "each": "response.bids.b*", "bid_when": { "any": [{ "at": "response.status", "is": "Matched" }, { "not": { "at": "Result.@Value", "exists": true } }] }, "price": ["Payout", "price"],
          "carry": { "id": "id" }, "expires_in": "id", "sharing": "a", "reason": ["errors.error.0", "body"] }
        """);

    private static readonly PostReply Post = Replies.Post("""
        { "accepted_when": { "at": "response.status", "not_in": ["x"] }, "duplicate_when": { "at": "price", "between": [1, 12.5] }, "pending_when": { "at": "body", "matches": "(a|b)+c" },
          "retry_when": { "at": "errors", "exists": true }, "rejected_when": { "at": "Response.Result.Bid0.Payout", "at_least": 5 }, "ref": { "at": "body", "matches": "x(.*)y" }, "reason": "response" }
        """);

    [Fact]
    public void Read_OfMutatedReplies_NeverThrows()
    {
        var mutated = Gen.Select(Gen.Int[0, Seeds.Length - 1], Gen.Int[0, Types.Length - 1], Gen.Int[100, 599],
            Gen.Select(Gen.Int[0, 250], Gen.Int[0, 3], Gen.Byte).Array[0, 12]);
        var (bids, verdicts) = (0, 0);
        mutated.Sample((seed, type, status, edits) =>
        {
            var body = Encoding.UTF8.GetBytes(Seeds[seed]).ToList();
            foreach (var (at, what, value) in edits)
            {
                if (body.Count == 0) break;
                var place = at % body.Count;
                if (what == 0) body[place] = value;
                else if (what == 1) body.Insert(place, value);
                else if (what == 2) body.RemoveAt(place);
                else body.RemoveRange(place, Math.Min(value % 40, body.Count - place));
            }
            var reply = new HttpReply(status % 3 == 0 ? status : 200, [.. body], Types[type]);
            var reading = Ping.Read(reply, "USD");
            if (reading.Bids.Count > 0 != (reading.Reason == Reason.None)) throw new InvalidOperationException("Bids and a reason for none");
            foreach (var bid in reading.Bids) if (bid.Price is { Micros: <= 0 }) throw new InvalidOperationException("A bid of nothing");
            if (reading.Bids.Count > 0) Interlocked.Increment(ref bids);
            if (Post.Read(reply).Kind is not null) Interlocked.Increment(ref verdicts);
        }, iter: 100_000);
        // Or nothing would have been tried.
        bids.ShouldBeGreaterThan(1_000);
        verdicts.ShouldBeGreaterThan(1_000);
    }
}
