extern alias server;

using System.Text;
using Exchange.Delivery;
using Exchange.Delivery.Templates;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.Values;
using Exchange.System.Tests.BlackBox;
using server::Exchange.Server.Catalog;
using server::Exchange.Server.Hosting;
using Shouldly;

namespace Exchange.System.Tests.Connectors;

/// <summary>One product's API as a catalog describes it (<c>Shapes/NAME/connector.yaml</c>), compiled as the exchange compiles it.</summary>
internal sealed class Shape
{
    private const string Catalog = """
        exchange: { currency: USD }
        verticals:
          leads:
            fields:
              zip: { type: us_zip, ping: optional }
              state: { type: us_state, ping: optional }
              homeowner: { type: choice, values: [own, rent], ping: optional }
              homeowner_yes: { type: boolean, ping: optional }
              shade: { type: choice, values: [none, some, heavy], ping: optional }
              monthly_bill: { type: integer, ping: optional }
              ip: { type: ip, sensitive: true, ping: optional }
              birth_date: { type: date, sensitive: true, ping: optional }
              first_name: { type: text, pii: true, post: optional }
              last_name: { type: text, pii: true, post: optional }
              address: { type: text, pii: true, post: optional }
              email: { type: email, pii: true, post: optional }
              phone: { type: phone, region: US, pii: true, post: optional }
              trusted_form_url: { type: url, post: optional }
        publishers: { pub: { verticals: [leads], payout: { share: 80% } } }
        buyers: { buyer: { credit_limit: unlimited, endpoints: { crm: { connector: shape } } } }
        campaigns: { campaign: { buyer: buyer, vertical: leads, bid: "11.00", delivery: { to: [crm] } } }
        ping_trees: { main: { vertical: leads, tiers: [ { name: all, method: priority, campaigns: all } ] } }
        """;

    public const string Key = "k&y=1";

    public static EndpointSecrets Secrets { get; } = new(new Dictionary<string, byte[]> { ["shape-key"] = Encoding.UTF8.GetBytes(Key) });
    public static DateTimeOffset Now { get; } = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);
    public static CopyId Copy { get; } = new(LeadId.Create(1_790_000_000_000, 1, false, 42), 1);

    private Shape(EndpointModel endpoint) => Endpoint = endpoint;

    public EndpointModel Endpoint { get; }

    public static IEnumerable<string> Names => Directory.GetDirectories(Folder("")).Select(Path.GetFileName).OfType<string>().Order(StringComparer.Ordinal);

    public static string Folder(string name) => Repository.Path("tests", "Exchange.System.Tests", "Connectors", "Shapes", name);

    /// <param name="change">Changes to the endpoint, as YAML.</param>
    /// <param name="with">Values of <c>with</c> that differ.</param>
    public static Shape Read(string name, string? change = null, params (string Name, string Value)[] with) => Of(File.ReadAllText(Path.Combine(Folder(name), "connector.yaml")), change, with);

    /// <param name="file">A map with <c>with</c> and <c>connector</c>.</param>
    public static Shape Of(string file, string? change = null, params (string Name, string Value)[] with)
    {
        var (errors, shape) = (new ConfigErrors(), Yaml(file));
        var catalog = ConfigPatch.Set(Yaml(Catalog), ["connectors", "shape"], ConfigPatch.Find(shape, "connector").ShouldNotBeNull());
        var endpoint = ConfigPatch.Merge(Yaml("{ connector: shape, timeout: { ping: 10s } }"), Yaml(change ?? "{}"));
        if (ConfigPatch.Find(shape, "with") is { } written) endpoint = ConfigPatch.Set(endpoint, ["with"], written);
        foreach (var (key, value) in with) endpoint = ConfigPatch.Set(endpoint, ["with", key], new ConfigText("", 1, value));
        catalog = ConfigPatch.Set(catalog, ["buyers", "buyer", "endpoints", "crm"], endpoint);
        var compiled = CatalogCompiler.Compile(catalog, 1, new() { Parsers = Parsers.All, ParseTemplate = Liquid.Parse, KnownSecrets = new HashSet<string> { "shape-key" } }, errors);
        compiled.Errors.Errors.ShouldBeEmpty();
        return new(compiled.Model!.Buyers["buyer"].Endpoints["crm"]);
    }

    public static CopyMessage Message(IReadOnlyList<OutField> fields, IReadOnlyDictionary<string, string>? carried = null, bool consent = false, bool sub = false, bool test = false) => new()
    {
        Copy = Copy, Campaign = "campaign", Vertical = "leads", Price = Money.Parse("11.00"), Bid = Money.Parse("12.50"), Currency = "USD", Exclusive = true, CopiesMax = 1, SoldAt = Now,
        Source = "s-1", SubSource = sub ? "s-1-2" : null, Test = test, Fields = fields, Carried = carried ?? new Dictionary<string, string>(), Consent = consent ? Consent : null,
    };

    public static BidCall Call(IReadOnlyList<OutField> fields, bool consent = false, bool sub = false, bool test = false) => new()
    {
        RequestId = "req-1", Campaign = "campaign", Vertical = "leads", Currency = "USD", Sharings = [Sharing.Exclusive], CopiesMax = 1, Source = "s-1", SubSource = sub ? "s-1-2" : null,
        DeadlineMs = 800, Test = test, Fields = fields, Consent = consent ? Consent : null,
    };

    private static OutConsent Consent { get; } = new("I agree: \"yes\"", Now, "https://pub.example/form?a=1&b=2", "203.0.113.7", "agent", ["A & Co", "B Inc"]);

    private static ConfigNode Yaml(string text)
    {
        var errors = new ConfigErrors();
        var node = CatalogYaml.Read(Encoding.UTF8.GetBytes(text), errors);
        errors.Errors.ShouldBeEmpty();
        return node.ShouldNotBeNull();
    }
}
