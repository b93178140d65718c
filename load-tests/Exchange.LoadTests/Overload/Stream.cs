using System.Diagnostics;
using HdrHistogram;

namespace Exchange.LoadTests.Overload;

/// <summary>What a stretch of load came to. Latencies are milliseconds, from the sending of a call (of a pair: of its ping) to its answer.</summary>
/// <param name="NotSent">Due, but the client had as many in flight as it may.</param>
/// <param name="DoneFromDueMs">
/// From the moment at which the call was due in its stream, which is earlier where the client was late: in a closed loop nothing is due, and it is the same. A post is due
/// when its ping is answered.
/// </param>
internal sealed record Stretch(
    double Seconds, long Sent, long NotSent, long Done, long NoOffer, long PingsRefused, long PostsRefused, long Failed, Waits DoneMs, Waits RefusedMs, Waits DoneFromDueMs, Waits RefusedFromDueMs)
{
    public double PerSecond => Done / Seconds;
    public double OfferedPerSecond => Sent / Seconds;
    public long Refused => PingsRefused + PostsRefused;
}

internal readonly record struct Waits(double P50, double P99, double Max)
{
    public static Waits Of(LongHistogram histogram) => histogram.TotalCount == 0
        ? default
        : new(histogram.GetValueAtPercentile(50) / 1_000.0, histogram.GetValueAtPercentile(99) / 1_000.0, histogram.GetMaxValue() / 1_000.0);
}

/// <summary>Counts what ends; a stretch is what ended since the last was taken.</summary>
internal sealed class Tally
{
    private const long HighestMicros = 60_000_000;
    private readonly Lock gate = new();
    private LongHistogram done = Empty(), refused = Empty(), doneFromDue = Empty(), refusedFromDue = Empty();
    private readonly long[] ends = new long[Enum.GetValues<Ended>().Length];
    private long sent, notSent, since = Stopwatch.GetTimestamp();

    public void Sent() => Interlocked.Increment(ref sent);

    public void NotSent() => Interlocked.Increment(ref notSent);

    /// <param name="due">When the pair was.</param>
    /// <param name="began">The pair's ping.</param>
    /// <param name="called">The call that was answered last.</param>
    public void Ended(Ended how, long due, long began, long called)
    {
        lock (gate)
        {
            ends[(int)how]++;
            if (how == Overload.Ended.Done)
            {
                done.RecordValue(Micros(began));
                doneFromDue.RecordValue(Micros(due));
            }
            else if (how is Overload.Ended.PingRefused or Overload.Ended.PostRefused)
            {
                refused.RecordValue(Micros(called));
                refusedFromDue.RecordValue(Micros(how == Overload.Ended.PingRefused ? due : called));
            }
        }
    }

    public Stretch Take()
    {
        lock (gate)
        {
            var now = Stopwatch.GetTimestamp();
            var stretch = new Stretch(Stopwatch.GetElapsedTime(since, now).TotalSeconds, Interlocked.Exchange(ref sent, 0), Interlocked.Exchange(ref notSent, 0),
                ends[(int)Overload.Ended.Done], ends[(int)Overload.Ended.NoOffer], ends[(int)Overload.Ended.PingRefused], ends[(int)Overload.Ended.PostRefused], ends[(int)Overload.Ended.Failed],
                Waits.Of(done), Waits.Of(refused), Waits.Of(doneFromDue), Waits.Of(refusedFromDue));
            Array.Clear(ends);
            (done, refused, doneFromDue, refusedFromDue, since) = (Empty(), Empty(), Empty(), Empty(), now);
            return stretch;
        }
    }

    private static LongHistogram Empty() => new(HighestMicros, 3);

    private static long Micros(long from) => Math.Clamp((long)Stopwatch.GetElapsedTime(from).TotalMicroseconds, 1, HighestMicros);
}

/// <summary>Sends pairs: as fast as they are answered, or at a rate that waits for nobody.</summary>
internal sealed class Load(RawIntake intake, bool pingOnly)
{
    /// <summary>As many as one client may have in flight: what is due beyond them is not sent, and told.</summary>
    private const int MostInFlight = 8_000;
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(1), BackOff = TimeSpan.FromMilliseconds(100);
    private int inFlight, neverAnswered;
    private long number;

    public Tally Tally { get; } = new();

    public async Task ClosedAsync(int callers, TimeSpan time)
    {
        using var over = new CancellationTokenSource(time);
        await ClosedAsync(callers, over.Token);
    }

    /// <summary>Done when the last that was begun is answered.</summary>
    public async Task ClosedAsync(int callers, CancellationToken over) =>
        await Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(async () =>
        {
            // Who is told to come again does so later.
            while (!over.IsCancellationRequested)
            {
                Interlocked.Increment(ref inFlight);
                if (await OneAsync(null) is Ended.PingRefused or Ended.PostRefused) await Task.Delay(BackOff, CancellationToken.None);
            }
        }, CancellationToken.None)));

    /// <summary>At a rate until the time is over; what is in flight then goes on.</summary>
    public async Task OpenAsync(double perSecond, TimeSpan time)
    {
        using var timer = new PeriodicTimer(Tick);
        var start = Stopwatch.GetTimestamp();
        for (long sent = 0; Stopwatch.GetElapsedTime(start) < time && await timer.WaitForNextTickAsync();)
        {
            for (var now = (long)(Stopwatch.GetElapsedTime(start).TotalSeconds * perSecond); sent < now; sent++)
            {
                if (Volatile.Read(ref inFlight) >= MostInFlight)
                {
                    Tally.NotSent();
                    continue;
                }
                // At its place in the stream, whenever timer and pool come to it.
                var due = start + (long)((sent + 1) / perSecond * Stopwatch.Frequency);
                Interlocked.Increment(ref inFlight);
                _ = Task.Run(() => OneAsync(due));
            }
        }
    }

    /// <summary>Waits for what is in flight; how much of it was not answered within that time, besides what was told before.</summary>
    public async Task<int> AnsweredAsync(TimeSpan patience)
    {
        var began = Stopwatch.GetTimestamp();
        while (Volatile.Read(ref inFlight) > neverAnswered && Stopwatch.GetElapsedTime(began) < patience) await Task.Delay(BackOff);
        var more = Math.Max(0, Volatile.Read(ref inFlight) - neverAnswered);
        neverAnswered += more;
        return more;
    }

    /// <summary>Counted as in flight before, and no more when it is answered.</summary>
    /// <param name="due">A timestamp; null: when it is sent.</param>
    private async Task<Ended> OneAsync(long? due)
    {
        Tally.Sent();
        var (began, called) = (0L, 0L);
        var how = await intake.PairAsync(Interlocked.Increment(ref number), () => { called = Stopwatch.GetTimestamp(); if (began == 0) began = called; }, pingOnly, CancellationToken.None);
        Interlocked.Decrement(ref inFlight);
        Tally.Ended(how, due ?? began, began, called);
        return how;
    }
}
