using System.Text.Json;
using Exchange.Engine;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Fields;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Grains.Intake;
using Exchange.Grains.Leads;
using Exchange.Storage;

namespace Exchange.Server.Admin;

/// <summary>A lead as an admin sees it.</summary>
internal static class LeadJson
{
    public static string MoneyWord(CopyState state) => state switch
    {
        CopyState.Held or CopyState.InDoubt => "held",
        CopyState.Captured => "captured",
        CopyState.Voided => "voided",
        CopyState.Expired => "expired",
        _ => "reversed",
    };

    /// <summary>All but the sealed fields and the tags.</summary>
    /// <param name="reveal">What may name a person is shown: where it was sent on to, what its buyers noted.</param>
    public static void WriteMembers(Utf8JsonWriter json, LeadRow lead, ReturnJson returns, bool reveal = false)
    {
        json.WriteString("lead_id", lead.Id.ToString());
        json.WriteTime("at", lead.AtMs);
        json.WriteString("publisher", lead.Publisher);
        json.WriteString("sub_id", lead.SubId);
        json.WriteString("channel", lead.Channel);
        json.WriteString("vertical", lead.Vertical);
        json.WriteString("status", LeadAnswer.Wire(lead.State));
        json.WriteString("reason", Word(lead.Reason));
        json.WriteBoolean("test", lead.Test);
        json.WriteNumber("catalog_version", lead.CatalogVersion);
        json.WriteNumber("copies_max", lead.MaxCopies);
        var sold = lead.Copies.Where(copy => copy.State == CopyState.Captured).ToList();
        json.WriteString("price", sold.Aggregate(Money.Zero, (sum, copy) => sum + copy.Price).ToString());
        var paid = returns.KeepsPayout(lead.Id) ? lead.Copies.Where(copy => copy.State is CopyState.Captured or CopyState.Reversed) : sold;
        json.WriteString("payout", paid.Aggregate(Money.Zero, (sum, copy) => sum + copy.Payout).ToString());
        if (lead.Wait is { } wait)
        {
            json.WriteStartObject("wait");
            json.WriteString("tree", wait.Wait.Trees[^1]);
            json.WriteString("for", wait.Wait.Until.For == DeliveryWait.Fields ? "fields" : "moment");
            json.WriteTime("since", wait.BegunMs);
            json.WriteTime("until", wait.Wait.Until.UntilMs);
            json.WriteBoolean("over", wait.IsOver);
            json.WriteEndObject();
        }
        json.WriteObjects("copies", lead.Copies, copy =>
        {
            json.WriteString("copy_id", copy.Id.ToString());
            json.WriteString("offer_id", copy.OfferId);
            json.WriteString("campaign", copy.Campaign);
            json.WriteString("buyer", copy.Buyer);
            json.WriteString("company", copy.Company);
            json.WriteString("sharing", copy.Exclusive ? "exclusive" : "shared");
            json.WriteString("price", copy.Price.ToString());
            json.WriteString("payout", copy.Payout.ToString());
            json.WriteString("status", LeadAnswer.Wire(copy.State));
            json.WriteString("money", MoneyWord(copy.State));
            json.WriteString("reason", Word(copy.Reason));
            json.WriteTime("at", copy.AtMs);
            json.WriteString("ref", copy.BuyerRef);
            json.WriteString("redirect_url", reveal || copy.RedirectUrl is null ? copy.RedirectUrl : Mask.Page(copy.RedirectUrl));
            returns.WriteMembers(json, copy.Id, reveal);
        });
    }

    /// <summary>A publisher's tags by their names; a value may name a person.</summary>
    public static void WriteTags(Utf8JsonWriter json, IReadOnlyList<KeyValuePair<string, string>> tags, bool reveal)
    {
        json.WriteStartObject("tags");
        foreach (var (name, value) in tags) json.WriteString(name, reveal ? value : Mask.Whole());
        json.WriteEndObject();
    }

    /// <summary>Whose turn came when the lead was sold, and who was never asked, in that order.</summary>
    public static void WritePassedOver(Utf8JsonWriter json, IReadOnlyList<PassedOverRow> passedOver) => json.WriteObjects("passed_over", passedOver, passed =>
    {
        json.WriteString("campaign", passed.Campaign);
        json.WriteString("buyer", passed.Buyer);
        json.WriteString("price", passed.Price.ToString());
        json.WriteString("reason", Word(passed.Reason));
        json.WriteString("sentence", passed.Reason.Info().Sentence);
        json.WriteTime("at", passed.AtMs);
    });

    public static void WritePayload(Utf8JsonWriter json, LeadPayload payload, FieldSet? fields, FieldSet? then, bool reveal)
    {
        json.WriteStartObject("fields");
        foreach (var (name, text) in payload.Fields) json.WriteString(name, reveal ? text : Mask.Of(fields?.Find(name), then?.Find(name), text));
        json.WriteEndObject();
        if (payload.Consent is not { } consent)
        {
            json.WriteNull("consent");
            return;
        }
        json.WriteStartObject("consent");
        json.WriteString("text", consent.Text);
        if (consent.At is { } at) json.WriteTime("at", at);
        else json.WriteNull("at");
        json.WriteString("page", reveal || consent.Page is null ? consent.Page : Mask.Page(consent.Page));
        json.WriteString("ip", reveal || consent.Ip is null ? consent.Ip : Mask.Whole());
        json.WriteString("user_agent", reveal || consent.UserAgent is null ? consent.UserAgent : Mask.Whole());
        json.WriteStartArray("sellers");
        foreach (var seller in consent.Sellers) json.WriteStringValue(seller);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>Null: there is none.</summary>
    public static string? Word(Reason reason) => reason == Reason.None ? null : reason.Wire();
}
