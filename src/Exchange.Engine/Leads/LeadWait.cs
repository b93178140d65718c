using System.Collections.Immutable;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Filters;
using Exchange.Engine.Values;

namespace Exchange.Engine.Leads;

/// <summary>A posted lead that nobody is asked for yet, and what the next walk needs to know of it. It has no open copy.</summary>
public sealed record LeadWait
{
    /// <summary>The ping's own tree, then those for what is unsold. The last one is walked when the wait is over; the others were. Never empty.</summary>
    public required ImmutableArray<string> Trees { get; init; }
    /// <summary>The wait of the last tree itself; false: that of the way from the tree before it.</summary>
    public required bool IsTrees { get; init; }
    /// <summary>For a moment, or for fields with that moment as the latest.</summary>
    public required Waiting Until { get; init; }
    /// <summary>What the ping's offers promise that the post took. Empty: nothing was promised, or it was lost.</summary>
    public ImmutableArray<PromisedOffer> Promised { get; init; } = [];
    /// <summary>What the post asks for at least, where nothing was promised.</summary>
    public Money MinPayout { get; init; }
    /// <summary>It waited before its ping's own tree was asked: what was bid at the ping is over.</summary>
    public bool AtPing { get; init; }

    /// <summary>Before the ping's own tree is asked.</summary>
    public bool IsFirst => Trees.Length == 1;
}

/// <summary>One offer that the post took: its payout is owed by whoever gets the copy.</summary>
public sealed record PromisedOffer(string OfferId, Sharing Sharing, Money Payout);
