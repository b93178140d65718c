using Exchange.Engine;
using Exchange.Engine.Ledger;

namespace Exchange.Storage.Postgres.Journal;

/// <summary>An item that nothing cold stands against.</summary>
internal sealed record PlannedItem(JournalWork Work, ItemPlan Plan, PersonSteps Persons)
{
    /// <summary>Makes its lead: its rows are written before the fence, which takes them back with the lead if a take does not fit.</summary>
    public bool IsNew => Plan.Item.New is not null;

    /// <summary>No take of it can be refused: its rows are written before the fence.</summary>
    public bool IsSettled => Plan.Starts.Count == 0;
}

/// <summary>
/// A batch after its first flush: each item is refused, or planned, or comes later. Items are judged in their order, each as those before it
/// have left persons.
/// </summary>
internal sealed class BatchPlan
{
    /// <summary>For the fence, in order; also those that only ask because a free copy is missing.</summary>
    public List<PlannedItem> Planned { get; } = [];
    public List<(JournalWork Work, Verdict Verdict)> Told { get; } = [];
    public List<(JournalWork Work, Exception Exception)> Broken { get; } = [];
    /// <summary>From the first item on that would have to know what the fence makes of one before it.</summary>
    public List<JournalWork> Later { get; } = [];
    /// <summary>What the first flush made for them is taken back.</summary>
    public List<JournalItem> TakenBack { get; } = [];

    public static BatchPlan Judge(IReadOnlyList<JournalWork> works, ColdRows rows)
    {
        var batch = new BatchPlan();
        var undecided = new HashSet<PersonKey>();
        for (var i = 0; i < works.Count; i++)
        {
            if (batch.TryAdd(works[i], rows, undecided)) continue;
            batch.Later.AddRange(works.Skip(i));
            batch.TakenBack.AddRange(batch.Later.Select(work => work.Item));
            break;
        }
        return batch;
    }

    /// <summary>False: a person that it touches, or the lead that its request key made, is in the hands of an item before it.</summary>
    private bool TryAdd(JournalWork work, ColdRows rows, HashSet<PersonKey> undecided)
    {
        ItemPlan? plan;
        Verdict verdict;
        if (undecided.Count > 0 && WorkKey.ClaimsOf(work.Item).Any(claim => undecided.Contains(new(claim.Scope, claim.Hmac)))) return false;
        try { plan = ItemJudge.Judge(work.Item, rows, out verdict); }
        catch (InvariantException exception)
        {
            Broken.Add((work, exception));
            TakenBack.Add(work.Item);
            return true;
        }
        if (plan is not null && work.Item.NotAfterMs > 0 && rows.NowMs > work.Item.NotAfterMs)
        {
            Broken.Add((work, new StorageBusyException("It came too late to be made durable")));
            TakenBack.Add(work.Item);
            return true;
        }
        if (plan is null && verdict.Existing is { } known && known.Lead != work.Item.Lead && Planned.Exists(item => item.Work.Item.Lead == known.Lead)) return false;
        if (plan is null) Told.Add((work, verdict));
        if (plan is null || plan.NoFreeCopy is not null) TakenBack.Add(work.Item);
        if (plan is null) return true;
        if (plan.NoFreeCopy is not null)
        {
            Planned.Add(new(work, plan, new PersonSteps()));
            return true;
        }
        var touched = PersonSteps.TouchedBy(plan, rows);
        if (touched.Overlaps(undecided)) return false;
        var planned = new PlannedItem(work, plan, PersonSteps.Do(plan, rows));
        if (!planned.IsSettled) undecided.UnionWith(touched);
        Planned.Add(planned);
        return true;
    }
}
