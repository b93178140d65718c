using Exchange.Engine.Caps;
using Exchange.Storage;

namespace Exchange.Grains.Limits;

/// <summary>How a counter stood when it was last heard of.</summary>
/// <param name="Limit">As its row says.</param>
/// <param name="Pending">Counted here and not known to be in <see cref="Used"/> yet: offers and pings.</param>
/// <param name="InFlight">The part of <see cref="Pending"/> that is on its way to the row.</param>
internal readonly record struct CellReading(Window Window, long Limit, long Used, long Held, long Pending = 0, long InFlight = 0)
{
    public static CellReading Unheard { get; } = new(new(long.MinValue, long.MinValue), 0, 0, 0);
    public bool IsHeard => Window.End != long.MinValue;
    public long Counted => Used + Pending;
}

/// <summary>One counter of one limit, in its newest window.</summary>
/// <remarks>
/// The reading lies in the cell itself and is written in place: a new object for each change would be one more pointer from an old object to a young one, which
/// every collection follows (docs/decisions/0063). Who reads waits for nobody, unless somebody is writing at that moment.
/// </remarks>
internal sealed class Cell(string limitId, string? value)
{
    private readonly Lock gate = new();
    private CellReading now = CellReading.Unheard;
    // Odd while `now` is being written.
    private int version;
    private long promised;
    // The newest commit that it was told of, by this silo's count.
    private long commit;

    public string LimitId => limitId;
    public string? Value => value;
    public CellReading Now
    {
        get
        {
            var before = Volatile.Read(ref version);
            var read = now;
            Volatile.ReadBarrier();
            if ((before & 1) == 0 && Volatile.Read(ref version) == before) return read;
            lock (gate) return now;
        }
    }
    /// <summary>Which alerts were raised in which window; written by <see cref="CapAlerts"/> alone.</summary>
    public AlertMarks Alerts { get => field ?? Interlocked.CompareExchange(ref field, new(), null) ?? field; }
    /// <summary>Paced caps: when the next turn comes.</summary>
    public PaceTurns Pace { get => field ?? Interlocked.CompareExchange(ref field, new(), null) ?? field; }

    /// <summary>Offers that are out and likely to be posted, as if they were held.</summary>
    public long Promised => Math.Max(0, Interlocked.Read(ref promised));
    public void Promise(long amount) => Interlocked.Add(ref promised, amount);

    /// <summary>A row's new values. False: they are of an older window, or older than what is known.</summary>
    /// <param name="of">The number of the commit that tells them; 0: they were read.</param>
    /// <param name="since">The newest commit when they began to be read.</param>
    /// <param name="late">What was counted in the window before and not written yet.</param>
    public bool Hear(LimitModel limit, Window window, CounterValue row, long of, long since, out LimitCount? late)
    {
        late = null;
        lock (gate)
        {
            var known = now;
            // A late capture in an older window says nothing about the current one.
            if (known.Window.Start > window.Start) return false;
            // Without it a full cap would look as if it had room: nothing more commits there that would put it right.
            if (limit.IsTake && commit > since && known.Window == window) return false;
            if (of > commit) commit = of;
            if (limit.IsTake) Write(new(window, row.Limit, row.Used, row.Held));
            // A row that is read while counts are on their way has them already or has not: never both.
            else if (known.Window == window) Write(known with { Limit = row.Limit, Used = Math.Max(known.Used, row.Used - known.InFlight) });
            else
            {
                late = Unwritten(limit, known);
                Write(new(window, row.Limit, row.Used, 0));
            }
            return true;
        }
    }

    /// <summary>Counts so much more at once; false: it does not fit.</summary>
    /// <param name="most">No more than this in all; null: it happened, whatever the limit.</param>
    /// <param name="fresh">Nothing was waiting to be written before.</param>
    public bool TryCount(LimitModel limit, long unixSeconds, long amount, long? most, out bool fresh, out LimitCount? late)
    {
        (fresh, late) = (false, null);
        lock (gate)
        {
            var known = now;
            // A clock that was set back counts into the window it has reached before.
            var goesOn = known.IsHeard && unixSeconds < known.Window.End;
            var current = goesOn ? known : new(limit.WindowAt(unixSeconds), 0, 0, 0);
            if (current.Counted + amount > most) return false;
            if (!goesOn) late = Unwritten(limit, known);
            fresh = current.Pending == 0;
            Write(current with { Pending = current.Pending + amount });
            return true;
        }
    }

    /// <summary>Takes back what was counted a moment ago.</summary>
    public void Uncount(long amount)
    {
        lock (gate) Write(now with { Pending = Math.Max(now.InFlight, now.Pending - amount) });
    }

    /// <summary>What has to be written; null: nothing. It is on its way until <see cref="Written"/>.</summary>
    public LimitCount? TakeOff(LimitModel limit)
    {
        lock (gate)
        {
            if (now.Pending <= 0 || now.InFlight > 0) return null;
            Write(now with { InFlight = now.Pending });
            return Count(limit, now, now.InFlight);
        }
    }

    /// <returns>Whether there is (still, or again) something to write.</returns>
    public bool Written(long amount)
    {
        lock (gate)
        {
            // Of a window that is over meanwhile: its row has it.
            if (now.InFlight > 0) Write(now with { Used = now.Used + amount, Pending = now.Pending - amount, InFlight = 0 });
            return now.Pending > 0;
        }
    }

    /// <summary>It was not written. False: its window is over, whoever wrote it has to see to it.</summary>
    public bool Landed()
    {
        lock (gate)
        {
            if (now.InFlight == 0) return false;
            Write(now with { InFlight = 0 });
            return true;
        }
    }

    /// <summary>Under <see cref="gate"/>.</summary>
    private void Write(CellReading reading)
    {
        // It may go round.
        version = unchecked(version + 1);
        Volatile.WriteBarrier();
        now = reading;
        Volatile.Write(ref version, unchecked(version + 1));
    }

    private LimitCount? Unwritten(LimitModel limit, in CellReading reading) =>
        reading.Pending > reading.InFlight ? Count(limit, reading, reading.Pending - reading.InFlight) : null;

    private LimitCount Count(LimitModel limit, in CellReading reading, long amount) =>
        new(limit.KeyIn(reading.Window, value), limit.Id, amount, limit.WeekdayOf(reading.Window));
}
