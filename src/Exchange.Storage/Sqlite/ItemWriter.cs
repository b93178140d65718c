using Exchange.Engine;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;

namespace Exchange.Storage.Sqlite;

/// <summary>
/// Applies one journal item to the open transaction. First everything is judged, in the order request, lead, ends, persons, takes, free
/// copies; only then is anything written: a refused item leaves no row and no number changed.
/// </summary>
internal sealed class ItemWriter(Database database, CounterCache counters, SoldSequence sold, CommitNews news, string owner)
{
    private readonly PersonRows persons = new(database, news);
    private readonly ItemRows rows = new(database, counters, sold, owner);
    private readonly List<(Counter Counter, long Used, long Held)> moves = [];

    public Verdict Apply(JournalItem item)
    {
        moves.Clear();
        var lead = LeadRows.FindLead(database, item.Lead);
        if (JudgeRequest(item) is { } keyed) return keyed;
        if (JudgeLead(item, lead) is { } known) return known;

        var copies = item.New is null ? LeadRows.FindCopies(database, item.Lead) : [];
        List<(int Index, CopyEnd End, JudgedCopy Copy)> ends = [];
        for (var i = 0; i < item.Ends.Length; i++)
        {
            var end = item.Ends[i];
            var copy = copies.Find(copy => copy.No == end.No);
            Invariant.Require(copy is not null, "the end of a copy that is not there");
            switch (Judge(copy, end.Move))
            {
                case VerdictCode.Done: ends.Add((i, end, copy)); break;
                case VerdictCode.EndedOtherwise: return new(VerdictCode.EndedOtherwise, i, Existing: lead!.Recorded) { OfEnd = true };
            }
        }
        List<(int Index, NewCopy Copy)> starts = [];
        for (var i = 0; i < item.Starts.Length; i++)
        {
            var start = item.Starts[i];
            Invariant.Require(start.Move is CopyMove.Sell or CopyMove.Hold, "a copy starts by a sell or a hold");
            var same = copies.Find(copy => copy.No == start.No);
            if (same is null) starts.Add((i, start));
            else if (same.Campaign != start.Campaign || same.OfferId != start.OfferId) return new(VerdictCode.EndedOtherwise, i, Existing: lead!.Recorded);
        }

        var named = item.Ends.Length + item.Starts.Length;
        if (lead is not null && item.Post is null && ends.Count == 0 && starts.Count == 0
            && (named > 0 || lead.State == item.State && lead.Reason == item.Reason && (item.Answer is null || item.Answer.AsSpan().SequenceEqual(lead.Answer))))
            return new(VerdictCode.AlreadyThere, Existing: lead.Recorded);

        var stillOpen = copies.Where(copy => copy.IsOpen && !ends.Exists(end => end.Copy == copy && Closes(end.End.Move))).ToList();
        if (item.State == LeadState.Unsold && stillOpen.Count + starts.Count > 0)
            return new(VerdictCode.EndedOtherwise, Existing: lead?.Recorded);
        Invariant.Require(item.Post is null || !stillOpen.Exists(copy => !copy.IsCalled && !ends.Exists(end => end.Copy == copy)),
            "a post leaves no copy held that nobody will call");

        if (JudgePersons(item, ends, starts) is { } seen) return seen;

        foreach (var (_, end, copy) in ends) MoveEnd(end.Move, copy.Takes);
        foreach (var (index, start) in starts)
            for (var t = 0; t < start.Takes.Length; t++)
                if (!MoveStart(start.Move, start.Takes[t]))
                {
                    Undo();
                    return new(VerdictCode.Refused, index, t);
                }

        var maxCopies = item.New?.MaxCopies ?? item.Post?.MaxCopies ?? lead!.MaxCopies;
        if (NoFreeCopy(stillOpen, starts, maxCopies) is { } taken)
        {
            Undo();
            return new(VerdictCode.NoFreeCopy, taken);
        }

        var open = stillOpen.Count + starts.Count;
        var exclusive = stillOpen.Exists(copy => copy.Exclusive) || starts.Exists(start => start.Copy.Exclusive);
        rows.WriteLead(item, open, exclusive);
        if (item.ReleasePersons) persons.Free(item.Lead);
        else persons.Claim(item.Lead, 0, item.Persons, item.AtMs);
        // Ends before starts: a voided copy frees its company and its persons for the next rank.
        foreach (var (_, end, copy) in ends) WriteEnd(item, end, copy);
        var isPosted = item.Post is not null || (item.New is { } first ? first.OfferUntilMs == 0 : lead!.IsPosted);
        foreach (var (_, start) in starts) WriteStart(item, start, item.New?.Publisher ?? lead!.Publisher, isPosted);
        return new(VerdictCode.Done);
    }

    private Verdict? JudgeRequest(JournalItem item)
    {
        if (item.Request is not { } request || LeadRows.FindRequest(database, request) is not { } claimed) return null;
        var isSame = claimed.Hash.AsSpan().SequenceEqual(request.BodyHash);
        if (isSame && item.New is null && item.Post is null && claimed.Lead == item.Lead) return null;
        return new(isSame ? VerdictCode.AlreadyThere : VerdictCode.KeyReused, Existing: LeadRows.FindLead(database, claimed.Lead)?.Recorded);
    }

    /// <summary>A lead begins once and is posted once: by its first item, or by the post of what was held at its ping.</summary>
    private static Verdict? JudgeLead(JournalItem item, JudgedLead? lead)
    {
        Invariant.Require(item.New is null || item.Post is null, "a lead is new or it was held before");
        Invariant.Require(item.New is null || item.Ends.Length == 0, "a new lead has no copies to end");
        Invariant.Require(item.New is null || item.New.OfferUntilMs > 0 == (item.New.PostHash.Length == 0), "what was posted has its hash, an offer has none");
        Invariant.Require(item.New is not { OfferUntilMs: > 0 } || Array.TrueForAll(item.Starts, static start => start.Move == CopyMove.Hold), "nothing is sold before the post");
        Invariant.Require(item.New is not null || lead is not null, "an item of a lead that is not there");
        var hash = item.New?.PostHash ?? item.Post?.PostHash;
        if (hash is null || lead is null || item.Post is not null && !lead.IsPosted) return null;
        // An offer that comes again finds itself, posted meanwhile or not.
        var isSame = hash.Length == 0 || lead.PostHash.AsSpan().SequenceEqual(hash);
        return new(isSame ? VerdictCode.AlreadyThere : VerdictCode.AlreadyPosted, Existing: lead.Recorded);
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
        (CopyMove.Capture or CopyMove.Void or CopyMove.Expire or CopyMove.Doubt or CopyMove.Call, _) => VerdictCode.EndedOtherwise,
        _ => throw new InvariantException("a copy ends by a capture, a void, an expiry or a doubt"),
    };

    private static bool Closes(CopyMove move) => move is CopyMove.Void or CopyMove.Expire;

    /// <summary>The lead's first: they refuse it whole. Then those of each copy, which refuse that copy.</summary>
    private Verdict? JudgePersons(JournalItem item, List<(int Index, CopyEnd End, JudgedCopy Copy)> ends, List<(int Index, NewCopy Copy)> starts)
    {
        if (persons.FirstSeen(item.Lead, item.Persons) is >= 0 and var own) return new Verdict(VerdictCode.PersonSeen, TakeIndex: own);
        foreach (var (index, end, _) in ends)
            if (persons.FirstSeen(item.Lead, end.Persons) is >= 0 and var seen) return new Verdict(VerdictCode.PersonSeen, index, seen) { OfEnd = true };
        foreach (var (index, start) in starts)
            if (persons.FirstSeen(item.Lead, start.Persons) is >= 0 and var seen) return new Verdict(VerdictCode.PersonSeen, index, seen);
        return null;
    }

    private void MoveEnd(CopyMove move, byte[] takes)
    {
        if (move is CopyMove.Doubt or CopyMove.Call) return;
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
    private static int? NoFreeCopy(List<JudgedCopy> open, List<(int Index, NewCopy Copy)> starts, int maxCopies)
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

    private void WriteEnd(JournalItem item, CopyEnd end, JudgedCopy copy)
    {
        rows.WriteEnd(item, end);
        if (Closes(end.Move))
        {
            persons.Free(item.Lead, end.No);
            news.Fell(item.Lead, copy.Tier, copy.Campaign, copy.AtMs);
        }
        else persons.Claim(item.Lead, end.No, end.Persons, item.AtMs);
    }

    private void WriteStart(JournalItem item, NewCopy start, string publisher, bool isPosted)
    {
        rows.WriteStart(item, start, publisher, isPosted);
        persons.Claim(item.Lead, start.No, start.Persons, item.AtMs);
        news.Started(item.Lead, start, item.AtMs);
    }
}
