using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.Leads;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;
using Exchange.Grains.Intake;

namespace Exchange.System.Tests.Scenarios;

/// <summary>A ping as a scenario writes it.</summary>
internal sealed record PingCall(string Publisher, string Vertical, IReadOnlyList<KeyValuePair<string, string>> Fields)
{
    public string? SubId { get; init; }
    public string? Channel { get; init; }
    public ulong? Seed { get; init; }
    public Money MinPayout { get; init; }
    public int? MaxCopies { get; init; }
    public int SoldElsewhere { get; init; }
    public string[] SoldTo { get; init; } = [];
    public bool Test { get; init; }
}

/// <summary>A post as a scenario writes it. <see cref="Sellers"/>: the consent's; null: the post brings none.</summary>
internal sealed record PostCall(IReadOnlyList<KeyValuePair<string, string>> Fields)
{
    public string[]? OfferIds { get; init; }
    public Money MinPayout { get; init; }
    public string[]? Sellers { get; init; }
}

/// <summary>One ping of a scenario and the lead that may have come of it.</summary>
internal sealed class Deal(CatalogModel model, PingRecord record)
{
    /// <summary>The catalog that the ping was walked on.</summary>
    public CatalogModel Model => model;
    public PingRecord Record => record;
    public LeadSale? Sale { get; set; }
    public Subject? Subject { get; set; }
    public ConsentInput? Consent { get; set; }
    /// <summary>Copies that came back.</summary>
    public HashSet<int> Returned { get; } = [];
    /// <summary>Campaigns that were asked to take the lead, in order.</summary>
    public List<string> Calls { get; } = [];
}

/// <summary>Bad input or a wrong moment: what a caller would be told as an error, by its code.</summary>
internal sealed class RefusedException(string code) : Exception(code);
