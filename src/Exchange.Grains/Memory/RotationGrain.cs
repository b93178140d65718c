using Exchange.Grains.Pings;
using Microsoft.Extensions.Logging;
using Orleans;
using Orleans.Placement;
using Orleans.Runtime;

namespace Exchange.Grains.Memory;

/// <summary>Keeps one silo's rotation positions across restarts. Key: <c>rotation-silo-NAME</c>.</summary>
[Alias("exchange.rotation.v1")]
public interface IRotationGrain : IGrainWithStringKey
{
    [Alias("load")]
    ValueTask<Dictionary<string, Dictionary<string, long>>> Load();

    [Alias("keep")]
    ValueTask Keep(Dictionary<string, Dictionary<string, long>> claims);
}

[GenerateSerializer, Alias("exchange.rotation-memory.v1")]
public sealed class RotationMemory
{
    [Id(0)] public Dictionary<string, Dictionary<string, long>> Claims { get; set; } = [];
}

[PreferLocalPlacement]
public sealed class RotationGrain(
    [PersistentState("rotation-v1", GrainMemoryNames.Store)] IPersistentState<RotationMemory> memory, ILogger<RotationGrain> log) : Grain, IRotationGrain
{
    public ValueTask<Dictionary<string, Dictionary<string, long>>> Load() => ValueTask.FromResult(memory.State.Claims);

    public async ValueTask Keep(Dictionary<string, Dictionary<string, long>> claims)
    {
        memory.State.Claims = claims;
        // The next activation reads the row anew. After a write whose reply was lost this one would be refused for ever.
        if (!await GrainMemoryWriter.WriteAsync(memory, log)) DeactivateOnIdle();
    }
}
