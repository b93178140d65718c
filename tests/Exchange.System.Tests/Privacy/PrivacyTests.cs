extern alias server;

using System.Text;
using CsCheck;
using Exchange.Delivery.Templates;
using Exchange.Delivery;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Explanations;
using Exchange.Engine.Leads;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Grains.Deliveries;
using Exchange.Grains.Leads;
using Exchange.Storage;
using Exchange.System.Tests.Scenarios;
using server::Exchange.Server.Catalog;
using server::Exchange.Server.Hosting;
using Shouldly;

namespace Exchange.System.Tests.Privacy;

/// <summary>
/// Sealed bids stay sealed: two runs that differ only in another buyer's losing bid give a buyer the same bytes, but for its own price where the
/// published rule makes it of the best losing bid.
/// </summary>
public sealed class PrivacyTests
{
    private static readonly string Base = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Scenarios", "base.yaml"));
    private static readonly Vault Vault = new(new byte[Vault.KeyBytes]);

    private static readonly Gen<(SealedMarket Market, int Rival, int Bid, int SharedBid)> Changes =
        Gen.Select(SealedMarket.All, Gen.Int[0, 5], Gen.Int[1, 8], Gen.Int[1, 6]).Select((market, rival, bid, shared) => (market, rival % market.Bids.Length, bid, shared));

    [Fact]
    public void View_AnotherBuyersLosingBidDiffers_IsTheSameButForTheOwnPrice()
    {
        var compared = 0;
        Changes.Sample(change =>
        {
            var (market, rival, bid, shared) = change;
            var one = Run(market);
            var two = Run(market.With(rival, bid, shared));
            var loser = $"c{rival}";
            // The rival loses both times; a bid that wins or falls in for another is no losing one.
            if (Bought(one).Contains(loser) || Bought(two).Contains(loser)) return;
            Interlocked.Increment(ref compared);
            for (var i = 0; i < market.Bids.Length; i++)
            {
                if (i == rival) continue;
                var (mine, again) = (View(one, $"b{i}"), View(two, $"b{i}"));
                if (market.HasSecondPrice) (mine, again) = (WithoutPrice(mine), WithoutPrice(again));
                Assert.True(again == mine, $"Buyer b{i} sees what c{rival} bids: {mine}and with {bid}, {shared}: {again}\n{market.Yaml()}");
            }
        }, iter: 1_500);
        compared.ShouldBeGreaterThan(150);
    }

    /// <summary>No buyer ever pays more than it bid, whatever others bid.</summary>
    [Fact]
    public void Price_OfAnyMarket_IsNeverAboveTheOwnBid() => SealedMarket.All.Sample(market =>
    {
        var deal = Run(market);
        foreach (var slot in deal.Sale?.Slots ?? []) slot.Price.ShouldBeLessThanOrEqualTo(deal.Record.Bids[slot.BidIndex].Bid);
    }, iter: 500);

    /// <summary>One ping, posted as offered; the buyers who are asked take it.</summary>
    private static Deal Run(SealedMarket market)
    {
        var errors = new ConfigErrors();
        var catalog = ConfigPatch.Merge(CatalogYaml.Read(Base, errors)!, Nulls(CatalogYaml.Read(market.Yaml(), errors)!));
        var compiled = CatalogCompiler.Compile(catalog, 1, new() { Parsers = Parsers.All, ParseTemplate = Liquid.Parse }, errors);
        compiled.Errors.Errors.ShouldBeEmpty(market.Yaml());
        var exchange = new ScenarioExchange { Now = new DateTimeOffset(2026, 11, 23, 12, 0, 0, TimeSpan.Zero) };
        exchange.Apply(compiled.Model!);
        var deal = exchange.Ping(new("search", "auto", [KeyValuePair.Create("state", "CA")]) { SubId = "kw-17", Seed = market.Seed });
        if (deal.Record.Outcome == Reason.None) exchange.Post(deal, new([KeyValuePair.Create("phone", "2025550101")]));
        return deal;
    }

    /// <summary>Every byte that a buyer is sent of a deal: its copies' messages, and what it may know of the bids it lost.</summary>
    private static string View(Deal deal, string buyer)
    {
        if (deal.Sale is not { } sale) return Losses.Of(deal.Model, deal.Record, buyer).Count == 0 ? "" : throw new InvariantException("a loss without an offer");
        var vertical = deal.Model.Verticals[deal.Record.Vertical];
        var fields = vertical.Fields.All.Where(field => deal.Subject!.Values[field.Ordinal].IsGiven)
            .ToDictionary(field => field.Name, field => deal.Subject!.Values[field.Ordinal].Text!);
        var row = new LeadRow(sale.Id, "search", "auto", "kw-17", false, sale.State, sale.Reason, sale.Slots.Length, [], [], null, 1, deal.Record.AtMs, []);
        var told = new StringBuilder();
        foreach (var slot in sale.Slots.Where(slot => slot.State == SlotState.Captured))
        {
            var bid = deal.Record.Bids[slot.BidIndex];
            if (bid.Buyer != buyer) continue;
            var copy = new CopyRow(new(sale.Id, slot.CopyNo), slot.OfferId, bid.Campaign, bid.Buyer, bid.Company, slot.Sharing == Engine.Filters.Sharing.Exclusive,
                CopyState.Captured, slot.Price, slot.Payout, deal.Record.AtMs, Reason.None, null, null);
            told.AppendLine(Encoding.UTF8.GetString(CopyMessageJson.ToBytes(CopyMessages.Create(deal.Model, deal.Model, row, copy, new LeadPayload(fields, null), Vault))));
        }
        foreach (var loss in Losses.Of(deal.Model, deal.Record, buyer)) told.AppendLine($"lost {loss.Campaign.Id} {loss.MinimumToWin}");
        return told.ToString();
    }

    private static string WithoutPrice(string view) => global::System.Text.RegularExpressions.Regex.Replace(view, "\"price\":\"[0-9.]+\"", "\"price\":\"\"");

    private static HashSet<string> Bought(Deal deal) =>
        [.. deal.Sale?.Slots.Where(slot => slot.State == SlotState.Captured).Select(slot => deal.Record.Bids[slot.BidIndex].Campaign) ?? []];

    private static ConfigNode Nulls(ConfigNode node) => node switch
    {
        ConfigText { Text: "~" } => new ConfigNull(node.Path, node.Line),
        ConfigMap map => new ConfigMap(map.Path, map.Line, [.. map.Entries.Select(entry => KeyValuePair.Create(entry.Key, Nulls(entry.Value)))]),
        _ => node,
    };
}
