namespace Exchange.Engine;

/// <summary>
/// Why something did not happen: numbers and wire names are stable for ever. Ranges by stage: 1xx refused at intake · 2xx campaign
/// excluded · 3xx bidder declined · 4xx bid lost · 5xx lead rejected · 6xx delivery · 7xx return · 8xx the whole ping or lead.
/// If several apply, the earliest in this order is the reason.
/// </summary>
public enum Reason : short
{
    None = 0,
    /// <summary>A field's value is not acceptable.</summary>
    InvalidField = 100,
    /// <summary>A required field was not given.</summary>
    MissingField = 101,
    /// <summary>A field that the vertical does not have.</summary>
    UnknownField = 102,
    /// <summary>No such vertical.</summary>
    VerticalUnknown = 103,
    /// <summary>The publisher is paused.</summary>
    PublisherPaused = 104,
    /// <summary>The publisher's filter does not take this lead.</summary>
    PublisherFilter = 105,
    /// <summary>A cap of the publisher is full.</summary>
    PublisherCap = 106,
    /// <summary>Too many calls.</summary>
    RateLimited = 107,
    /// <summary>The same person came within the duplicate window.</summary>
    Duplicate = 108,
    /// <summary>The person is on a suppression list.</summary>
    Suppressed = 109,
    /// <summary>The proof of consent is not complete.</summary>
    ConsentMissing = 110,
    /// <summary>The offer's time is over.</summary>
    PingExpired = 111,
    /// <summary>A pinged field has another value in the post.</summary>
    PingMismatch = 112,
    /// <summary>This ping was posted before.</summary>
    AlreadyPosted = 113,
    /// <summary>No ping tree takes this ping.</summary>
    NoTree = 114,
    /// <summary>Decided on a catalog that has changed since.</summary>
    Stale = 115,
    /// <summary>The campaign is paused.</summary>
    CampaignPaused = 200,
    /// <summary>The buyer is paused.</summary>
    BuyerPaused = 201,
    /// <summary>The campaign does not take this publisher.</summary>
    PublisherNotAllowed = 202,
    /// <summary>The campaign's filter does not hold.</summary>
    Filter = 203,
    /// <summary>The campaign's post filter does not hold.</summary>
    PostFilter = 204,
    /// <summary>The campaign's schedule is closed.</summary>
    ScheduleClosed = 205,
    /// <summary>An hourly cap is full.</summary>
    CapHour = 206,
    /// <summary>A daily cap is full.</summary>
    CapDay = 207,
    /// <summary>A weekly cap is full.</summary>
    CapWeek = 208,
    /// <summary>A monthly cap is full.</summary>
    CapMonth = 209,
    /// <summary>A total cap is full.</summary>
    CapTotal = 210,
    /// <summary>A cap on pings is full.</summary>
    PingCap = 211,
    /// <summary>The buyer's balance and credit do not cover the price.</summary>
    Balance = 212,
    /// <summary>Paced out for now.</summary>
    Pacing = 213,
    /// <summary>The buyer already has this person.</summary>
    BuyerHasLead = 214,
    /// <summary>Already sold to this seller elsewhere.</summary>
    SoldElsewhere = 215,
    /// <summary>The consent does not name this buyer's seller.</summary>
    ConsentNotNamed = 216,
    /// <summary>The campaign does not buy in the sharing that is left.</summary>
    SharingMismatch = 217,
    /// <summary>The buyer's endpoint is failing and is rested.</summary>
    BreakerOpen = 218,
    /// <summary>The campaign has no price for this lead.</summary>
    NoBid = 300,
    /// <summary>The bidder did not answer in time.</summary>
    Timeout = 301,
    /// <summary>The bidder could not be reached.</summary>
    Unreachable = 302,
    /// <summary>The bidder's answer could not be read.</summary>
    BadResponse = 303,
    /// <summary>The bidder's price is not a price.</summary>
    InvalidPrice = 304,
    /// <summary>The bidder answered in another currency.</summary>
    InvalidCurrency = 305,
    /// <summary>The bid came after the auction closed.</summary>
    Late = 306,
    /// <summary>The bid is below the floor.</summary>
    BelowFloor = 400,
    /// <summary>The bid is too low for the publisher's payout and the house's margin.</summary>
    BelowMargin = 401,
    /// <summary>The payout is below what the publisher asks for.</summary>
    MinPayout = 402,
    /// <summary>Another bid won.</summary>
    Outbid = 403,
    /// <summary>It was another campaign's turn.</summary>
    Rotation = 404,
    /// <summary>An earlier tier sold the lead.</summary>
    TierFilled = 405,
    /// <summary>The buyer refused the lead.</summary>
    BuyerRejected = 500,
    /// <summary>The buyer has this lead already.</summary>
    BuyerDuplicate = 501,
    /// <summary>The buyer could not take the lead.</summary>
    BuyerError = 502,
    /// <summary>The buyer may or may not have the lead.</summary>
    InDoubt = 600,
    /// <summary>Delivery was given up after its last try.</summary>
    DeadLetter = 601,
    /// <summary>Delivery was cancelled.</summary>
    Cancelled = 602,
    /// <summary>The time for returns is over.</summary>
    ReturnWindowClosed = 700,
    /// <summary>Returned before.</summary>
    AlreadyReturned = 701,
    /// <summary>The buyer's share of returns is used up.</summary>
    ReturnQuota = 702,
    /// <summary>The return was looked at and not accepted.</summary>
    ReturnRefused = 703,
    /// <summary>Every campaign was excluded.</summary>
    NoEligibleCampaign = 800,
    /// <summary>Every campaign asked declined.</summary>
    NoBids = 801,
    /// <summary>No bid reached its floor.</summary>
    AllBelowFloor = 802,
    /// <summary>No buyer who could pay the promise took the lead.</summary>
    AllRejected = 803,
    /// <summary>The time to sell the lead is over.</summary>
    Expired = 804,
}

/// <summary>Who may be told a reason. An admin is told all.</summary>
public enum ReasonAudience { Admin, Buyer, Publisher }

public sealed record ReasonInfo(Reason Reason, string Wire, string Sentence, ReasonAudience Audience);

/// <summary>The one list of reasons with their wire names and sentences.</summary>
public static class Reasons
{
    public static IReadOnlyList<ReasonInfo> All { get; } =
    [
        new(Reason.InvalidField, "invalid_field", "A field's value is not acceptable.", ReasonAudience.Publisher),
        new(Reason.MissingField, "missing_field", "A required field was not given.", ReasonAudience.Publisher),
        new(Reason.UnknownField, "unknown_field", "A field that the vertical does not have.", ReasonAudience.Publisher),
        new(Reason.VerticalUnknown, "vertical_unknown", "No such vertical.", ReasonAudience.Publisher),
        new(Reason.PublisherPaused, "publisher_paused", "The publisher is paused.", ReasonAudience.Publisher),
        new(Reason.PublisherFilter, "publisher_filter", "The publisher's filter does not take this lead.", ReasonAudience.Publisher),
        new(Reason.PublisherCap, "publisher_cap", "A cap of the publisher is full.", ReasonAudience.Publisher),
        new(Reason.RateLimited, "rate_limited", "Too many calls.", ReasonAudience.Publisher),
        new(Reason.Duplicate, "duplicate", "The same person came within the duplicate window.", ReasonAudience.Publisher),
        new(Reason.Suppressed, "suppressed", "The person is on a suppression list.", ReasonAudience.Publisher),
        new(Reason.ConsentMissing, "consent_missing", "The proof of consent is not complete.", ReasonAudience.Publisher),
        new(Reason.PingExpired, "ping_expired", "The offer's time is over.", ReasonAudience.Publisher),
        new(Reason.PingMismatch, "ping_mismatch", "A pinged field has another value in the post.", ReasonAudience.Publisher),
        new(Reason.AlreadyPosted, "already_posted", "This ping was posted before.", ReasonAudience.Publisher),
        new(Reason.NoTree, "no_tree", "No ping tree takes this ping.", ReasonAudience.Publisher),
        new(Reason.Stale, "stale", "Decided on a catalog that has changed since.", ReasonAudience.Admin),
        new(Reason.CampaignPaused, "campaign_paused", "The campaign is paused.", ReasonAudience.Admin),
        new(Reason.BuyerPaused, "buyer_paused", "The buyer is paused.", ReasonAudience.Admin),
        new(Reason.PublisherNotAllowed, "publisher_not_allowed", "The campaign does not take this publisher.", ReasonAudience.Admin),
        new(Reason.Filter, "filter", "The campaign's filter does not hold.", ReasonAudience.Admin),
        new(Reason.PostFilter, "post_filter", "The campaign's post filter does not hold.", ReasonAudience.Admin),
        new(Reason.ScheduleClosed, "schedule_closed", "The campaign's schedule is closed.", ReasonAudience.Admin),
        new(Reason.CapHour, "cap_hour", "An hourly cap is full.", ReasonAudience.Admin),
        new(Reason.CapDay, "cap_day", "A daily cap is full.", ReasonAudience.Admin),
        new(Reason.CapWeek, "cap_week", "A weekly cap is full.", ReasonAudience.Admin),
        new(Reason.CapMonth, "cap_month", "A monthly cap is full.", ReasonAudience.Admin),
        new(Reason.CapTotal, "cap_total", "A total cap is full.", ReasonAudience.Admin),
        new(Reason.PingCap, "ping_cap", "A cap on pings is full.", ReasonAudience.Admin),
        new(Reason.Balance, "balance", "The buyer's balance and credit do not cover the price.", ReasonAudience.Admin),
        new(Reason.Pacing, "pacing", "Paced out for now.", ReasonAudience.Admin),
        new(Reason.BuyerHasLead, "buyer_has_lead", "The buyer already has this person.", ReasonAudience.Admin),
        new(Reason.SoldElsewhere, "sold_elsewhere", "Already sold to this seller elsewhere.", ReasonAudience.Admin),
        new(Reason.ConsentNotNamed, "consent_not_named", "The consent does not name this buyer's seller.", ReasonAudience.Admin),
        new(Reason.SharingMismatch, "sharing_mismatch", "The campaign does not buy in the sharing that is left.", ReasonAudience.Admin),
        new(Reason.BreakerOpen, "breaker_open", "The buyer's endpoint is failing and is rested.", ReasonAudience.Admin),
        new(Reason.NoBid, "no_bid", "The campaign has no price for this lead.", ReasonAudience.Admin),
        new(Reason.Timeout, "timeout", "The bidder did not answer in time.", ReasonAudience.Admin),
        new(Reason.Unreachable, "unreachable", "The bidder could not be reached.", ReasonAudience.Admin),
        new(Reason.BadResponse, "bad_response", "The bidder's answer could not be read.", ReasonAudience.Admin),
        new(Reason.InvalidPrice, "invalid_price", "The bidder's price is not a price.", ReasonAudience.Admin),
        new(Reason.InvalidCurrency, "invalid_currency", "The bidder answered in another currency.", ReasonAudience.Admin),
        new(Reason.Late, "late", "The bid came after the auction closed.", ReasonAudience.Admin),
        new(Reason.BelowFloor, "below_floor", "The bid is below the floor.", ReasonAudience.Admin),
        new(Reason.BelowMargin, "below_margin", "The bid is too low for the publisher's payout and the house's margin.", ReasonAudience.Admin),
        new(Reason.MinPayout, "min_payout", "The payout is below what the publisher asks for.", ReasonAudience.Publisher),
        new(Reason.Outbid, "outbid", "Another bid won.", ReasonAudience.Buyer),
        new(Reason.Rotation, "rotation", "It was another campaign's turn.", ReasonAudience.Admin),
        new(Reason.TierFilled, "tier_filled", "An earlier tier sold the lead.", ReasonAudience.Admin),
        new(Reason.BuyerRejected, "buyer_rejected", "The buyer refused the lead.", ReasonAudience.Admin),
        new(Reason.BuyerDuplicate, "buyer_duplicate", "The buyer has this lead already.", ReasonAudience.Admin),
        new(Reason.BuyerError, "buyer_error", "The buyer could not take the lead.", ReasonAudience.Admin),
        new(Reason.InDoubt, "in_doubt", "The buyer may or may not have the lead.", ReasonAudience.Publisher),
        new(Reason.DeadLetter, "dead_letter", "Delivery was given up after its last try.", ReasonAudience.Admin),
        new(Reason.Cancelled, "cancelled", "Delivery was cancelled.", ReasonAudience.Admin),
        new(Reason.ReturnWindowClosed, "return_window_closed", "The time for returns is over.", ReasonAudience.Buyer),
        new(Reason.AlreadyReturned, "already_returned", "Returned before.", ReasonAudience.Buyer),
        new(Reason.ReturnQuota, "return_quota", "The buyer's share of returns is used up.", ReasonAudience.Buyer),
        new(Reason.ReturnRefused, "return_refused", "The return was looked at and not accepted.", ReasonAudience.Buyer),
        new(Reason.NoEligibleCampaign, "no_eligible_campaign", "Every campaign was excluded.", ReasonAudience.Publisher),
        new(Reason.NoBids, "no_bids", "Every campaign asked declined.", ReasonAudience.Publisher),
        new(Reason.AllBelowFloor, "all_below_floor", "No bid reached its floor.", ReasonAudience.Publisher),
        new(Reason.AllRejected, "all_rejected", "No buyer who could pay the promise took the lead.", ReasonAudience.Publisher),
        new(Reason.Expired, "expired", "The time to sell the lead is over.", ReasonAudience.Publisher),
    ];

    private static readonly Dictionary<Reason, ReasonInfo> ByReason = All.ToDictionary(info => info.Reason);
    private static readonly Dictionary<string, ReasonInfo> ByWire = All.ToDictionary(info => info.Wire, StringComparer.Ordinal);

    public static ReasonInfo Info(this Reason reason) => ByReason[reason];

    /// <summary>The snake_case name used on the wire and in stored rows.</summary>
    public static string Wire(this Reason reason) => ByReason[reason].Wire;

    /// <summary>A bidder that was asked said no, or nothing that counts: the 3xx.</summary>
    public static bool IsDecline(this Reason reason) => (int)reason is >= 300 and < 400;

    public static bool TryFromWire(string wire, out Reason reason)
    {
        var found = ByWire.TryGetValue(wire, out var info);
        reason = found ? info!.Reason : Reason.None;
        return found;
    }
}
