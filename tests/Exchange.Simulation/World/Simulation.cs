using Exchange.Engine.Ledger;
using Exchange.Simulation.Checks;
using Exchange.Simulation.Scheduling;
using Exchange.Storage;

namespace Exchange.Simulation.World;

/// <summary>What became of one seed.</summary>
internal sealed record RunResult(ulong Seed, ulong Hash, long Steps, IReadOnlyList<long> Faults, string? Check, string? Violation, IReadOnlyList<string> Last)
{
    public int Leads { get; init; }
    public int Sold { get; init; }
}

/// <summary>Runs one seed: a quiet start, a time in which things go wrong, then all is healed and everything has to come to an end.</summary>
internal static class Simulation
{
    private const long StartMs = 30_000;
    private const long FaultyMs = 40_000;
    private const long HealedMs = 600_000;
    private const long MostSteps = 200_000;

    public static RunResult Run(ulong seed, Seams? seams = null, Plan? plan = null)
    {
        // A test runner's context would take continuations away from the loop.
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            return RunHere(seed, seams ?? new Seams(), plan ?? Plan.Draw(new SimRandom(~seed)));
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }

    private static RunResult RunHere(ulong seed, Seams seams, Plan plan)
    {
        var world = new SimWorld(seed, plan, seams);
        var nemesis = world.Nemesis;
        Begin(world);
        if (Until(world, SimLoop.StartMs + StartMs, () => world.Silos.All(silo => silo.IsReady)))
        {
            world.StartClients();
            world.IsFaulty = true;
            Until(world, SimLoop.StartMs + StartMs + FaultyMs, () =>
            {
                nemesis.Act();
                return world.ClientsAreDone;
            });
            nemesis.Heal();
            if (Until(world, world.Loop.NowMs + HealedMs, () => world.Loop.Steps % 32 == 0 && IsSettled(world)))
            {
                if (world.Violation is null) Afterwards.Check(world);
            }
            else world.Violates("liveness", Open(world));
        }
        else world.Violates("liveness", "the silos do not start");
        return new(seed, world.Loop.Trace.Hash, world.Loop.Steps, world.Faults, world.ViolatedCheck, world.Violation, world.Violation is null ? [] : [.. world.Loop.Trace.Last(80)])
        {
            Leads = world.Database.Leads.Count, Sold = world.Database.Leads.Count(lead => lead.State == LeadState.Sold),
        };
    }

    private static void Begin(SimWorld world)
    {
        world.Database.Fund("a", Exchange.Engine.Values.Money.Parse("5.00"), "first");
        var first = world.Silos[0];
        first.Process.Start(async () =>
        {
            var applied = await first.Catalog.ApplyAsync(Markets.Version(world.Plan.Market, 0), null, "admin", false, CancellationToken.None);
            if (applied.Errors.Count > 0) throw new InvalidOperationException($"market {world.Plan.Market}: {applied.Errors[0].Pointer} {applied.Errors[0].Message}");
            foreach (var silo in world.Silos) silo.Process.Start(silo.StartAsync);
        });
    }

    /// <summary>False: that time came, or too many steps, before it was so. A violation ends everything.</summary>
    private static bool Until(SimWorld world, long untilMs, Func<bool> isSo)
    {
        while (world.Violation is null)
        {
            if (world.Loop.Escaped is { } escaped) world.Violates("determinism", escaped);
            if (isSo()) return true;
            if (world.Loop.Steps > MostSteps || !world.Loop.RunOne(untilMs) || world.Loop.NowMs >= untilMs) return false;
        }
        return true;
    }

    /// <summary>Everybody knows what they asked, nothing is held that nobody goes on with, no delivery waits.</summary>
    private static bool IsSettled(SimWorld world) =>
        world.ClientsAreDone
        && world.Database.Deliveries.TrueForAll(delivery => delivery.Pulled || delivery.Status != DeliveryStatus.Waiting)
        && world.Database.Returns.TrueForAll(row => row.Status != ReturnStatus.Accepted || row.IsBooked)
        && world.Database.Leads.TrueForAll(lead => lead.State is LeadState.Sold or LeadState.Unsold or LeadState.InDoubt && !lead.Copies.Exists(copy => copy.State == CopyState.Held));

    private static string Open(SimWorld world) =>
        $"clients done: {world.ClientsAreDone}; leads: {string.Join(", ", world.Database.Leads.Where(lead => lead.State is LeadState.Open or LeadState.Pending).Select(lead => lead.Id + " " + lead.State))}; "
        + $"deliveries: {string.Join(", ", world.Database.Deliveries.Where(delivery => !delivery.Pulled && delivery.Status == DeliveryStatus.Waiting).Select(delivery => delivery.Copy + " due " + (delivery.DueAtMs - SimLoop.StartMs)))}; "
        + $"returns not booked: {world.Database.Returns.Count(row => row is { Status: ReturnStatus.Accepted, IsBooked: false })}; "
        + $"held: {string.Join(", ", world.Database.Leads.SelectMany(lead => lead.Copies.Where(copy => copy.State == CopyState.Held).Select(copy => lead.Id + "." + copy.No)))}";
}
