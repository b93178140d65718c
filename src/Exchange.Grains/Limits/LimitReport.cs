using Exchange.Engine.Caps;

namespace Exchange.Grains.Limits;

/// <summary>One counter of a limit, live, for admins. Money is in micros.</summary>
/// <param name="Value">Of a cap with a count for each value: which; empty: not given.</param>
/// <param name="Max">As the catalog says, also of a soft cap; of a balance what was paid in with the credit.</param>
/// <param name="Held">Also what offers near the end of the limit are backed by.</param>
public sealed record LimitReport(LimitModel Limit, string? Value, Window Window, long Max, long Used, long Held)
{
    public long Left => Max - Used - Held;
    /// <summary>Null: it is not set back.</summary>
    public DateTimeOffset? ResetsAt => Window.End == long.MaxValue ? null : DateTimeOffset.FromUnixTimeSeconds(Window.End);
    /// <summary>Of a paced cap.</summary>
    public PaceState? Pace { get; init; }
    /// <summary>The alerts raised in this window.</summary>
    public AlertLevel Told { get; init; }
}
