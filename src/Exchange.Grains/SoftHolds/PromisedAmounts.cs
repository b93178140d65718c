namespace Exchange.Grains.SoftHolds;

/// <summary>Amounts promised by offers that are out, per limit, each until its end. Not thread-safe: one grain owns it.</summary>
public sealed class PromisedAmounts
{
    private readonly Dictionary<(Guid Ping, string Limit), (long Amount, long UntilMs)> promises = [];
    private readonly Dictionary<string, long> sums = new(StringComparer.Ordinal);

    public int Count => promises.Count;

    /// <summary>Promises the amount if it fits beside what is promised already. The same ping and limit again is the same promise.</summary>
    public bool TryPromise(SoftHoldRequest request, long nowMs)
    {
        Forget(nowMs);
        if (promises.ContainsKey((request.Ping, request.LimitId))) return true;
        var sum = sums.GetValueOrDefault(request.LimitId);
        if (sum + request.Amount > request.Left) return false;
        promises[(request.Ping, request.LimitId)] = (request.Amount, request.UntilMs);
        sums[request.LimitId] = sum + request.Amount;
        return true;
    }

    public void Release(Guid ping)
    {
        foreach (var key in promises.Keys.Where(key => key.Ping == ping).ToArray()) Remove(key);
    }

    public void Forget(long nowMs)
    {
        foreach (var (key, promise) in promises) if (promise.UntilMs <= nowMs) Remove(key);
    }

    private void Remove((Guid Ping, string Limit) key)
    {
        if (!promises.Remove(key, out var promise)) return;
        var sum = sums[key.Limit] - promise.Amount;
        if (sum == 0) sums.Remove(key.Limit);
        else sums[key.Limit] = sum;
    }
}
