namespace Exchange.Engine.Caps;

/// <summary>
/// Ids of limits, and what they alone tell: a stored take and a counter's row have nothing else, and outlive the catalog that knew the limit. Caps have
/// theirs from <c>CapReader</c>.
/// </summary>
public static class LimitNames
{
    /// <summary>How the ids of caps end that count what was kept. No other id ends so: before it stands a zone, a field or a hash, never one of these words.</summary>
    public const string KeptSuffix = ":count:kept";

    private const string Balances = "bal:", Gates = "open:";

    public static string Balance(string buyer) => Balances + buyer;

    public static bool IsBalance(string id) => id.StartsWith(Balances, StringComparison.Ordinal);

    /// <summary>Whose balance it is.</summary>
    public static string BuyerOf(string balance) => balance[Balances.Length..];

    /// <param name="revision">Of the set of caps that go with it.</param>
    public static string Gate(CapScope scope, string owner, string revision) => scope switch
    {
        CapScope.Campaign => $"{Gates}{owner}:{revision}",
        CapScope.Buyer => $"{Gates}buyer:{owner}:{revision}",
        CapScope.Tree => $"{Gates}tree:{owner}:{revision}",
        _ => $"{Gates}publisher:{owner}:{revision}",
    };

    public static bool IsGate(string id) => id.StartsWith(Gates, StringComparison.Ordinal);

    /// <summary>Whether a return gives back what was taken of it: balances, and caps that count what was kept.</summary>
    public static bool IsGivenBack(string id) => IsBalance(id) || id.EndsWith(KeptSuffix, StringComparison.Ordinal);

    /// <summary>Whether what a copy takes of it is its price: balances, and caps on what is spent but for a publisher's, which count payouts.</summary>
    public static bool CountsPrice(string id)
    {
        if (IsBalance(id)) return true;
        if (id.StartsWith("p:", StringComparison.Ordinal)) return false;
        var metric = id.IndexOf(':', 2) + 1;
        return metric > 0 && id.AsSpan(metric).StartsWith("spend:", StringComparison.Ordinal);
    }
}
