using Exchange.Engine.Ledger;

namespace Exchange.Storage.Sqlite;

/// <summary>
/// Applies one journal item to the open transaction. First everything is judged, by <see cref="ItemJudge"/> and <see cref="CounterFence"/>; only then
/// is anything written: a refused item leaves no row and no number changed.
/// </summary>
internal sealed class ItemWriter(Database database, CounterCache counters, SoldSequence sold, CommitNews news, string owner)
{
    private readonly LeadRows judged = new(database);
    private readonly CounterFence fence = new(counters);
    private readonly PersonRows persons = new(database, news);
    private readonly ItemRows rows = new(database, counters, sold, owner);

    public Verdict Apply(JournalItem item)
    {
        if (ItemJudge.Judge(item, judged, out var verdict) is not { } plan) return verdict;
        verdict = fence.Pass(plan);
        if (verdict.Code == VerdictCode.Done) Write(plan);
        return verdict;
    }

    private void Write(ItemPlan plan)
    {
        var item = plan.Item;
        rows.WriteLead(item, plan.OpenCopies, plan.OpenExclusive);
        rows.WritePassedOver(item);
        rows.WriteWait(item);
        foreach (var end in plan.Ends)
        {
            rows.WriteEnd(item, end.End, end.Copy);
            if (end.Closes) news.Fell(item.Lead, end.Copy.Tier, end.Copy.Campaign, end.Copy.AtMs);
        }
        foreach (var (_, start) in plan.Starts)
        {
            rows.WriteStart(item, start, plan.Publisher, plan.IsPosted);
            news.Started(item.Lead, start, item.AtMs);
        }
        foreach (var (no, claims) in plan.Persons)
            if (claims is not null) persons.Claim(item.Lead, no!.Value, claims, item.AtMs);
            else if (no is { } copy) persons.Free(item.Lead, copy);
            else persons.Free(item.Lead);
        SqlitePostbacks.Write(database, item, plan.Publisher);
    }
}
