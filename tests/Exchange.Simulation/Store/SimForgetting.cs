using Exchange.Storage;

namespace Exchange.Simulation.Store;

/// <summary>Nobody is erased in a simulation and no operator looks at doubts: nobody is suppressed, and whoever asks for the rest is told.</summary>
internal sealed class SimForgetting : IErasures, ISuppressions, IDoubts
{
    public bool Knows(ReadOnlySpan<byte> hmac) => false;

    public ValueTask<bool> AnyAsync(IReadOnlyList<byte[]> hmacs, CancellationToken cancel) => new(false);

    public Task EraseAsync(LeadErasure erasure, CancellationToken cancel) => throw new NotSupportedException("nobody is erased in a simulation");

    public Task<Page<DoubtRow>> ListAsync(DoubtQuery query, CancellationToken cancel) => throw new NotSupportedException("nobody looks at doubts in a simulation");
}
