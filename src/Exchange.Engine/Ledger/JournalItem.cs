using Exchange.Engine.Caps;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Leads;
using Exchange.Engine.Postbacks;
using Exchange.Engine.Values;

namespace Exchange.Engine.Ledger;

/// <summary>
/// What happens to one copy. Sell = hold and capture at once. A hold ends in exactly one of capture, void, expire. Call: a copy that was held at
/// its ping stays held and is handed to its buyer now; only a copy that was never called expires. Reverse: a captured copy comes back, once.
/// </summary>
public enum CopyMove : byte { Sell = 1, Hold = 2, Capture = 3, Void = 4, Expire = 5, Doubt = 6, Call = 7, Reverse = 8 }

public enum CopyState : byte { Held = 1, InDoubt = 2, Captured = 3, Voided = 4, Expired = 5, Reversed = 6 }

public enum LeadState : byte { Open = 1, Sold = 2, InDoubt = 3, Pending = 4, Unsold = 5 }

/// <summary>
/// Takes <see cref="Amount"/> of one counter: it fits if used + held + amount is not above the row's limit. <see cref="LimitId"/> names the
/// cap whose limit a missing window row gets. <see cref="Reason"/> is the store's answer when it does not fit.
/// </summary>
/// <param name="Weekday">1 (Monday) to 7 where the limit differs by weekday, so that a missing window row gets the right one; else 0.</param>
public readonly record struct Take(string Key, long Amount, string LimitId, Reason Reason, int Weekday = 0);

/// <summary>Money from one account to another: <c>buyer:ID</c>, <c>publisher:ID</c>, <c>house</c>, <c>bank</c>. Zero-sum by shape; the amount is above 0.</summary>
public readonly record struct Transfer(string Kind, string Debit, string Credit, Money Amount);

/// <summary>
/// A delivery made together with its copy. <see cref="LeaseUntilMs"/> &gt; 0: leased to this process, which calls at once;
/// <see cref="DueAtMs"/> = <see cref="NeverDue"/>: nobody calls (the buyer pulls its inbox).
/// </summary>
public readonly record struct NewDelivery(string Endpoint, long DueAtMs, long LeaseUntilMs)
{
    public const long NeverDue = long.MaxValue;

    /// <summary>For what it waits, if for anything, until <see cref="DueAtMs"/> at the latest.</summary>
    public DeliveryWait Wait { get; init; }

    /// <summary>Leased to whoever writes it, who calls now.</summary>
    public bool IsLeased => LeaseUntilMs > 0;

    /// <summary>
    /// When it may be claimed: a leased one when its lease is over. A held copy is called under its lease or after its wait, and by nothing else: whatever
    /// follows its sale is never due before that.
    /// </summary>
    public long FirstDueMs(bool isSold) => IsLeased ? LeaseUntilMs : isSold || Wait is DeliveryWait.Moment or DeliveryWait.Fields ? DueAtMs : NeverDue;

    /// <summary>Whether its buyer sees the copy among those it bought: not while all its deliveries wait.</summary>
    public static bool AreListed(NewDelivery[] deliveries) => deliveries.Length == 0 || Array.Exists(deliveries, static delivery => delivery.Wait == DeliveryWait.None);
}

/// <summary>One copy to be sold or held. The takes stand in the order in which their reasons are told.</summary>
public sealed record NewCopy(
    int No, string OfferId, string Campaign, string Buyer, string Company, bool Exclusive, CopyMove Move, Money Price, Money Payout,
    Take[] Takes, Transfer[] Transfers, NewDelivery[] Deliveries)
{
    /// <summary>Persons that this copy's buyer or campaign may have only once: one that is seen refuses this copy alone. Freed when the copy is voided.</summary>
    public PersonClaim[] Persons { get; init; } = [];
    /// <summary>Key of the tier that sold it (tree/tier), for shares that count sales.</summary>
    public string Tier { get; init; } = "";
    /// <summary>Ids of the trees it was sold through, outermost first, for their caps.</summary>
    public string[] Trees { get; init; } = [];
}

/// <summary>The end (or doubt, or first call) of a copy made earlier; it uses the takes stored in the copy. Transfers go with a capture or reverse.</summary>
public sealed record CopyEnd(int No, CopyMove Move, Reason Reason, Transfer[] Transfers)
{
    /// <summary>Captures and calls of a copy that was held at its ping: as <see cref="NewCopy.Persons"/>, known only at the post.</summary>
    public PersonClaim[] Persons { get; init; } = [];
    /// <summary>Captures and calls of a copy that was held at its ping: who is told, and when.</summary>
    public NewDelivery[] Deliveries { get; init; } = [];
    /// <summary>
    /// Of a void: the copy's state when its buyer's no was weighed. Another one by now is 102: somebody asked the buyer again meanwhile. Null: whatever it is.
    /// </summary>
    public CopyState? From { get; init; }
    /// <summary>Of a void, expiry or return: what is told of the copy's deliveries that wait; they end with it.</summary>
    public string DeliveryError => Move switch
    {
        CopyMove.Void => IsCancelled ? "cancelled" : "rejected",
        CopyMove.Expire => "expired",
        _ => "returned",
    };
    /// <summary>Its buyer was never told: neither refused nor failed.</summary>
    public bool IsCancelled => Move == CopyMove.Void && Reason == Reason.Cancelled;
    /// <summary>Of a capture: the lower price at which the buyer took it; what the copy took of balances and spend caps above it is free again.</summary>
    public Money? Price { get; init; }
    /// <summary>What of a stored take is taken for good by a capture.</summary>
    public long AmountOf(string limitId, long taken) => Price is { } price && price.Micros < taken && LimitNames.CountsPrice(limitId) ? price.Micros : taken;
    /// <summary>The buyer's own id of the lead and its redirect, kept with a capture.</summary>
    public string? BuyerRef { get; init; }
    public string? RedirectUrl { get; init; }
}

/// <summary>The caller's idempotency key; for ever. <see cref="BodyHash"/> is 32 bytes.</summary>
public sealed record RequestClaim(string Publisher, string Key, byte[] BodyHash)
{
    /// <summary>Another key of the same request, claimed with it or not at all: whoever comes under either is the same.</summary>
    public RequestClaim? Also { get; init; }
}

/// <summary>"This person, in this scope, since <see cref="SinceMs"/>": a claim of another lead that is not older refuses the item.</summary>
public sealed record PersonClaim(string Scope, byte[] Hmac, long SinceMs)
{
    /// <summary>As <see cref="SinceMs"/>: the claim is only remembered, whoever has the person.</summary>
    public const long NeverRefuses = long.MaxValue;
}

/// <summary>The lead row, written with its first item. <see cref="Sealed"/> holds every field and the consent, sealed.</summary>
public sealed record NewLead(
    string Publisher, string Vertical, string? SubId, bool Test, int MaxCopies, byte[] PostHash, byte[] Sealed, long CatalogVersion)
{
    public string? Channel { get; init; }
    /// <summary>What the offers add up to that the post took, if it came in time; null for tests, direct posts, posts after their offer's end.</summary>
    public Money? Promised { get; init; }
    /// <summary>
    /// Above 0: held at the ping, not posted; the offer is over then (Unix milliseconds). <see cref="PostHash"/> is empty, <see cref="Sealed"/>
    /// holds what was pinged. It is posted by <see cref="LeadPost"/>.
    /// </summary>
    public long OfferUntilMs { get; init; }
}

/// <summary>
/// The post of a lead whose copies were held at its ping; once. Every copy that is still held ends or is called in the same item. A later one is
/// 100 (the same body) or 104. What has expired meanwhile cannot be captured any more (102); new copies may start, and the no can be recorded.
/// </summary>
public sealed record LeadPost(int MaxCopies, byte[] PostHash, byte[] Sealed)
{
    /// <summary>As <see cref="NewLead.Promised"/>.</summary>
    public Money? Promised { get; init; }
}

/// <summary>
/// One durable step of ONE lead: all of it or nothing. Sending the same item again is harmless (idempotent by lead, copy and state).
/// Holds at most one of: a new lead with its copies (Sell/Hold) · the post of a lead held at its ping · ends of copies, possibly with the next
/// rank's hold · the recorded no · returns (<see cref="IsReturn"/>), which leave the lead as it stands: its state, answer and free places.
/// </summary>
/// <remarks>
/// What is told when several things stand against it: the request key, the lead (100, 104), ends in their order (102), starts that are there with
/// another campaign (102), persons of the lead (101, no copy), of ends, then of starts (101 with the copy), takes of starts in their order, free copies.
/// </remarks>
public sealed record JournalItem
{
    public required LeadId Lead { get; init; }
    /// <summary>The moment of the decision by this process's clock, Unix milliseconds. No statement asks the database for the time.</summary>
    public required long AtMs { get; init; }
    /// <summary>
    /// Above 0: it is made durable until then (Unix milliseconds) or not at all. Where several processes share a store, one that stood still in the middle of a post
    /// must not sell a lead of which others have said that there is no such ping; nor end a copy by a no whose lease is over, while another asks its buyer again.
    /// </summary>
    public long NotAfterMs { get; init; }
    public NewLead? New { get; init; }
    public LeadPost? Post { get; init; }
    public RequestClaim? Request { get; init; }
    /// <summary><see cref="Request"/> under each of its keys.</summary>
    public IReadOnlyList<RequestClaim> Requests
    {
        get
        {
            if (Request is null) return [];
            var all = new List<RequestClaim>(2);
            for (var request = Request; request is not null; request = request.Also) all.Add(request);
            return all;
        }
    }
    public PersonClaim[] Persons { get; init; } = [];
    public NewCopy[] Starts { get; init; } = [];
    public CopyEnd[] Ends { get; init; } = [];
    /// <summary>The lead's state after this item; Open keeps it open (calls are running).</summary>
    public required LeadState State { get; init; }
    /// <summary>The recorded answer (UTF-8 JSON) if this item settles one, or if that of an open lead says more than its rows: what its post was warned of, an offer that nobody got.</summary>
    public byte[]? Answer { get; init; }
    public Reason Reason { get; init; }
    /// <summary>
    /// The lead's other copies as they were when state and answer were made of them: those that are held, in doubt or sold. If the rows say otherwise by
    /// now, it is 102: another activation of the lead came between, and would be forgotten in both. Null: not asked.
    /// </summary>
    public SeenCopy[]? Seen { get; init; }
    /// <summary>The lead waits from here on, without an open copy, before the next tree is asked.</summary>
    public LeadWait? Wait { get; init; }
    /// <summary>
    /// The lead waited, and this is what it comes to, decided under a claim. It is 102 of a lead that waits under another fence or does not wait, and so is an
    /// item without it of a lead that waits.
    /// </summary>
    public WaitEnd? EndsWait { get; init; }
    /// <summary>With Unsold: the person rows this lead claimed are free again. What a copy claimed is free when it is voided or expires.</summary>
    public bool ReleasePersons { get; init; }
    /// <summary>
    /// The no of a lead whose person somebody else is said to have: written only if one of <see cref="Persons"/> is seen, else it is 107. None of them is claimed.
    /// </summary>
    public bool IfTaken { get; init; }
    /// <summary>What its publisher is told of it; null: nothing.</summary>
    public NewPostback? Postback { get; init; }
    /// <summary>Since the lead's item before this one. A campaign is kept once for each reason, as of the first time.</summary>
    public PassedOver[] PassedOver { get; init; } = [];

    /// <summary>Copies come back. They keep their place in the lead: their buyers have it, and nobody else gets it for that.</summary>
    public bool IsReturn => Ends.Length > 0 && Array.TrueForAll(Ends, static end => end.Move == CopyMove.Reverse);
}

/// <param name="Fence">Of the claim.</param>
/// <param name="Sealed">The lead's payload, sealed anew with what live bidders gave us at its auction; null: as it is.</param>
public sealed record WaitEnd(long Fence, byte[]? Sealed = null);

/// <summary>A copy as the author of an item knew it.</summary>
public readonly record struct SeenCopy(int No, CopyState State);

public enum VerdictCode : short
{
    Done = 0,
    /// <summary>A take did not fit; <see cref="Verdict.CopyIndex"/> and <see cref="Verdict.TakeIndex"/> say which.</summary>
    Refused = 1,
    /// <summary>The same is already there: success.</summary>
    AlreadyThere = 100,
    /// <summary>
    /// <see cref="Verdict.CopyIndex"/> &lt; 0: of the lead; else of that copy alone. <see cref="Verdict.TakeIndex"/>: which of its persons.
    /// </summary>
    PersonSeen = 101,
    EndedOtherwise = 102,
    KeyReused = 103,
    AlreadyPosted = 104,
    NoFreeCopy = 105,
    /// <summary>Never handed out by a journal: it makes the row and tries again; a gate's missing row is <see cref="Refused"/>.</summary>
    CounterMissing = 106,
    /// <summary>Of <see cref="JournalItem.IfTaken"/>: nobody else has the person.</summary>
    PersonFree = 107,
}

/// <summary>The store's answer to one item. For 100, 103 and 104 <see cref="Existing"/> is what is recorded.</summary>
public readonly record struct Verdict(VerdictCode Code, int CopyIndex = -1, int TakeIndex = -1, RecordedLead? Existing = null)
{
    /// <summary><see cref="CopyIndex"/> counts the item's ends, not its starts.</summary>
    public bool OfEnd { get; init; }
    public bool IsSuccess => Code is VerdictCode.Done or VerdictCode.AlreadyThere;
}

/// <summary>What the store remembers of a lead's answer.</summary>
public sealed record RecordedLead(LeadId Lead, LeadState State, byte[] PostHash, byte[]? Answer);
