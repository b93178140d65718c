using Exchange.Grains.Memory;
using Microsoft.Extensions.Logging;
using Orleans;
using Orleans.Runtime;

namespace Exchange.Grains.SoftHolds;

/// <summary>Counted over the life of a campaign or buyer: memory, not fact.</summary>
[GenerateSerializer, Alias("exchange.promise-memory.v1")]
public sealed class PromiseMemory
{
    [Id(0)] public long Backed { get; set; }
    [Id(1)] public long Refused { get; set; }
}

/// <summary>What campaign and buyer have in common; each has its own state name, since a stored row knows no grain class.</summary>
public abstract class SoftHoldGrain(IPersistentState<PromiseMemory> memory, TimeProvider time, ILogger log) : Grain, ISoftHoldGrain
{
    private readonly PromisedAmounts promised = new();

    public ValueTask<bool> TrySoftHold(SoftHoldRequest request)
    {
        var backed = promised.TryPromise(request, time.GetUtcNow().ToUnixTimeMilliseconds());
        if (backed) memory.State.Backed++;
        else memory.State.Refused++;
        return ValueTask.FromResult(backed);
    }

    public ValueTask Release(Guid ping)
    {
        promised.Release(ping);
        return ValueTask.CompletedTask;
    }

    public ValueTask<Promises> Promises()
    {
        promised.Forget(time.GetUtcNow().ToUnixTimeMilliseconds());
        return ValueTask.FromResult(new Promises(promised.Count, memory.State.Backed, memory.State.Refused));
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken) => GrainMemoryWriter.WriteAsync(memory, log);
}

public sealed class CampaignGrain([PersistentState("campaign-v1", GrainMemoryNames.Store)] IPersistentState<PromiseMemory> memory, TimeProvider time, ILogger<CampaignGrain> log)
    : SoftHoldGrain(memory, time, log), ICampaignGrain;

public sealed class BuyerGrain([PersistentState("buyer-v1", GrainMemoryNames.Store)] IPersistentState<PromiseMemory> memory, TimeProvider time, ILogger<BuyerGrain> log)
    : SoftHoldGrain(memory, time, log), IBuyerGrain;
