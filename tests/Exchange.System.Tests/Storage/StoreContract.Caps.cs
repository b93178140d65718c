using CsCheck;
using Exchange.Engine;
using Exchange.Engine.Caps;
using Exchange.Engine.Filters;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Storage;
using Shouldly;
using CalendarDay = Exchange.Engine.Caps.DayPeriod;
using static Exchange.System.Tests.Storage.Sample;

namespace Exchange.System.Tests.Storage;

/// <summary>Caps by weekday, by condition, by value, of trees; soft ones; and counts beside the takes.</summary>
public abstract partial class StoreContract
{
    private const string Id = "c:a1:leads:day:UTC";

    private static LimitModel Cap(string id = Id, CapScope scope = CapScope.Campaign, string owner = "a1", long limit = 10, CapMetric metric = CapMetric.Leads,
        long[]? week = null, bool soft = false, Condition? when = null, string? each = null, ICapPeriod? period = null) => new()
    {
        Ordinal = 0, Kind = LimitKind.Cap, Id = id, Reason = Reason.CapDay, Scope = scope, Owner = owner, Limit = limit, Period = period ?? new Sample.DayPeriod(), Metric = metric,
        Zone = TimeZoneInfo.Utc, WeekdayLimits = week, Soft = soft, When = when is null ? null : new Dictionary<string, Condition> { ["auto"] = when },
        Each = each is null ? null : new(each, new Dictionary<string, int>()),
    };

    private static Take TakeOf(LimitModel limit, long atMs = Now, string? value = null)
    {
        var key = limit.KeyAt(atMs / 1000, out var window, value);
        return new(key, limit.AmountOf(Price, Payout), limit.Id, limit.Reason, limit.WeekdayOf(window));
    }

    private async Task<VerdictCode> SellAsync(int lead, LimitModel limit, long atMs = Now, string? value = null, CopyMove move = CopyMove.Sell) =>
        (await Store.SubmitAsync(Post(Lead(lead), [Copy(1, [], move) with { Takes = [TakeOf(limit, atMs, value)] }], atMs: atMs))).Code;

    private async Task<CounterValue> CounterOf(LimitModel limit, long atMs = Now, string? value = null)
    {
        var key = limit.KeyAt(atMs / 1000, out _, value);
        return (await Store.Catalog.ReadCountersAsync(atMs, default)).FirstOrDefault(counter => counter.Key == key);
    }

    /// <summary>By the catalog before, in the moment in which the next one is applied: the sale makes the row of a window that has weekdays by now.</summary>
    [Fact]
    public async Task WeekdayCap_ItsWindowsFirstSaleIsOfTheCatalogBefore_HasItsDaysLimitAllTheSame()
    {
        var before = Cap(limit: 3, period: new CalendarDay());
        await Store.ApplyAsync(before);
        await Store.ApplyAsync(Cap(week: [3, 3, 3, 3, 3, 2, 1], period: new CalendarDay()));

        // 2026-11-22 is a Sunday.
        (await SellAsync(1, before)).ShouldBe(VerdictCode.Done);
        (await SellAsync(2, before)).ShouldBe(VerdictCode.Refused);
    }

    /// <summary>An apply that begins in one window and ends in the next: what the next one sold before it had the cap counts.</summary>
    [Fact]
    public async Task NewCap_AppliedWhileItsWindowEnds_CountsWhatTheNextOneHasSold()
    {
        var gate = Gate("open:a1:1", CapScope.Campaign, "a1");
        await Store.ApplyAsync(gate);
        var end = (Now / (Day * 1000) + 1) * Day * 1000;
        async Task<VerdictCode> SoldAsync(int lead, long atMs, params Take[] takes) =>
            (await Store.SubmitAsync(Post(Lead(lead), [Copy(1, []) with { Takes = takes }], atMs: atMs))).Code;
        await SoldAsync(1, end - 300);
        await SoldAsync(2, end + 100);
        await SoldAsync(3, end + 200);

        var cap = Cap(limit: 3, period: new CalendarDay());
        await Store.Catalog.ApplyAsync(new("{}"u8.ToArray(), "tests", null, [gate, cap]), end - 200, default);

        ((await CounterOf(cap, end - 200)).Used, (await CounterOf(cap, end)).Used).ShouldBe((1, 2));
        (await SellAsync(4, cap, end + 300)).ShouldBe(VerdictCode.Done);
        (await SellAsync(5, cap, end + 300)).ShouldBe(VerdictCode.Refused);
    }

    [Fact]
    public async Task WeekdayCap_NewWindows_HaveTheirDaysLimit()
    {
        // 2026-11-22 is a Sunday.
        var cap = Cap(week: [3, 3, 3, 3, 3, 2, 1]);
        await Store.ApplyAsync(cap);
        var monday = Now + Day * 1000;

        (await SellAsync(1, cap)).ShouldBe(VerdictCode.Done);
        (await SellAsync(2, cap)).ShouldBe(VerdictCode.Refused);
        for (var n = 3; n < 6; n++) (await SellAsync(n, cap, monday)).ShouldBe(VerdictCode.Done);
        (await SellAsync(6, cap, monday)).ShouldBe(VerdictCode.Refused);
        (await CounterOf(cap, monday)).ShouldSatisfyAllConditions(counter => counter.Limit.ShouldBe(3), counter => counter.Used.ShouldBe(3));

        // Another map: windows that are there follow, each by its own day; without a map all do.
        await Store.ApplyAsync(Cap(week: [4, 3, 3, 3, 3, 2, 5]));
        ((await CounterOf(cap)).Limit, (await CounterOf(cap, monday)).Limit).ShouldBe((5, 4));
        await Store.ApplyAsync(Cap(limit: 7));
        ((await CounterOf(cap)).Limit, (await CounterOf(cap, monday)).Limit).ShouldBe((7, 7));
        await Store.ApplyAsync(cap);
        ((await CounterOf(cap)).Limit, (await CounterOf(cap, monday)).Limit).ShouldBe((1, 3));
        (await SellAsync(7, cap)).ShouldBe(VerdictCode.Refused);
    }

    [Fact]
    public async Task SoftCap_Reached_CountsOnAndRefusesNothing()
    {
        var soft = Cap(limit: 1, soft: true);
        await Store.ApplyAsync(soft);
        for (var n = 1; n < 4; n++) (await SellAsync(n, soft)).ShouldBe(VerdictCode.Done);
        ((await CounterOf(soft)).Used, (await CounterOf(soft)).Limit).ShouldBe((3, LimitModel.NoLimit));

        await Store.ApplyAsync(Cap(limit: 1));
        (await SellAsync(4, soft)).ShouldBe(VerdictCode.Refused);
        await Store.ApplyAsync(Cap(soft: true, week: [0, 0, 0, 0, 0, 0, 0]));
        (await SellAsync(4, Cap(soft: true, week: [0, 0, 0, 0, 0, 0, 0]))).ShouldBe(VerdictCode.Done);
        (await CounterOf(soft)).Used.ShouldBe(4);
    }

    [Fact]
    public async Task EachCap_Values_CountApart()
    {
        var cap = Cap(limit: 1, each: "sub_id");
        await Store.ApplyAsync(cap);

        (await SellAsync(1, cap, value: "x")).ShouldBe(VerdictCode.Done);
        (await SellAsync(2, cap, value: "x")).ShouldBe(VerdictCode.Refused);
        (await SellAsync(3, cap, value: "y:1=2")).ShouldBe(VerdictCode.Done);
        (await SellAsync(4, cap, value: "")).ShouldBe(VerdictCode.Done);
        (await Store.Catalog.ReadCountersAsync(Now, default)).Count(counter => counter.LimitId == cap.Id).ShouldBe(3);
    }

    /// <summary>A lead's payload here is one byte: its value. Odd ones meet the condition. Counts how many were opened.</summary>
    private sealed class FirstByte : ICopyFacts
    {
        public int Asked { get; private set; }

        public bool Counts(LimitModel limit, StoredCopy copy, out string? value)
        {
            Asked++;
            (copy.Publisher, copy.Vertical, copy.SubId, copy.Channel).ShouldBe(("p", "auto", "kw-17", "sms"));
            // Of an erased lead nothing can be asked.
            var known = copy.Sealed.Length > 0;
            value = limit.Each is null ? null : known ? copy.Sealed[0].ToString(global::System.Globalization.CultureInfo.InvariantCulture) : "";
            return limit.When is null || known && copy.Sealed[0] % 2 == 1;
        }
    }

    private Task<long?> ApplyWith(FirstByte facts, params LimitModel[] limits) =>
        Store.Catalog.ApplyAsync(new CatalogApply("{}"u8.ToArray(), "tests", null, limits) { Facts = facts }, Now, default);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task EachCap_LeftAndBackInItsWindow_CountsACopyWhereItTook_ThoughItsLeadIsAnother(bool erased)
    {
        var cap = Cap(limit: 5, each: "zip");
        await ApplyWith(new(), cap);
        var post = Post(Lead(1), [Copy(1, [], CopyMove.Hold) with { Takes = [TakeOf(cap, value: "1")] }]);
        (await Store.SubmitAsync(post with { New = post.New! with { Sealed = [1], Channel = "sms" } })).Code.ShouldBe(VerdictCode.Done);
        await ApplyWith(new());
        if (erased) await Store.Erasures.EraseAsync(Erasure(Lead(1)), default);
        else (await Store.Leads.AddFieldsAsync(Lead(1), [1], [2], Now, default)).ShouldBeTrue();

        await ApplyWith(new(), cap);

        (await CounterOf(cap, value: "1")).ShouldSatisfyAllConditions(counter => counter.Held.ShouldBe(1), counter => counter.Used.ShouldBe(0));
        (await CounterOf(cap, value: "2")).Key.ShouldBeNull();
        (await Store.SubmitAsync(End(Lead(1), CopyMove.Capture))).Code.ShouldBe(VerdictCode.Done);
        (await CounterOf(cap, value: "1")).ShouldSatisfyAllConditions(counter => counter.Held.ShouldBe(0), counter => counter.Used.ShouldBe(1));
    }

    private sealed record Before(int Lead, int Byte, int Move, bool OfB, int DaysAgo, int Trees, bool Test);

    private static readonly string[][] TreeLists = [[], ["main"], ["main", "west"], ["other", "west", "deep"], ["mainly"]];

    [Fact]
    public async Task NewCap_InMidPeriod_CountsWhatWasSoldAsTheNaiveSum()
    {
        var before = Gen.Select(Gen.Int[1, 12], Gen.Int[0, 3], Gen.Int[0, 4], Gen.Bool, Gen.Int[0, 1], Gen.Int[0, TreeLists.Length - 1], Gen.Int[0, 9],
            (lead, value, move, ofB, daysAgo, trees, test) => new Before(lead, value, move, ofB, daysAgo, trees, test == 0));
        var run = 0;
        await before.Array[0, 12].SampleAsync(async all =>
        {
            var n = Interlocked.Increment(ref run);
            string Name(string of) => of + "-" + n;
            List<(Before What, CopyState State)> live = [];
            await Store.ApplyAsync();
            foreach (var what in all.DistinctBy(what => what.Lead))
            {
                var lead = Lead(2_000_000 + n * 100 + what.Lead, what.Test);
                var at = Now - what.DaysAgo * Day * 1000;
                var made = Copy(1, [], what.Move == 0 ? CopyMove.Sell : CopyMove.Hold, what.OfB ? "b" : "a") with
                {
                    Campaign = Name(what.OfB ? "b1" : "a1"), Buyer = Name(what.OfB ? "b" : "a"), Trees = [.. TreeLists[what.Trees].Select(Name)], Tier = "t", Takes = [],
                };
                var post = Post(lead, [made], atMs: at);
                (await Store.SubmitAsync(post with { New = post.New! with { Sealed = [(byte)what.Byte], Channel = "sms" } })).Code.ShouldBe(VerdictCode.Done);
                if (what.Move >= 2) await Store.SubmitAsync(End(lead, what.Move switch { 2 => CopyMove.Capture, 3 => CopyMove.Doubt, _ => CopyMove.Void }));
                if (what is { DaysAgo: 0, Test: false, Move: not 4 }) live.Add((what, what.Move switch { 0 or 2 => CopyState.Captured, 3 => CopyState.InDoubt, _ => CopyState.Held }));
            }
            var facts = new FirstByte();
            LimitModel[] caps =
            [
                Cap($"plain:{n}", owner: Name("a1")), Cap($"spend:{n}", CapScope.Buyer, Name("b"), metric: CapMetric.Spend, limit: 1), Cap($"tree:{n}", CapScope.Tree, Name("west"), 0),
                Cap($"when:{n}", CapScope.Tree, Name("main"), when: Condition.Always), Cap($"each:{n}", CapScope.Buyer, Name("a"), each: "zip"),
                Cap($"both:{n}", owner: Name("a1"), when: Condition.Always, each: "zip", metric: CapMetric.Spend), Cap($"pings:{n}", owner: Name("a1"), metric: CapMetric.Pings),
            ];

            await ApplyWith(facts, caps);

            var counters = (await Store.Catalog.ReadCountersAsync(Now, default)).ToDictionary(counter => counter.Key);
            foreach (var cap in caps)
                foreach (var value in cap.Each is null ? new string?[] { null } : ["0", "1", "2", "3"])
                {
                    var counted = live.Where(copy => Counts(cap, copy.What, value)).ToList();
                    var unit = cap.AmountOf(Price, Payout);
                    var row = counters.GetValueOrDefault(cap.KeyAt(Now / 1000, out _, value));
                    (row.Used, row.Held).ShouldBe((counted.Count(copy => copy.State == CopyState.Captured) * unit, counted.Count(copy => copy.State != CopyState.Captured) * unit), cap.Id);
                    if (row.Key is not null) row.Limit.ShouldBe(cap.Limit);
                }
            // Every hold ends in the counters it came into later.
            foreach (var (what, _) in live.Where(copy => copy.State != CopyState.Captured)) await Store.SubmitAsync(End(Lead(2_000_000 + n * 100 + what.Lead), CopyMove.Void));
            (await Store.Catalog.ReadCountersAsync(Now, default)).Where(counter => caps.Any(cap => cap.Id == counter.LimitId)).ShouldAllBe(counter => counter.Held == 0);
            // Applied again: nothing is counted again and no lead is opened.
            var asked = facts.Asked;
            await ApplyWith(facts, caps);
            facts.Asked.ShouldBe(asked);

            bool Counts(LimitModel cap, Before what, string? value) =>
                cap.Metric != CapMetric.Pings
                && (cap.Scope == CapScope.Tree ? TreeLists[what.Trees].Any(tree => Name(tree) == cap.Owner) : cap.Owner == Name(what.OfB ? "b1" : "a1") || cap.Owner == Name(what.OfB ? "b" : "a"))
                && (cap.When is null || what.Byte % 2 == 1) && (value is null || value == what.Byte.ToString(global::System.Globalization.CultureInfo.InvariantCulture));
        }, iter: 60, threads: 1);
    }

    [Fact]
    public async Task NewConditionalCap_UnderLoad_CountsEveryCopyOnce()
    {
        LimitModel[] old = [Gate("open:a1:1", CapScope.Campaign, "a1")];
        LimitModel[] now = [Gate("open:a1:2", CapScope.Campaign, "a1"), Cap("when", limit: 300, when: Condition.Always)];
        await Store.ApplyAsync(old);
        var next = 0;
        var current = old;
        var sellers = Enumerable.Range(0, 16).Select(_ => Task.Run(async () =>
        {
            var (counted, uncapped) = (0, 0);
            while (true)
            {
                var n = Interlocked.Increment(ref next);
                var limits = Volatile.Read(ref current);
                // The condition as a seller reads it: the even ones take nothing of the cap.
                var copy = Copy(1, [.. limits.Where(limit => n % 2 == 1 || limit.Kind == LimitKind.Gate)]);
                var post = Post(Lead(n), [copy]);
                var code = (await Store.SubmitAsync(post with { New = post.New! with { Sealed = [(byte)(n % 2)], Channel = "sms" } })).Code;
                if (code == VerdictCode.Done)
                {
                    counted += n % 2;
                    if (limits == old) uncapped += n % 2;
                }
                else if (limits == now) return (counted, uncapped);
                else await Task.Yield();
            }
        })).ToArray();
        while (Volatile.Read(ref next) < 150) await Task.Yield();
        await ApplyWith(new FirstByte(), now);
        Volatile.Write(ref current, now);

        // Filled up to its last unit; where the change itself was slow, more than it allows had been sold, and nothing is afterwards.
        var sold = await Task.WhenAll(sellers);
        sold.Sum(mine => mine.counted).ShouldBe(Math.Max(300, sold.Sum(mine => mine.uncapped)));
        (await Store.CounterAsync("when"))!.Value.Used.ShouldBe(sold.Sum(mine => mine.counted));
    }

    [Fact]
    public async Task Apply_OneLimitAmongMany_TellsOnlyThatOne()
    {
        LimitModel[] Many(long ofFirst) => [.. Enumerable.Range(0, 50).Select(i => Cap($"cap{i}", owner: $"x{i}", limit: i == 0 ? ofFirst : 5)), Gate("open:a1:1", CapScope.Campaign, "a1"), Balance("a", Price)];
        await Store.ApplyAsync(Many(5));
        for (var i = 0; i < 3; i++) (await SellAsync(i + 1, Cap($"cap{i}", limit: 5))).ShouldBe(VerdictCode.Done);
        List<CounterValue> told = [];
        Store.Journal.Committed = told.AddRange;

        await Store.ApplyAsync(Many(1));
        told.Select(counter => (counter.LimitId, counter.Limit, counter.Used)).ShouldBe([("cap0", 1, 1)]);
        told.Clear();
        await Store.ApplyAsync(Many(1)[2..]);
        told.Select(counter => counter.LimitId).Order(StringComparer.Ordinal).ShouldBe(["cap0", "cap1"]);
        // Gone and back: what was sold meanwhile without it is counted, as for a new one.
        await Store.ApplyAsync(Many(1));
        (await SellAsync(9, Cap("cap0"))).ShouldBe(VerdictCode.Done);
        Store.Journal.Committed = null;
    }

    [Fact]
    public async Task Counts_Added_AreSummedAndTold()
    {
        var pings = Cap("c:a1:pings:day", metric: CapMetric.Pings, limit: 5, week: [5, 5, 5, 5, 5, 5, 2]);
        await Store.ApplyAsync(pings);
        List<CounterValue> told = [];
        Store.Journal.Committed = told.AddRange;
        var key = pings.KeyAt(Now / 1000, out _);

        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Store.Counts.AddAsync([new(key, pings.Id, 2, 7), new("cap:gone:0", "gone", 5), new(key, pings.Id, 1, 7), new(key, pings.Id, 0, 7)], default)));

        (await CounterOf(pings)).ShouldBe(new CounterValue(key, pings.Id, 2, 60, 0));
        told[^1].ShouldBe(new CounterValue(key, pings.Id, 2, 60, 0));
        told.ShouldAllBe(counter => counter.LimitId == pings.Id);
        // Another limit keeps the count; a new day starts at nothing.
        await Store.ApplyAsync(Cap("c:a1:pings:day", metric: CapMetric.Pings, limit: 100));
        (await CounterOf(pings)).ShouldBe(new CounterValue(key, pings.Id, 100, 60, 0));
        await Store.Counts.AddAsync([new(pings.KeyAt(Now / 1000 + Day, out _), pings.Id, 3)], default);
        (await CounterOf(pings, Now + Day * 1000)).ShouldSatisfyAllConditions(counter => counter.Used.ShouldBe(3), counter => counter.Limit.ShouldBe(100));
        Store.Journal.Committed = null;
    }

    /// <summary>A sale's key is for ever, and so is what an operation came to.</summary>
    [Fact]
    public async Task Upkeep_HoweverMuchLater_LeavesTheKeysOfSalesAndOperations()
    {
        var leads = Cap(limit: 100);
        await Store.ApplyAsync(leads, Balance("a", Money.Parse("110")), Gate("open:a1:1", CapScope.Campaign, "a1"));
        var sale = Post(Lead(1), [Copy(1, [leads])], "key-1", persons: [Person("somebody")]);
        (await Store.SubmitAsync(sale)).Code.ShouldBe(VerdictCode.Done);
        await Store.Access.PutOperationAsync("admin", "key-2", [1], [2], Now, default);
        var later = Now + 400 * Day * 1000;
        while ((await Store.Upkeep.RunAsync(new(later, later, later, 7), default)).Rows > 0) { }

        (await Store.Leads.FindRequestAsync("p", "key-1", default))!.Value.Lead.ShouldBe(Lead(1));
        (await Store.SubmitAsync(sale)).Code.ShouldBe(VerdictCode.AlreadyThere);
        (await Store.Access.FindOperationAsync("admin", "key-2", default))!.Value.Answer.ShouldBe([2]);
    }

    [Fact]
    public async Task Upkeep_OldRows_GoInSmallBatchesAndHeldOnesStay()
    {
        var leads = Cap(limit: 100);
        var pings = Cap("c:a1:pings:day", metric: CapMetric.Pings);
        await Store.ApplyAsync(leads, pings, Balance("a", Price), Gate("open:a1:1", CapScope.Campaign, "a1"));
        for (var day = 0; day < 60; day++)
        {
            (await SellAsync(1 + day, leads, Now - day * Day * 1000, move: day == 55 ? CopyMove.Hold : CopyMove.Sell)).ShouldBe(VerdictCode.Done);
            await Store.Counts.AddAsync([new(pings.KeyAt(Now / 1000 - day * Day, out _), pings.Id, 1)], default);
        }
        await Store.SubmitAsync(Offer(Lead(100), [], untilMs: Now - 10));
        await Store.SubmitAsync(Swept(Lead(100)));
        await Store.SubmitAsync(Offer(Lead(101), [], untilMs: Now - 10));
        await Store.SubmitAsync(Post(LeadAt(102, 91), [Copy(1, [])], persons: [Person("old")], atMs: Now - 91 * Day * 1000));
        await Store.SubmitAsync(Post(LeadAt(103, 91), [Copy(1, [])], persons: [Person("late")], atMs: Now - 89 * Day * 1000));
        await Store.SubmitAsync(Post(LeadAt(104, 1), [Copy(1, [])], persons: [Person("new")]));

        List<UpkeepDone> removed = [];
        var run = new UpkeepRun(Now, Now - 90 * Day * 1000, Now, 7);
        do removed.Add(await Store.Upkeep.RunAsync(run, default)); while (removed[^1].IsCut(run));

        // The window of 40 days ago ended 39 days ago; a day is left for clocks that are set.
        var kept = (await Store.Catalog.ReadCountersAsync(Now - 70 * Day * 1000, default)).Where(counter => counter.Key.StartsWith("cap:", StringComparison.Ordinal)).ToLookup(counter => counter.LimitId);
        kept[leads.Id].Count().ShouldBe(43);
        kept[leads.Id].Count(counter => counter.Held > 0).ShouldBe(1);
        kept[pings.Id].Count().ShouldBe(4);
        (await Store.CounterAsync("bal:a")).ShouldNotBeNull();
        (await Store.CounterAsync("open:a1:1")).ShouldNotBeNull();
        (await Store.Leads.FindAsync(Lead(100), default)).ShouldBeNull();
        (await Store.Leads.FindAsync(Lead(101), default)).ShouldNotBeNull();
        (await Store.Counts.RecentPersonsAsync(9, default)).Select(person => Convert.ToHexString(person.Hmac)).ShouldBe([Convert.ToHexString(Hash("new")), Convert.ToHexString(Hash("late"))]);
        removed.Sum(done => done.Rows).ShouldBe(17 + 56 + 1 + 1);
        removed.ShouldAllBe(done => done.Counters <= 7);
        // However many there are of one kind, the others have their turn.
        removed[0].ShouldBe(new UpkeepDone(7, 1, 1));
        // What was held finds its counter, and then it may go too.
        (await Store.SubmitAsync(End(Lead(56), CopyMove.Capture))).Code.ShouldBe(VerdictCode.Done);
        (await Store.Upkeep.RunAsync(new(Now, 0, 0, 7), default)).ShouldBe(new UpkeepDone(1, 0, 0));

        static LeadId LeadAt(int n, int days) => LeadId.Create(Now - days * Day * 1000, 1, false, (ulong)n);
    }
}
