using Exchange.Engine;
using Exchange.Engine.Caps;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;

namespace Exchange.System.Tests.Storage;

/// <summary>
/// What a journal item does, written as plainly as can be: one after the other over lists, everything looked at before anything changes. Without
/// request keys, money and deliveries. The twin that every store is tried against.
/// </summary>
internal sealed class NaiveStore(Func<string, long> limitOf)
{
    public sealed class Copy(NewCopy made)
    {
        public NewCopy Made => made;
        public CopyState State { get; set; }
        public bool Called { get; set; }
        public bool IsOpen => State is CopyState.Held or CopyState.InDoubt or CopyState.Captured or CopyState.Reversed;
    }

    public sealed class Lead
    {
        public string? Post { get; set; }
        public int MaxCopies { get; set; }
        public LeadState State { get; set; }
        public Reason Reason { get; set; }
        public List<Copy> Copies { get; } = [];
    }

    private sealed record Claim(string Who, LeadId Lead, int No, long AtMs);

    private readonly List<Claim> claims = [];

    public Dictionary<LeadId, Lead> Leads { get; } = [];
    public Dictionary<string, (long Used, long Held)> Counters { get; } = [];

    /// <summary>The newest claim of each person.</summary>
    public IEnumerable<(string Who, long AtMs)> Persons => claims.GroupBy(claim => claim.Who).Select(group => (group.Key, group.Last().AtMs));

    public static string Who(string scope, byte[] hmac) => scope + " " + Convert.ToHexString(hmac);

    public Verdict Apply(JournalItem item)
    {
        var lead = Leads.GetValueOrDefault(item.Lead);
        if (item.New is null && lead is null) throw new InvariantException("no such lead");
        if (item.New is not null && lead is not null)
            return new(item.New.PostHash.Length == 0 || Text(item.New.PostHash) == lead.Post ? VerdictCode.AlreadyThere : VerdictCode.AlreadyPosted);
        if (item.Post is not null && lead!.Post is not null) return new(Text(item.Post.PostHash) == lead.Post ? VerdictCode.AlreadyThere : VerdictCode.AlreadyPosted);

        List<(int Index, CopyEnd End, Copy Copy)> ends = [];
        for (var i = 0; i < item.Ends.Length; i++)
        {
            var end = item.Ends[i];
            var copy = lead!.Copies.Find(copy => copy.Made.No == end.No) ?? throw new InvariantException("no such copy");
            if (IsThere(copy, end.Move)) continue;
            if (!MayMove(copy, end.Move)) return new(VerdictCode.EndedOtherwise, i) { OfEnd = true };
            ends.Add((i, end, copy));
        }
        List<(int Index, NewCopy Copy)> starts = [];
        for (var i = 0; i < item.Starts.Length; i++)
        {
            var start = item.Starts[i];
            var same = lead?.Copies.Find(copy => copy.Made.No == start.No);
            if (same is null) starts.Add((i, start));
            else if (same.Made.Campaign != start.Campaign) return new(VerdictCode.EndedOtherwise, i);
        }
        if (lead is not null && item.Post is null && ends.Count + starts.Count == 0 && (item.Ends.Length + item.Starts.Length > 0 || (lead.State, lead.Reason) == (item.State, item.Reason)))
            return new(VerdictCode.AlreadyThere);
        if (lead is { State: LeadState.Unsold } && item.Post is null && starts.Count > 0) return new(VerdictCode.EndedOtherwise);
        var fallen = ends.Where(end => end.End.Move is CopyMove.Void or CopyMove.Expire).Select(end => end.Copy).ToList();
        var open = (lead?.Copies ?? []).Where(copy => copy.IsOpen && !fallen.Contains(copy)).ToList();
        if (item.State == LeadState.Unsold && open.Count + starts.Count > 0) return new(VerdictCode.EndedOtherwise);
        if (item.Post is not null && open.Exists(copy => !copy.Called && !ends.Exists(end => end.Copy == copy))) throw new InvariantException("left held");

        if (Seen(item.Lead, item.Persons) is { } own) return new(VerdictCode.PersonSeen, TakeIndex: own);
        foreach (var (index, end, _) in ends) if (Seen(item.Lead, end.Persons) is { } seen) return new(VerdictCode.PersonSeen, index, seen) { OfEnd = true };
        foreach (var (index, start) in starts) if (Seen(item.Lead, start.Persons) is { } seen) return new(VerdictCode.PersonSeen, index, seen);

        var counters = new Dictionary<string, (long Used, long Held)>(Counters);
        foreach (var (_, end, copy) in ends.Where(end => end.End.Move is not (CopyMove.Doubt or CopyMove.Call)))
            foreach (var take in copy.Made.Takes.Where(take => end.Move != CopyMove.Reverse || LimitNames.IsGivenBack(take.LimitId)))
                counters[take.Key] = end.Move == CopyMove.Reverse
                    ? (counters[take.Key].Used - take.Amount, counters[take.Key].Held)
                    : (counters[take.Key].Used + (end.Move == CopyMove.Capture ? take.Amount : 0), counters[take.Key].Held - take.Amount);
        foreach (var (index, start) in starts)
            for (var t = 0; t < start.Takes.Length; t++)
            {
                var take = start.Takes[t];
                var (used, held) = counters.GetValueOrDefault(take.Key);
                if (used + held + take.Amount > limitOf(take.LimitId)) return new(VerdictCode.Refused, index, t);
                counters[take.Key] = start.Move == CopyMove.Sell ? (used + take.Amount, held) : (used, held + take.Amount);
            }
        var maxCopies = item.New?.MaxCopies ?? item.Post?.MaxCopies ?? lead!.MaxCopies;
        var there = open.Select(copy => copy.Made).ToList();
        foreach (var (index, start) in starts)
        {
            there.Add(start);
            if (there.Count > maxCopies || there.Count > 1 && there.Exists(copy => copy.Exclusive) || there.Count(copy => copy.Company == start.Company) > 1)
                return new(VerdictCode.NoFreeCopy, index);
        }

        lead ??= Leads[item.Lead] = new();
        foreach (var (key, value) in counters) Counters[key] = value;
        if (item.New is not null) lead.Post = item.New.PostHash.Length == 0 ? null : Text(item.New.PostHash);
        if (item.Post is not null) lead.Post = Text(item.Post.PostHash);
        if (!item.IsReturn) (lead.MaxCopies, lead.State, lead.Reason) = (maxCopies, item.State, item.Reason);
        if (item.ReleasePersons) claims.RemoveAll(claim => claim.Lead == item.Lead);
        else Take(item, 0, item.Persons);
        foreach (var (_, end, copy) in ends)
        {
            if (fallen.Contains(copy)) claims.RemoveAll(claim => claim.Lead == item.Lead && claim.No == end.No);
            else Take(item, end.No, end.Persons);
            if (end.Move is CopyMove.Call or CopyMove.Capture or CopyMove.Doubt) copy.Called = true;
            if (end.Move == CopyMove.Call) continue;
            copy.State = end.Move switch { CopyMove.Capture => CopyState.Captured, CopyMove.Void => CopyState.Voided, CopyMove.Expire => CopyState.Expired, CopyMove.Reverse => CopyState.Reversed, _ => CopyState.InDoubt };
        }
        foreach (var (_, start) in starts)
        {
            lead.Copies.Add(new(start) { State = start.Move == CopyMove.Sell ? CopyState.Captured : CopyState.Held, Called = lead.Post is not null });
            Take(item, start.No, start.Persons);
        }
        return new(VerdictCode.Done);
    }

    private static bool IsThere(Copy copy, CopyMove move) => move switch
    {
        CopyMove.Capture => copy.State is CopyState.Captured or CopyState.Reversed,
        CopyMove.Reverse => copy.State == CopyState.Reversed,
        CopyMove.Void => copy.State == CopyState.Voided,
        CopyMove.Expire => copy.State == CopyState.Expired,
        CopyMove.Doubt => copy.State == CopyState.InDoubt,
        _ => copy is { State: CopyState.Held, Called: true },
    };

    private static bool MayMove(Copy copy, CopyMove move) => move switch
    {
        CopyMove.Capture or CopyMove.Void => copy.State is CopyState.Held or CopyState.InDoubt,
        CopyMove.Expire => copy is { State: CopyState.Held, Called: false },
        CopyMove.Reverse => copy.State == CopyState.Captured,
        _ => copy.State == CopyState.Held,
    };

    private int? Seen(LeadId lead, PersonClaim[] wanted)
    {
        for (var i = 0; i < wanted.Length; i++)
            if (claims.Exists(claim => claim.Who == Who(wanted[i].Scope, wanted[i].Hmac) && claim.Lead != lead && claim.AtMs >= wanted[i].SinceMs)) return i;
        return null;
    }

    /// <summary>Of each person the newest claim is kept, and the one before it.</summary>
    private void Take(JournalItem item, int no, PersonClaim[] wanted)
    {
        foreach (var person in wanted)
        {
            var who = Who(person.Scope, person.Hmac);
            if (claims.FindLast(claim => claim.Who == who)?.Lead == item.Lead) continue;
            claims.Add(new(who, item.Lead, no, item.AtMs));
            if (claims.Count(claim => claim.Who == who) > 2) claims.Remove(claims.Find(claim => claim.Who == who)!);
        }
    }

    private static string Text(byte[] bytes) => Convert.ToHexString(bytes);
}
