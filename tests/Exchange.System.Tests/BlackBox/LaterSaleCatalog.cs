using System.Text;
using Shouldly;

namespace Exchange.System.Tests.BlackBox;

/// <summary>A catalog made of small markets: each vertical's campaigns and trees follow it. One publisher at a share of 80 %.</summary>
internal sealed class LaterSaleCatalog(BuyerApp app, string publisher = "search")
{
    private readonly StringBuilder verticals = new(), campaigns = new(), trees = new();
    private readonly Dictionary<string, string> buyers = new(StringComparer.Ordinal);
    private readonly List<string> names = [];

    public LaterSaleCatalog Vertical(string name, string ttl = "5m")
    {
        names.Add(name);
        verticals.AppendLine($$"""  {{name}}: { ping_ttl: {{ttl}}, fields: { state: { type: us_state, ping: required }, email: { type: email, pii: true, post: required } } }""");
        return this;
    }

    /// <summary>Sold on the post; its buyer pulls.</summary>
    public LaterSaleCatalog Campaign(string name, string bid, string buyer, string more = "")
    {
        buyers[buyer] = "{ credit_limit: \"50000.00\" }";
        campaigns.AppendLine($$"""  {{name}}: { buyer: {{buyer}}, vertical: {{names[^1]}}, bid: { fixed: "{{bid}}" }{{And(more)}} }""");
        return this;
    }

    /// <summary>Its buyer's answer makes the sale; buyer, campaign and path bear one name.</summary>
    public LaterSaleCatalog Asked(string name, string bid, string more = "")
    {
        buyers[name] = $$"""{ credit_limit: "50000.00", endpoints: { crm: { connector: native, with: { url: "{{app.Url(name)}}", secret: { secret: signing } }, timeout: { post: 10s } } } }""";
        campaigns.AppendLine($$"""  {{name}}: { buyer: {{name}}, vertical: {{names[^1]}}, bid: { fixed: "{{bid}}" }, delivery: { sold: on_accept, to: [crm] }{{And(more)}} }""");
        return this;
    }

    /// <summary>One tier, by list.</summary>
    public LaterSaleCatalog Tree(string name, string more, params string[] members) => Tier(name, more, "method: priority", members);

    /// <summary>Of a vertical that is not the last one.</summary>
    public LaterSaleCatalog TreeOf(string vertical, string name, string more, params string[] members)
    {
        trees.AppendLine($$"""  {{name}}: { vertical: {{vertical}}, tiers: [ { name: market, method: priority, campaigns: [{{string.Join(", ", members)}}] } ]{{And(more)}} }""");
        return this;
    }

    public LaterSaleCatalog Tier(string name, string more, string tier, params string[] members)
    {
        trees.AppendLine($$"""  {{name}}: { vertical: {{names[^1]}}, tiers: [ { name: market, {{tier}}, campaigns: [{{string.Join(", ", members)}}] } ]{{And(more)}} }""");
        return this;
    }

    public override string ToString() => $$"""
        exchange: { currency: USD, time_zone: UTC }
        verticals:
        {{verticals}}
        publishers:
          {{publisher}}: { verticals: [{{string.Join(", ", names)}}], payout: { share: 80% } }
        buyers:
        {{string.Join('\n', buyers.Select(buyer => $"  {buyer.Key}: {buyer.Value}"))}}
        campaigns:
        {{campaigns}}
        ping_trees:
        {{trees}}
        """;

    /// <summary>Sets the signing secret, applies the catalog and gives the publisher's key, which others of this exchange use as well.</summary>
    public async Task<string> ApplyAsync(RunningExchange running)
    {
        var secret = await running.Process.SendAsync(HttpMethod.Put, "/v1/admin/secrets/signing", ExchangeProcess.AdminKey, "whsec_" + Convert.ToBase64String(BuyerApp.SigningKey), "text/plain");
        secret.Status.ShouldBe(200, secret.Text);
        await running.Process.ApplyAsync(ToString());
        return await running.KeyAsync("publisher", publisher);
    }

    private static string And(string more) => more.Length == 0 ? "" : ", " + more;
}
