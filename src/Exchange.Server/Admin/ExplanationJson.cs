using System.Globalization;
using System.Text.Json;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Explanations;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;

namespace Exchange.Server.Admin;

/// <summary>
/// An explanation on the wire. Every number stands twice: as a member for programs, and in <c>numbers</c> as a person says it.
/// </summary>
internal static class ExplanationJson
{
    public static void WriteMembers(Utf8JsonWriter json, Explanation told, PingRecord record, CatalogModel model)
    {
        json.WriteString("ping_id", told.Ping.ToString());
        json.WriteTime("at", record.AtMs);
        json.WriteString("publisher", record.Publisher);
        json.WriteString("sub_id", record.SubId);
        json.WriteString("channel", record.Channel);
        json.WriteString("vertical", record.Vertical);
        json.WriteString("tree", told.Tree);
        json.WriteNumber("catalog_version", told.CatalogVersion);
        // As text: programs that read numbers as doubles would lose its last digits.
        json.WriteString("seed", told.Seed.ToString(CultureInfo.InvariantCulture));
        json.WriteString("status", told.Outcome == Reason.None ? "offered" : "no_offer");
        json.WriteString("outcome", told.Outcome == Reason.None ? "offered" : told.Outcome.Wire());
        json.WriteString("reason", told.Outcome == Reason.None ? null : told.Outcome.Wire());
        json.WriteString("sentence", told.Outcome == Reason.None ? null : told.Outcome.Info().Sentence);
        json.WriteString("currency", model.Currency);
        json.WriteString("min_payout", record.MinPayout.ToString());
        json.WriteNumber("max_copies", record.MaxCopies);
        json.WriteTime("expires_at", record.ExpiresAtMs);
        WriteFields(json, record, model);
        WriteLimit(json, "publisher_limit", told.PublisherLimit);
        WriteMiss(json, "publisher_miss", told.PublisherMiss);
        json.WriteObjects("campaigns", told.Campaigns, campaign => WriteCampaign(json, campaign));
        WriteBids(json, told, record);
        json.WriteStartArray("price_rule");
        foreach (var winner in told.Campaigns.Where(campaign => campaign.Verdict == Verdict.Won)) json.WriteStringValue($"{winner.Campaign}: {winner.Text}");
        json.WriteEndArray();
        json.WriteObjects("turns", record.Turns, turn =>
        {
            json.WriteNumber("tier_index", turn.Key);
            json.WriteString("campaign", turn.Value);
        });
    }

    /// <summary>What was pinged, sensitive values masked.</summary>
    private static void WriteFields(Utf8JsonWriter json, PingRecord record, CatalogModel model)
    {
        json.WriteStartObject("fields");
        if (model.Verticals.TryGetValue(record.Vertical, out var vertical))
        {
            foreach (var field in vertical.Fields.All)
                if (field.Ordinal < record.Values.Length && record.Values[field.Ordinal].Text is { } text) json.WriteString(field.Name, Mask.Of(field, text));
        }
        json.WriteEndObject();
    }

    private static void WriteCampaign(Utf8JsonWriter json, CampaignExplanation campaign)
    {
        json.WriteString("tier", campaign.TierName);
        json.WriteNumber("tier_index", campaign.Tier);
        json.WriteString("campaign", campaign.Campaign);
        json.WriteString("buyer", campaign.Buyer);
        json.WriteString("verdict", Wire(campaign.Verdict));
        json.WriteString("reason", campaign.Reason == Reason.None ? null : campaign.Reason.Wire());
        json.WriteString("sentence", campaign.Reason == Reason.None ? null : campaign.Reason.Info().Sentence);
        json.WriteString("sharing", campaign.Sharing is { } sharing ? Wire(sharing) : null);
        json.WriteString("bid", campaign.Bid?.ToString());
        json.WriteString("floor", campaign.Floor?.ToString());
        json.WriteString("price", campaign.Price?.ToString());
        json.WriteString("payout", campaign.Payout?.ToString());
        WriteLimit(json, "limit", campaign.Limit);
        WriteMiss(json, "miss", campaign.Miss);
        if (campaign.Opens is { } opens)
        {
            json.WriteStartObject("opens");
            if (opens.At is { } at) json.WriteTime("at", at);
            else json.WriteNull("at");
            json.WriteString("time_zone", opens.TimeZone);
            json.WriteString("text", opens.Text);
            json.WriteEndObject();
        }
        else json.WriteNull("opens");
        json.WriteString("bid_more", campaign.BidMore?.ToString());
        json.WriteStartArray("numbers");
        foreach (var number in Numbers(campaign)) json.WriteStringValue(number);
        json.WriteEndArray();
        json.WriteString("would_have_sold", campaign.Verdict == Verdict.Won ? null : campaign.Text);
    }

    /// <summary>The numbers used, as a person says them: <c>cap_day 99/100</c>, <c>floor 12.00 against bid 11.40</c>.</summary>
    public static IEnumerable<string> Numbers(CampaignExplanation campaign)
    {
        if (campaign.Limit is { } limit)
        {
            var held = limit.Held == 0 ? "" : $", {Amount(limit, limit.Held)} held";
            var zone = limit.TimeZone is null ? "" : $" ({limit.TimeZone})";
            yield return $"{campaign.Reason.Wire()} {Amount(limit, limit.Used)}/{Amount(limit, limit.Limit)}{held}, needs {Amount(limit, limit.Needed)}{zone}";
        }
        if (campaign.Miss is { } miss) yield return miss.ToString();
        if (campaign.Opens is { } opens) yield return opens.Text;
        if (campaign.Price is { } price) yield return $"bid {campaign.Bid}, price {price}, payout {campaign.Payout}";
        else if (campaign.Floor is { } floor && campaign.Bid is { } below) yield return $"floor {floor} against bid {below}";
        else if (campaign.Bid is { } bid) yield return $"bid {bid}";
    }

    private static void WriteBids(Utf8JsonWriter json, Explanation told, PingRecord record)
    {
        var rank = 0;
        json.WriteObjects("bids", told.Bids, bid =>
        {
            var offer = Array.Find(record.Offers, offer => offer.BidIndex == rank);
            rank++;
            json.WriteNumber("rank", rank);
            json.WriteString("tier", told.Campaigns.FirstOrDefault(campaign => campaign.Tier == bid.Tier)?.TierName);
            json.WriteNumber("tier_index", bid.Tier);
            json.WriteString("campaign", bid.Campaign);
            json.WriteString("buyer", bid.Buyer);
            json.WriteString("sharing", Wire(bid.Sharing));
            json.WriteString("bid", bid.Bid.ToString());
            json.WriteString("floor", bid.HasFloor ? bid.Floor.ToString() : null);
            json.WriteString("handicap", bid.Handicap.ToString());
            json.WriteString("offer_id", offer?.OfferId);
            json.WriteBoolean("best", offer?.Best ?? false);
            json.WriteString("price", offer?.Price.ToString());
            json.WriteString("payout", offer?.Payout.ToString());
        });
    }

    private static void WriteLimit(Utf8JsonWriter json, string name, LimitNumbers? limit)
    {
        if (limit is null)
        {
            json.WriteNull(name);
            return;
        }
        json.WriteStartObject(name);
        json.WriteString("id", limit.LimitId);
        foreach (var (member, value) in (ReadOnlySpan<(string, long)>)
            [("limit", limit.Limit), ("used", limit.Used), ("held", limit.Held), ("left", limit.Left), ("needed", limit.Needed)])
        {
            if (limit.IsMoney) json.WriteString(member, new Money(value).ToString());
            else json.WriteNumber(member, value);
        }
        json.WriteString("time_zone", limit.TimeZone);
        json.WriteEndObject();
    }

    private static void WriteMiss(Utf8JsonWriter json, string name, ConditionMiss? miss)
    {
        if (miss is null)
        {
            json.WriteNull(name);
            return;
        }
        json.WriteStartObject(name);
        json.WriteString("field", miss.Field);
        json.WriteString("operator", miss.Operator);
        json.WriteString("wanted", miss.Wanted);
        json.WriteString("given", miss.Hidden ? null : miss.Given);
        json.WriteString("text", miss.ToString());
        json.WriteEndObject();
    }

    private static string Amount(LimitNumbers limit, long value) =>
        limit.IsMoney ? new Money(value).ToString() : value.ToString(CultureInfo.InvariantCulture);

    private static string Wire(Verdict verdict) => verdict switch
    {
        Verdict.Won => "won",
        Verdict.Lost => "lost",
        Verdict.Declined => "declined",
        _ => "excluded",
    };

    private static string Wire(Sharing sharing) => sharing switch
    {
        Sharing.Exclusive => "exclusive",
        Sharing.Shared => "shared",
        _ => "either",
    };
}
