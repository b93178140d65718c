using Exchange.Engine.Deliveries;
using Exchange.Engine.Ledger;
using Exchange.Simulation.Store;
using Exchange.Simulation.World;

namespace Exchange.Simulation.PlantedBugs;

/// <summary>Mistakes about leads that wait before a tree is asked.</summary>
internal static class WaitBugs
{
    public static IReadOnlyList<PlantedBug> All { get; } =
    [
        new("the end of a lead's wait not written", () => new Unended()),
        new("a drop that only its process knows of", () => new Unknown()) { In = plan => plan with { Crashes = true, DieAtSend = 400 } },
    ];

    private sealed class Unknown : Seams
    {
        public override NewDelivery Turned(NewDelivery delivery) => delivery.Wait == DeliveryWait.Drop ? delivery with { Wait = DeliveryWait.None } : delivery;
    }

    private sealed class Unended : Seams
    {
        public override SimDatabase NewDatabase() => new Rows();

        private sealed class Rows : SimDatabase
        {
            protected override void Write(ItemPlan plan, string owner, News news)
            {
                base.Write(plan, owner, news);
                if (plan.Item is { EndsWait: not null, Wait: null } && Find(plan.Item.Lead)?.Wait is { } wait) wait.DueAtMs = plan.Item.AtMs;
            }
        }
    }
}
