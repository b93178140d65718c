using Exchange.Engine.Postbacks;
using Exchange.Storage;

namespace Exchange.Simulation.Store;

/// <summary>What publishers are told is written with the items and looked at afterwards; nobody calls them here.</summary>
internal sealed class SimPostbacks : IPostbackStore
{
    public Task<IReadOnlyList<LeasedPostback>> ClaimDueAsync(long nowMs, long leaseUntilMs, int limit, Func<string, long?>? pace, CancellationToken cancel) => throw new NotSupportedException();
    public Task<bool> RecordAsync(PostbackId id, long fence, DeliveryResult result, long nowMs, CancellationToken cancel) => throw new NotSupportedException();
    public Task<int> AdoptAsync(long nowMs, CancellationToken cancel) => throw new NotSupportedException();
    public Task<long?> NextDueAsync(CancellationToken cancel) => throw new NotSupportedException();
    public Task<Page<PostbackRow>> ListAsync(PostbackQuery query, int limit, string? cursor, CancellationToken cancel) => throw new NotSupportedException();
    public Task<bool> ReplayAsync(PostbackId id, long nowMs, CancellationToken cancel) => throw new NotSupportedException();
    public Task<int> ReplayAsync(DeadPostbacks which, int limit, long nowMs, CancellationToken cancel) => throw new NotSupportedException();
}
