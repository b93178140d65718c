using Exchange.Engine;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;

namespace Exchange.Storage.Sqlite;

/// <summary>
/// Applies one journal item to the open transaction. First everything is judged, in the order request, lead, ends, persons, takes, free
/// copies; only then is anything written: a refused item leaves no row and no number changed.
/// </summary>
internal sealed class ItemWriter(Database database, CounterCache counters, SoldSequence sold, string owner)
{
    private readonly List<(Counter Counter, long Used, long Held)> moves = [];

    private sealed record Lead(LeadState State, Reason Reason, string Publisher, int MaxCopies, byte[] PostHash, byte[]? Answer);

    private sealed record Copy(int No, string OfferId, string Campaign, string Company, bool Exclusive, CopyState State, byte[] Takes)
    {
        public bool IsOpen => State is CopyState.Held or CopyState.InDoubt or CopyState.Captured;
    }

    public Verdict Apply(JournalItem item)
    {
        moves.Clear();
        var lead = FindLead(item.Lead);

        if (item.Request is { } request && FindRequest(request) is { } claimed)
        {
            if (!claimed.Hash.AsSpan().SequenceEqual(request.BodyHash)) return new(VerdictCode.KeyReused, Existing: Recorded(claimed.Lead));
            if (item.New is not null || claimed.Lead != item.Lead) return new(VerdictCode.AlreadyThere, Existing: Recorded(claimed.Lead));
        }

        if (item.New is { } fresh)
        {
            Invariant.Require(item.Ends.Length == 0, "a new lead has no copies to end");
            if (lead is not null)
                return new(lead.PostHash.AsSpan().SequenceEqual(fresh.PostHash) ? VerdictCode.AlreadyThere : VerdictCode.AlreadyPosted,
                    Existing: Recorded(item.Lead, lead));
        }
        Invariant.Require(item.New is not null || lead is not null, "an item of a lead that is not there");

        var copies = item.New is null ? FindCopies(item.Lead) : [];
        List<(CopyEnd End, Copy Copy)> ends = [];
        for (var i = 0; i < item.Ends.Length; i++)
        {
            var end = item.Ends[i];
            var copy = copies.Find(copy => copy.No == end.No);
            Invariant.Require(copy is not null, "the end of a copy that is not there");
            switch (Judge(copy.State, end.Move))
            {
                case VerdictCode.Done: ends.Add((end, copy)); break;
                case VerdictCode.EndedOtherwise: return new(VerdictCode.EndedOtherwise, i, Existing: Recorded(item.Lead, lead!));
            }
        }
        List<(int Index, NewCopy Copy)> starts = [];
        for (var i = 0; i < item.Starts.Length; i++)
        {
            var start = item.Starts[i];
            Invariant.Require(start.Move is CopyMove.Sell or CopyMove.Hold, "a copy starts by a sell or a hold");
            var same = copies.Find(copy => copy.No == start.No);
            if (same is null) starts.Add((i, start));
            else if (same.Campaign != start.Campaign || same.OfferId != start.OfferId) return new(VerdictCode.EndedOtherwise, i, Existing: Recorded(item.Lead, lead!));
        }

        var named = item.Ends.Length + item.Starts.Length;
        if (lead is not null && ends.Count == 0 && starts.Count == 0
            && (named > 0 || lead.State == item.State && lead.Reason == item.Reason && (item.Answer is null || item.Answer.AsSpan().SequenceEqual(lead.Answer))))
            return new(VerdictCode.AlreadyThere, Existing: Recorded(item.Lead, lead));

        var stillOpen = copies.Where(copy => copy.IsOpen && !ends.Exists(end => end.Copy == copy && Closes(end.End.Move))).ToList();
        if (item.State == LeadState.Unsold && stillOpen.Count + starts.Count > 0)
            return new(VerdictCode.EndedOtherwise, Existing: lead is null ? null : Recorded(item.Lead, lead));

        for (var i = 0; i < item.Persons.Length; i++)
            if (IsSeen(item.Lead, item.Persons[i])) return new(VerdictCode.PersonSeen, TakeIndex: i);

        foreach (var (end, copy) in ends) MoveEnd(end.Move, copy.Takes);
        foreach (var (index, start) in starts)
            for (var t = 0; t < start.Takes.Length; t++)
                if (!MoveStart(start.Move, start.Takes[t]))
                {
                    Undo();
                    return new(VerdictCode.Refused, index, t);
                }

        var maxCopies = item.New?.MaxCopies ?? lead!.MaxCopies;
        if (NoFreeCopy(stillOpen, starts, maxCopies) is { } taken)
        {
            Undo();
            return new(VerdictCode.NoFreeCopy, taken);
        }

        var open = stillOpen.Count + starts.Count;
        var exclusive = stillOpen.Exists(copy => copy.Exclusive) || starts.Exists(start => start.Copy.Exclusive);
        var publisher = item.New?.Publisher ?? lead!.Publisher;
        Write(item, ends, starts, open, exclusive, publisher);
        return new(VerdictCode.Done);
    }

    /// <summary>Done: to be done; AlreadyThere; EndedOtherwise. Only a copy that was never in doubt expires.</summary>
    private static VerdictCode Judge(CopyState state, CopyMove move) => (move, state) switch
    {
        (CopyMove.Capture, CopyState.Held or CopyState.InDoubt) => VerdictCode.Done,
        (CopyMove.Capture, CopyState.Captured or CopyState.Reversed) => VerdictCode.AlreadyThere,
        (CopyMove.Void, CopyState.Held or CopyState.InDoubt) => VerdictCode.Done,
        (CopyMove.Void, CopyState.Voided) => VerdictCode.AlreadyThere,
        (CopyMove.Expire, CopyState.Held) => VerdictCode.Done,
        (CopyMove.Expire, CopyState.Expired) => VerdictCode.AlreadyThere,
        (CopyMove.Doubt, CopyState.Held) => VerdictCode.Done,
        (CopyMove.Doubt, CopyState.InDoubt) => VerdictCode.AlreadyThere,
        (CopyMove.Capture or CopyMove.Void or CopyMove.Expire or CopyMove.Doubt, _) => VerdictCode.EndedOtherwise,
        _ => throw new InvariantException("a copy ends by a capture, a void, an expiry or a doubt"),
    };

    private static bool Closes(CopyMove move) => move is CopyMove.Void or CopyMove.Expire;

    private void MoveEnd(CopyMove move, byte[] takes)
    {
        if (move == CopyMove.Doubt) return;
        foreach (var (id, amount) in StoredTakes.Read(takes)) Move(counters.Get(id), move == CopyMove.Capture ? amount : 0, -amount);
    }

    private bool MoveStart(CopyMove move, in Take take)
    {
        Invariant.Require(take.Amount >= 0, "a take is not negative");
        if (counters.Find(take) is not { } counter || !counter.Fits(take.Amount)) return false;
        if (take.Amount > 0) Move(counter, move == CopyMove.Sell ? take.Amount : 0, move == CopyMove.Hold ? take.Amount : 0);
        return true;
    }

    private void Move(Counter counter, long used, long held)
    {
        counter.Used += used;
        counter.Held += held;
        counters.Touch(counter);
        moves.Add((counter, used, held));
    }

    private void Undo()
    {
        foreach (var (counter, used, held) in moves)
        {
            counter.Used -= used;
            counter.Held -= held;
        }
        moves.Clear();
    }

    /// <summary>The index of the first start that finds no free copy; null if all do.</summary>
    private static int? NoFreeCopy(List<Copy> open, List<(int Index, NewCopy Copy)> starts, int maxCopies)
    {
        var companies = open.Select(copy => copy.Company).ToHashSet(StringComparer.Ordinal);
        var exclusive = open.Exists(copy => copy.Exclusive);
        var count = open.Count;
        foreach (var (index, start) in starts)
        {
            exclusive |= start.Exclusive;
            if (!companies.Add(start.Company) || ++count > maxCopies || exclusive && count > 1) return index;
        }
        return null;
    }

    private bool IsSeen(LeadId lead, PersonClaim claim)
    {
        var statement = database.Prepare("SELECT lead_id, at_ms FROM person WHERE scope = ? AND hmac = ?").Bind(claim.Scope).Bind(claim.Hmac);
        var (other, at) = statement.First(static row => (row.Lead(0), row.Long(1)));
        return other != default && other != lead && at >= claim.SinceMs;
    }

    private void Write(
        JournalItem item, List<(CopyEnd End, Copy Copy)> ends, List<(int Index, NewCopy Copy)> starts, int open, bool exclusive, string publisher)
    {
        if (item.Request is { } request)
            database.Prepare("INSERT INTO request (publisher, key, lead_id, hash) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING")
                .Bind(request.Publisher).Bind(request.Key).Bind(item.Lead).Bind(request.BodyHash).Run();
        if (item.New is { } lead)
            database.Prepare("""
                INSERT INTO lead (lead_id, publisher, vertical, sub_id, test, state, reason, max_copies, open_copies, open_exclusive, catalog_version, at_ms,
                    post_hash, answer, sealed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """)
                .Bind(item.Lead).Bind(lead.Publisher).Bind(lead.Vertical).Bind(lead.SubId).Bind(lead.Test).Bind((long)item.State).Bind((long)item.Reason)
                .Bind(lead.MaxCopies).Bind(open).Bind(exclusive).Bind(lead.CatalogVersion).Bind(item.AtMs)
                .Bind(lead.PostHash).Bind(item.Answer).Bind(lead.Sealed).Run();
        else
            database.Prepare("""
                UPDATE lead SET state = ?, reason = ?, open_copies = ?, open_exclusive = ?, answer = coalesce(?, answer) WHERE lead_id = ?
                """)
                .Bind((long)item.State).Bind((long)item.Reason).Bind(open).Bind(exclusive).Bind(item.Answer).Bind(item.Lead).Run();

        if (item.ReleasePersons) database.Prepare("DELETE FROM person WHERE lead_id = ?").Bind(item.Lead).Run();
        else
            foreach (var claim in item.Persons)
                database.Prepare("""
                    INSERT INTO person (scope, hmac, lead_id, at_ms) VALUES (?, ?, ?, ?)
                    ON CONFLICT DO UPDATE SET lead_id = excluded.lead_id, at_ms = excluded.at_ms WHERE lead_id <> excluded.lead_id
                    """)
                    .Bind(claim.Scope).Bind(claim.Hmac).Bind(item.Lead).Bind(item.AtMs).Run();

        // Ends before starts: a voided copy frees its company for the next rank.
        foreach (var (end, _) in ends) WriteEnd(item, end);
        foreach (var (_, start) in starts) WriteStart(item, start, publisher);
    }

    private void WriteEnd(JournalItem item, CopyEnd end)
    {
        var state = end.Move switch
        {
            CopyMove.Capture => CopyState.Captured,
            CopyMove.Void => CopyState.Voided,
            CopyMove.Expire => CopyState.Expired,
            _ => CopyState.InDoubt,
        };
        database.Prepare("""
            UPDATE copy SET state = ?, reason = ?, changed_ms = ?, buyer_ref = coalesce(?, buyer_ref), redirect_url = coalesce(?, redirect_url),
                sold_seq = coalesce(?, sold_seq) WHERE lead_id = ? AND no = ?
            """)
            .Bind((long)state).Bind((long)end.Reason).Bind(item.AtMs).Bind(end.BuyerRef).Bind(end.RedirectUrl)
            .Bind(state == CopyState.Captured ? SoldPlace(item) : null).Bind(item.Lead).Bind(end.No).Run();
        WriteTransfers(item, end.No, end.Transfers);
        switch (end.Move)
        {
            case CopyMove.Capture:
                // What was called has answered yes. What waited for the sale is due now; the inbox goes on waiting.
                database.Prepare("""
                    UPDATE delivery SET status = 2, error = NULL, lease_owner = NULL, lease_until = 0, changed_ms = ?
                    WHERE lead_id = ? AND no = ? AND status = 1 AND pulled = 0 AND attempts > 0
                    """).Bind(item.AtMs).Bind(item.Lead).Bind(end.No).Run();
                database.Prepare("UPDATE delivery SET due_at = ? WHERE lead_id = ? AND no = ? AND status = 1 AND pulled = 0 AND attempts = 0")
                    .Bind(item.AtMs).Bind(item.Lead).Bind(end.No).Run();
                break;
            case CopyMove.Void or CopyMove.Expire:
                database.Prepare("""
                    UPDATE delivery SET status = 3, error = ?, lease_owner = NULL, lease_until = 0, changed_ms = ? WHERE lead_id = ? AND no = ? AND status = 1
                    """).Bind(end.Move == CopyMove.Void ? "rejected" : "expired").Bind(item.AtMs).Bind(item.Lead).Bind(end.No).Run();
                break;
        }
    }

    /// <summary>A test's copy has no place among what the buyer bought: it reaches no inbox.</summary>
    private long? SoldPlace(JournalItem item) => item.Lead.IsTest ? null : sold.Next();

    private void WriteStart(JournalItem item, NewCopy start, string publisher)
    {
        List<(long, long)> takes = [];
        foreach (var take in start.Takes)
            if (take.Amount > 0) takes.Add((counters.Materialize(counters.Find(take)!), take.Amount));

        var selling = start.Move == CopyMove.Sell;
        database.Prepare("""
            INSERT INTO copy (lead_id, no, offer_id, campaign, buyer, company, publisher, exclusive, state, price, payout, at_ms, changed_ms, reason, sold_seq, takes)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?)
            """)
            .Bind(item.Lead).Bind(start.No).Bind(start.OfferId).Bind(start.Campaign).Bind(start.Buyer).Bind(start.Company).Bind(publisher)
            .Bind(start.Exclusive).Bind((long)(selling ? CopyState.Captured : CopyState.Held)).Bind(start.Price.Micros).Bind(start.Payout.Micros)
            .Bind(item.AtMs).Bind(item.AtMs).Bind(selling ? SoldPlace(item) : null).Bind(StoredTakes.Write(takes)).Run();
        if (selling) WriteTransfers(item, start.No, start.Transfers);

        foreach (var delivery in start.Deliveries)
        {
            // A held copy is called under its lease and by nothing else: what is not leased waits for the capture.
            var leased = delivery.LeaseUntilMs > 0;
            var due = leased ? delivery.LeaseUntilMs : selling ? delivery.DueAtMs : NewDelivery.NeverDue;
            database.Prepare("""
                INSERT INTO delivery (lead_id, no, endpoint, status, pulled, due_at, lease_owner, lease_until, fence, attempts, created_ms, changed_ms)
                VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?)
                """)
                .Bind(item.Lead).Bind(start.No).Bind(delivery.Endpoint).Bind(delivery.DueAtMs == NewDelivery.NeverDue && !leased)
                .Bind(due).Bind(leased ? owner : null).Bind(leased ? delivery.LeaseUntilMs : 0)
                .Bind(leased ? IDeliveryStore.FirstFence : 0).Bind(leased ? 1 : 0).Bind(item.AtMs).Bind(item.AtMs).Run();
        }
    }

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

    private Lead? FindLead(LeadId id) =>
        database.Prepare("SELECT state, reason, publisher, max_copies, post_hash, answer FROM lead WHERE lead_id = ?").Bind(id)
            .First(static row => new Lead((LeadState)row.Int(0), (Reason)row.Int(1), row.Text(2), row.Int(3), row.Blob(4), row.BlobOrNull(5)));

    private List<Copy> FindCopies(LeadId id) =>
        database.Prepare("SELECT no, offer_id, campaign, company, exclusive, state, takes FROM copy WHERE lead_id = ? ORDER BY no").Bind(id)
            .All(static row => new Copy(row.Int(0), row.Text(1), row.Text(2), row.Text(3), row.Bool(4), (CopyState)row.Int(5), row.Blob(6)));

    private (LeadId Lead, byte[] Hash)? FindRequest(RequestClaim request)
    {
        var (lead, hash) = database.Prepare("SELECT lead_id, hash FROM request WHERE publisher = ? AND key = ?").Bind(request.Publisher).Bind(request.Key)
            .First(static row => (row.Lead(0), row.Blob(1)));
        return hash is null ? null : (lead, hash);
    }

    private RecordedLead? Recorded(LeadId id) => FindLead(id) is { } lead ? Recorded(id, lead) : null;

    private static RecordedLead Recorded(LeadId id, Lead lead) => new(id, lead.State, lead.PostHash, lead.Answer);
}
