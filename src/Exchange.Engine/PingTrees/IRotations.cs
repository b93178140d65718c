using Exchange.Engine.Catalog;

namespace Exchange.Engine.PingTrees;

/// <summary>The rotations of this process, one per tier.</summary>
public interface IRotations
{
    /// <summary>
    /// Sole use of one tier's rotation until disposed, on this thread, so that of two pings at one moment each gets its own turn. A walk enters
    /// the tiers of its tree in their order, and only decides (microseconds) while it is in.
    /// </summary>
    ITurns Enter(TierModel tier);

    /// <summary>
    /// Turns that a walk kept, but whose offers were not made after all (a limit was full when they were to be held): every claim moves back by as much as
    /// it had moved, whoever took turns since. Claims are sums, so nobody loses or gains by it.
    /// </summary>
    void GiveBack(IReadOnlyList<TakenTurns> taken);
}

/// <summary>What a walk's kept turns did to one tier's claims.</summary>
public sealed record TakenTurns(string RotationKey, ClaimChange[] Claims);

/// <summary>By how much a campaign's claim moved while it had this weight.</summary>
public readonly record struct ClaimChange(string Campaign, int Weight, long By);

/// <summary>
/// One walk's sight of one rotation. <c>open</c>: the campaigns that can have the copy, in the catalog's order, with weights of at least 1
/// (1 for all in round robin). Turns that are not kept are given back when disposed, as if they had never been.
/// </summary>
public interface ITurns : IDisposable
{
    /// <summary>Whose turn it is, after the turns drafted before. <paramref name="served"/>: those of <paramref name="open"/> that have a copy of this lead.</summary>
    string Draft(TierModel tier, IReadOnlyList<(string Id, int Weight)> open, IReadOnlyList<string> served);
    /// <summary>Who would be next after the turns drafted; drafts nothing.</summary>
    string Peek(TierModel tier, IReadOnlyList<(string Id, int Weight)> open);
    /// <summary>The drafted turns got their offers and are not given back when disposed.</summary>
    void Keep();
    /// <summary>What the drafts did to the claims, for <see cref="IRotations.GiveBack"/>. Null: nothing. Before it is disposed.</summary>
    TakenTurns? Taken();
}
