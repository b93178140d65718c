using Exchange.Engine.Caps;
using Exchange.Storage;
using Shouldly;

namespace Exchange.System.Tests.Grains;

public sealed class LiveViewTests
{
    [Fact]
    public void Each_CountsEveryValueForItself()
    {
        var market = new CapMarket("""{ "per": "day", "leads": 5, "each": "state" }""");
        var cap = market.Cap("day.leads.by.state");
        market.Hear(cap, used: 4, held: 1, value: "CA");
        market.Hear(cap, used: 2, value: "");
        market.Read(cap, "CA").ShouldBe(new LimitReading(5, 4, 1));
        market.Read(cap, "NV").ShouldBe(new LimitReading(5, 0, 0));
        market.Read(cap, "").ShouldBe(new LimitReading(5, 2, 0)); // those that say no state count together
    }

    [Fact]
    public void Window_ThatIsOver_ReadsAsEmpty_AndALateEndInItChangesNothing()
    {
        var market = new CapMarket("""{ "per": "day", "leads": { "mon-fri": 40, "sat": 15, "sun": 2 } }""");
        var cap = market.Cap("day.leads");
        market.Read(cap).ShouldBe(new LimitReading(15, 0, 0));
        market.Hear(cap, used: 14, held: 1);
        market.Read(cap).ShouldBe(new LimitReading(15, 14, 1));
        var saturday = market.Seconds;
        market.Time.Now += TimeSpan.FromHours(12);
        market.Read(cap).ShouldBe(new LimitReading(2, 0, 0));
        market.Hear(cap, used: 1);
        market.Hear(cap, used: 15, at: saturday);
        market.Read(cap).ShouldBe(new LimitReading(2, 1, 0));
        market.Time.Now += TimeSpan.FromHours(24);
        market.Read(cap).ShouldBe(new LimitReading(40, 0, 0));
    }

    /// <summary>A campaign that has other caps from now on has another gate, and the old one is closed: heard before the catalog is, that is no pause.</summary>
    [Fact]
    public void Gate_ThatIsHeardClosed_StandsAsItsCatalogSays()
    {
        var market = new CapMarket("""{ "per": "day", "leads": 5 }""");
        var gate = market.Campaign.Takes.Single(static limit => limit.Kind == LimitKind.Gate && limit.Scope == CapScope.Campaign);
        // Zero stands for open, one below for closed.
        market.Read(gate).ShouldBe(new LimitReading(0, 0, 0));
        market.Live.Apply([new CounterValue(gate.KeyAt(market.Seconds, out _), gate.Id, -1, 0, 0)]);
        market.Read(gate).ShouldBe(new LimitReading(0, 0, 0));
    }

    /// <summary>A read of the rows that began before the last place was sold: the cap would look as if it had one, and nothing commits there any more that put it right.</summary>
    [Fact]
    public void Heal_ByAReadThatBeganBeforeACommit_SaysNothingOfWhatCommittedSince()
    {
        var market = new CapMarket("""{ "per": "day", "leads": 5 }""");
        var cap = market.Cap("day.leads");
        market.Hear(cap, used: 4);
        CounterValue[] read = [new(cap.KeyAt(market.Seconds, out _), cap.Id, 5, 4, 0)];
        var since = market.Live.Now;
        market.Hear(cap, used: 5);
        market.Live.Heal(read, since);
        market.Read(cap).Used.ShouldBe(5);
        market.Live.Heal(read, market.Live.Now);
        market.Read(cap).Used.ShouldBe(4);
    }

    /// <summary>What another silo tells is of a commit too: the read may have been made before that one.</summary>
    [Fact]
    public void Heal_ByAReadThatBeganBeforeAnotherSilosNews_SaysNothingOfIt()
    {
        var market = new CapMarket("""{ "per": "day", "leads": 5 }""");
        var cap = market.Cap("day.leads");
        CounterValue[] Row(long used) => [new(cap.KeyAt(market.Seconds, out _), cap.Id, 5, used, 0)];
        var since = market.Live.Now;
        market.Live.Heal(Row(5));
        market.Live.Heal(Row(4), since);
        market.Read(cap).Used.ShouldBe(5);
    }

    /// <summary>A cap that has left the catalog and come back has another counter: what was promised before is not taken from it.</summary>
    [Fact]
    public void SoftHold_OfACapThatLeftMeanwhile_IsTakenFromNothingElse()
    {
        const string caps = """{ "per": "day", "leads": 5 }""";
        var market = new CapMarket(caps);
        var cell = market.Live.SoftHold(market.Cap("day.leads"), null, 2).ShouldNotBeNull();
        market.Apply("");
        market.Apply(caps);
        market.Live.EndSoftHold(market.Cap("day.leads"), cell, 2);
        market.Live.SoftHold(market.Cap("day.leads"), null, 1);
        market.Read(market.Cap("day.leads")).Held.ShouldBe(1);
        market.Live.EndSoftHold(market.Cap("day.leads"), cell, 0);
        market.Live.RoomsOf(market.Model)![market.Cap("day.leads").Ordinal].Left.ShouldBe(4);
    }

    /// <summary>The reading lies in its cell and is written in place.</summary>
    [Fact]
    public async Task Read_WhileItIsWritten_IsOneReadingAndNeverHalfOfTwo()
    {
        const int Changes = 300_000;
        var market = new CapMarket("""{ "per": "day", "leads": 1000000 }""");
        var cap = market.Cap("day.leads");
        market.Hear(cap, used: 0, held: 0);
        var writing = Task.Run(() =>
        {
            for (var now = 1; now <= Changes; now++) market.Hear(cap, used: now, held: now);
        });
        var last = 0L;
        while (last < Changes && !writing.IsFaulted)
        {
            var read = market.Read(cap);
            if (read.Used != read.Held || read.Used < last) throw new InvalidOperationException($"{read} after {last}");
            last = read.Used;
        }
        await writing;
        market.Read(cap).ShouldBe(new LimitReading(1_000_000, Changes, Changes));
    }

    [Fact]
    public void Soft_AlwaysHasRoom()
    {
        var market = new CapMarket("""{ "per": "day", "leads": 5, "soft": true }""");
        market.Hear(market.Cap("day.leads"), used: 900);
        market.Read(market.Cap("day.leads")).Left.ShouldBeGreaterThan(1_000_000_000);
    }

    [Fact]
    public void Promises_AreHeldAsLongAsTheyStand_ForTheirValueAlone()
    {
        var market = new CapMarket("""{ "per": "day", "spend": "50.00", "each": "state" }""");
        var cap = market.Cap("day.spend.by.state");
        market.Live.SoftHold(cap, "CA", 20_000_000);
        market.Read(cap, "CA").Left.ShouldBe(30_000_000);
        market.Live.ReadHard(cap, market.Seconds, "CA").Left.ShouldBe(50_000_000);
        market.Read(cap, "NV").Left.ShouldBe(50_000_000);
        market.Live.SoftHold(cap, "CA", -20_000_000);
        market.Read(cap, "CA").Left.ShouldBe(50_000_000);
    }

    [Fact]
    public void Glance_TellsOfPlainLimitsAlone_AndOfItsOwnModelAlone()
    {
        const string caps = """{ "per": "day", "leads": 5 }, { "per": "day", "leads": 9, "each": "state" }, { "per": "day", "spend": { "mon-sat": "5.00", "sun": "1.00" } }""";
        var market = new CapMarket(caps);
        var old = market.Model;
        var plain = market.Cap("day.leads");
        market.Hear(plain, used: 3, held: 1);
        var rooms = market.Live.RoomsOf(old).ShouldNotBeNull();
        rooms[plain.Ordinal].Left.ShouldBe(1);
        old.Limits.Where(limit => !limit.IsPlain).ShouldAllBe(limit => rooms[limit.Ordinal].Left <= 0 && rooms[limit.Ordinal].Until == 0);

        market.Apply(caps.Replace("\"leads\": 5", "\"leads\": 50", StringComparison.Ordinal));
        market.Live.RoomsOf(old).ShouldBeNull();
        market.Live.RoomsOf(market.Model)![market.Cap("day.leads").Ordinal].Left.ShouldBe(46);
        // A ping that is still walked on the old model counts for the new one too.
        market.Live.SoftHold(plain, null, 2);
        market.Live.RoomsOf(market.Model)![market.Cap("day.leads").Ordinal].Left.ShouldBe(44);
        market.Live.Read(plain, market.Seconds).ShouldBe(new LimitReading(5, 3, 3));
    }

    [Fact]
    public void Cap_ThatLeftTheCatalog_StartsAnewWithItsRow()
    {
        var market = new CapMarket("""{ "per": "day", "leads": 5 }""");
        market.Hear(market.Cap("day.leads"), used: 3);
        market.Apply("""{ "per": "day", "spend": "50.00" }""");
        market.Apply("""{ "per": "day", "leads": 5 }""");
        market.Read(market.Cap("day.leads")).Used.ShouldBe(0);
        market.Hear(market.Cap("day.leads"), used: 4);
        market.Read(market.Cap("day.leads")).Used.ShouldBe(4);
    }

    [Fact]
    public void Values_WhoseWindowIsOver_AreForgotten_TheOthersNot()
    {
        var market = new CapMarket("""{ "per": "hour", "leads": 5, "each": "state" }, { "per": "day", "leads": 5, "each": "state" }""");
        market.Hear(market.Cap("hour.leads.by.state"), used: 1, value: "CA");
        market.Hear(market.Cap("day.leads.by.state"), used: 1, value: "CA");
        market.Time.Now += TimeSpan.FromHours(1);
        market.Live.Sweep(market.NowMs);
        market.Read(market.Cap("day.leads.by.state"), "CA").Used.ShouldBe(1);
        // Heard again, an old window is as good as none.
        market.Read(market.Cap("hour.leads.by.state"), "CA").Used.ShouldBe(0);
        market.Live.ValuesOf(market.Cap("hour.leads.by.state"), market.NowMs, 9).ShouldBeEmpty();
        market.Live.ValuesOf(market.Cap("day.leads.by.state"), market.NowMs, 9).Select(value => value.Value).ShouldBe(["CA"]);
    }

    [Fact]
    public void Unknown_RowsOfNoLimit_AreNothing()
    {
        var market = new CapMarket();
        market.Live.Apply([new CounterValue("cap:c:gone:leads:day:UTC:1763683200", "c:gone:leads:day:UTC", 5, 5, 0)]);
        market.Live.RoomsOf(market.Model).ShouldNotBeNull();
    }
}
