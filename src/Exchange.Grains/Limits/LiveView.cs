using System.Collections.Concurrent;
using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Exchange.Storage;

namespace Exchange.Grains.Limits;

/// <summary>
/// The newest counter values this silo has seen: fed by the journal after each commit and healed by a full read. Advice for eligibility,
/// never the fence. Readers never wait.
/// </summary>
public sealed partial class LiveView(CapAlerts alerts) : ILiveView
{
    private readonly ConcurrentDictionary<string, LimitCells> cells = new(StringComparer.Ordinal);
    private readonly ValueBudget budget = new(Engine.Limits.CapValuesInView);
    private readonly SoldShares shares = new();
    private readonly KnownPersons persons = new(Engine.Limits.PersonsInView);
    // Numbers what commits, as this silo hears of it.
    private long commits;
    private volatile Served served = new(null, [], [], []);
    private volatile bool quiet = true;
    private readonly Lock installing = new();

    /// <summary>How many silos make offers of the same limits; at least 1. Each paces its part of what is left.</summary>
    public Func<int> Silos { get; set; } = static () => 1;

    /// <param name="Places">Of each limit the cells, by ordinal: a ping reads some sixty of them.</param>
    /// <param name="Rooms">Of each plain limit what is left, by ordinal.</param>
    private sealed record Served(CatalogModel? Model, Dictionary<string, LimitModel> ById, LimitCells[] Places, Room[] Rooms)
    {
        public bool Has(LimitModel limit) => limit.Ordinal < Places.Length && ReferenceEquals(Model!.Limits[limit.Ordinal], limit);
    }

    /// <summary>The caps, balances and gates of a new model: another limit counts from its next reading on.</summary>
    /// <returns>Those that are new here, or whose rows say something else than before: they have to be read.</returns>
    public IReadOnlyList<LimitModel> Install(CatalogModel model)
    {
        shares.Install(model);
        List<LimitModel> unread = [];
        lock (installing) Serve(model, unread);
        foreach (var limit in model.Limits)
        {
            if (limit.Kind != LimitKind.Cap || limit.IsPlain && limit.WarnAt is null) continue;
            foreach (var cell in CellsOf(limit))
            {
                if (limit.Paced) cell.Pace.Renew();
                alerts.Look(limit, cell, quiet);
            }
        }
        return unread;
    }

    /// <summary>Of ten thousand campaigns mostly one is another: all else keeps its place, and what is seen of it.</summary>
    private void Serve(CatalogModel model, List<LimitModel> unread)
    {
        var (before, limits) = (served, model.Limits);
        var (was, moved) = (before.Model?.Limits ?? [], MovedLimits.Between(before.Model?.Limits ?? [], limits));
        if (moved.None)
        {
            served = before with { Model = model };
            return;
        }
        var next = new Served(model, new(before.ById, StringComparer.Ordinal), new LimitCells[limits.Count], new Room[limits.Count]);
        var kept = Math.Min(was.Count, limits.Count);
        Array.Copy(before.Places, next.Places, kept);
        Array.Copy(before.Rooms, next.Rooms, kept);
        foreach (var limit in moved.Now)
        {
            var known = before.ById.GetValueOrDefault(limit.Id);
            if (known is null || !known.RowSaysAs(limit)) unread.Add(limit);
            next.ById[limit.Id] = limit;
            next.Places[limit.Ordinal] = known is null ? CellsOf(limit.Id) : before.Places[known.Ordinal];
            next.Rooms[limit.Ordinal] = RoomOf(limit, next.Places[limit.Ordinal].Whole);
        }
        foreach (var limit in moved.Gone) next.ById.Remove(limit.Id);
        served = next;
        Interlocked.MemoryBarrier();
        // Whoever changed a cell before he saw this has left his trace in the old rooms alone.
        for (var i = 0; i < kept; i++) if (before.Rooms[i] != next.Rooms[i]) next.Rooms[i] = RoomOf(limits[i], next.Places[i].Whole);
        foreach (var limit in moved.Now) next.Rooms[limit.Ordinal] = RoomOf(limit, next.Places[limit.Ordinal].Whole);
        foreach (var limit in moved.Gone) if (cells.TryRemove(limit.Id, out var gone)) gone.Forget();
    }

    /// <summary>What even and percent tiers sold before, read from the store. From now on alerts are told.</summary>
    public async Task LoadAsync(ILimitCounts counts, long nowMs, CancellationToken cancel)
    {
        await shares.LoadAsync(counts, nowMs, cancel);
        quiet = false;
    }

    /// <summary>
    /// The persons of before the start, read once the server trades: it is the one thing at a start that grows with what is stored, and whoever is not known yet
    /// is found by the rows at the post.
    /// </summary>
    public Task ReadPersonsAsync(ILimitCounts counts, CancellationToken cancel) => persons.LoadAsync(counts, cancel);

    /// <summary>Two numbers a limit, written without a lock: a torn pair misleads one ping at most, and the rows are the fence.</summary>
    public Room[]? RoomsOf(CatalogModel model) => served is var here && ReferenceEquals(here.Model, model) ? here.Rooms : null;

    public LimitReading Read(LimitModel limit, long unixSeconds, string? value = null)
    {
        var cell = Find(limit, value);
        var hard = ReadHard(limit, cell, unixSeconds);
        return cell is null ? hard : hard with { Held = hard.Held + cell.Promised };
    }

    /// <summary>What the rows say, without the offers that are backed by soft holds.</summary>
    public LimitReading ReadHard(LimitModel limit, long unixSeconds, string? value = null) => ReadHard(limit, Find(limit, value), unixSeconds);

    public long PacedUntilMs(LimitModel limit, string? value, long nowMs)
    {
        if (!limit.Paced || Find(limit, value) is not { } cell) return 0;
        var seconds = nowMs / 1000;
        return cell.Pace.Ask(limit.WindowAt(seconds), new(limit, served.Model), PartOf(ReadHard(limit, cell, seconds).Left), nowMs);
    }

    public long SoldBy(TierModel tier, CampaignModel campaign, long nowMs) => shares.Count(tier.RotationKey, campaign.Id, nowMs);

    public bool HasPerson(string scope, ReadOnlySpan<byte> hmac, long sinceMs) => persons.Has(scope, hmac, sinceMs);

    /// <summary>Called on the journal's thread after a commit.</summary>
    public void Apply(IReadOnlyList<CounterValue> changed) => Hear(changed, Interlocked.Increment(ref commits), long.MaxValue, happened: true);

    /// <summary>What another silo tells: nothing of it happened here, but it is as new as what does.</summary>
    public void Heal(IReadOnlyList<CounterValue> rows) => Hear(rows, Interlocked.Increment(ref commits), long.MaxValue, happened: false);

    /// <summary>Taken before the rows are read with which it is healed: what is heard of meanwhile is newer than they are.</summary>
    public long Now => Interlocked.Read(ref commits);

    /// <summary>What a read of the rows tells.</summary>
    /// <param name="since"><see cref="Now"/> as the read began.</param>
    public void Heal(IReadOnlyList<CounterValue> rows, long since) => Hear(rows, 0, since, happened: false);

    /// <param name="commit">Its number; 0: it was read.</param>
    private void Hear(IReadOnlyList<CounterValue> changed, long commit, long since, bool happened)
    {
        var here = served;
        for (var i = 0; i < changed.Count; i++)
        {
            var row = changed[i];
            if (!here.ById.TryGetValue(row.LimitId, out var limit)) continue;
            var window = limit.WindowAt(limit.ReadKey(row.Key, out var value));
            if (!CellsOf(row.LimitId).TryGet(value, out var cell)) continue;
            var before = cell.Now;
            if (!cell.Hear(limit, window, row, commit, since, out var late)) continue;
            if (late is { } unwritten) lateCounts.Enqueue(unwritten);
            if (limit.Paced && happened) cell.Pace.Sold(row.Used + row.Held - (before.Window == window ? before.Used + before.Held : 0));
            alerts.Look(limit, cell, quiet);
            Look(limit);
        }
    }

    /// <summary>As <see cref="Apply(IReadOnlyList{CounterValue})"/>, of copies and persons.</summary>
    public void Apply(SoldNews news)
    {
        foreach (var copy in news.Copies) shares.Hear(copy);
        foreach (var person in news.Persons) persons.Hear(person);
    }

    /// <summary>Offers that are out and likely to be posted, counted as held until they are posted or run out.</summary>
    /// <returns>The counter on which it stands and from which it is taken back; null: there is none for this value.</returns>
    internal Cell? SoftHold(LimitModel limit, string? value, long amount)
    {
        if (!CellsOf(limit.Id).TryGet(value, out var cell)) return null;
        Promise(limit, cell, amount);
        return cell;
    }

    internal void EndSoftHold(LimitModel limit, Cell cell, long amount) => Promise(limit, cell, -amount);

    private void Promise(LimitModel limit, Cell cell, long amount)
    {
        cell.Promise(amount);
        if (served.ById.TryGetValue(limit.Id, out var current)) Look(current);
    }

    /// <summary>How one counter of a limit stands in the window of a moment, as people read it: a soft cap with the limit that the catalog says.</summary>
    public LimitReport Report(LimitModel limit, long nowMs, string? value = null) => Report(limit, Find(limit, value), value, nowMs);

    /// <summary>The values of a cap with a count for each, most used first.</summary>
    public IReadOnlyList<LimitReport> ValuesOf(LimitModel limit, long nowMs, int atMost) => limit.Each is null || !cells.TryGetValue(limit.Id, out var of) ? []
        : [.. of.Values.Where(cell => cell.Now.Window.Contains(nowMs / 1000)).Select(cell => Report(limit, cell, cell.Value, nowMs))
            .OrderByDescending(report => report.Used + report.Held).ThenBy(report => report.Value, StringComparer.Ordinal).Take(atMost)];

    private LimitReport Report(LimitModel limit, Cell? cell, string? value, long nowMs)
    {
        var (seconds, window) = (nowMs / 1000, limit.WindowAt(nowMs / 1000));
        var hard = ReadHard(limit, cell, seconds);
        return new(limit, value, window, limit.Kind == LimitKind.Cap ? limit.LimitIn(window) : hard.Limit, hard.Used, hard.Held + (cell?.Promised ?? 0))
        {
            Pace = limit.Paced ? (cell ?? CellsOf(limit.Id).Whole).Pace.State(window, new(limit, served.Model), PartOf(hard.Left), nowMs) : null,
            Told = cell?.Alerts.In(window) ?? 0,
        };
    }

    private long PartOf(long left) => Silos() is > 1 and var silos && left > 0 ? (left - 1) / silos + 1 : left;

    private static LimitReading ReadHard(LimitModel limit, Cell? cell, long unixSeconds)
    {
        // Its catalog's word: to a walk on this one, a gate that the next catalog has replaced (its campaign has other caps) would look like a pause.
        if (limit.Kind == LimitKind.Gate) return new(limit.Limit, 0, 0);
        var now = cell?.Now ?? CellReading.Unheard;
        if (limit.Kind != LimitKind.Cap) return now.IsHeard ? new(now.Limit, now.Used, now.Held) : new(limit.Limit, 0, 0);
        // A window that is over reads as an empty one. A cap's limit is the model's: the row of the next window will say the same.
        if (!now.Window.Contains(unixSeconds)) return new(limit.WeekdayLimits is null ? limit.RowLimitIn(default) : limit.RowLimitIn(limit.WindowAt(unixSeconds)), 0, 0);
        return new(limit.RowLimitIn(now.Window), now.Counted, now.Held);
    }

    private Cell? Find(LimitModel limit, string? value)
    {
        var here = served;
        var found = (here.Has(limit) ? here.Places[limit.Ordinal] : cells.GetValueOrDefault(limit.Id))?.Find(value);
        // What is counted of the values beyond the bound is counted together.
        return found ?? (value is not null && !limit.IsTake && budget.IsSpent ? CellsOf(limit.Id).Whole : null);
    }

    private LimitCells CellsOf(string limitId) => cells.GetOrAdd(limitId, static (id, budget) => new(id, budget), budget);

    private IEnumerable<Cell> CellsOf(LimitModel limit) => cells.TryGetValue(limit.Id, out var of) ? of.Values.Append(of.Whole) : [];

    private void Look(LimitModel limit)
    {
        if (!limit.IsPlain) return;
        for (Served? seen = null; served is var here && !ReferenceEquals(here, seen); seen = here)
        {
            if (!here.Has(limit) && !(here.ById.TryGetValue(limit.Id, out var current) && here.Has(limit = current))) return;
            // Of the counter that is served: one that has left the catalog and come back is another.
            here.Rooms[limit.Ordinal] = RoomOf(limit, here.Places[limit.Ordinal].Whole);
            // Another catalog that came meanwhile has copied the rooms before or after this.
            Interlocked.MemoryBarrier();
        }
    }

    private static Room RoomOf(LimitModel limit, Cell cell)
    {
        if (!limit.IsPlain) return default;
        var now = cell.Now;
        if (!now.IsHeard) return new(limit.Limit - cell.Promised, long.MaxValue);
        return new((limit.Kind == LimitKind.Cap ? limit.Limit : now.Limit) - now.Counted - now.Held - cell.Promised, now.Window.End);
    }
}
