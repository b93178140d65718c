using Exchange.Engine.Caps;

namespace Exchange.Storage.Audit;

/// <summary>What a counter is, by what it is called (<see cref="LimitModel.Id"/>): the row outlives the catalog that knew it.</summary>
internal static class CounterNames
{
    public static LimitKind KindOf(string key) =>
        key.StartsWith("cap:", StringComparison.Ordinal) ? LimitKind.Cap
        : LimitNames.IsBalance(key) ? LimitKind.Balance : LimitKind.Gate;

    /// <summary>Offers and pings: <c>c:owner:offers:…</c>.</summary>
    public static bool IsCounted(LimitKind kind, string limitId) => kind == LimitKind.Cap && limitId.Split(':') is [_, _, "offers" or "pings", ..];

    /// <summary>
    /// What the catalog's row says that the counter's limit may be. A buyer that left the catalog keeps the credit in its limit; any other limit is the catalog's
    /// only while it is in it.
    /// </summary>
    public static IReadOnlyList<long>? CatalogOf(LimitKind kind, long? limit, IReadOnlyList<long>? weekdays, bool isActive) =>
        limit is null || !isActive && kind != LimitKind.Balance ? null : weekdays ?? [limit.Value];
}
