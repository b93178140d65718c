using Exchange.Engine.Filters;
using Exchange.Engine.Values;

namespace Exchange.Engine.Explanations;

/// <summary>What would have to be otherwise for a sale, the nearest kinds first: money, then waiting, then other terms.</summary>
public enum ChangeNeeded
{
    /// <summary>A higher bid.</summary>
    Bid,
    /// <summary>More in the buyer's account.</summary>
    Funds,
    /// <summary>A publisher that asks for less.</summary>
    MinPayout,
    /// <summary>A paced cap's next turn.</summary>
    PacedTurn,
    /// <summary>The schedule open.</summary>
    Opening,
    /// <summary>Room in a cap.</summary>
    Room,
    /// <summary>Its turn in a rotation, or its part of what is shared.</summary>
    Turn,
    /// <summary>A place before those that bought: in the list, or in an earlier tier.</summary>
    Place,
    /// <summary>Something that is paused active.</summary>
    Pause,
    /// <summary>The publisher among those taken.</summary>
    Publisher,
    /// <summary>A condition met.</summary>
    Condition,
    /// <summary>A weight above nothing.</summary>
    Weight,
    /// <summary>Other terms of its price.</summary>
    Price,
    /// <summary>Another person, seller or sharing.</summary>
    Lead,
}

/// <summary>One thing that would have to be otherwise.</summary>
public sealed record Change(ChangeNeeded Kind, string Text)
{
    /// <summary>Money: how much more (or, of what a publisher asks, at most how much).</summary>
    public Money? Amount { get; init; }
    /// <summary>Waiting: until when; null where nobody can tell.</summary>
    public DateTimeOffset? At { get; init; }
    /// <summary>Caps on numbers: how many places more. Shares: how many sales fewer.</summary>
    public long? Count { get; init; }
    /// <summary>The limit that needs room.</summary>
    public string? LimitId { get; init; }
    /// <summary>The leaf to be met.</summary>
    public ConditionMiss? Miss { get; init; }
}

/// <summary>What would have sold a ping that was not offered: the fewest changes, and of equally few the nearest.</summary>
/// <param name="Campaign">The campaign that would have bought; null: it is the publisher's or the ping's own terms.</param>
public sealed record NearestSale(string? Campaign, IReadOnlyList<Change> Changes)
{
    public string Text => (Campaign is null ? "" : Campaign + ": ") + Changing.TextOf(Changes);
}

internal static class Changing
{
    public static string TextOf(IReadOnlyList<Change> changes) => string.Join(", and ", changes.Select(change => change.Text));

    /// <summary>Below 0: the first is nearer. Fewer changes, then the nearer kind, then less money, sooner, fewer places.</summary>
    public static int Compare(IReadOnlyList<Change> a, IReadOnlyList<Change> b)
    {
        if (a.Count != b.Count) return a.Count.CompareTo(b.Count);
        for (var i = 0; i < a.Count; i++)
        {
            var (x, y) = (a[i], b[i]);
            if (x.Kind != y.Kind) return x.Kind.CompareTo(y.Kind);
            var by = (x.Amount ?? Money.MaxValue).CompareTo(y.Amount ?? Money.MaxValue);
            if (by == 0) by = (x.At ?? DateTimeOffset.MaxValue).CompareTo(y.At ?? DateTimeOffset.MaxValue);
            if (by == 0) by = (x.Count ?? long.MaxValue).CompareTo(y.Count ?? long.MaxValue);
            if (by != 0) return by;
        }
        return 0;
    }
}
