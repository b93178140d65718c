using Exchange.Grains.Catalog;
using Exchange.Simulation.Scheduling;

namespace Exchange.Simulation.World;

/// <summary>What is done to a world between two steps: a silo dies and comes back, stops for a while, its clock is set; an admin changes the catalog.</summary>
internal sealed class Nemesis(SimWorld world)
{
    /// <summary>How far two clocks may be apart: a silo that is further off is not ready.</summary>
    private const int MostOffMs = 2_000;

    private long next = world.Plan.NemesisSteps == 0 ? long.MaxValue : 0;

    public void Act()
    {
        if (world.Loop.Steps < next) return;
        var (random, plan) = (world.Random, world.Plan);
        next = world.Loop.Steps + random.Between(1, plan.NemesisSteps * 2);
        var silo = random.Pick(world.Silos);
        switch (random.Next(4))
        {
            case 0 when plan.Crashes && !silo.Process.IsDead: Crash(silo); break;
            case 1 when plan.Pauses && silo.Process is { IsDead: false, IsPaused: false }:
                Stop(silo, random.Chance(300) ? random.Between(5_000, 15_000) : random.Between(10, 2_000));
                break;
            case 2 when plan.Clocks:
                world.Count(Fault.ClockJump);
                silo.Clock.OffMs = random.Between(-MostOffMs, MostOffMs);
                break;
            case 3 when plan.Changes && silo is { IsReady: true, Process.IsDead: false }:
                world.Count(Fault.CatalogChange);
                silo.Process.Start(() => ChangeAsync(silo.Catalog));
                break;
        }
    }

    /// <summary>The moment after a lead has left a silo, or half of something is durable: it may be the last it knows of it.</summary>
    public void Sent(SimProcess process)
    {
        if (!world.IsFaulty || process.IsDead || process.IsPaused || world.Silos.FirstOrDefault(silo => silo.Process == process) is not { } silo) return;
        if (world.Random.Chance(world.Plan.StopAtSend)) Stop(silo, world.Random.Between(500, 14_000));
        else if (world.Random.Chance(world.Plan.DieAtSend)) Crash(silo);
    }

    private void Stop(SimSilo silo, long ms)
    {
        world.Count(Fault.Pause);
        silo.Process.Note("stops");
        silo.Process.Pause();
        world.Loop.After(ms, world.Outside, silo.Process.Continue);
    }

    private void Crash(SimSilo silo)
    {
        world.Count(Fault.Crash);
        silo.Process.Note("dies");
        silo.Process.Kill();
        world.Seams.Crashed(world);
        world.Loop.After(world.Random.Between(100, 3_000), world.Outside, () => Restart(silo.Place));
    }

    private void Restart(int place)
    {
        world.Count(Fault.Restart);
        world.Replace(place);
        var silo = world.Silos[place];
        silo.Process.Start(silo.StartAsync);
    }

    /// <summary>Whatever another admin did meanwhile.</summary>
    private async Task ChangeAsync(CatalogHost catalog)
    {
        var change = world.Random.Next(Markets.ChangesOf(world.Plan.Market) + 1);
        await catalog.ApplyAsync(Markets.Version(world.Plan.Market, change), null, "admin", false, CancellationToken.None);
    }

    /// <summary>Everything is well from now on: who stopped goes on, clocks are right. Who is dead is about to come back.</summary>
    public void Heal()
    {
        next = long.MaxValue;
        world.IsFaulty = false;
        foreach (var silo in world.Silos)
        {
            if (silo.Process.IsPaused) silo.Process.Continue();
            silo.Clock.OffMs = 0;
        }
    }
}
