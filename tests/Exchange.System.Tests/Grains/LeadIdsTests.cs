using Exchange.Grains.Pings;
using Shouldly;

namespace Exchange.System.Tests.Grains;

public sealed class LeadIdsTests
{
    /// <summary>A wall clock that somebody may set, and one that only goes on.</summary>
    internal sealed class Clocks : TimeProvider
    {
        public DateTimeOffset Wall { get; set; } = CapMarket.Noon;
        public TimeSpan Went { get; set; } = TimeSpan.FromDays(3);
        public override DateTimeOffset GetUtcNow() => Wall;
        public override long TimestampFrequency => TimeSpan.TicksPerSecond;
        public override long GetTimestamp() => Went.Ticks;

        public void Pass(TimeSpan time)
        {
            Wall += time;
            Went += time;
        }
    }

    [Fact]
    public void Ids_RiseWithTime_AndAreOfTheirMoment()
    {
        var clocks = new Clocks();
        var ids = new LeadIds(1, clocks);
        var last = ids.Next(false);
        last.UnixMilliseconds.ShouldBe(clocks.Wall.ToUnixTimeMilliseconds());
        foreach (var ms in (double[])[0, 0.4, 0.7, 1, 250.9, 0.1, 60_000])
        {
            clocks.Pass(TimeSpan.FromMilliseconds(ms));
            var next = ids.Next(false);
            next.CompareTo(last).ShouldBeGreaterThan(0);
            next.UnixMilliseconds.ShouldBe(clocks.Wall.ToUnixTimeMilliseconds());
            last = next;
        }
    }

    /// <summary>Ids of one moment lie in one place of the store: an hour of them would fill it, and nothing would be recorded any more.</summary>
    [Fact]
    public void ClockThatWasAhead_AndIsSetBack_DoesNotStopThem()
    {
        var clocks = new Clocks();
        var ids = new LeadIds(1, clocks);
        clocks.Wall += TimeSpan.FromHours(2);
        var ahead = ids.Next(false);
        clocks.Wall -= TimeSpan.FromHours(2);
        var last = ahead;
        for (var second = 1; second <= 3_600; second++)
        {
            clocks.Pass(TimeSpan.FromSeconds(1));
            var next = ids.Next(false);
            next.CompareTo(last).ShouldBeGreaterThan(0);
            next.UnixMilliseconds.ShouldBe(ahead.UnixMilliseconds + second * 1_000);
            last = next;
        }
    }
}
