namespace Exchange.Engine.Caps;

/// <summary>
/// What is another limit in one catalog's list than in the list before, place by place. Versions share their limits, so that of one changed campaign among ten
/// thousand these are a few; where its set of caps is another, also those that stand behind it.
/// </summary>
/// <param name="Now">Limits of the new list that did not stand there before, in their order: new ones, changed ones, and those that stand elsewhere now.</param>
/// <param name="Gone">Limits of the old list whose ids are not in the new one.</param>
public sealed record MovedLimits(IReadOnlyList<LimitModel> Now, IReadOnlyList<LimitModel> Gone)
{
    private static readonly MovedLimits Nothing = new([], []);

    public bool None => Now.Count == 0 && Gone.Count == 0;

    public static MovedLimits Between(IReadOnlyList<LimitModel> before, IReadOnlyList<LimitModel> after)
    {
        if (ReferenceEquals(before, after)) return Nothing;
        List<LimitModel> left = [], now = [];
        for (var i = 0; i < Math.Max(before.Count, after.Count); i++)
        {
            if (i < before.Count && i < after.Count && ReferenceEquals(before[i], after[i])) continue;
            if (i < before.Count) left.Add(before[i]);
            if (i < after.Count) now.Add(after[i]);
        }
        if (left.Count == 0) return now.Count == 0 ? Nothing : new(now, []);
        var ids = now.Select(limit => limit.Id).ToHashSet(StringComparer.Ordinal);
        return new(now, [.. left.Where(limit => !ids.Contains(limit.Id))]);
    }
}
