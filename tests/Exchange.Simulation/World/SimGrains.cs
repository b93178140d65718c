using Exchange.Engine.Values;
using Exchange.Grains.Intake;
using Exchange.Grains.Leads;
using Exchange.Grains.SoftHolds;
using Exchange.Simulation.Scheduling;
using Orleans;
using Orleans.Runtime;

namespace Exchange.Simulation.World;

/// <summary>Where one silo finds grains: a lead on the silo that the directory names (or, for a moment, on another one too), promises in one place.</summary>
internal sealed class SimGrains(SimWorld world, SimSilo silo) : IGrainFactory
{
    private const long ResponseMs = 20_000;

    public TGrainInterface GetGrain<TGrainInterface>(Guid primaryKey, string? grainClassNamePrefix = null) where TGrainInterface : IGrainWithGuidKey =>
        (TGrainInterface)(object)new Lead(world, silo, LeadId.FromGuid(primaryKey));

    public TGrainInterface GetGrain<TGrainInterface>(string primaryKey, string? grainClassNamePrefix = null) where TGrainInterface : IGrainWithStringKey =>
        (TGrainInterface)(object)new SoftHold(world, silo.Process, world.PromisesOf(primaryKey));

    private sealed class Lead(SimWorld world, SimSilo from, LeadId id) : ILeadGrain
    {
        public ValueTask<PostReply> Post(PostCommand command) => new(CallAsync(seller => seller.PostAsync(command)));
        public ValueTask Resume(ResumeCommand command) => new(CallAsync(seller => seller.ResumeAsync(command)));
        public ValueTask WaitOver(long fence) => new(CallAsync(seller => seller.WaitOverAsync(fence)));
        public ValueTask TestOver() => throw new NotSupportedException();
        public ValueTask FieldsAdded() => new(CallAsync(static seller => seller.ForgetFieldsAsync()));
        public ValueTask Erase(EraseCommand command) => new(CallAsync(seller => seller.EraseAsync(command)));
        public ValueTask<ResolveReply> Resolve(ResolveCommand command) => new(CallAsync(seller => seller.ResolveAsync(command)));

        private Task<bool> CallAsync(Func<LeadSeller, Task> work) => CallAsync(async seller =>
        {
            await work(seller);
            return true;
        });

        private Task<T> CallAsync<T>(Func<LeadSeller, Task<T>> work)
        {
            var to = world.SiloOf(id, from);
            return world.Network.CallAsync(from.Process, to.Process, () => to.OnLeadAsync(id, work), ResponseMs);
        }
    }

    private sealed class SoftHold(SimWorld world, SimProcess from, PromisedAmounts promised) : ICampaignGrain, IBuyerGrain
    {
        public ValueTask<bool> TrySoftHold(SoftHoldRequest request) =>
            new(world.Network.CallAsync(from, world.Outside, () => Task.FromResult(promised.TryPromise(request, world.Loop.NowMs)), 1_000));

        public ValueTask Release(Guid ping)
        {
            promised.Release(ping);
            return ValueTask.CompletedTask;
        }

        public ValueTask<Promises> Promises() => throw new NotSupportedException();
    }

    public TGrainInterface GetGrain<TGrainInterface>(long primaryKey, string? grainClassNamePrefix = null) where TGrainInterface : IGrainWithIntegerKey => throw new NotSupportedException();
    public TGrainInterface GetGrain<TGrainInterface>(Guid primaryKey, string keyExtension, string? grainClassNamePrefix = null) where TGrainInterface : IGrainWithGuidCompoundKey => throw new NotSupportedException();
    public TGrainInterface GetGrain<TGrainInterface>(long primaryKey, string keyExtension, string? grainClassNamePrefix = null) where TGrainInterface : IGrainWithIntegerCompoundKey => throw new NotSupportedException();
    public TGrainObserverInterface CreateObjectReference<TGrainObserverInterface>(IGrainObserver obj) where TGrainObserverInterface : IGrainObserver => throw new NotSupportedException();
    public void DeleteObjectReference<TGrainObserverInterface>(IGrainObserver obj) where TGrainObserverInterface : IGrainObserver => throw new NotSupportedException();
    public IGrain GetGrain(Type grainInterfaceType, Guid grainPrimaryKey) => throw new NotSupportedException();
    public IGrain GetGrain(Type grainInterfaceType, long grainPrimaryKey) => throw new NotSupportedException();
    public IGrain GetGrain(Type grainInterfaceType, string grainPrimaryKey) => throw new NotSupportedException();
    public IGrain GetGrain(Type grainInterfaceType, Guid grainPrimaryKey, string keyExtension) => throw new NotSupportedException();
    public IGrain GetGrain(Type grainInterfaceType, long grainPrimaryKey, string keyExtension) => throw new NotSupportedException();
    public TGrainInterface GetGrain<TGrainInterface>(GrainId grainId) where TGrainInterface : IAddressable => throw new NotSupportedException();
    public IAddressable GetGrain(GrainId grainId) => throw new NotSupportedException();
    public IAddressable GetGrain(GrainId grainId, GrainInterfaceType interfaceType) => throw new NotSupportedException();
    public IAddressable GetGrain(Type interfaceType, IdSpan grainKey, string grainClassNamePrefix) => throw new NotSupportedException();
    public IAddressable GetGrain(Type interfaceType, IdSpan grainKey) => throw new NotSupportedException();
}
