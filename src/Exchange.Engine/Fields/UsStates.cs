using System.Collections.Frozen;

namespace Exchange.Engine.Fields;

/// <summary>
/// The two-letter codes that stand in a United States postal address: 50 states, the District of Columbia, five territories and the
/// three military "states". Source: USPS Publication 28, appendix B.
/// </summary>
public static class UsStates
{
    private static readonly FrozenSet<string> Codes = new[]
    {
        "AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "FL", "GA", "HI", "ID", "IL", "IN", "IA", "KS", "KY", "LA", "ME", "MD", "MA", "MI", "MN", "MS", "MO",
        "MT", "NE", "NV", "NH", "NJ", "NM", "NY", "NC", "ND", "OH", "OK", "OR", "PA", "RI", "SC", "SD", "TN", "TX", "UT", "VT", "VA", "WA", "WV", "WI", "WY",
        "DC",
        "AS", "GU", "MP", "PR", "VI",
        "AA", "AE", "AP",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    public static int Count => Codes.Count;

    /// <summary>The code in upper case, or null where there is no such state.</summary>
    public static string? Find(string text) => Codes.TryGetValue(text, out var code) ? code : null;
}
