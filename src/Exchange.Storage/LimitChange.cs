using Exchange.Engine.Caps;

namespace Exchange.Storage;

/// <summary>What the row of a limit says of it, as an apply left it. A soft cap's row refuses nothing.</summary>
internal sealed record AppliedLimit(LimitKind Kind, long Limit, IReadOnlyList<long>? Weekdays, bool IsActive)
{
    public static AppliedLimit Of(LimitModel limit) => new(limit.Kind, limit.Soft ? LimitModel.NoLimit : limit.Limit, limit.Soft ? null : limit.WeekdayLimits, true);

    public bool IsSameAs(AppliedLimit other) =>
        IsActive == other.IsActive && Limit == other.Limit
        && (Weekdays is null ? other.Weekdays is null : other.Weekdays is not null && Weekdays.SequenceEqual(other.Weekdays));
}

/// <summary>A limit of a new catalog whose row is another, or not there yet.</summary>
internal sealed record LimitChange(LimitModel Limit, AppliedLimit Now, AppliedLimit? Was)
{
    /// <summary>
    /// The cap was not in force: its current window starts with what is live in it, also if it had been there before, because nothing counted for it
    /// in between. Counts of offers and pings start at nothing.
    /// </summary>
    public bool IsNewCap => Limit is { Kind: LimitKind.Cap, IsTake: true } && Was is not { IsActive: true };

    /// <summary>
    /// Seconds from a window's beginning that its row is kept: as long as its windows last (the next ones tell: months differ, clocks are set), and the
    /// days after its end. Copies name the counters they took from; counts of offers and pings are nobody's, and by the minute there would be very
    /// many. 0: for ever.
    /// </summary>
    public long KeepSeconds(long nowMs)
    {
        const int windows = 14;
        const long day = 86_400;
        if (Limit.Kind != LimitKind.Cap) return 0;
        long longest = 0;
        var window = Limit.Period!.WindowAt(Math.DivRem(nowMs, 1000).Quotient, Limit.Zone!);
        for (var i = 0; i < windows; i++)
        {
            if (window.End == long.MaxValue) return 0;
            longest = Math.Max(longest, window.End - window.Start);
            window = Limit.Period.WindowAt(window.End, Limit.Zone!);
        }
        return longest + day + day * (Limit.IsTake ? IUpkeep.CounterDays : IUpkeep.CountedDays);
    }
}

/// <summary>
/// The limits as the newest catalog's apply left them, so that the next one writes only what it changes: one campaign among ten thousand moves a
/// handful of rows, not all. Whose transaction was undone, or who was not the last to apply, reads the rows again.
/// </summary>
internal sealed class AppliedLimits
{
    private long version = -1;
    private Dictionary<string, AppliedLimit> limits = [];
    // The list that left them so; null: they were read.
    private IReadOnlyList<LimitModel>? last;

    /// <summary>Whether the rows have to be read before an apply on top of this version.</summary>
    public bool MustRead(long latest) => version != latest;

    public void Read(IEnumerable<(string Id, AppliedLimit Limit)> rows) =>
        (limits, last) = (rows.ToDictionary(row => row.Id, row => row.Limit, StringComparer.Ordinal), null);

    /// <summary>
    /// What has to be written: limits that are new or other, in their order, and the active ones that are gone. Afterwards nothing here is taken for
    /// what the rows say until <see cref="Done"/>.
    /// </summary>
    public (List<LimitChange> Changed, List<(string Id, LimitKind Kind)> Gone) Next(IReadOnlyList<LimitModel> next)
    {
        version = -1;
        var moved = MovedLimits.Between(last ?? [], next);
        List<LimitChange> changed = [];
        var now = new HashSet<string>(StringComparer.Ordinal);
        foreach (var limit in moved.Now)
        {
            if (!now.Add(limit.Id)) continue;
            var (was, wanted) = (limits.GetValueOrDefault(limit.Id), AppliedLimit.Of(limit));
            if (was?.IsSameAs(wanted) == true) continue;
            changed.Add(new(limit, wanted, was));
        }
        List<(string, LimitKind)> gone = last is not null ? [.. moved.Gone.Select(limit => (limit.Id, limit.Kind))]
            : [.. limits.Where(pair => pair.Value.IsActive && !now.Contains(pair.Key)).Select(pair => (pair.Key, pair.Value.Kind))];
        foreach (var change in changed) limits[change.Limit.Id] = change.Now;
        foreach (var (id, _) in gone) limits[id] = limits[id] with { IsActive = false };
        last = next;
        return (changed, gone);
    }

    /// <summary>The rows are as this version wants them. If the transaction is undone after all, no version is the one before it.</summary>
    public void Done(long applied) => version = applied;
}
