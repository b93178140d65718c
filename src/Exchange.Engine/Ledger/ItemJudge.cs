using Exchange.Engine.Values;

namespace Exchange.Engine.Ledger;

/// <summary>
/// The first half of judging an item: everything that only its own lead, request key and persons decide. It reads and changes nothing. The second
/// half, whether the takes fit, is <see cref="CounterFence"/>'s or a database's, because those rows are everybody's.
/// </summary>
/// <remarks>Told in the order of <see cref="JournalItem"/>'s remarks: request, lead, ends, starts, persons; the fence: takes, then free copies.</remarks>
public static class ItemJudge
{
    /// <summary>Null: <paramref name="verdict"/> says why there is nothing to write. An item that can never be right throws <see cref="InvariantException"/>.</summary>
    public static ItemPlan? Judge(JournalItem item, IJudgedRows rows, out Verdict verdict)
    {
        RequireShape(item);
        if (JudgeRequest(item, rows) is { } keyed) return Told(keyed, out verdict);
        var lead = rows.FindLead(item.Lead);
        if (JudgeLead(item, lead) is { } known) return Told(known, out verdict);

        var copies = item.New is null ? rows.CopiesOf(item.Lead) : [];
        if (JudgeEnds(item, copies, lead, out var ends) is { } ended) return Told(ended, out verdict);
        if (JudgeStarts(item, copies, lead, out var starts) is { } started) return Told(started, out verdict);
        if (IsThere(item, lead, copies, ends, starts)) return Told(new(VerdictCode.AlreadyThere, Existing: lead!.Recorded), out verdict);

        if (item.EndsWait?.Fence != lead?.WaitFence) return Told(new(VerdictCode.EndedOtherwise, Existing: lead?.Recorded), out verdict);
        // A no that was recorded, and perhaps answered, is never taken back; only the post of an offer that ran out begins anew.
        if (lead is { State: LeadState.Unsold } && item.Post is null && starts.Count > 0) return Told(new(VerdictCode.EndedOtherwise, Existing: lead.Recorded), out verdict);
        // Whoever goes on to the next in rank does not know it yet.
        if (lead is { IsErased: true } && item.Post is null && starts.Count > 0) return Told(new(VerdictCode.EndedOtherwise, Existing: lead.Recorded), out verdict);
        if (!IsAsSeen(item, copies)) return Told(new(VerdictCode.EndedOtherwise, Existing: lead?.Recorded), out verdict);
        var stillOpen = copies.Where(copy => copy.IsOpen && !ends.Exists(end => end.Copy == copy && end.Closes)).ToList();
        if (item.State == LeadState.Unsold && stillOpen.Count + starts.Count > 0)
            return Told(new(VerdictCode.EndedOtherwise, Existing: lead?.Recorded), out verdict);
        Invariant.Require(item.Post is null || !stillOpen.Exists(copy => !copy.IsCalled && !ends.Exists(end => end.Copy == copy)),
            "a post leaves no copy held that nobody will call");
        if (JudgePersons(item, rows, ends, starts) is { } seen) return Told(seen, out verdict);

        verdict = new(VerdictCode.Done);
        return new ItemPlan
        {
            Item = item, Ends = ends, Starts = starts,
            NoFreeCopy = FirstNotFree(stillOpen, starts, item.New?.MaxCopies ?? item.Post?.MaxCopies ?? lead!.MaxCopies),
            OpenCopies = stillOpen.Count + starts.Count,
            OpenExclusive = stillOpen.Exists(copy => copy.Exclusive) || starts.Exists(start => start.Copy.Exclusive),
            Publisher = item.New?.Publisher ?? lead!.Publisher,
            IsPosted = item.Post is not null || (item.New is { } first ? first.OfferUntilMs == 0 : lead!.IsPosted),
        };
    }

    /// <summary>What every item is, whatever the rows say; what is not so is a bug of whoever made it.</summary>
    private static void RequireShape(JournalItem item)
    {
        Invariant.Require(item.New is null || item.Post is null, "a lead is new or it was held before");
        Invariant.Require(item.New is null || item.Ends.Length == 0, "a new lead has no copies to end");
        Invariant.Require(item.New is null || item.New.OfferUntilMs > 0 == (item.New.PostHash.Length == 0), "what was posted has its hash, an offer has none");
        Invariant.Require(item.New is not { OfferUntilMs: > 0 } || Array.TrueForAll(item.Starts, static start => start.Move == CopyMove.Hold), "nothing is sold before the post");
        Invariant.Require(item.IsReturn ? item is { Starts.Length: 0, Post: null, Answer: null, Persons.Length: 0 } : !Array.Exists(item.Ends, static end => end.Move == CopyMove.Reverse),
            "returns come alone");
        for (var i = 1; i < item.Ends.Length; i++)
            for (var j = 0; j < i; j++) Invariant.Require(item.Ends[i].No != item.Ends[j].No, "a copy ends once in an item");
        Invariant.Require(!Array.Exists(item.Ends, static end => end.Price is not null && end.Move != CopyMove.Capture), "only a capture has a price of its own");
        Invariant.Require(!item.IfTaken || item is { Starts.Length: 0, State: LeadState.Unsold, Reason: Reason.Duplicate, Persons.Length: > 0 }, "only a duplicate's no depends on who has its person");
        Invariant.Require(item.Wait is null || item is { Starts.Length: 0, State: LeadState.Open }, "a lead that waits is open and starts nothing");
        foreach (var start in item.Starts)
        {
            Invariant.Require(start.Move is CopyMove.Sell or CopyMove.Hold, "a copy starts by a sell or a hold");
            Invariant.Require(Array.TrueForAll(start.Takes, static take => take.Amount >= 0), "a take is not negative");
        }
    }

    private static Verdict? JudgeRequest(JournalItem item, IJudgedRows rows)
    {
        for (var request = item.Request; request is not null; request = request.Also)
        {
            if (rows.FindRequest(request) is not { } claimed) continue;
            var isSame = claimed.Hash.AsSpan().SequenceEqual(request.BodyHash);
            if (isSame && item.New is null && item.Post is null && claimed.Lead == item.Lead) continue;
            return new(isSame ? VerdictCode.AlreadyThere : VerdictCode.KeyReused, Existing: rows.FindLead(claimed.Lead)?.Recorded);
        }
        return null;
    }

    /// <summary>A lead begins once and is posted once: by its first item, or by the post of what was held at its ping.</summary>
    private static Verdict? JudgeLead(JournalItem item, JudgedLead? lead)
    {
        Invariant.Require(item.New is not null || lead is not null, "an item of a lead that is not there");
        var hash = item.New?.PostHash ?? item.Post?.PostHash;
        if (hash is null || lead is null || item.Post is not null && !lead.IsPosted) return null;
        // An offer that comes again finds itself, posted meanwhile or not.
        var isSame = hash.Length == 0 || lead.PostHash.AsSpan().SequenceEqual(hash);
        return new(isSame ? VerdictCode.AlreadyThere : VerdictCode.AlreadyPosted, Existing: lead.Recorded);
    }

    private static Verdict? JudgeEnds(JournalItem item, IReadOnlyList<JudgedCopy> copies, JudgedLead? lead, out List<PlannedEnd> ends)
    {
        ends = [];
        for (var i = 0; i < item.Ends.Length; i++)
        {
            var end = item.Ends[i];
            var copy = Find(copies, end.No);
            Invariant.Require(copy is not null, "the end of a copy that is not there");
            switch (end.From is { } from && copy.IsOpen && copy.State != from ? VerdictCode.EndedOtherwise : Judge(copy, end.Move))
            {
                case VerdictCode.Done: ends.Add(new(i, end, copy)); break;
                case VerdictCode.EndedOtherwise: return new Verdict(VerdictCode.EndedOtherwise, i, Existing: lead!.Recorded) { OfEnd = true };
            }
        }
        return null;
    }

    /// <summary>Done: to be done; AlreadyThere; EndedOtherwise. Only a copy that was never called expires or is called first.</summary>
    private static VerdictCode Judge(JudgedCopy copy, CopyMove move) => (move, copy.State) switch
    {
        (CopyMove.Capture, CopyState.Held or CopyState.InDoubt) => VerdictCode.Done,
        (CopyMove.Capture, CopyState.Captured or CopyState.Reversed) => VerdictCode.AlreadyThere,
        (CopyMove.Void, CopyState.Held or CopyState.InDoubt) => VerdictCode.Done,
        (CopyMove.Void, CopyState.Voided) => VerdictCode.AlreadyThere,
        (CopyMove.Expire, CopyState.Held) when !copy.IsCalled => VerdictCode.Done,
        (CopyMove.Expire, CopyState.Expired) => VerdictCode.AlreadyThere,
        (CopyMove.Doubt, CopyState.Held) => VerdictCode.Done,
        (CopyMove.Doubt, CopyState.InDoubt) => VerdictCode.AlreadyThere,
        (CopyMove.Call, CopyState.Held) => copy.IsCalled ? VerdictCode.AlreadyThere : VerdictCode.Done,
        (CopyMove.Reverse, CopyState.Captured) => VerdictCode.Done,
        (CopyMove.Reverse, CopyState.Reversed) => VerdictCode.AlreadyThere,
        (CopyMove.Capture or CopyMove.Void or CopyMove.Expire or CopyMove.Doubt or CopyMove.Call or CopyMove.Reverse, _) => VerdictCode.EndedOtherwise,
        _ => throw new InvariantException("a copy ends by a capture, a void, an expiry, a doubt or a return"),
    };

    private static Verdict? JudgeStarts(JournalItem item, IReadOnlyList<JudgedCopy> copies, JudgedLead? lead, out List<PlannedStart> starts)
    {
        starts = [];
        for (var i = 0; i < item.Starts.Length; i++)
        {
            var start = item.Starts[i];
            var same = Find(copies, start.No);
            if (same is null) starts.Add(new(i, start));
            else if (same.Campaign != start.Campaign || same.OfferId != start.OfferId) return new(VerdictCode.EndedOtherwise, i, Existing: lead!.Recorded);
        }
        return null;
    }

    /// <summary>All of it is there, and nothing else has moved: else whoever slept through it would tell an outcome that is over.</summary>
    private static bool IsThere(JournalItem item, JudgedLead? lead, IReadOnlyList<JudgedCopy> copies, List<PlannedEnd> ends, List<PlannedStart> starts) =>
        lead is not null && item.Post is null && ends.Count == 0 && starts.Count == 0
        && (item.Ends.Length + item.Starts.Length > 0 && IsAsSeen(item, copies)
            || item.Ends.Length + item.Starts.Length == 0 && (item.Wait is null || item.EndsWait?.Fence != lead.WaitFence) && lead.State == item.State && lead.Reason == item.Reason && (item.Answer is null || item.Answer.AsSpan().SequenceEqual(lead.Answer)));

    /// <summary>State and answer of an item are those of all copies: none of the others may have moved unseen.</summary>
    private static bool IsAsSeen(JournalItem item, IReadOnlyList<JudgedCopy> copies)
    {
        if (item.Seen is not { } seen) return true;
        var others = 0;
        foreach (var copy in copies)
        {
            if (!copy.IsOpen || Array.Exists(item.Ends, end => end.No == copy.No) || Array.Exists(item.Starts, start => start.No == copy.No)) continue;
            // One that came back is a sale that stands in the answer.
            if (Array.IndexOf(seen, new(copy.No, copy.State == CopyState.Reversed ? CopyState.Captured : copy.State)) < 0) return false;
            others++;
        }
        return others == seen.Length;
    }

    /// <summary>The lead's first: they refuse it whole. Then those of each copy, which refuse that copy.</summary>
    private static Verdict? JudgePersons(JournalItem item, IJudgedRows rows, List<PlannedEnd> ends, List<PlannedStart> starts)
    {
        var own = FirstSeen(rows, item.Lead, item.Persons);
        if (item.IfTaken) return own < 0 ? new Verdict(VerdictCode.PersonFree) : null;
        if (own >= 0) return new Verdict(VerdictCode.PersonSeen, TakeIndex: own);
        foreach (var (index, end, _) in ends)
            if (FirstSeen(rows, item.Lead, end.Persons) is >= 0 and var seen) return new Verdict(VerdictCode.PersonSeen, index, seen) { OfEnd = true };
        foreach (var (index, start) in starts)
            if (FirstSeen(rows, item.Lead, start.Persons) is >= 0 and var seen) return new Verdict(VerdictCode.PersonSeen, index, seen);
        return null;
    }

    private static int FirstSeen(IJudgedRows rows, LeadId lead, PersonClaim[] claims)
    {
        for (var i = 0; i < claims.Length; i++) if (rows.FindPerson(claims[i])?.IsSeen(lead, claims[i].SinceMs) == true) return i;
        return -1;
    }

    /// <summary>The index of the first start that finds no free copy; null if all do.</summary>
    private static int? FirstNotFree(List<JudgedCopy> open, List<PlannedStart> starts, int maxCopies)
    {
        if (starts.Count == 0) return null;
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

    private static JudgedCopy? Find(IReadOnlyList<JudgedCopy> copies, int no)
    {
        foreach (var copy in copies) if (copy.No == no) return copy;
        return null;
    }

    private static ItemPlan? Told(in Verdict told, out Verdict verdict)
    {
        verdict = told;
        return null;
    }
}
