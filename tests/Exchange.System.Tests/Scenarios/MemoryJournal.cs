using Exchange.Engine;
using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Storage;

namespace Exchange.System.Tests.Scenarios;

/// <summary>One copy as the journal remembers it.</summary>
internal sealed class MemoryCopy
{
    public required LeadId Lead { get; init; }
    public required NewCopy Made { get; init; }
    public required Subject Subject { get; init; }
    public required long AtMs { get; init; }
    public CopyState State { get; set; }

    /// <summary>Holds its places and money: everything but a void gives nothing back.</summary>
    public bool Counts => State is CopyState.Held or CopyState.InDoubt or CopyState.Captured or CopyState.Reversed;
}

/// <summary>
/// The journal's rules over lists, as plainly as can be: nothing is counted ahead. Whatever a limit has used is summed up from the copies each time it is
/// asked, so a cap that was set in mid-period is right without being told. The takes that an item brings must say the same.
/// </summary>
internal sealed class MemoryJournal
{
    private readonly List<Transfer> transfers = [];
    /// <summary>Leads by whether they are posted; those of firm trees are there from their ping on.</summary>
    private readonly Dictionary<LeadId, bool> leads = [];
    private readonly List<(LeadId Lead, int Copy, string Scope, string Hmac, long AtMs)> persons = [];

    public CatalogModel Model { get; set; } = null!;
    public List<MemoryCopy> Copies { get; } = [];
    /// <summary>Of each item's lead: what conditions of caps are asked about. Set before the item comes.</summary>
    public Subject Subject { get; set; } = null!;

    public bool IsPosted(LeadId lead) => leads.GetValueOrDefault(lead);

    public void Fund(string buyer, Money amount) => transfers.Add(new("fund", "bank", "buyer:" + buyer, amount));

    public Money BalanceOf(string account)
    {
        var sum = Money.Zero;
        foreach (var transfer in transfers)
        {
            if (transfer.Credit == account) sum += transfer.Amount;
            if (transfer.Debit == account) sum -= transfer.Amount;
        }
        return sum;
    }

    public LimitReading Read(LimitModel limit, long unixSeconds, string? value)
    {
        limit.KeyAt(unixSeconds, out var window);
        if (limit.Kind == LimitKind.Gate) return new(limit.Limit, 0, 0);
        var (used, held) = (0L, 0L);
        foreach (var copy in Copies)
        {
            if (!copy.Counts || copy.State == CopyState.Reversed && (limit.Kind == LimitKind.Balance || limit.CountsKept)) continue;
            if (!window.Contains(copy.AtMs / 1000) || !IsOf(limit, copy) || !limit.Counts(copy.Subject) || limit.ValueOf(copy.Subject) != value) continue;
            var amount = limit.AmountOf(copy.Made.Price, copy.Made.Payout);
            if (copy.State is CopyState.Captured or CopyState.Reversed) used += amount; else held += amount;
        }
        if (limit.Kind != LimitKind.Balance) return new(limit.RowLimitIn(window), used, held);
        var paidIn = Money.Zero;
        foreach (var transfer in transfers) if (transfer.Kind == "fund" && transfer.Credit == "buyer:" + limit.Owner) paidIn += transfer.Amount;
        return new(checked(limit.Limit + paidIn.Micros), used, held);
    }

    public bool HasPerson(string scope, ReadOnlySpan<byte> hmac, long sinceMs, LeadId? but = null)
    {
        var text = Convert.ToHexString(hmac);
        return persons.Exists(person => person.Scope == scope && person.Hmac == text && person.AtMs >= sinceMs && person.Lead != but);
    }

    public long SoldBy(string tier, string campaign, long sinceMs) =>
        Copies.LongCount(copy => copy.Counts && copy.Made.Tier == tier && copy.Made.Campaign == campaign && copy.AtMs > sinceMs);

    /// <summary>What every counter of the model says in the windows of this moment, as a full read of the rows would.</summary>
    public IEnumerable<CounterValue> Rows(long unixSeconds)
    {
        foreach (var limit in Model.Limits)
        {
            if (!limit.IsTake || limit.Kind == LimitKind.Gate) continue;
            var values = limit.Each is null ? [null] : Copies.Where(copy => IsOf(limit, copy)).Select(copy => limit.ValueOf(copy.Subject)).Distinct().ToArray();
            foreach (var value in values)
            {
                var reading = Read(limit, unixSeconds, value);
                yield return new(limit.KeyAt(unixSeconds, out _, value), limit.Id, reading.Limit, reading.Used, reading.Held);
            }
        }
    }

    /// <summary>The told order of refusals: the lead, ends, persons of the lead, of ends, of starts, takes, free copies.</summary>
    public Verdict Apply(JournalItem item)
    {
        var known = leads.TryGetValue(item.Lead, out var posted);
        if (item.New is not null && known || item.Post is not null && posted) return new(VerdictCode.AlreadyPosted);
        Invariant.Require(item.New is not null || known);
        foreach (var end in item.Ends)
        {
            var state = Of(item.Lead, end.No).State;
            var isOpen = end.Move == CopyMove.Reverse ? state == CopyState.Captured : state is CopyState.Held or CopyState.InDoubt;
            if (!isOpen) return new(state == After(end.Move) ? VerdictCode.AlreadyThere : VerdictCode.EndedOtherwise);
        }
        if (item.Persons.Any(claim => IsSeen(item, claim))) return new(VerdictCode.PersonSeen);
        for (var e = 0; e < item.Ends.Length; e++)
            if (Array.FindIndex(item.Ends[e].Persons, claim => IsSeen(item, claim)) is >= 0 and var p) return new(VerdictCode.PersonSeen, e, p) { OfEnd = true };
        for (var c = 0; c < item.Starts.Length; c++)
            if (Array.FindIndex(item.Starts[c].Persons, claim => IsSeen(item, claim)) is >= 0 and var p) return new(VerdictCode.PersonSeen, c, p);

        // A void gives its room back before the next rank's hold is measured; if that does not fit, nothing has happened.
        var before = item.Ends.ToDictionary(end => end.No, end => Of(item.Lead, end.No).State);
        foreach (var end in item.Ends) Of(item.Lead, end.No).State = After(end.Move);
        var count = Copies.Count;
        if (Starts(item) is { } refused)
        {
            Copies.RemoveRange(count, Copies.Count - count);
            foreach (var (no, state) in before) Of(item.Lead, no).State = state;
            return refused;
        }
        leads[item.Lead] = posted || item.Post is not null || item.New is { OfferUntilMs: 0 };
        foreach (var claim in item.Persons) Claim(item, claim, 0);
        foreach (var end in item.Ends)
        {
            transfers.AddRange(end.Transfers);
            if (end.Move is CopyMove.Void or CopyMove.Expire) persons.RemoveAll(person => person.Lead == item.Lead && person.Copy == end.No);
            foreach (var claim in end.Persons) Claim(item, claim, end.No);
        }
        foreach (var start in item.Starts)
        {
            transfers.AddRange(start.Transfers);
            foreach (var claim in start.Persons) Claim(item, claim, start.No);
        }
        if (item.ReleasePersons) persons.RemoveAll(person => person.Lead == item.Lead);
        return new(VerdictCode.Done);
    }

    private Verdict? Starts(JournalItem item)
    {
        for (var c = 0; c < item.Starts.Length; c++)
        {
            var start = item.Starts[c];
            for (var t = 0; t < start.Takes.Length; t++) if (!Fits(start, start.Takes[t], item.AtMs / 1000)) return new(VerdictCode.Refused, c, t);
            Copies.Add(new MemoryCopy
            {
                Lead = item.Lead, Made = start, AtMs = item.AtMs, State = start.Move == CopyMove.Sell ? CopyState.Captured : CopyState.Held,
                // However long ago the lead came: a place is of the moment in which it is taken.
                Subject = Subject.At(DateTimeOffset.FromUnixTimeMilliseconds(item.AtMs)),
            });
        }
        for (var c = 0; c < item.Starts.Length; c++)
        {
            var start = item.Starts[c];
            var open = Copies.Where(copy => copy.Lead == item.Lead && copy.Made.No != start.No && copy.Counts);
            if (open.Any(copy => copy.Made.Company == start.Company || copy.Made.Exclusive || start.Exclusive)) return new(VerdictCode.NoFreeCopy, c);
        }
        return null;
    }

    private bool IsSeen(JournalItem item, PersonClaim claim) => HasPerson(claim.Scope, claim.Hmac, claim.SinceMs, item.Lead);

    private bool Fits(NewCopy start, Take take, long unixSeconds)
    {
        // A gate that is not of this catalog is closed.
        if (Model.Limits.FirstOrDefault(limit => limit.Id == take.LimitId) is not { } limit) return false;
        Invariant.Require(take.Amount == limit.AmountOf(start.Price, start.Payout));
        Invariant.Require(take.Key == limit.KeyAt(unixSeconds, out _, limit.ValueOf(Subject)));
        return Read(limit, unixSeconds, limit.ValueOf(Subject)).Left >= take.Amount;
    }

    private void Claim(JournalItem item, PersonClaim claim, int copy) => persons.Add((item.Lead, copy, claim.Scope, Convert.ToHexString(claim.Hmac), item.AtMs));

    private MemoryCopy Of(LeadId lead, int no) => Copies.First(copy => copy.Lead == lead && copy.Made.No == no);

    private static bool IsOf(LimitModel limit, MemoryCopy copy) => limit.Scope switch
    {
        CapScope.Campaign => copy.Made.Campaign == limit.Owner,
        CapScope.Buyer => copy.Made.Buyer == limit.Owner,
        CapScope.Tree => copy.Made.Trees.Contains(limit.Owner),
        _ => copy.Subject.Publisher == limit.Owner,
    };

    private static CopyState After(CopyMove move) => move switch
    {
        CopyMove.Capture => CopyState.Captured,
        CopyMove.Void => CopyState.Voided,
        CopyMove.Expire => CopyState.Expired,
        CopyMove.Doubt => CopyState.InDoubt,
        CopyMove.Call => CopyState.Held,
        CopyMove.Reverse => CopyState.Reversed,
        _ => throw new InvariantException("not an end"),
    };
}
