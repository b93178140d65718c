using Exchange.Engine;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Storage;

namespace Exchange.Simulation.Store;

/// <summary>
/// What is durable: the rows of a whole installation, in memory. Items are judged by the engine's own fence; a change is whole or not at all,
/// because nothing runs beside it. Survives every silo.
/// </summary>
internal class SimDatabase : IJudgedRows
{
    private readonly Dictionary<LeadId, LeadEntry> byId = [];
    private readonly Dictionary<(string Publisher, string Key), ClaimedRequest> requests = [];
    private readonly CounterFence fence;

    public SimDatabase()
    {
        Counters = new(this);
        fence = new(Counters);
    }

    /// <summary>In the order in which they came.</summary>
    public List<LeadEntry> Leads { get; } = [];
    public CounterRows Counters { get; }
    public PersonTable Persons { get; } = new();
    public List<DeliveryEntry> Deliveries { get; } = [];
    public List<ReturnRow> Returns { get; } = [];
    /// <summary>HMACs of erased persons as hexadecimal, with the true time since when.</summary>
    public Dictionary<string, long> Suppressed { get; } = new(StringComparer.Ordinal);
    public List<(string Reference, Transfer Transfer)> Fundings { get; } = [];
    public List<CatalogVersion> Versions { get; } = [];
    public Dictionary<string, CampaignIdentity> Identities { get; } = new(StringComparer.Ordinal);
    public Dictionary<LeadId, Engine.PingTrees.PingRecord> Pings { get; } = [];
    public IEnumerable<KeyValuePair<(string Publisher, string Key), ClaimedRequest>> Requests => requests;

    public LeadEntry? Find(LeadId id) => byId.GetValueOrDefault(id);

    /// <summary>Looks at every item before it is judged and after it was written.</summary>
    public Action<JournalItem, Verdict>? Applied { get; set; }

    /// <summary>One item, judged against what the items before it have left, and written if nothing stands against it.</summary>
    /// <param name="owner">The silo that holds the leases of its deliveries.</param>
    public virtual Verdict Apply(JournalItem item, string owner, News news)
    {
        var plan = ItemJudge.Judge(item, this, out var verdict);
        if (plan is not null)
        {
            verdict = Pass(plan);
            if (verdict.Code == VerdictCode.Done)
            {
                Write(plan, owner, news);
                foreach (var row in Counters.Touched) row.Moved();
            }
        }
        Applied?.Invoke(item, verdict);
        return verdict;
    }

    protected virtual Verdict Pass(ItemPlan plan) => fence.Pass(plan);

    JudgedLead? IJudgedRows.FindLead(LeadId id) => JudgedLeadOf(id);
    protected virtual JudgedLead? JudgedLeadOf(LeadId id) => Find(id)?.Judged;
    IReadOnlyList<JudgedCopy> IJudgedRows.CopiesOf(LeadId id) => CopiesOf(id);
    protected virtual IReadOnlyList<JudgedCopy> CopiesOf(LeadId id) => Find(id)?.Copies ?? [];
    ClaimedRequest? IJudgedRows.FindRequest(RequestClaim request) => FindRequest(request.Publisher, request.Key);
    PersonRow? IJudgedRows.FindPerson(PersonClaim claim) => Persons.Find(claim.Scope, claim.Hmac);

    public virtual ClaimedRequest? FindRequest(string publisher, string key) => requests.TryGetValue((publisher, key), out var claimed) ? claimed : null;

    /// <summary>As if it had never been. Only a planted bug does it.</summary>
    protected internal void Lose(LeadEntry lead)
    {
        byId.Remove(lead.Id);
        Leads.Remove(lead);
        Deliveries.RemoveAll(delivery => delivery.Copy.Lead == lead.Id);
    }

    /// <summary>The version row and all that it does to limits. Null: another version came first.</summary>
    public long? ApplyCatalog(CatalogApply apply, long nowMs)
    {
        if (apply.ExpectedVersion is { } expected && expected != Versions.Count) return null;
        Versions.Add(new(Versions.Count + 1, nowMs, apply.Author, apply.Json) { Base = apply.Base });
        foreach (var campaign in apply.NewCampaigns) Identities.TryAdd(campaign.Id, campaign);
        Counters.Apply(apply.Limits, apply.Facts, nowMs);
        return Versions.Count;
    }

    /// <summary>False: the reference was booked before.</summary>
    public bool Fund(string buyer, Money amount, string reference)
    {
        if (Fundings.Exists(each => each.Reference == reference)) return false;
        Fundings.Add((reference, new("fund", "bank", "buyer:" + buyer, amount)));
        Counters.Fund(buyer, amount.Micros);
        return true;
    }

    public virtual bool IsSuppressed(byte[] hmac) => Suppressed.ContainsKey(Convert.ToHexString(hmac));

    /// <summary>Some lead was erased once; one that was held at its ping is whole again when its post comes.</summary>
    public bool HasForgotten { get; private set; }

    /// <summary>One transaction, as a database's.</summary>
    /// <param name="trueMs">True time, for those who look at it afterwards.</param>
    public virtual void Erase(LeadErasure erasure, long trueMs)
    {
        Pings.Remove(erasure.Lead);
        foreach (var hmac in erasure.Suppress) Suppressed.TryAdd(Convert.ToHexString(hmac), trueMs);
        if (Find(erasure.Lead) is not { } lead) return;
        HasForgotten = true;
        lead.Forget(trueMs);
        lead.Answer = erasure.Answer;
        foreach (var delivery in lead.Deliveries)
        {
            if (delivery.Status != DeliveryStatus.Waiting) continue;
            if (lead.Copies.Find(copy => copy.No == delivery.Copy.No)!.State == CopyState.Captured) (delivery.Status, delivery.Error) = (DeliveryStatus.Cancelled, "cancelled");
            else if (delivery.Wait is DeliveryWait.Moment or DeliveryWait.Fields) delivery.Look(erasure.AtMs);
        }
        lead.Wait?.Look(erasure.AtMs);
    }

    /// <summary>Everything an item that passed changes.</summary>
    protected virtual void Write(ItemPlan plan, string owner, News news)
    {
        var item = plan.Item;
        var lead = WriteLead(plan);
        foreach (var request in item.Requests) Claim(request, item.Lead);
        Persons.Move(plan, news);
        foreach (var (_, end, copy) in plan.Ends) WriteEnd(lead, item, end, (CopyEntry)copy, owner, news);
        foreach (var (_, start) in plan.Starts) WriteStart(lead, plan, start, owner, news);
        if (item.Postback is { } postback && !lead.Postbacks.Exists(told => told.Event == postback.Event && told.No == postback.No)) lead.Postbacks.Add(postback);
    }

    protected virtual void Claim(RequestClaim request, LeadId lead) => requests.TryAdd((request.Publisher, request.Key), new(lead, request.BodyHash));

    private LeadEntry WriteLead(ItemPlan plan)
    {
        var item = plan.Item;
        var lead = Find(item.Lead);
        if (item.IsReturn) return lead!;
        if (item.New is { } made)
        {
            lead = new(item.Lead, made, item.AtMs) { Answer = item.Answer };
            byId.Add(item.Lead, lead);
            Leads.Add(lead);
        }
        else if (item.Post is { } post)
        {
            (lead!.MaxCopies, lead.PostHash, lead.Sealed, lead.Promised, lead.OfferUntilMs, lead.AtMs, lead.Answer) =
                (post.MaxCopies, post.PostHash, post.Sealed, post.Promised, 0, item.AtMs, item.Answer);
        }
        else (lead!.Answer, lead.Sealed) = (item.Answer ?? lead.Answer, item.EndsWait?.Sealed ?? lead.Sealed);
        if (item.Wait is { } wait) lead.Wait = new(wait, item.AtMs, lead.Wait?.Fence + 1 ?? 0);
        else if (item.EndsWait is not null)
        {
            lead.Wait!.Fence++;
            lead.Wait.DueAtMs = null;
        }
        (lead.State, lead.Reason, lead.OpenCopies, lead.OpenExclusive) = (item.State, item.Reason, plan.OpenCopies, plan.OpenExclusive);
        return lead;
    }

    protected virtual void WriteEnd(LeadEntry lead, JournalItem item, CopyEnd end, CopyEntry copy, string owner, News news)
    {
        var place = lead.Copies.FindIndex(each => each.No == end.No);
        var called = copy.IsCalled || end.Move is CopyMove.Call or CopyMove.Capture or CopyMove.Doubt;
        var state = end.Move switch
        {
            CopyMove.Capture => CopyState.Captured,
            CopyMove.Void => CopyState.Voided,
            CopyMove.Expire => CopyState.Expired,
            CopyMove.Doubt => CopyState.InDoubt,
            CopyMove.Reverse => CopyState.Reversed,
            _ => copy.State,
        };
        lead.Copies[place] = copy with
        {
            State = state, IsCalled = called, Reason = end.Move == CopyMove.Call ? copy.Reason : end.Reason, BuyerRef = end.BuyerRef ?? copy.BuyerRef,
            RedirectUrl = end.RedirectUrl ?? copy.RedirectUrl, Price = end.Price ?? copy.Price,
            Takes = end.Price is null ? copy.Takes : [.. copy.Takes.Select(take => (take.Counter, end.AmountOf(take.Counter.LimitId, take.Amount)))],
        };
        foreach (var transfer in end.Transfers) lead.Transfers.Add((end.No, transfer));
        if (end.Move is CopyMove.Void or CopyMove.Expire) news.Fell(item.Lead, copy);
        foreach (var delivery in lead.Deliveries)
        {
            var gaveUp = delivery is { Status: DeliveryStatus.Dead, Attempts: > 0 } && !NothingArrived.Of(delivery.Error ?? "") && end.Move == CopyMove.Capture;
            if (delivery.Copy.No != end.No || delivery.Status != DeliveryStatus.Waiting && !gaveUp) continue;
            if (end.Move == CopyMove.Capture && !delivery.Pulled)
            {
                // What was called has answered yes, also where it had given up asking; what waited for the sale is due now.
                if (delivery.Attempts > 0) (delivery.Status, delivery.Error) = (DeliveryStatus.Delivered, null);
                else delivery.DueAtMs = item.AtMs;
                if (delivery.Attempts > 0) delivery.Unlease();
            }
            else if (end.Move is CopyMove.Void or CopyMove.Expire or CopyMove.Reverse)
            {
                (delivery.Status, delivery.Error) = (end.IsCancelled ? DeliveryStatus.Cancelled : DeliveryStatus.Failed, end.DeliveryError);
                if (end.IsCancelled) delivery.Attempts = 0;
                delivery.Unlease();
            }
        }
        foreach (var delivery in end.Deliveries) Deliver(lead, new(item.Lead, end.No), delivery, end.Move == CopyMove.Capture, owner, FenceOf(delivery), item.AtMs);
    }

    protected virtual void WriteStart(LeadEntry lead, ItemPlan plan, NewCopy start, string owner, News news)
    {
        var selling = start.Move == CopyMove.Sell;
        var copy = new CopyEntry(
            start.No, start.OfferId, start.Campaign, start.Company, start.Exclusive, selling ? CopyState.Captured : CopyState.Held, plan.IsPosted, start.Tier, plan.Item.AtMs)
        {
            Buyer = start.Buyer, Price = start.Price, Payout = start.Payout, Trees = start.Trees, Takes = [.. Counters.Keep(start.Takes)],
        };
        lead.Copies.Add(copy);
        if (selling) foreach (var transfer in start.Transfers) lead.Transfers.Add((start.No, transfer));
        foreach (var delivery in start.Deliveries) Deliver(lead, new(plan.Item.Lead, start.No), delivery, selling, owner, FenceOf(delivery), plan.Item.AtMs);
        news.Started(plan.Item.Lead, copy);
    }

    private static long FenceOf(NewDelivery delivery) => delivery.IsLeased ? IDeliveryStore.FirstFence : 0;

    /// <summary>One that is there already stays as it is (false).</summary>
    public bool Deliver(LeadEntry lead, CopyId copy, NewDelivery made, bool isSold, string owner, long fence, long nowMs)
    {
        if (lead.Deliveries.Exists(each => each.Copy == copy && each.Endpoint == made.Endpoint)) return false;
        var leased = made.IsLeased;
        var delivery = new DeliveryEntry(copy, made.Endpoint)
        {
            Pulled = made.DueAtMs == NewDelivery.NeverDue && !leased, CreatedMs = nowMs, DueAtMs = made.FirstDueMs(isSold),
            Owner = leased ? owner : null, LeaseUntilMs = made.LeaseUntilMs, Fence = fence, Attempts = leased ? 1 : 0, Wait = made.Wait, WaitUntilMs = made.DueAtMs,
        };
        lead.Deliveries.Add(delivery);
        Deliveries.Add(delivery);
        return true;
    }
}
