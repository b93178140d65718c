using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;

namespace Exchange.Engine.Tests.Leads;

/// <summary>
/// The journal's rules written as plainly as can be: one item after the other over dictionaries, everything checked before anything changes.
/// It is the twin that the machine is tried against, and refuses whatever would break a law, whoever asks.
/// </summary>
internal sealed class NaiveJournal(CatalogModel model)
{
    public sealed class Copy
    {
        public required NewCopy Made { get; init; }
        public CopyState State { get; set; }
        public bool IsCalled { get; set; }
    }

    public sealed class Lead
    {
        public Dictionary<int, Copy> Copies { get; } = [];
        public int MaxCopies { get; set; }
        public bool IsPosted { get; set; }
        public LeadState State { get; set; }
        public Reason Reason { get; set; }
        public List<PassedOver> PassedOver { get; } = [];
    }

    private readonly Dictionary<string, long> limits = model.Limits.ToDictionary(limit => limit.Id, limit => limit.Limit);

    public Dictionary<string, long> Used { get; } = [];
    public Dictionary<string, long> Held { get; } = [];
    public Dictionary<LeadId, Lead> Leads { get; } = [];
    public List<Transfer> Transfers { get; } = [];
    /// <summary>Who has which person; 0 as the copy's number: the lead itself.</summary>
    public List<(string Scope, string Hmac, LeadId Lead, int No, long AtMs)> Persons { get; } = [];
    /// <summary>What an admin changes while leads are being sold.</summary>
    public void SetLimit(string id, long limit) => limits[id] = limit;
    public long LimitOf(string id) => limits[id];

    public Verdict Apply(JournalItem item)
    {
        var known = Leads.GetValueOrDefault(item.Lead);
        if (item.New is not null && known is not null) return new(VerdictCode.AlreadyPosted);
        Invariant.Require(item.New is not null || known is not null);
        if (item.Post is not null && known!.IsPosted) return new(VerdictCode.AlreadyPosted);

        for (var e = 0; e < item.Ends.Length; e++)
        {
            var copy = known!.Copies[item.Ends[e].No];
            var move = item.Ends[e].Move;
            if (move is CopyMove.Expire or CopyMove.Call && copy is { State: CopyState.Held, IsCalled: true }) return new(VerdictCode.EndedOtherwise, e) { OfEnd = true };
            if (copy.State is not (CopyState.Held or CopyState.InDoubt))
                return copy.State == StateAfter(move) ? new(VerdictCode.AlreadyThere) : new(VerdictCode.EndedOtherwise, e) { OfEnd = true };
        }
        // A post leaves nothing held that nobody will call.
        if (item.Post is not null)
            Invariant.Require(known!.Copies.All(copy => copy.Value.State != CopyState.Held || item.Ends.Any(end => end.No == copy.Key)));
        if (item.IfTaken && !item.Persons.Any(claim => IsSeen(item.Lead, claim))) return new(VerdictCode.PersonFree);
        if (!item.IfTaken && item.Persons.Any(claim => IsSeen(item.Lead, claim))) return new(VerdictCode.PersonSeen);
        for (var e = 0; e < item.Ends.Length; e++)
            if (item.Ends[e].Persons.Any(claim => IsSeen(item.Lead, claim))) return new(VerdictCode.PersonSeen, e) { OfEnd = true };
        for (var c = 0; c < item.Starts.Length; c++)
            if (item.Starts[c].Persons.Any(claim => IsSeen(item.Lead, claim))) return new(VerdictCode.PersonSeen, c);
        // A void gives its room back before the next rank's hold is measured.
        var used = new Dictionary<string, long>(Used);
        var held = new Dictionary<string, long>(Held);
        foreach (var end in item.Ends)
        {
            foreach (var take in known!.Copies[end.No].Made.Takes)
            {
                if (end.Move is CopyMove.Capture or CopyMove.Void or CopyMove.Expire) held[take.Key] = held.GetValueOrDefault(take.Key) - take.Amount;
                if (end.Move == CopyMove.Capture) used[take.Key] = used.GetValueOrDefault(take.Key) + TakenFor(end, take);
            }
        }
        for (var c = 0; c < item.Starts.Length; c++)
        {
            for (var t = 0; t < item.Starts[c].Takes.Length; t++)
            {
                var take = item.Starts[c].Takes[t];
                if (used.GetValueOrDefault(take.Key) + held.GetValueOrDefault(take.Key) + take.Amount > limits[take.LimitId]) return new(VerdictCode.Refused, c, t);
                var side = item.Starts[c].Move == CopyMove.Sell ? used : held;
                side[take.Key] = side.GetValueOrDefault(take.Key) + take.Amount;
            }
        }
        var after = (known?.Copies ?? []).ToDictionary(copy => copy.Key, copy => copy.Value.State);
        foreach (var end in item.Ends) after[end.No] = StateAfter(end.Move);
        foreach (var start in item.Starts)
        {
            var open = (known?.Copies ?? []).Values.Select(copy => copy.Made).Concat(item.Starts)
                .Where(copy => copy.No != start.No && after.GetValueOrDefault(copy.No, CopyState.Held) is CopyState.Held or CopyState.InDoubt or CopyState.Captured).ToArray();
            if (open.Any(copy => copy.Company == start.Company || copy.Exclusive || start.Exclusive) || open.Length >= (item.New?.MaxCopies ?? item.Post?.MaxCopies ?? known!.MaxCopies))
                return new(VerdictCode.NoFreeCopy, Array.IndexOf(item.Starts, start));
        }

        var lead = known ?? (Leads[item.Lead] = new() { MaxCopies = item.New!.MaxCopies, IsPosted = item.New.OfferUntilMs == 0 });
        if (item.Post is { } post) (lead.MaxCopies, lead.IsPosted) = (post.MaxCopies, true);
        foreach (var (key, value) in used) Used[key] = value;
        foreach (var (key, value) in held) Held[key] = value;
        foreach (var end in item.Ends)
        {
            lead.Copies[end.No].State = StateAfter(end.Move);
            lead.Copies[end.No].IsCalled |= end.Move == CopyMove.Call;
            Transfers.AddRange(end.Transfers);
            Claim(item.Lead, end.No, end.Persons, item.AtMs);
        }
        foreach (var start in item.Starts)
        {
            lead.Copies.Add(start.No, new Copy { Made = start, State = start.Move == CopyMove.Sell ? CopyState.Captured : CopyState.Held, IsCalled = lead.IsPosted });
            Transfers.AddRange(start.Transfers);
        }
        if (!item.IfTaken) Claim(item.Lead, 0, item.Persons, item.AtMs);
        foreach (var start in item.Starts) Claim(item.Lead, start.No, start.Persons, item.AtMs);
        foreach (var end in item.Ends)
            if (end.Move is CopyMove.Void or CopyMove.Expire) Persons.RemoveAll(person => person.Lead == item.Lead && person.No == end.No);
        if (item.ReleasePersons) Persons.RemoveAll(person => person.Lead == item.Lead);
        lead.State = item.State;
        lead.Reason = item.Reason;
        lead.PassedOver.AddRange(item.PassedOver);
        return new(VerdictCode.Done);
    }

    private long TakenFor(CopyEnd end, Take take)
    {
        var limit = model.Limits.First(limit => limit.Id == take.LimitId);
        return end.Price is { } price && limit.Scope != CapScope.Publisher && (limit.Kind == LimitKind.Balance || limit.Kind == LimitKind.Cap && limit.Metric == CapMetric.Spend) ? price.Micros : take.Amount;
    }

    private bool IsSeen(LeadId lead, PersonClaim claim)
    {
        var hmac = Convert.ToHexString(claim.Hmac);
        return Persons.Any(person => person.Scope == claim.Scope && person.Hmac == hmac && person.Lead != lead && person.AtMs >= claim.SinceMs);
    }

    private void Claim(LeadId lead, int no, PersonClaim[] claims, long atMs) =>
        Persons.AddRange(claims.Select(claim => (claim.Scope, Convert.ToHexString(claim.Hmac), lead, no, atMs)));

    private static CopyState StateAfter(CopyMove move) => move switch
    {
        CopyMove.Capture => CopyState.Captured,
        CopyMove.Void => CopyState.Voided,
        CopyMove.Expire => CopyState.Expired,
        CopyMove.Call => CopyState.Held,
        CopyMove.Doubt => CopyState.InDoubt,
        _ => throw new InvariantException("not an end"),
    };
}
