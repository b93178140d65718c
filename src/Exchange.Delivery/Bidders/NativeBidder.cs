using System.Text.Json;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Connectors;
using Exchange.Engine.Filters;
using Exchange.Engine.Values;

namespace Exchange.Delivery.Bidders;

/// <summary>
/// Our own live bid: <c>{ "bid_request_id", … }</c>, answered by <c>{ "bids": [ { "price", "sharing", "ref" } ] }</c>, signed as a copy is, with the
/// request's id. Losers hear <c>{ "bid_request_id", "reason", "minimum_to_win" }</c>.
/// </summary>
internal sealed class NativeBidder(OutboundHttp http) : IBidder, ILossTeller
{
    /// <summary>Under which a bid's <c>ref</c> is brought back.</summary>
    public const string Ref = "ref";

    /// <summary>How its answer is read.</summary>
    public static PingReply Reply { get; } = new()
    {
        Format = ReplyFormat.Json, Each = ReplyPath.Parse("bids"), Price = Read("price"), Sharing = Read("sharing"), Currency = Read("currency"),
        ExpiresIn = Read("expires_in"), Seller = Read("seller"), Carry = [new(Ref, Read("ref"))], Reason = Read("reason"),
    };

    public ConnectorKind Kind => ConnectorKind.Native;

    public async Task<BidAnswer> AskAsync(EndpointModel endpoint, EndpointSecrets secrets, BidCall call, DateTimeOffset now, CancellationToken deadline)
    {
        var reply = await SignedPost.SendAsync(http, endpoint, secrets, call.RequestId, ToBytes(call), readBody: true, CallPurpose.Ping, now, deadline);
        return NoAnswer.Of(reply) ?? HttpBidder.Read(Reply, reply, call.Currency);
    }

    public async Task<string?> TellAsync(EndpointModel endpoint, EndpointSecrets secrets, LossCall call, DateTimeOffset now, CancellationToken deadline)
    {
        var reply = await SignedPost.SendAsync(http, endpoint, secrets, call.RequestId, Body(json => Write(json, call)), readBody: false, CallPurpose.Post, now, deadline);
        return reply.IsSuccess ? null : StatusRules.Read(reply, now).Error;
    }

    /// <summary>As it is sent.</summary>
    public static byte[] ToBytes(BidCall call) => Body(json => Write(json, call));

    private static void Write(Utf8JsonWriter json, BidCall call)
    {
        json.WriteString("type", "bid.request");
        json.WriteString("bid_request_id", call.RequestId);
        json.WriteString("campaign", call.Campaign);
        json.WriteString("vertical", call.Vertical);
        json.WriteString("currency", call.Currency);
        json.WriteStartArray("sharing");
        foreach (var sharing in call.Sharings) json.WriteStringValue(sharing == Sharing.Exclusive ? "exclusive" : "shared");
        json.WriteEndArray();
        json.WriteNumber("copies_max", call.CopiesMax);
        json.WriteString("source", call.Source);
        json.WriteString("sub_source", call.SubSource);
        json.WriteNumber("deadline_ms", call.DeadlineMs);
        json.WriteBoolean("test", call.Test);
        json.WriteStartObject("fields");
        foreach (var field in call.Fields) CopyMessageJson.WriteField(json, field);
        json.WriteEndObject();
        json.WritePropertyName("consent");
        CopyMessageJson.WriteConsent(json, call.Consent is { } consent ? consent with { Ip = null } : null);
    }

    private static void Write(Utf8JsonWriter json, LossCall call)
    {
        json.WriteString("type", "bid.lost");
        json.WriteString("bid_request_id", call.RequestId);
        json.WriteString("reason", call.Reason.Wire());
        json.WriteString("minimum_to_win", call.MinimumToWin?.ToString());
    }

    private static byte[] Body(Action<Utf8JsonWriter> members) => JsonBytes.Plain(members, static (json, members) =>
    {
        json.WriteStartObject();
        members(json);
        json.WriteEndObject();
    });

    private static ReplyRead Read(string path) => new([new(ReplyPath.Parse(path)!, null, null)]);
}
