using Exchange.Engine.Caps;

namespace Exchange.Storage.Audit;

/// <summary>What a counter is, by what it is called (<see cref="LimitModel.Id"/>): the row outlives the catalog that knew it.</summary>
internal static class CounterNames
{
    public static LimitKind KindOf(string key) =>
        key.StartsWith("cap:", StringComparison.Ordinal) ? LimitKind.Cap
        : key.StartsWith("bal:", StringComparison.Ordinal) ? LimitKind.Balance : LimitKind.Gate;

    /// <summary>Offers and pings: <c>c:owner:offers:…</c>.</summary>
    public static bool IsCounted(LimitKind kind, string limitId) => kind == LimitKind.Cap && limitId.Split(':') is [_, _, "offers" or "pings", ..];
}
