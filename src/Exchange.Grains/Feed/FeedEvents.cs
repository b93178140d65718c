using Exchange.Engine;
using Exchange.Engine.Leads;
using Exchange.Engine.PingTrees;

namespace Exchange.Grains.Feed;

/// <summary>What the live feed says of each thing: ids, names of the catalog and money; nothing that was typed or pinged.</summary>
public static class FeedEvents
{
    public static void Pinged(this LiveFeed feed, PingRecord record) => feed.Tell("ping", record, static (json, record) =>
    {
        json.WriteString("ping_id", record.Id.ToString());
        json.WriteString("publisher", record.Publisher);
        json.WriteString("vertical", record.Vertical);
        json.WriteString("status", record.Outcome == Reason.None ? "offered" : "no_offer");
        if (record.Outcome != Reason.None) json.WriteString("reason", record.Outcome.Wire());
        json.WriteBoolean("test", record.Id.IsTest);
        json.WriteStartArray("offers");
        foreach (var offer in record.Offers)
        {
            json.WriteStartObject();
            json.WriteString("campaign", record.Bids[offer.BidIndex].Campaign);
            json.WriteString("price", offer.Price.ToString());
            json.WriteString("payout", offer.Payout.ToString());
            json.WriteEndObject();
        }
        json.WriteEndArray();
    });

    /// <summary>A lead is settled: every copy sold or lost.</summary>
    public static void Settled(this LiveFeed feed, LeadSale sale) => feed.Tell("lead", sale, static (json, sale) =>
    {
        json.WriteString("lead_id", sale.Id.ToString());
        json.WriteString("publisher", sale.Record.Publisher);
        json.WriteString("vertical", sale.Record.Vertical);
        var sold = sale.Slots.Where(slot => slot.State == SlotState.Captured).ToArray();
        json.WriteString("status", sold.Length > 0 ? "sold" : "unsold");
        if (sold.Length == 0 && sale.Reason != Reason.None) json.WriteString("reason", sale.Reason.Wire());
        json.WriteBoolean("test", sale.Id.IsTest);
        json.WriteStartArray("copies");
        foreach (var slot in sold)
        {
            json.WriteStartObject();
            json.WriteString("campaign", sale.BidAt(slot.BidIndex).Campaign);
            json.WriteString("price", slot.Price.ToString());
            json.WriteString("payout", slot.Payout.ToString());
            json.WriteEndObject();
        }
        json.WriteEndArray();
    });

    public static void Applied(this LiveFeed feed, long version) => feed.Tell("catalog", version, static (json, version) => json.WriteNumber("version", version));
}
