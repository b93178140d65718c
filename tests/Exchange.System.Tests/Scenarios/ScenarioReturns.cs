using Exchange.Engine;
using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Exchange.Engine.Ledger;
using Exchange.Engine.Returns;
using Exchange.Storage;

namespace Exchange.System.Tests.Scenarios;

/// <summary>Returns of a scenario: the engine's rules and refund over the journal in memory, in the order in which the exchange asks them.</summary>
internal sealed class ScenarioReturns(ScenarioExchange exchange)
{
    private readonly Dictionary<MemoryCopy, ReturnStatus> asked = [];

    /// <summary>A buyer gives a copy back.</summary>
    public string Ask(Deal deal, string campaign, string reason)
    {
        var copy = Sold(deal, campaign);
        var model = ModelOf(deal, campaign);
        var terms = ReturnRules.TermsOf(model, campaign);
        if (terms?.Allows(reason) == false) throw new RefusedException("invalid_field /reason");
        var told = ReturnRules.Judge(terms, copy.AtMs, NowMs, model.Zone, asked.ContainsKey(copy));
        if (told != Reason.None) throw new RefusedException((asked.GetValueOrDefault(copy) == ReturnStatus.Refused ? Reason.ReturnRefused : told).Wire());
        var (from, until) = ReturnRules.MonthOf(copy.AtMs, model.Zone);
        if (asked.Count(pair => pair.Value != ReturnStatus.Refused && InMonth(pair.Key)) >= ReturnRules.MostOf(terms!, exchange.Journal.Copies.Count(InMonth)))
            throw new RefusedException(Reason.ReturnQuota.Wire());
        asked.Add(copy, ReturnStatus.Requested);
        return terms!.Review ? "requested" : Decide(deal, campaign, accept: true);

        bool InMonth(MemoryCopy other) => other.State is CopyState.Captured or CopyState.Reversed && other.AtMs >= from && other.AtMs < until
            && (terms!.Scope == CapScope.Campaign ? other.Made.Campaign : other.Made.Buyer) == terms.Owner;
    }

    /// <summary>An admin's word on a return that waits.</summary>
    public string Decide(Deal deal, string campaign, bool accept)
    {
        var copy = Sold(deal, campaign);
        if (asked.GetValueOrDefault(copy) != ReturnStatus.Requested) throw new RefusedException("already_decided");
        asked[copy] = accept ? ReturnStatus.Accepted : ReturnStatus.Refused;
        if (!accept) return "refused";
        var payout = deal.Model.Publishers[deal.Record.Publisher].Verticals[deal.Record.Vertical].Payout;
        var item = ReturnBookings.ItemOf(copy.Lead, copy.Made.No, ReturnBookings.Of(copy.Made.Buyer, deal.Record.Publisher, copy.Made.Price, copy.Made.Payout, payout.KeptOnReturn), NowMs);
        exchange.Book(deal, item);
        deal.Returned.Add(copy.Made.No);
        return "accepted";
    }

    private MemoryCopy Sold(Deal deal, string campaign) =>
        exchange.Journal.Copies.Find(copy => copy.Lead == deal.Record.Id && copy.Made.Campaign == campaign && copy.State is CopyState.Captured or CopyState.Reversed)
        ?? throw new RefusedException("not_found");

    private CatalogModel ModelOf(Deal deal, string campaign) => deal.Model.Campaigns.ContainsKey(campaign) ? deal.Model : exchange.Model;

    private long NowMs => exchange.Now.ToUnixTimeMilliseconds();
}
