using System.Globalization;
using System.Text.Json;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Explanations;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;
using Exchange.Grains.Intake;
using Exchange.Storage;

namespace Exchange.Server.Admin;

/// <summary>
/// An explanation on the wire. Every number stands twice: as a member for programs, and in <c>numbers</c> as a person says it.
/// </summary>
internal static class ExplanationJson
{
    /// <param name="model">The catalog version of the record.</param>
    /// <param name="today">What it hides by now is hidden too; as it was explained with.</param>
    public static void WriteMembers(Utf8JsonWriter json, Explanation told, PingRecord record, CatalogModel model, CatalogModel today)
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
        WriteFields(json, record, model, today);
        WriteLimit(json, "publisher_limit", told.PublisherLimit);
        WriteMiss(json, "publisher_miss", told.PublisherMiss);
        json.WriteObjects("trees", told.Trees, tree =>
        {
            json.WriteString("tree", tree.Tree);
            json.WriteBoolean("chosen", tree.Chosen);
            json.WriteString("text", tree.Text);
            WriteMiss(json, "miss", tree.Miss);
        });
        json.WriteString("would_have_sold", told.WouldHaveSold?.Text);
        WriteNearest(json, told.WouldHaveSold);
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

    /// <summary>What became of the ping at its post, as far as it is known now.</summary>
    /// <param name="lead">Null: it was not posted.</param>
    public static void WritePost(Utf8JsonWriter json, LeadRow? lead, IReadOnlyList<PassedOverRow> passedOver)
    {
        if (lead is null)
        {
            json.WriteNull("post");
            return;
        }
        json.WriteStartObject("post");
        json.WriteTime("at", lead.AtMs);
        json.WriteString("status", LeadAnswer.Wire(lead.State));
        json.WriteString("reason", LeadJson.Word(lead.Reason));
        json.WriteString("sentence", lead.Reason == Reason.None ? null : lead.Reason.Info().Sentence);
        json.WriteObjects("copies", lead.Copies, copy =>
        {
            json.WriteString("offer_id", copy.OfferId);
            json.WriteString("campaign", copy.Campaign);
            json.WriteString("buyer", copy.Buyer);
            json.WriteString("price", copy.Price.ToString());
            json.WriteString("payout", copy.Payout.ToString());
            json.WriteString("status", LeadAnswer.Wire(copy.State));
            json.WriteString("reason", LeadJson.Word(copy.Reason));
            json.WriteTime("at", copy.AtMs);
        });
        LeadJson.WritePassedOver(json, passedOver);
        json.WriteEndObject();
    }

    /// <summary>What was pinged, masked like a lead's fields.</summary>
    private static void WriteFields(Utf8JsonWriter json, PingRecord record, CatalogModel model, CatalogModel today)
    {
        json.WriteStartObject("fields");
        if (model.Verticals.TryGetValue(record.Vertical, out var vertical))
        {
            var now = today.Verticals.GetValueOrDefault(record.Vertical)?.Fields;
            foreach (var field in vertical.Fields.All)
                if (field.Ordinal < record.Values.Length && record.Values[field.Ordinal].Text is { } text) json.WriteString(field.Name, Mask.Of(now?.Find(field.Name), field, text));
        }
        json.WriteEndObject();
    }

    private static void WriteCampaign(Utf8JsonWriter json, CampaignExplanation campaign)
    {
        json.WriteString("tier", campaign.TierName);
        json.WriteNumber("tier_index", campaign.Tier);
        json.WriteStartArray("trees");
        foreach (var tree in campaign.Trees) json.WriteStringValue(tree);
        json.WriteEndArray();
        json.WriteString("campaign", campaign.Campaign);
        json.WriteString("buyer", campaign.Buyer);
        json.WriteString("verdict", Wire(campaign.Verdict));
        json.WriteString("reason", campaign.Reason == Reason.None ? null : campaign.Reason.Wire());
        json.WriteString("sentence", campaign.Reason == Reason.None ? null : campaign.Reason.Info().Sentence);
        json.WriteString("sharing", campaign.Sharing is { } sharing ? Wire(sharing) : null);
        json.WriteString("bid", campaign.Bid?.ToString());
        json.WriteString("bid_sum", campaign.BidSum);
        json.WriteString("floor", campaign.Floor?.ToString());
        json.WriteString("price", campaign.Price?.ToString());
        json.WriteString("payout", campaign.Payout?.ToString());
        WriteLimit(json, "limit", campaign.Limit);
        WriteShare(json, campaign.Share);
        WriteMiss(json, "miss", campaign.Miss);
        if (campaign.Opens is { } opens)
        {
            json.WriteStartObject("opens");
            WriteMoment(json, "at", opens.At);
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
        WriteChanges(json, campaign.Changes);
    }

    private static void WriteNearest(Utf8JsonWriter json, NearestSale? nearest)
    {
        if (nearest is null)
        {
            json.WriteNull("nearest");
            return;
        }
        json.WriteStartObject("nearest");
        json.WriteString("campaign", nearest.Campaign);
        WriteChanges(json, nearest.Changes);
        json.WriteEndObject();
    }

    private static void WriteChanges(Utf8JsonWriter json, IReadOnlyList<Change> changes) => json.WriteObjects("changes", changes, change =>
    {
        json.WriteString("kind", Wire(change.Kind));
        json.WriteString("text", change.Text);
        json.WriteString("amount", change.Amount?.ToString());
        if (change.Count is { } count) json.WriteNumber("count", count); else json.WriteNull("count");
        WriteMoment(json, "at", change.At);
    });

    private static void WriteShare(Utf8JsonWriter json, ShareNumbers? share)
    {
        if (share is null)
        {
            json.WriteNull("share");
            return;
        }
        json.WriteStartObject("share");
        json.WriteNumber("sold", share.Sold);
        json.WriteNumber("together", share.Together);
        json.WriteNumber("weight", share.Weight);
        json.WriteNumber("weights", share.Weights);
        json.WriteNumber("over_seconds", (long)share.Over.TotalSeconds);
        json.WriteString("behind", share.Behind);
        json.WriteEndObject();
    }

    private static void WriteMoment(Utf8JsonWriter json, string name, DateTimeOffset? at)
    {
        if (at is { } moment) json.WriteTime(name, moment);
        else json.WriteNull(name);
    }

    /// <summary>The numbers used, as a person says them: <c>day.leads 99/100</c>, <c>floor 12.00 against bid 11.40</c>.</summary>
    public static IEnumerable<string> Numbers(CampaignExplanation campaign)
    {
        if (campaign.Limit is { } limit)
        {
            var needs = limit.IsMoney ? $", needs {limit.Amount(limit.Needed)}" : "";
            var zone = limit.TimeZone is null ? "" : $" ({limit.TimeZone})";
            yield return $"{limit.Name}: {limit.Standing}{needs}{zone}";
        }
        if (campaign.Miss is { } miss) yield return miss.ToString();
        if (campaign.Opens is { } opens) yield return opens.Text;
        if (campaign.Share is { } share) yield return share.ToString();
        if (campaign.Price is { } price) yield return $"bid {campaign.Bid}, price {price}, payout {campaign.Payout}";
        else if (campaign.Floor is { } floor && campaign.Bid is { } below) yield return $"floor {floor} against bid {below}";
        else if (campaign.Bid is { } bid) yield return $"bid {bid}";
        if (campaign.BidSum is { } sum) yield return $"bid: {sum}";
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
        json.WriteString("name", limit.Name);
        foreach (var (member, value) in (ReadOnlySpan<(string, long)>)
            [("limit", limit.Limit), ("used", limit.Used), ("held", limit.Held), ("left", limit.Left), ("needed", limit.Needed)])
        {
            if (limit.IsMoney) json.WriteString(member, new Money(value).ToString());
            else json.WriteNumber(member, value);
        }
        json.WriteString("weekday", limit.Weekday);
        WriteMoment(json, "resets_at", limit.ResetsAt);
        WriteMoment(json, "next_turn_at", limit.NextTurnAt);
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

    private static string Wire(ChangeNeeded kind) => kind switch
    {
        ChangeNeeded.Bid => "bid",
        ChangeNeeded.Funds => "funds",
        ChangeNeeded.MinPayout => "min_payout",
        ChangeNeeded.PacedTurn => "paced_turn",
        ChangeNeeded.Opening => "opening",
        ChangeNeeded.Room => "room",
        ChangeNeeded.Turn => "turn",
        ChangeNeeded.Place => "place",
        ChangeNeeded.Pause => "pause",
        ChangeNeeded.Publisher => "publisher",
        ChangeNeeded.Condition => "condition",
        ChangeNeeded.Weight => "weight",
        ChangeNeeded.Price => "price",
        _ => "lead",
    };
}
