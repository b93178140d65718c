namespace Exchange.Engine.Ledger;

/// <summary>Names of the ledger's accounts, as they stand in bookings. Every booking goes from one of them to another.</summary>
public static class Accounts
{
    /// <summary>The exchange's own: margins.</summary>
    public const string House = "house";

    /// <summary>The world outside, from which buyers pay in.</summary>
    public const string Bank = "bank";

    private const string Buyers = "buyer:", Publishers = "publisher:";

    /// <summary>What a buyer paid in less what it bought.</summary>
    public static string Buyer(string id) => Buyers + id;

    /// <summary>What a publisher is owed.</summary>
    public static string Publisher(string id) => Publishers + id;

    public static bool IsBuyer(string account) => IsNamed(account, Buyers);

    /// <summary>Whether there can be such an account at all.</summary>
    public static bool Exists(string account) => account is House or Bank || IsBuyer(account) || IsNamed(account, Publishers);

    private static bool IsNamed(string account, string kind) => account.Length > kind.Length && account.StartsWith(kind, StringComparison.Ordinal);
}
