using Exchange.Delivery.Connectors;
using Exchange.Delivery.Templates;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Connectors;

namespace Exchange.Delivery.Bidders;

/// <summary>Asks a buyer's own API for a bid, as the catalog's connector describes it, and tells it when it lost.</summary>
internal sealed class HttpBidder(HttpCalls calls) : IBidder, ILossTeller
{
    public ConnectorKind Kind => ConnectorKind.Http;

    public async Task<BidAnswer> AskAsync(EndpointModel endpoint, EndpointSecrets secrets, BidCall call, DateTimeOffset now, CancellationToken deadline)
    {
        if (endpoint.Shape?.Ping is not { } ping) return BidAnswer.Declined(Reason.NoBid);
        var reply = await calls.SendAsync(endpoint, ping, () => TemplateScope.Of(endpoint, secrets, call, now), CallPurpose.Ping, endpoint.PingTimeout, now, deadline);
        return NoAnswer.Of(reply) ?? Read(ping.Bids!, reply, call.Currency);
    }

    internal static BidAnswer Read(PingReply bids, in OutboundReply reply, string currency)
    {
        var reading = bids.Read(new(reply.Status, reply.Body!, reply.ContentType, reply.Headers), currency);
        var told = BuyerText.Clean(reading.Told);
        return reading.Bids.Count == 0 ? BidAnswer.Declined(reading.Reason, told) : new([.. reading.Bids.Select(Offer)], Reason.None, told);
    }

    private static LiveOffer Offer(ReplyBid bid) => new(bid.Price, bid.Sharing)
    {
        Currency = BuyerText.Clean(bid.Currency), ExpiresIn = bid.ExpiresIn, Seller = BuyerText.Clean(bid.Seller), Carry = bid.Carry, Wrong = bid.Wrong,
    };

    public async Task<string?> TellAsync(EndpointModel endpoint, EndpointSecrets secrets, LossCall call, DateTimeOffset now, CancellationToken deadline)
    {
        if (endpoint.Shape?.Lost is not { } lost) return null;
        var reply = await calls.SendAsync(endpoint, lost, () => TemplateScope.Of(endpoint, secrets, call, now), CallPurpose.Post, endpoint.PostTimeout, now, deadline);
        return reply.IsSuccess ? null : StatusRules.Read(reply, now).Error;
    }
}
