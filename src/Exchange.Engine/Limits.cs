namespace Exchange.Engine;

/// <summary>Every fixed bound of the engine and of what it accepts, in one place. Units are in the names or beside them.</summary>
public static class Limits
{
    public const int PingBodyBytes = 64 * 1024;
    public const int BodyBytes = 256 * 1024;
    public const int JsonDepth = 16;
    public const int FieldsPerRequest = 500;
    public const int TagsPerPing = 10;
    public const int TagChars = 200;
    public const int SubIdChars = 75;
    public const int ChannelChars = 40;
    public const int ConsentTextChars = 10_000;
    public const int TextChars = 2_000;
    public const int IdempotencyKeyChars = 255;
    public const int OffersPerAnswer = 20;
    public const int CopiesPerLead = 20;
    /// <summary>The longest that an answer may be waited for, whoever says so.</summary>
    public const int DeadlineMs = 60_000;
    public const int CallsPerPost = 10;
    public const int TriesPerPost = 30;
    /// <summary>Trees for what is unsold, one after the other.</summary>
    public const int TreesPerPost = 5;
    /// <summary>How long an offer may be good: with a reauction after it, as long as a ping's record is surely kept (<c>Exchange__Pings__RetentionDays</c> is 2 at least).</summary>
    public const int PingTtlHours = 24;
    /// <summary>How long after an offer's end its lead may still come to a reauction.</summary>
    public const int ReauctionHours = 24;
    public const int CatalogBytes = 16 * 1024 * 1024;
    public const int CatalogDepth = 40;
    public const int CampaignsPerCatalog = 100_000;
    /// <summary>Addresses and ranges of them from which a publisher's keys may be used; each call is compared with all.</summary>
    public const int IpRangesPerPublisher = 500;
    /// <summary>What one buyer may have paid in and not spent, in whole units of the currency: sums of money stay far from what a number holds.</summary>
    public const long BuyerFundsUnits = 1_000_000_000;
    /// <summary>How deep trees may ask trees.</summary>
    public const int TreeDepth = 16;
    /// <summary>Tiers that one tree may walk, those of the trees it asks counted each time they are asked.</summary>
    public const int TiersPerTree = 1_000;
    public const int ConditionDepth = 16;
    public const int ConditionLeaves = 1_000;
    public const int RegexChars = 500;
    public const int ErrorsPerAnswer = 200;
    /// <summary>Of one server, on one port.</summary>
    public const int ConnectionsPerPort = 20_000;
    public const int JournalBatchItems = 512;
    public const int JournalQueueItems = 20_000;
    /// <summary>Pings of yesterday that a planned catalog is tried on.</summary>
    public const int PingsPerPlan = 24_000;
    public const int PingRecordQueueItems = 200_000;
    /// <summary>Ranked bids kept with a ping: more than a post ever gets to.</summary>
    public const int BidsInRecord = 40;
    public const int OffersInBook = 250_000;
    /// <summary>Values of caps with a count for each that are remembered at once, all caps together.</summary>
    public const int CapValuesInView = 200_000;
    /// <summary>Persons claimed lately that a ping is answered by.</summary>
    public const int PersonsInView = 250_000;
    public const int BuyerReplyBytes = 64 * 1024;
    /// <summary>How deep a buyer's reply may nest.</summary>
    public const int BuyerReplyDepth = 32;
    /// <summary>Values that a live bid gives to be brought back, and the length of each: a bidder's own id fits, a document does not.</summary>
    public const int CarriedValues = 10, CarriedChars = 500;
    /// <summary>Of a template as written, and of a request's body as it is rendered (bytes).</summary>
    public const int TemplateChars = 20_000;
    public const int RequestBytes = 256 * 1024;
    /// <summary>The longest one attempt at a buyer may take, and so the longest a catalog may ask for.</summary>
    public const int BuyerPostTimeoutMs = 30_000;
    /// <summary>The longest a live bid is waited for.</summary>
    public const int BuyerPingTimeoutMs = 10_000;
    public const int PageRows = 500;
    /// <summary>Findings of one check of an audit that are shown; all are counted.</summary>
    public const int FindingsPerCheck = 20;
    /// <summary>Days for which a window's counter is kept after its end: so long what copies took of it can be added up.</summary>
    public const int CounterDays = 40;
    /// <summary>An accepted return that is not booked after so long is on its way no more.</summary>
    public const int ReturnBookedMinutes = 10;
}
