using Exchange.Engine.Values;
using Orleans;
using Orleans.Runtime;

namespace Exchange.Grains.Leads;

/// <summary>Where a lead's grain is found.</summary>
public static class LeadGrains
{
    private static GrainReference? first;

    /// <summary>The grain of this lead. Orleans reads an interface's attributes anew for each reference; here they are read once.</summary>
    public static ILeadGrain Lead(this IGrainFactory grains, LeadId lead)
    {
        ArgumentNullException.ThrowIfNull(grains);
        if (Volatile.Read(ref first) is { } known)
            return (ILeadGrain)grains.GetGrain(GrainId.Create(known.GrainId.Type, GrainIdKeyExtensions.CreateGuidKey(lead.ToGuid())), known.InterfaceType);
        var grain = grains.GetGrain<ILeadGrain>(lead.ToGuid());
        // What a simulation gives is none.
        if (grain is GrainReference reference) Volatile.Write(ref first, reference);
        return grain;
    }
}
