using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Exchange.Delivery;
using Exchange.Delivery.Bidders;
using Exchange.Delivery.Connectors;
using Exchange.Engine;
using Exchange.Engine.Connectors;
using Exchange.Engine.Deliveries;

namespace Exchange.System.Tests.Connectors;

/// <summary>A hundred thousand replies for each product, made from its examples by breaking them: none leaves an exception, and none says a yes that the status denies.</summary>
public sealed class ShapeFuzzTests
{
    private const int Replies = 100_000;

    public static TheoryData<string> Shapes => [.. Shape.Names];

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Read_OfBrokenReplies_NeverThrows(string name)
    {
        var shape = Shape.Read(name).Endpoint.Shape!;
        var bodies = Directory.GetFiles(Shape.Folder(name), "*.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .SelectMany(file => JsonNode.Parse(File.ReadAllText(file))!["replies"]!.AsArray())
            .Select(reply => Encoding.UTF8.GetBytes(reply!["body"]!.GetValueKind() == JsonValueKind.String ? reply["body"]!.ToString() : reply["body"]!.ToJsonString())).ToArray();
        string?[] types = [null, "application/json", "text/xml", "text/html; charset=iso-8859-1", "application/x-www-form-urlencoded", "text/plain"];
        int[] statuses = [200, 200, 200, 200, 201, 204, 302, 400, 404, 408, 422, 429, 500, 503];
        var random = new Random(19_790);
        var (yes, bids) = (0, 0);
        for (var i = 0; i < Replies; i++)
        {
            var body = Broken(bodies[random.Next(bodies.Length)], random);
            var reply = new OutboundReply(true, statuses[random.Next(statuses.Length)], body, null, null) { ContentType = types[random.Next(types.Length)] };
            var result = Http.Read(shape.Post, reply, Shape.Now);
            if (shape.Check is { } check) Http.Checked(check, reply, Shape.Now);
            if (result.Kind == AttemptKind.Accepted)
            {
                yes++;
                if (reply.Status is < 200 or > 299) throw new InvalidOperationException($"A yes with status {reply.Status}");
            }
            if (result.Kind is AttemptKind.Rejected or AttemptKind.Duplicate && reply.Status is 408 or >= 500 or (>= 300 and < 400)) throw new InvalidOperationException($"A no with status {reply.Status}");
            if (shape.Ping is not { } ping) continue;
            var answer = HttpBidder.Read(ping.Bids!, reply, "USD");
            if (answer.Offers.Count > 0 != (answer.Reason == Reason.None)) throw new InvalidOperationException("Offers and a reason for none");
            foreach (var offer in answer.Offers) if (offer.Price is { Micros: <= 0 }) throw new InvalidOperationException("A bid of nothing");
            bids += answer.Offers.Count;
        }
        // Or the replies were broken so well that nothing was tried.
        if (yes < 200 || shape.Ping is not null && bids < 200) throw new InvalidOperationException($"Only {yes} answers and {bids} bids were understood");
    }

    private static byte[] Broken(byte[] body, Random random)
    {
        var bytes = body.ToList();
        for (var edits = random.Next(5); edits > 0 && bytes.Count > 0; edits--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(5))
            {
                case 0: bytes[at] = (byte)random.Next(256); break;
                case 1: bytes.Insert(at, (byte)"{}[]\"<>&=,:0"[random.Next(12)]); break;
                case 2: bytes.RemoveAt(at); break;
                case 3: bytes.RemoveRange(at, Math.Min(random.Next(30), bytes.Count - at)); break;
                default: bytes.InsertRange(at, bytes.GetRange(at, Math.Min(random.Next(60), bytes.Count - at))); break;
            }
        }
        return [.. bytes];
    }
}
