using Exchange.Engine.Catalog;

namespace Exchange.Engine.PingTrees;

/// <summary>A campaign that may be asked by turn now: open, with a bid that clears. Weight at least 1 (1 for all in round robin).</summary>
public readonly record struct OpenCampaign(string Id, int Weight);

/// <summary>The rotations of this process, one per tier.</summary>
public interface IRotations
{
    /// <summary>
    /// Sole use of one tier's rotation until disposed, so that of two pings at one moment each gets its own turn. A walk enters the tiers of
    /// its tree in their order, and only decides (microseconds) while it is in.
    /// </summary>
    ITurns Enter(TierModel tier);
}

/// <summary>One walk's sight of one rotation. What is not kept is forgotten when disposed: no turn was taken.</summary>
public interface ITurns : IDisposable
{
    /// <summary>Index of whose turn is next among <paramref name="open"/> (at least one), after the turns drafted before.</summary>
    int Draft(ReadOnlySpan<OpenCampaign> open);
    /// <summary>Index of who would be next among <paramref name="open"/> (at least one) after the turns drafted; drafts nothing.</summary>
    int Peek(ReadOnlySpan<OpenCampaign> open);
    /// <summary>The drafted turns got their offers and are taken for good.</summary>
    void Keep();
}
