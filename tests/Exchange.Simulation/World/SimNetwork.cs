using Exchange.Simulation.Scheduling;

namespace Exchange.Simulation.World;

/// <summary>
/// Calls between processes: they take time, and a request or its reply may be lost. A request of the outside may also come twice; a grain call never
/// does, because nobody sends it again.
/// </summary>
internal sealed class SimNetwork(SimWorld world)
{
    /// <summary>Throws <see cref="TimeoutException"/> if nothing came back in time: then nobody knows.</summary>
    public Task<T> CallAsync<T>(SimProcess from, SimProcess to, Func<Task<T>> work, long timeoutMs, bool mayComeTwice = false)
    {
        var reply = new TaskCompletionSource<T>();
        var timeout = world.Loop.After(timeoutMs, from, () => reply.TrySetException(new TimeoutException("No reply in time")));
        var (plan, random) = (world.Plan, world.Random);
        if (world.IsFaulty && random.Chance(plan.MessageLost)) world.Count(Fault.MessageLost);
        else Arrive();
        if (mayComeTwice && world.IsFaulty && random.Chance(plan.MessageTwice))
        {
            world.Count(Fault.MessageTwice);
            Arrive();
        }
        return reply.Task;

        void Arrive() => world.Loop.After(random.Between(0, plan.NetworkMs), to, () => to.Start(async () =>
        {
            try
            {
                var result = await work();
                Back(() => End(() => reply.TrySetResult(result)));
            }
            catch (Exception fault)
            {
                world.Saw(to, fault);
                Back(() => End(() => reply.TrySetException(fault)));
            }
        }));

        void End(Action end)
        {
            timeout.Dispose();
            end();
        }

        void Back(Action end)
        {
            if (world.IsFaulty && random.Chance(plan.MessageLost)) world.Count(Fault.MessageLost);
            else world.Loop.After(random.Between(0, plan.NetworkMs), from, end);
        }
    }
}
