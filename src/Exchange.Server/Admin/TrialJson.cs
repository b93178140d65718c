using System.Text.Json;
using Exchange.Delivery;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Filters;

namespace Exchange.Server.Admin;

/// <summary>One ping or post of a trial, as it is shown.</summary>
internal static class TrialJson
{
    public static void Write(Utf8JsonWriter json, string step, EndpointModel endpoint, TrialStep outcome, string? note)
    {
        json.WriteString("step", step);
        json.WriteString("endpoint", endpoint.Name);
        json.WriteString("connector", endpoint.Shape?.Id ?? endpoint.Connector.ToString().ToLowerInvariant());
        json.WriteBoolean("sent", outcome.Sent);
        json.WriteString("note", note);
        json.WriteObjects("calls", outcome.Calls, call =>
        {
            json.WriteString("way", call.Way);
            json.WriteString("target", call.Target);
            json.WriteObjects("headers", call.Headers, header =>
            {
                json.WriteString("name", header.Key);
                json.WriteString("value", header.Value);
            });
            json.WriteString("body", call.Body);
            if (call.Status > 0) json.WriteNumber("status", call.Status);
            else json.WriteNull("status");
            json.WriteString("reply", call.ReplyBody);
            json.WriteObjects("read", call.Read, found =>
            {
                json.WriteString("key", found.Key);
                json.WriteString("at", found.At);
                json.WriteString("found", found.Found);
                if (found.Holds is { } holds) json.WriteBoolean("holds", holds);
            });
        });
        if (outcome.Bid is { } bid) Write(json, bid);
        if (outcome.Result is { } result) Write(json, result);
    }

    private static void Write(Utf8JsonWriter json, BidAnswer bid)
    {
        json.WriteString("answer", bid.Offers.Count > 0 ? "bid" : Reasons.Wire(bid.Reason));
        json.WriteString("reason", bid.BuyerReason);
        json.WriteObjects("bids", bid.Offers, offer =>
        {
            json.WriteString("price", offer.Price?.ToString());
            json.WriteString("sharing", offer.Sharing switch { Sharing.Exclusive => "exclusive", Sharing.Shared => "shared", _ => null });
            json.WriteString("seller", offer.Seller);
            json.WriteString("wrong", offer.Wrong == Reason.None ? null : Reasons.Wire(offer.Wrong));
            json.WriteStartObject("carry");
            foreach (var (name, value) in offer.Carry) json.WriteString(name, value);
            json.WriteEndObject();
        });
    }

    private static void Write(Utf8JsonWriter json, AttemptResult result)
    {
        json.WriteString("answer", result.Kind switch
        {
            AttemptKind.Accepted => "accepted",
            AttemptKind.Duplicate => "duplicate",
            AttemptKind.Pending => "pending",
            AttemptKind.Rejected => "rejected",
            AttemptKind.RetryLater => "retry_later",
            AttemptKind.NotSent => "not_sent",
            _ => "in_doubt",
        });
        json.WriteString("error", result.Error);
        json.WriteString("reason", result.Reason);
        json.WriteString("ref", result.Ref);
        json.WriteString("redirect_url", result.RedirectUrl);
        json.WriteString("price", result.Price?.ToString());
    }
}
