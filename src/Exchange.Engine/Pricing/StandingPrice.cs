using Exchange.Engine.Catalog;
using Exchange.Engine.Catalog.Sections;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;

namespace Exchange.Engine.Pricing;

/// <summary>A price as the catalog writes bids, sent by a connected buyer for one of its campaigns: compiled against the vertical as it is now.</summary>
public static class StandingPrice
{
    /// <summary>Null after errors. Lists of the catalog are not known here: values stand in the rule itself.</summary>
    public static PriceModel? Compile(ConfigNode written, CatalogModel model, CampaignModel campaign, FieldParsers parsers, ConfigErrors errors)
    {
        var scope = new ConditionScope(new ConditionContext
        {
            Fields = model.Verticals[campaign.Vertical].Fields, Place = ConditionPlace.Price, Zone = campaign.Schedule?.Zone ?? model.Zone, Parsers = parsers, List = static _ => null,
            PingFieldsOnly = true, KnownPublisher = static _ => false, KnownVertical = model.Verticals.ContainsKey,
        }, errors);
        var before = errors.Errors.Count;
        var price = PriceSection.Read(written, scope, isBid: true, out _, node =>
        {
            errors.Add(node.Path, ConfigCodes.MisplacedKey, "A standing bid says its price; it asks nobody.");
            return null;
        });
        return errors.Errors.Count == before ? price : null;
    }
}
