using System.Text;
using Exchange.Delivery.Templates;
using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Grains.Limits;
using Exchange.Storage;
using Shouldly;

namespace Exchange.System.Tests.Grains;

/// <summary>A small catalog whose caps a test writes, with the live view over it and rows as a store would tell them.</summary>
internal sealed class CapMarket
{
    /// <summary>Saturday, 2026-11-21 12:00 UTC.</summary>
    public static readonly DateTimeOffset Noon = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);

    private const string Auction = "\"method\": \"auction\"";

    public CapMarket(string campaignCaps = "", string publisherCaps = "", string buyerCaps = "", string tier = Auction, string? open = null)
        : this(Compile(campaignCaps, publisherCaps, buyerCaps, tier, open)) { }

    private CapMarket(CatalogModel model)
    {
        Model = model;
        Time = new SetTime { Now = Noon };
        Alerts = new CapAlerts(Time);
        Live = new LiveView(Alerts);
        Live.Install(model);
    }

    public SetTime Time { get; }
    public CatalogModel Model { get; private set; }
    public CapAlerts Alerts { get; }
    public LiveView Live { get; }
    public long Seconds => Time.Now.ToUnixTimeSeconds();
    public long NowMs => Time.Now.ToUnixTimeMilliseconds();
    public CampaignModel Campaign => Model.Campaigns["one"];

    public LimitModel Cap(string name) => Model.Limits.Single(limit => limit.Name == name);

    /// <summary>The same market with other caps, as after an apply.</summary>
    public void Apply(string campaignCaps)
    {
        Model = Compile(campaignCaps, "", "", Auction);
        Live.Install(Model);
    }

    /// <summary>As after a commit.</summary>
    public void Hear(LimitModel cap, long used, long held = 0, string? value = null, long? at = null)
    {
        var key = cap.KeyAt(at ?? Seconds, out var window, value);
        Live.Apply([new CounterValue(key, cap.Id, cap.RowLimitIn(window), used, held)]);
    }

    public LimitReading Read(LimitModel cap, string? value = null) => Live.Read(cap, Seconds, value);

    public Subject Subject(string? state = null, string? subId = null) => new()
    {
        Vertical = "auto", Publisher = "pub", SubId = subId, Now = Time.Now, Values = [default, new(state, 0)],
    };

    private static CatalogModel Compile(string campaignCaps, string publisherCaps, string buyerCaps, string tier, string? open = null)
    {
        var json = $$"""
            {
              "exchange": { "currency": "USD", "time_zone": "UTC" },
              "verticals": { "auto": { "fields": { "zip": { "type": "us_zip", "ping": "optional" }, "state": { "type": "us_state", "ping": "optional" } } } },
              "publishers": { "pub": { "verticals": ["auto"], "payout": { "share": "50%" }{{Caps(publisherCaps)}} } },
              "buyers": { "acme": { "credit_limit": "unlimited"{{Caps(buyerCaps)}} }, "two": { "credit_limit": "unlimited" }, "three": { "credit_limit": "unlimited" } },
              "campaigns": {
                "one": { "buyer": "acme", "vertical": "auto", "bid": "10.00"{{Caps(campaignCaps)}}{{(open is null ? "" : $", \"schedule\": {{ \"open\": {{ \"mon-sun\": \"{open}\" }} }}")}} },
                "two": { "buyer": "two", "vertical": "auto", "bid": "9.00" },
                "three": { "buyer": "three", "vertical": "auto", "bid": "8.00" }
              },
              "ping_trees": { "main": { "vertical": "auto", "tiers": [{ "name": "market", "campaigns": "all", {{tier}} }] } }
            }
            """;
        var errors = new ConfigErrors();
        var result = CatalogCompiler.Compile(ConfigJson.Parse(Encoding.UTF8.GetBytes(json), errors).ShouldNotBeNull(), 1,
            new() { Parsers = new FieldParsers((text, _) => text, text => text), ParseTemplate = Liquid.Parse }, errors);
        result.Errors.Errors.ShouldBeEmpty();
        return result.Model.ShouldNotBeNull();
    }

    private static string Caps(string caps) => caps.Length == 0 ? "" : $", \"caps\": [{caps}]";
}

/// <summary>A clock that a test sets.</summary>
internal sealed class SetTime : TimeProvider
{
    public DateTimeOffset Now { get; set; }
    public override DateTimeOffset GetUtcNow() => Now;
}
