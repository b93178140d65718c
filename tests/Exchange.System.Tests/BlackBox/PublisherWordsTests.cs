using Exchange.V1;
using Grpc.Core;
using Shouldly;

namespace Exchange.System.Tests.BlackBox;

/// <summary>A publisher with words of its own sells on every endpoint, over HTTP and gRPC, and its buyers see ours.</summary>
[Collection(LeadsAndReturns.Name)]
public sealed class PublisherWordsTests(RunningExchange running)
{
    private readonly ExchangeProcess exchange = running.Process;

    private static string Catalog(string id) => Market.With($$"""
        publishers:
          pub-{{id}}:
            verticals: [auto]
            payout: { share: 80% }
            intake:
              verticals: { "19": auto }
              fields: { Zip Code: zip, State: state, Primary_Phone: phone, Email: email, Job: occupation, Call: callback }
              values: { state: { California: CA } }
              unknown_fields: ignore
        buyers: { buyer-{{id}}: { credit_limit: unlimited } }
        campaigns: { a-{{id}}: { buyer: buyer-{{id}}, vertical: auto, bid: "10.00", filter: { field: state, is: CA } } }
        ping_trees: { tree-{{id}}: { vertical: auto, tiers: [ { name: t, method: priority, campaigns: all } ] } }
        """);

    [Fact]
    public async Task Sale_InItsWordsOverHttp_ReachesTheBuyerInOurs()
    {
        await exchange.ApplyAsync(Catalog("h"));
        var key = await exchange.KeyAsync("publisher", "pub-h");
        var ping = await exchange.PostAsync("/v1/pings", key, """{ "vertical": "19", "fields": { "Zip Code": "90210", "State": "california", "Roof": "flat" } }""");
        ping["status"].ShouldBe("offered", ping.Text);
        Warnings(ping).ShouldBe(["/fields/Roof unknown_field"]);
        var wrong = await exchange.PostAsync("/v1/posts", key, new { ping_id = ping["ping_id"], fields = new { Email = "pat@example.com", Primary_Phone = "nonsense" } });
        wrong.Json["errors"]![0]!["pointer"]!.ToString().ShouldBe("/fields/Primary_Phone", wrong.Text);
        var post = await exchange.PostAsync("/v1/posts", key, new { ping_id = ping["ping_id"], fields = new { Email = "pat@example.com", Primary_Phone = "+13105550144", State = "CALIFORNIA", Roof = "flat" } });
        post["status"].ShouldBe("sold", post.Text);
        Warnings(post).ShouldBe(["/fields/Roof unknown_field"]);

        var added = await exchange.SendAsync(HttpMethod.Patch, $"/v1/leads/{ping["ping_id"]}", key, """{ "fields": { "Call": "noon", "Hat": "yes" } }""");
        added.Status.ShouldBe(200, added.Text);
        Warnings(added).ShouldContain("/fields/Hat unknown_field");
        (await exchange.SendAsync(HttpMethod.Patch, $"/v1/leads/{ping["ping_id"]}", key, """{ "fields": { "State": "NY" } }""")).Code.ShouldBe("field_fixed");

        var copies = (await exchange.GetAsync("/v1/buyer/copies", await exchange.KeyAsync("buyer", "buyer-h"))).Json["copies"]!.AsArray();
        var fields = copies.ShouldHaveSingleItem()!["fields"]!.AsObject();
        fields.Select(field => field.Key).Order().ShouldBe(["callback", "email", "phone", "state", "zip"]);
        fields["state"]!.ToString().ShouldBe("CA");
    }

    [Fact]
    public async Task DirectSale_InItsWords_IsSold()
    {
        await exchange.ApplyAsync(Catalog("d"));
        var key = await exchange.KeyAsync("publisher", "pub-d");
        var lead = await exchange.SendAsync(HttpMethod.Post, "/v1/leads", key,
            "vertical=19&Zip+Code=90210&State=California&Email=kim%40example.com&Primary_Phone=%2B13105550145&Utm=x", "application/x-www-form-urlencoded");
        lead["status"].ShouldBe("sold", lead.Text);
        Warnings(lead).ShouldBe(["/fields/Utm unknown_field"]);
    }

    [Fact]
    public async Task Sale_InItsWordsOverGrpc_IsSold()
    {
        await exchange.ApplyAsync(Catalog("g"));
        using var publisher = await Sender.OfAsync(exchange, "pub-g");
        var ping = await publisher.Grpc.PingAsync(new PingRequest { Vertical = "19", Fields = { ["Zip Code"] = "90210", ["State"] = "California", ["Roof"] = "flat" } }, publisher.GrpcHeaders());
        ping.Warnings.ShouldHaveSingleItem().Pointer.ShouldBe("/fields/Roof");
        var post = await publisher.Grpc.PostAsync(new PostRequest { PingId = ping.PingId, Fields = { ["Email"] = "tim@example.com", ["Primary_Phone"] = "+13105550146" } }, publisher.GrpcHeaders());
        post.LeadId.ShouldBe(ping.PingId);
        (await exchange.SoldToAsync(post.LeadId)).ShouldBe(["a-g"]);
        var added = await publisher.Grpc.AddFieldsAsync(new AddFieldsRequest { LeadId = post.LeadId, Fields = { ["Call"] = "noon" } }, publisher.GrpcHeaders());
        added.LeadId.ShouldBe(ping.PingId);
        var fault = await Should.ThrowAsync<RpcException>(async () =>
            await publisher.Grpc.PingAsync(new PingRequest { Vertical = "20", Fields = { ["Zip Code"] = "90210" } }, publisher.GrpcHeaders()));
        fault.StatusCode.ShouldBe(StatusCode.InvalidArgument);
    }

    private static string[] Warnings(Reply reply) => [.. reply.Json["warnings"]!.AsArray().Select(warning => $"{warning!["pointer"]} {warning["code"]}")];
}
