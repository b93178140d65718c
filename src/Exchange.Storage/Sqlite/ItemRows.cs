using Exchange.Engine.Ledger;
using Exchange.Engine.Values;

namespace Exchange.Storage.Sqlite;

/// <summary>Writes the rows of an item that was judged done: lead, copies, money, deliveries.</summary>
internal sealed class ItemRows(Database database, CounterCache counters, SoldSequence sold, string owner)
{
    private static readonly string Answered = $"""
        UPDATE delivery SET status = 2, error = NULL, lease_owner = NULL, lease_until = 0, changed_ms = ?
        WHERE lead_id = ? AND no = ? AND (status = 1 OR status = 4 AND NOT {NotArrivedSql.Of("error")}) AND pulled = 0 AND attempts > 0
        """;

    public void WriteLead(JournalItem item, int open, bool exclusive)
    {
        if (item.IsReturn) return;
        for (var request = item.Request; request is not null; request = request.Also)
            database.Prepare("INSERT INTO request (publisher, key, lead_id, hash) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING")
                .Bind(request.Publisher).Bind(request.Key).Bind(item.Lead).Bind(request.BodyHash).Run();
        if (item.New is { } lead)
            database.Prepare("""
                INSERT INTO lead (lead_id, publisher, vertical, sub_id, channel, test, state, reason, max_copies, open_copies, open_exclusive, catalog_version,
                    at_ms, offer_ms, promised, post_hash, answer, sealed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """)
                .Bind(item.Lead).Bind(lead.Publisher).Bind(lead.Vertical).Bind(lead.SubId).Bind(lead.Channel).Bind(lead.Test).Bind((long)item.State)
                .Bind((long)item.Reason).Bind(lead.MaxCopies).Bind(open).Bind(exclusive).Bind(lead.CatalogVersion).Bind(item.AtMs).Bind(lead.OfferUntilMs).Bind(lead.Promised?.Micros)
                .Bind(lead.PostHash).Bind(item.Answer).Bind(lead.Sealed).Run();
        else if (item.Post is { } post)
            database.Prepare("""
                UPDATE lead SET state = ?, reason = ?, max_copies = ?, open_copies = ?, open_exclusive = ?, at_ms = ?, offer_ms = 0, promised = ?, post_hash = ?, answer = ?,
                    sealed = ? WHERE lead_id = ?
                """)
                .Bind((long)item.State).Bind((long)item.Reason).Bind(post.MaxCopies).Bind(open).Bind(exclusive).Bind(item.AtMs).Bind(post.Promised?.Micros)
                .Bind(post.PostHash).Bind(item.Answer).Bind(post.Sealed).Bind(item.Lead).Run();
        else
            database.Prepare("""
                UPDATE lead SET state = ?, reason = ?, open_copies = ?, open_exclusive = ?, answer = coalesce(?, answer), sealed = coalesce(?, sealed) WHERE lead_id = ?
                """)
                .Bind((long)item.State).Bind((long)item.Reason).Bind(open).Bind(exclusive).Bind(item.Answer).Bind(item.EndsWait?.Sealed).Bind(item.Lead).Run();
    }

    public void WritePassedOver(JournalItem item)
    {
        foreach (var passed in item.PassedOver)
            database.Prepare("INSERT INTO passed_over (lead_id, campaign, reason, buyer, price, place, at_ms) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING")
                .Bind(item.Lead).Bind(passed.Campaign).Bind((long)passed.Reason).Bind(passed.Buyer).Bind(passed.Price.Micros).Bind(passed.Place).Bind(item.AtMs).Run();
    }

    public void WriteWait(JournalItem item)
    {
        if (item.Wait is { } wait)
            database.Prepare("""
                INSERT INTO lead_wait (lead_id, kind, until_ms, due_at, fence, begun_ms, plan) VALUES (?1, ?2, ?3, ?3, 0, ?4, ?5)
                ON CONFLICT (lead_id) DO UPDATE SET kind = ?2, until_ms = ?3, due_at = ?3, fence = fence + 1, plan = ?5, begun_ms = CASE WHEN plan = ?5 AND due_at IS NOT NULL THEN begun_ms ELSE ?4 END
                """).Bind(item.Lead).Bind((long)wait.Until.For).Bind(wait.Until.UntilMs).Bind(item.AtMs).Bind(LeadWaitJson.Write(wait)).Run();
        else if (item.EndsWait is not null)
            database.Prepare("UPDATE lead_wait SET due_at = NULL, fence = fence + 1 WHERE lead_id = ?").Bind(item.Lead).Run();
    }

    public void WriteEnd(JournalItem item, CopyEnd end, JudgedCopy copy)
    {
        if (end.Move == CopyMove.Call)
        {
            database.Prepare("UPDATE copy SET called = 1, changed_ms = ? WHERE lead_id = ? AND no = ?").Bind(item.AtMs).Bind(item.Lead).Bind(end.No).Run();
            foreach (var delivery in end.Deliveries) WriteDelivery(item, end.No, delivery, isSold: false);
            return;
        }
        var state = end.Move switch
        {
            CopyMove.Capture => CopyState.Captured,
            CopyMove.Void => CopyState.Voided,
            CopyMove.Expire => CopyState.Expired,
            CopyMove.Reverse => CopyState.Reversed,
            _ => CopyState.InDoubt,
        };
        database.Prepare("""
            UPDATE copy SET state = ?, reason = ?, changed_ms = ?, buyer_ref = coalesce(?, buyer_ref), redirect_url = coalesce(?, redirect_url),
                sold_seq = coalesce(?, sold_seq), called = max(called, ?) WHERE lead_id = ? AND no = ?
            """)
            .Bind((long)state).Bind((long)end.Reason).Bind(item.AtMs).Bind(end.BuyerRef).Bind(end.RedirectUrl)
            .Bind(state == CopyState.Captured ? SoldPlace(item, end.Deliveries) : null)
            .Bind(state is CopyState.Captured or CopyState.InDoubt).Bind(item.Lead).Bind(end.No).Run();
        if (end.Price is { } price) WritePrice(item, end, price, (StoredCopyRow)copy);
        WriteTransfers(item, end.No, end.Transfers);
        switch (end.Move)
        {
            case CopyMove.Capture:
                // What was called has answered yes, also where it had given up asking: a dead letter of it would be sent again, unless it certainly did not arrive. Before the sale nobody
                // else is called. What waited for the sale is due now; the inbox goes on waiting.
                database.Prepare(Answered).Bind(item.AtMs).Bind(item.Lead).Bind(end.No).Run();
                database.Prepare("UPDATE delivery SET due_at = ? WHERE lead_id = ? AND no = ? AND status = 1 AND pulled = 0 AND attempts = 0")
                    .Bind(item.AtMs).Bind(item.Lead).Bind(end.No).Run();
                foreach (var delivery in end.Deliveries) WriteDelivery(item, end.No, delivery, isSold: true);
                break;
            case CopyMove.Void or CopyMove.Expire or CopyMove.Reverse:
                // Of what is cancelled nobody was told, whoever held its lease.
                database.Prepare("""
                    UPDATE delivery SET status = ?1, error = ?2, attempts = CASE WHEN ?1 = 5 THEN 0 ELSE attempts END, lease_owner = NULL, lease_until = 0, changed_ms = ?3
                    WHERE lead_id = ?4 AND no = ?5 AND status = 1
                    """).Bind((long)(end.IsCancelled ? DeliveryStatus.Cancelled : DeliveryStatus.Failed)).Bind(end.DeliveryError).Bind(item.AtMs).Bind(item.Lead).Bind(end.No).Run();
                break;
        }
    }

    private void WritePrice(JournalItem item, CopyEnd end, Money price, StoredCopyRow copy)
    {
        List<(long, long)> takes = [.. StoredTakes.Read(copy.Takes).Select(take => (take.Counter, end.AmountOf(counters.Find(take.Counter)!.LimitId, take.Amount)))];
        database.Prepare("UPDATE copy SET price = ?, takes = ? WHERE lead_id = ? AND no = ?").Bind(price.Micros).Bind(StoredTakes.Write(takes)).Bind(item.Lead).Bind(end.No).Run();
    }

    /// <summary>A test's copy has no place among what the buyer bought: it reaches no inbox. Below 0: not listed yet.</summary>
    private long? SoldPlace(JournalItem item, NewDelivery[] deliveries) => item.Lead.IsTest ? null : NewDelivery.AreListed(deliveries) ? sold.Next() : -sold.Next();

    public void WriteStart(JournalItem item, NewCopy start, string publisher, bool isPosted)
    {
        List<(long, long)> takes = [];
        foreach (var take in start.Takes)
            if (take.Amount > 0) takes.Add((counters.Materialize(counters.Find(take)!), take.Amount));

        var selling = start.Move == CopyMove.Sell;
        database.Prepare("""
            INSERT INTO copy (lead_id, no, offer_id, campaign, buyer, company, publisher, exclusive, state, price, payout, at_ms, changed_ms, reason, sold_seq,
                tier, trees, called, takes)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?)
            """)
            .Bind(item.Lead).Bind(start.No).Bind(start.OfferId).Bind(start.Campaign).Bind(start.Buyer).Bind(start.Company).Bind(publisher)
            .Bind(start.Exclusive).Bind((long)(selling ? CopyState.Captured : CopyState.Held)).Bind(start.Price.Micros).Bind(start.Payout.Micros)
            .Bind(item.AtMs).Bind(item.AtMs).Bind(selling ? SoldPlace(item, start.Deliveries) : null)
            // Held at the ping: nobody is called before the post.
            .Bind(start.Tier).Bind(CopyTrees.Write(start.Trees)).Bind(isPosted).Bind(StoredTakes.Write(takes)).Run();
        if (selling) WriteTransfers(item, start.No, start.Transfers);
        foreach (var delivery in start.Deliveries) WriteDelivery(item, start.No, delivery, selling);
    }

    private void WriteDelivery(JournalItem item, int no, NewDelivery delivery, bool isSold) =>
        DeliveryInsert.Run(database, new(item.Lead, no), delivery, isSold, owner, delivery.IsLeased ? IDeliveryStore.FirstFence : 0, item.AtMs);

    private void WriteTransfers(JournalItem item, int no, Transfer[] transfers)
    {
        for (var i = 0; i < transfers.Length; i++)
        {
            var transfer = transfers[i];
            database.Prepare("INSERT INTO transfer (source, no, kind, part, at_ms, lead_id, debit, credit, amount) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
                .Bind(item.Lead).Bind(no).Bind(transfer.Kind).Bind(i).Bind(item.AtMs).Bind(item.Lead).Bind(transfer.Debit).Bind(transfer.Credit)
                .Bind(transfer.Amount.Micros).Run();
        }
    }
}
