using Exchange.Engine;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Ledger;

namespace Exchange.Storage.Postgres.Journal;

/// <summary>
/// The statements that write what planned items come to: leads, ends of copies, new copies, money, deliveries. Sent before the fence for
/// items that it cannot refuse and for those whose lead goes with them; after it for the others, where they do nothing for an item that it refused.
/// </summary>
internal sealed class PlanRows(Flush flush, string owner)
{
    /// <summary>The item at place t.item (0: of no fence) was not refused.</summary>
    public const string Stands = "coalesce(((SELECT fence_verdicts()))[t.item], 0) = 0";

    private readonly List<(int Place, PlannedItem Item)> items = [];

    public void Add(int place, PlannedItem item) => items.Add((place, item));

    public void Emit()
    {
        if (items.Count == 0) return;
        Leads();
        Waits();
        Ends();
        EndedDeliveries();
        Starts();
        Transfers();
        Deliveries();
    }

    private void Leads()
    {
        // A new lead stands as it was claimed, one of which copies come back as it was.
        var leads = items.Where(pair => !pair.Item.IsNew && !pair.Item.Plan.Item.IsReturn).ToList();
        if (leads.Count == 0) return;
        T[] Of<T>(Func<ItemPlan, T> column) => [.. leads.Select(pair => column(pair.Item.Plan))];
        flush.Add($"""
            UPDATE lead l SET state = t.state, reason = t.reason, open_copies = t.open, open_exclusive = t.exclusive,
                answer = CASE WHEN t.posted THEN t.answer ELSE coalesce(t.answer, l.answer) END,
                max_copies = CASE WHEN t.posted THEN t.max ELSE l.max_copies END, at_ms = CASE WHEN t.posted THEN t.at ELSE l.at_ms END,
                offer_ms = CASE WHEN t.posted THEN 0 ELSE l.offer_ms END, promised = CASE WHEN t.posted THEN t.promised ELSE l.promised END,
                post_hash = CASE WHEN t.posted THEN t.hash ELSE l.post_hash END, sealed = coalesce(t.sealed, l.sealed)
            FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) AS t (item, lead, state, reason, open, exclusive, answer, posted, max, at, promised, hash, sealed)
            WHERE l.lead_id = t.lead AND {Stands}
            """)
            .With(leads.Select(pair => pair.Place).ToArray()).WithLeads(leads.Select(pair => pair.Item.Plan.Item.Lead)).With(Of(plan => (short)plan.Item.State))
            .With(Of(plan => (short)plan.Item.Reason)).With(Of(plan => plan.OpenCopies)).With(Of(plan => plan.OpenExclusive)).With(Of(plan => plan.Item.Answer))
            .With(Of(plan => plan.Item.Post is not null)).With(Of(plan => plan.Item.Post?.MaxCopies ?? 0)).With(Of(plan => plan.Item.AtMs))
            .With(Of(plan => plan.Item.Post?.Promised?.Micros)).With(Of(plan => plan.Item.Post?.PostHash)).With(Of(plan => plan.Item.Post?.Sealed ?? plan.Item.EndsWait?.Sealed));
    }

    private void Waits()
    {
        var begun = items.Where(pair => pair.Item.Plan.Item.Wait is not null).Select(pair => (pair.Place, pair.Item.Plan.Item, Wait: pair.Item.Plan.Item.Wait!)).ToList();
        if (begun.Count > 0)
            flush.Add($"""
                INSERT INTO lead_wait AS w (lead_id, kind, until_ms, due_at, fence, begun_ms, plan)
                SELECT t.lead, t.kind, t.until, t.until, 0, t.at, t.plan FROM unnest($1, $2, $3, $4, $5, $6) AS t (item, lead, kind, until, at, plan) WHERE {Stands} ORDER BY t.lead
                ON CONFLICT (lead_id) DO UPDATE SET kind = excluded.kind, until_ms = excluded.until_ms, due_at = excluded.due_at, fence = w.fence + 1, plan = excluded.plan,
                    begun_ms = CASE WHEN w.plan = excluded.plan AND w.due_at IS NOT NULL THEN w.begun_ms ELSE excluded.begun_ms END
                """)
                .With(begun.Select(row => row.Place).ToArray()).WithLeads(begun.Select(row => row.Item.Lead)).With(begun.Select(row => (short)row.Wait.Until.For).ToArray())
                .With(begun.Select(row => row.Wait.Until.UntilMs).ToArray()).With(begun.Select(row => row.Item.AtMs).ToArray())
                .With(begun.Select(row => LeadWaitJson.Write(row.Wait)).ToArray());
        var over = items.Where(pair => pair.Item.Plan.Item is { EndsWait: not null, Wait: null }).ToList();
        if (over.Count > 0)
            flush.Add($"""
                UPDATE lead_wait w SET due_at = NULL, fence = w.fence + 1 FROM unnest($1, $2) AS t (item, lead) WHERE w.lead_id = t.lead AND {Stands}
                """).With(over.Select(pair => pair.Place).ToArray()).WithLeads(over.Select(pair => pair.Item.Plan.Item.Lead));
    }

    private void Ends()
    {
        var ends = items.SelectMany(pair => pair.Item.Plan.Ends, (pair, end) => (pair.Place, pair.Item.Plan.Item, end.End, end.Copy)).ToList();
        if (ends.Count == 0) return;
        T[] Of<T>(Func<CopyEnd, T> column) => [.. ends.Select(end => column(end.End))];
        flush.Add($"""
            UPDATE copy c SET state = CASE WHEN t.state = 0 THEN c.state ELSE t.state END, reason = CASE WHEN t.state = 0 THEN c.reason ELSE t.reason END, changed_ms = t.at,
                buyer_ref = coalesce(t.ref, c.buyer_ref), redirect_url = coalesce(t.url, c.redirect_url), called = c.called OR t.called,
                price = coalesce(t.price, c.price), amounts = coalesce(t.amounts::bigint[], c.amounts)
            FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS t (item, lead, no, state, reason, at, ref, url, called, price, amounts)
            WHERE c.lead_id = t.lead AND c.no = t.no AND {Stands}
            """)
            .With(ends.Select(end => end.Place).ToArray()).WithLeads(ends.Select(end => end.Item.Lead)).With(Of(end => end.No)).With(Of(end => StateAfter(end.Move)))
            .With(Of(end => (short)end.Reason)).With(ends.Select(end => end.Item.AtMs).ToArray()).With(Of(end => end.BuyerRef)).With(Of(end => end.RedirectUrl))
            .With(Of(end => end.Move is CopyMove.Call or CopyMove.Capture or CopyMove.Doubt)).With(Of(end => end.Price?.Micros))
            .With(ends.Select(end => end.End.Price is null ? null : Flush.Literal(Lowered(end.End, (HeldCopy)end.Copy))).ToArray());
    }

    private static IEnumerable<long> Lowered(CopyEnd end, HeldCopy copy) => copy.Takes.Select((key, i) => end.AmountOf(CounterKey.LimitId(key), copy.Amounts[i]));

    /// <summary>0: a call changes no state.</summary>
    private static short StateAfter(CopyMove move) => move switch
    {
        CopyMove.Capture => (short)CopyState.Captured,
        CopyMove.Void => (short)CopyState.Voided,
        CopyMove.Expire => (short)CopyState.Expired,
        CopyMove.Doubt => (short)CopyState.InDoubt,
        CopyMove.Reverse => (short)CopyState.Reversed,
        _ => 0,
    };

    /// <summary>
    /// A capture: what was called has answered yes, also where it had given up asking (a dead letter of it would be sent again, unless it certainly did not arrive; before the sale nobody else is called). What waited for
    /// the sale is due now, the inbox goes on waiting. A copy that fell or came back: nobody is told.
    /// </summary>
    private void EndedDeliveries()
    {
        var ends = items.SelectMany(pair => pair.Item.Plan.Ends, (pair, end) => (pair.Place, pair.Item.Plan.Item, end.End)).ToList();
        var captures = ends.Where(end => end.End.Move == CopyMove.Capture).ToList();
        if (captures.Count > 0)
            flush.Add($"""
                UPDATE delivery d SET status = CASE WHEN d.attempts > 0 THEN 2 ELSE 1 END, error = CASE WHEN d.attempts > 0 THEN NULL ELSE d.error END,
                    lease_owner = CASE WHEN d.attempts > 0 THEN NULL ELSE d.lease_owner END, lease_until = CASE WHEN d.attempts > 0 THEN 0 ELSE d.lease_until END,
                    changed_ms = CASE WHEN d.attempts > 0 THEN t.at ELSE d.changed_ms END, due_at = CASE WHEN d.attempts > 0 THEN d.due_at ELSE t.at END
                FROM unnest($1, $2, $3, $4) AS t (item, lead, no, at) WHERE d.lead_id = t.lead AND d.no = t.no
                  AND (d.status = 1 OR d.status = 4 AND d.attempts > 0 AND NOT {NotArrivedSql.Of("d.error")}) AND NOT d.pulled AND {Stands}
                """)
                .With(captures.Select(end => end.Place).ToArray()).WithLeads(captures.Select(end => end.Item.Lead)).With(captures.Select(end => end.End.No).ToArray())
                .With(captures.Select(end => end.Item.AtMs).ToArray());
        var fallen = ends.Where(end => end.End.Move is CopyMove.Void or CopyMove.Expire or CopyMove.Reverse).ToList();
        // Of what is cancelled nobody was told, whoever held its lease.
        if (fallen.Count > 0)
            flush.Add($"""
                UPDATE delivery d SET status = t.status, error = t.error, attempts = CASE WHEN t.status = 5 THEN 0 ELSE d.attempts END, lease_owner = NULL, lease_until = 0, changed_ms = t.at
                FROM unnest($1, $2, $3, $4, $5, $6) AS t (item, lead, no, at, error, status) WHERE d.lead_id = t.lead AND d.no = t.no AND d.status = 1 AND {Stands}
                """)
                .With(fallen.Select(end => end.Place).ToArray()).WithLeads(fallen.Select(end => end.Item.Lead)).With(fallen.Select(end => end.End.No).ToArray())
                .With(fallen.Select(end => end.Item.AtMs).ToArray()).With(fallen.Select(end => end.End.DeliveryError).ToArray())
                .With(fallen.Select(end => (short)(end.End.IsCancelled ? DeliveryStatus.Cancelled : DeliveryStatus.Failed)).ToArray());
    }

    private void Starts()
    {
        var starts = items.SelectMany(pair => pair.Item.Plan.Starts, (pair, start) => (pair.Place, pair.Item.Plan, start.Copy)).ToList();
        if (starts.Count == 0) return;
        T[] Of<T>(Func<NewCopy, T> column) => [.. starts.Select(start => column(start.Copy))];
        flush.Add($"""
            INSERT INTO copy (lead_id, no, offer_id, campaign, buyer, company, publisher, exclusive, state, price, payout, at_ms, changed_ms, reason, tier, trees, called, takes, amounts)
            SELECT t.lead, t.no, t.offer, t.campaign, t.buyer, t.company, t.publisher, t.exclusive, t.state, t.price, t.payout, t.at, t.at, 0, t.tier, t.trees, t.called,
                t.takes::text[], t.amounts::bigint[]
            FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
                AS t (item, lead, no, offer, campaign, buyer, company, publisher, exclusive, state, price, payout, at, tier, trees, called, takes, amounts)
            WHERE {Stands} ORDER BY t.lead, t.no
            """)
            .With(starts.Select(start => start.Place).ToArray()).WithLeads(starts.Select(start => start.Plan.Item.Lead)).With(Of(copy => copy.No)).With(Of(copy => copy.OfferId))
            .With(Of(copy => copy.Campaign)).With(Of(copy => copy.Buyer)).With(Of(copy => copy.Company)).With(starts.Select(start => start.Plan.Publisher).ToArray())
            .With(Of(copy => copy.Exclusive)).With(Of(copy => (short)(copy.Move == CopyMove.Sell ? CopyState.Captured : CopyState.Held)))
            .With(Of(copy => copy.Price.Micros)).With(Of(copy => copy.Payout.Micros)).With(starts.Select(start => start.Plan.Item.AtMs).ToArray())
            .With(Of(copy => copy.Tier)).With(Of(copy => string.Join('/', copy.Trees)))
            // Held at the ping: nobody is called before the post.
            .With(starts.Select(start => start.Plan.IsPosted).ToArray())
            // What takes nothing (gates) is not given back.
            .With(Of(copy => Flush.Literal(copy.Takes.Where(take => take.Amount > 0).Select(take => take.Key))))
            .With(Of(copy => Flush.Literal(copy.Takes.Where(take => take.Amount > 0).Select(take => take.Amount))));
    }

    private void Transfers()
    {
        var booked = items.SelectMany(pair =>
            pair.Item.Plan.Ends.SelectMany(end => end.End.Transfers.Select((transfer, part) => (pair.Place, pair.Item.Plan.Item, end.End.No, Part: part, Transfer: transfer)))
                .Concat(pair.Item.Plan.Starts.Where(start => start.Copy.Move == CopyMove.Sell)
                    .SelectMany(start => start.Copy.Transfers.Select((transfer, part) => (pair.Place, pair.Item.Plan.Item, start.Copy.No, Part: part, Transfer: transfer))))).ToList();
        if (booked.Count == 0) return;
        T[] Of<T>(Func<Transfer, T> column) => [.. booked.Select(row => column(row.Transfer))];
        flush.Add($"""
            INSERT INTO transfer (source, no, kind, part, at_ms, lead_id, debit, credit, amount)
            SELECT uuid_send(t.lead), t.no, t.kind, t.part, t.at, t.lead, t.debit, t.credit, t.amount
            FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9) AS t (item, lead, no, kind, part, at, debit, credit, amount)
            WHERE {Stands} ORDER BY t.lead, t.no, t.part
            """)
            .With(booked.Select(row => row.Place).ToArray()).WithLeads(booked.Select(row => row.Item.Lead)).With(booked.Select(row => row.No).ToArray())
            .With(Of(transfer => transfer.Kind)).With(booked.Select(row => row.Part).ToArray()).With(booked.Select(row => row.Item.AtMs).ToArray())
            .With(Of(transfer => transfer.Debit)).With(Of(transfer => transfer.Credit)).With(Of(transfer => transfer.Amount.Micros));
    }

    private void Deliveries()
    {
        var made = items.SelectMany(pair =>
            pair.Item.Plan.Ends.Where(end => end.End.Move is CopyMove.Capture or CopyMove.Call)
                .SelectMany(end => end.End.Deliveries, (end, delivery) => (pair.Place, pair.Item.Plan.Item, end.End.No, IsSold: end.End.Move == CopyMove.Capture, Delivery: delivery))
                .Concat(pair.Item.Plan.Starts.SelectMany(start => start.Copy.Deliveries,
                    (start, delivery) => (pair.Place, pair.Item.Plan.Item, start.Copy.No, IsSold: start.Copy.Move == CopyMove.Sell, Delivery: delivery)))).ToList();
        if (made.Count == 0) return;
        flush.Add($"""
            INSERT INTO delivery (lead_id, no, endpoint, status, pulled, due_at, lease_owner, lease_until, fence, attempts, created_ms, changed_ms, wait, wait_ms)
            SELECT t.lead, t.no, t.endpoint, 1, t.pulled, t.due, CASE WHEN t.lease > 0 THEN $8 END, t.lease,
                CASE WHEN t.lease > 0 THEN {IDeliveryStore.FirstFence} ELSE 0 END, CASE WHEN t.lease > 0 THEN 1 ELSE 0 END, t.at, t.at, t.wait, t.until
            FROM unnest($1, $2, $3, $4, $5, $6, $7, $9, $10, $11) AS t (item, lead, no, endpoint, pulled, due, lease, at, wait, until)
            WHERE {Stands} ORDER BY t.lead, t.no, t.endpoint COLLATE "C"
            """)
            .With(made.Select(row => row.Place).ToArray()).WithLeads(made.Select(row => row.Item.Lead)).With(made.Select(row => row.No).ToArray())
            .With(made.Select(row => row.Delivery.Endpoint).ToArray())
            .With(made.Select(row => row.Delivery is { DueAtMs: NewDelivery.NeverDue, IsLeased: false }).ToArray())
            .With(made.Select(row => row.Delivery.FirstDueMs(row.IsSold)).ToArray())
            .With(made.Select(row => Math.Max(0, row.Delivery.LeaseUntilMs)).ToArray()).With(owner).With(made.Select(row => row.Item.AtMs).ToArray())
            .With(made.Select(row => (short)row.Delivery.Wait).ToArray()).With(made.Select(row => row.Delivery.Wait == DeliveryWait.None ? 0 : row.Delivery.DueAtMs).ToArray());
    }
}
