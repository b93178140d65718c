using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Exchange.Engine.Schedules;

namespace Exchange.Grains.Limits;

/// <summary>When the owner of a paced cap is open, looked up only where a window or a catalog is new.</summary>
internal readonly struct PaceHours(LimitModel limit, CatalogModel? model)
{
    public IReadOnlyList<Schedule> Schedules => model is null ? [] : Pacing.SchedulesOf(limit, model);
}

/// <summary>How a paced cap goes, for admins.</summary>
/// <param name="EveryMs">Open time from one sale to the next at what is left; 0: nothing is left.</param>
/// <param name="NextMs">The next turn, Unix milliseconds; 0: now.</param>
/// <param name="TurnedAway">Of the pings that could have had it lately, so many millionths were turned away.</param>
public readonly record struct PaceState(long EveryMs, long NextMs, long TurnedAway);

/// <summary>
/// The turns of one paced cap: whoever had an offer made buys a pause for as much of a sale as offers lately became. Learned anew after a start, at
/// first as if every offer were sold: too slow is made up for, too fast is not.
/// </summary>
internal sealed class PaceTurns
{
    /// <summary>The last hundreds of offers speak loudest.</summary>
    private const int OffersRemembered = 400, PingsRemembered = 2_000;

    private readonly Lock gate = new();
    private Window window;
    private Window[] stretches = [];
    private long nextMs;
    private Int128 offered, sold;
    private long lastAmount = 1;
    private int offers, passed, turned;
    private bool renewed;

    /// <summary>Another catalog may say another limit or other hours: a turn that is due later than it would be now comes sooner.</summary>
    public void Renew() => Volatile.Write(ref renewed, true);

    /// <summary>When the next turn comes; not later than now: now. Counts who is turned away.</summary>
    public long Ask(Window current, in PaceHours hours, long left, long nowMs)
    {
        lock (gate)
        {
            Enter(current, hours);
            if (renewed && nextMs > nowMs)
                nextMs = Math.Min(nextMs, Pacing.AfterMs(stretches, nowMs, Pacing.PauseMs(Pacing.OpenLeftMs(stretches, nowMs), left, lastAmount, Pacing.One)));
            renewed = false;
            if (passed + turned >= PingsRemembered) (passed, turned) = (passed / 2, turned / 2);
            if (nextMs > nowMs) turned++;
            else passed++;
            return nextMs;
        }
    }

    /// <summary>An offer was made that takes so much if it is sold.</summary>
    /// <param name="left">What was left before it.</param>
    /// <param name="hours">When its owner is open, asked once in a window.</param>
    public void Offered(Window current, in PaceHours hours, long left, long amount, long nowMs)
    {
        lock (gate)
        {
            Enter(current, hours);
            if (amount <= 0) return;
            lastAmount = amount;
            var pause = Pacing.PauseMs(Pacing.OpenLeftMs(stretches, nowMs), left, amount, Likelihood(amount));
            // Time in which nobody came is not saved up.
            nextMs = Pacing.AfterMs(stretches, Math.Max(nowMs, nextMs), pause);
            offered += amount;
            if (++offers >= OffersRemembered) (offers, offered, sold) = (offers / 2, offered / 2, sold / 2);
        }
    }

    /// <summary>So much more was sold or held; less: given back.</summary>
    public void Sold(long amount)
    {
        lock (gate) sold = Int128.Max(0, sold + amount);
    }

    public PaceState State(Window current, in PaceHours hours, long left, long nowMs)
    {
        lock (gate)
        {
            Enter(current, hours);
            var every = left <= 0 ? 0 : Pacing.PauseMs(Pacing.OpenLeftMs(stretches, nowMs), left, lastAmount, Pacing.One);
            return new(every, nextMs > nowMs ? nextMs : 0, passed + turned == 0 ? 0 : turned * Pacing.One / (passed + turned));
        }
    }

    private long Likelihood(long amount) => (long)Int128.Clamp((sold + amount) * Pacing.One / (offered + amount), 1, Pacing.One);

    private void Enter(Window current, in PaceHours hours)
    {
        if (window == current && !renewed) return;
        window = current;
        stretches = Pacing.OpenStretches(hours.Schedules, current);
    }
}
