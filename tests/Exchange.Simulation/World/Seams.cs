using Exchange.Engine.Leads;
using Exchange.Grains.Leads;
using Exchange.Simulation.Store;

namespace Exchange.Simulation.World;

/// <summary>
/// The places where a planted bug gets in: the rows, a silo's store, the decision of a lead. As it is, nothing is planted. The product never knows.
/// </summary>
internal class Seams
{
    public virtual SimDatabase NewDatabase() => new();

    /// <summary>May put something else in the place of the store's journal or deliveries.</summary>
    public virtual void Arm(SimStore store) { }

    public virtual LeadDecision Decide => LeadMachine.Step;
}
