using Exchange.Delivery;
using Exchange.Engine;
using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;
using Exchange.Grains.Deliveries;
using Exchange.Grains.Intake;
using Exchange.Storage;

namespace Exchange.Grains.Bidding;

/// <summary>When live bidders are asked for one ping or lead.</summary>
/// <param name="Deadline">The caller's; zero: the vertical's.</param>
public sealed record LiveAuction(LeadId Id, ConsentInput? Consent, DateTimeOffset BegunAt, TimeSpan Deadline)
{
    /// <summary>Of a later auction of the same lead: its requests have names of their own, so that nobody answers them as the ping's.</summary>
    public string Again { get; init; } = "";
}

/// <summary>
/// Walks a ping whose tree may ask live bidders: the walk stops where it needs bids, they are asked in parallel under the ping's one deadline, and it goes
/// on with what they said. Where nobody bids live it waits for nothing.
/// </summary>
public sealed class LiveBidding(BuyerCalls calls, EndpointBreakers breakers, UsualWaits usual, StandingBids standing, ILiveView live, IRotations rotations, IVault vault, TimeProvider time)
{
    /// <summary>The walk's outcome, and the input with the live bids by which it can be walked again.</summary>
    /// <param name="id">Of the ping that is made.</param>
    public ValueTask<(PingInput Input, PingOutcome Outcome)> WalkAsync(CatalogModel model, PingInput input, LeadId id, PingCommand command) =>
        WalkAsync(model, input, new(id, command.Consent, command.ReceivedAt, TimeSpan.FromMilliseconds(command.DeadlineMs)));

    public async ValueTask<(PingInput Input, PingOutcome Outcome)> WalkAsync(CatalogModel model, PingInput input, LiveAuction auction)
    {
        var outcome = PingWalk.Run(model, input, live, rotations, asksLive: true);
        if (outcome.Wanted.Length == 0) return (input, outcome);
        var vertical = model.Verticals[input.Vertical];
        var seen = new SeenPing(model.Currency, auction, FieldsOf(vertical, input.Values), auction.Consent is { } consent
            ? new OutConsent(consent.Text, consent.At, consent.Page, null, consent.UserAgent, consent.Sellers) : null);
        while (outcome.Wanted.Length > 0)
        {
            var left = LiveDeadline.Left(time.GetUtcNow() - auction.BegunAt, auction.Deadline, vertical.PingDeadline);
            using var deadlines = new Deadlines(time);
            var answers = await Task.WhenAll(outcome.Wanted.Select(ask => AskAsync(model, input, seen, ask, left, deadlines)));
            input = input with { LiveBids = [.. input.LiveBids, .. answers.SelectMany(bids => bids)] };
            outcome = PingWalk.Run(model, input, live, rotations, asksLive: true);
        }
        return (input, outcome);
    }

    /// <summary>What every bidder of a ping is shown alike.</summary>
    private sealed record SeenPing(string Currency, LiveAuction Auction, IReadOnlyList<OutField> Fields, OutConsent? Consent);

    /// <summary>The ping's offers are made.</summary>
    public void Offered(PingRecord record)
    {
        if (record.LiveBids.Length > 0 && !record.Id.IsTest) standing.Offered(record);
    }

    private async Task<LiveBid[]> AskAsync(CatalogModel model, PingInput input, SeenPing ping, LiveAsk ask, TimeSpan left, Deadlines deadlines)
    {
        var campaign = ask.Campaign;
        if (standing.Find(model, campaign, input, ask.Sharings) is { } bids) return bids;
        var written = campaign.Bid.Live!;
        // Tests reach a buyer only where it has a place for them.
        if ((input.Test ? written.Test : written) is not { } endpoint) return [LiveBids.Declined(campaign, Reason.NoBid, "tests stay here: the endpoint has no test", 0)];
        if (LiveDeadline.For(left, ask.Deadline, usual.For(endpoint)) is not { } wait) return [LiveBids.Declined(campaign, Reason.Timeout, null, 0)];
        var call = new BidCall
        {
            RequestId = vault.BidRequest(ping.Auction.Id, campaign.Id + ping.Auction.Again), Campaign = campaign.Id, Vertical = input.Vertical, Currency = ping.Currency, Sharings = ask.Sharings, CopiesMax = ask.Copies,
            Source = vault.Alias(campaign.Buyer.Id, input.Publisher, null), SubSource = input.SubId is null ? null : vault.Alias(campaign.Buyer.Id, input.Publisher, input.SubId),
            DeadlineMs = (int)wait.TotalMilliseconds, Test = input.Test, Fields = ping.Fields, Consent = ping.Consent,
        };
        var begun = time.GetTimestamp();
        var answer = await breakers.AskAsync(endpoint, () => new(calls.AskAsync(endpoint, call, time.GetUtcNow(), deadlines.After(wait))));
        // A call that was not made took no time.
        if (answer.Reason != Reason.BreakerOpen) usual.Answered(endpoint, time.GetElapsedTime(begun));
        return LiveBids.Of(campaign, ask.Sharings, answer, time.GetUtcNow().ToUnixTimeMilliseconds(), (int)time.GetElapsedTime(begun).TotalMilliseconds, ping.Currency);
    }

    /// <summary>What a bidder sees of a ping.</summary>
    internal static List<OutField> FieldsOf(VerticalModel vertical, FieldValue[] values)
    {
        var fields = new List<OutField>();
        foreach (var schema in vertical.Fields.All)
        {
            // Values of a ping hold nothing else; a second look costs nothing.
            if (schema.Ping == FieldUse.None || schema.Pii || !values[schema.Ordinal].IsGiven) continue;
            fields.Add(new(schema.Name, values[schema.Ordinal].Text!, CopyMessages.KindOf(schema.Type)));
        }
        return fields;
    }
}
