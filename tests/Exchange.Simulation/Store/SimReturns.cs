using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Storage;

namespace Exchange.Simulation.Store;

/// <summary>Who gave which copy back. Nobody lists or sums them here, nor says what became of a copy.</summary>
internal sealed class SimReturns(SimStore store) : IReturnStore
{
    private List<ReturnRow> Rows => store.Database.Returns;

    public Task<ReturnRow?> FindAsync(CopyId copy, CancellationToken cancel) => store.ReadAsync(() => Rows.Find(row => row.Copy == copy));

    public Task<IReadOnlyList<ReturnRow>> FindAllAsync(IReadOnlyCollection<CopyId> copies, CancellationToken cancel) =>
        store.ReadAsync<IReadOnlyList<ReturnRow>>(() => [.. Rows.Where(row => copies.Contains(row.Copy))]);

    public Task<ReturnVerdict> AskAsync(ReturnAsk ask, CancellationToken cancel) => store.WriteAsync(() =>
    {
        var lead = store.Database.Find(ask.Copy.Lead);
        var copy = lead?.Copies.Find(copy => copy.No == ask.Copy.No);
        if (copy is not { State: CopyState.Captured or CopyState.Reversed } || copy.Buyer != ask.Buyer || lead!.Id.IsTest) return ReturnVerdict.NotSold;
        if (!store.World.Seams.IsAskedFirst(store.Database, ask.Copy)) return ReturnVerdict.AlreadyAsked;
        if (ask.Quota is { } quota && Rows.Count(row => row.Buyer == ask.Buyer && (!quota.OfCampaign || row.Campaign == copy.Campaign) && row.Status != ReturnStatus.Refused
            && row.SoldAtMs >= quota.FromMs && row.SoldAtMs < quota.UntilMs) >= quota.AtMost) return ReturnVerdict.QuotaReached;
        Rows.Add(new(
            ask.Copy, ask.Buyer, copy.Campaign, lead.Publisher, lead.Vertical, copy.Price, copy.Payout, ask.Accepted ? ReturnStatus.Accepted : ReturnStatus.Requested, ask.Reason,
            ask.Sealed, copy.AtMs, ask.AtMs, ask.Accepted ? ask.AtMs : null, false));
        // Between the two commits of a return a silo may die.
        store.World.Nemesis.Sent(store.Silo);
        return ReturnVerdict.Noted;
    });

    public Task<bool> DecideAsync(CopyId copy, bool accept, ChangeNote note, CancellationToken cancel) => store.WriteAsync(() => Change(
        copy, ReturnStatus.Requested, row => row with { Status = accept ? ReturnStatus.Accepted : ReturnStatus.Refused, DecidedAtMs = note.AtMs }));

    public Task BookedAsync(CopyId copy, CancellationToken cancel) => store.WriteAsync(() => Change(copy, ReturnStatus.Accepted, static row => row with { IsBooked = true }));

    public Task<IReadOnlyList<ReturnRow>> UnbookedAsync(long acceptedBeforeMs, int limit, CancellationToken cancel) => store.ReadAsync<IReadOnlyList<ReturnRow>>(() =>
        [.. Rows.Where(row => row is { Status: ReturnStatus.Accepted, IsBooked: false } && row.DecidedAtMs < acceptedBeforeMs).OrderBy(row => row.DecidedAtMs).Take(limit)]);

    public Task<long> SoldAsync(string buyer, string? campaign, long fromMs, long untilMs, CancellationToken cancel) => store.ReadAsync(() => store.Database.Leads
        .Where(lead => !lead.Id.IsTest).SelectMany(lead => lead.Copies).LongCount(copy => copy.State is CopyState.Captured or CopyState.Reversed && copy.Buyer == buyer
            && (campaign is null || copy.Campaign == campaign) && copy.AtMs >= fromMs && copy.AtMs < untilMs));

    public Task<Page<ReturnRow>> ListAsync(ReturnStatus? status, string? buyer, int limit, string? cursor, CancellationToken cancel) => throw new NotSupportedException();
    public Task<bool> SayAsync(string buyer, DispositionRow disposition, CancellationToken cancel) => throw new NotSupportedException();
    public Task<IReadOnlyList<DispositionRow>> SaidAsync(IReadOnlyCollection<CopyId> copies, CancellationToken cancel) => throw new NotSupportedException();
    public Task<IReadOnlyList<ReturnSum>> SumsAsync(long fromMs, long untilMs, CancellationToken cancel) => throw new NotSupportedException();

    private bool Change(CopyId copy, ReturnStatus from, Func<ReturnRow, ReturnRow> change)
    {
        var place = Rows.FindIndex(row => row.Copy == copy && row.Status == from);
        if (place < 0) return false;
        Rows[place] = change(Rows[place]);
        return true;
    }
}
