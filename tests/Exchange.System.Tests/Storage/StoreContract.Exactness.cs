using CsCheck;
using Exchange.Engine;
using Exchange.Engine.Caps;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Storage;
using Shouldly;
using static Exchange.System.Tests.Storage.Sample;

namespace Exchange.System.Tests.Storage;

public abstract partial class StoreContract
{
    private const int LeadsPerRun = 5;

    /// <summary>One step of a random run; what it names may or may not be there.</summary>
    private sealed record Step(int Kind, int Lead, int No, bool OfB, int Key, int Person);

    [Fact]
    public async Task Batch_RandomItems_EqualsItsItemsOneByOne()
    {
        var other = await OpenEmptyAsync();
        try
        {
            var step = Gen.Select(Gen.Int[0, 10], Gen.Int[0, LeadsPerRun - 1], Gen.Int[1, 3], Gen.Bool, Gen.Int[0, 3], Gen.Int[0, 4],
                (kind, lead, no, ofB, key, person) => new Step(kind, lead, no, ofB, key, person));
            var run = 0;
            await step.Array[1, 60].SampleAsync(async steps =>
            {
                var n = Interlocked.Increment(ref run);
                var limits = RunLimits(n);
                await Store.ApplyAsync(limits);
                await other.ApplyAsync(limits);
                var items = steps.Select(step => ItemOf(step, n, limits)).ToArray();

                // All at once, and each after the one before.
                var together = items.Select(item => Outcome(Store.SubmitAsync(item))).ToArray();
                var batched = await Task.WhenAll(together);
                var single = new List<string>();
                foreach (var item in items) single.Add(await Outcome(other.SubmitAsync(item)));

                batched.ShouldBe(single);
                var rows = await Dump(Store, n, limits);
                rows.ShouldBe(await Dump(other, n, limits));
                await HoldsTogether(Store, n, limits);
            }, iter: 60, threads: 1);
        }
        finally { await other.DisposeAsync(); }
    }

    private static LeadId LeadOf(int run, int lead) => Lead(run * 100 + lead);

    private static LimitModel[] RunLimits(int run) =>
    [
        Gate($"open:a1:{run}", CapScope.Campaign, "a1"), Gate($"open:b1:{run}", CapScope.Campaign, "b1"),
        DayCap($"c:a1:{run}", CapScope.Campaign, "a1", 2), DayCap($"p:p:{run}", CapScope.Publisher, "p", 4),
        DayCap($"b:b:spend:{run}", CapScope.Buyer, "b", Price.Micros * 2, CapMetric.Spend),
    ];

    private static JournalItem ItemOf(Step step, int run, LimitModel[] limits)
    {
        var lead = LeadOf(run, step.Lead);
        // Takes of this run only: seeding would bring in the copies of runs before.
        var at = Now + run * Day * 1000;
        NewCopy Start(int no, CopyMove move, bool ofB) =>
            Copy(no, limits, move, ofB ? "b" : "a", exclusive: step.Key == 3, atMs: at, deliveries: [new("inbox", NewDelivery.NeverDue, 0), new("hook", at, at + 5000)]);
        var key = step.Key is 1 or 2 ? $"{run}-{step.Key}" : null;
        PersonClaim[] persons = step.Person < 3 ? [new("auto", Hash($"{run}-{step.Person}"), 0)] : [];
        var body = step.No == 3 ? "other" : "post";
        return step.Kind switch
        {
            0 or 1 => Post(lead, [Start(1, CopyMove.Sell, step.OfB)], key, body, persons, 2, atMs: at),
            2 => Post(lead, [Start(1, CopyMove.Hold, step.OfB)], key, body, persons, 2, atMs: at),
            3 => Post(lead, [Start(1, CopyMove.Sell, false), Start(2, CopyMove.Hold, true)], key, body, persons, 2, LeadState.Sold, atMs: at),
            4 => Post(lead, [], key, body, persons, 2, atMs: at),
            5 => End(lead, CopyMove.Capture, step.No, buyer: step.OfB ? "b" : "a"),
            6 => End(lead, CopyMove.Void, step.No, LeadState.Open),
            7 => End(lead, CopyMove.Void, step.No, release: true),
            8 => End(lead, CopyMove.Doubt, step.No),
            9 => End(lead, CopyMove.Void, step.No, starts: [Start(step.No + 1, CopyMove.Hold, step.OfB)]),
            _ => new JournalItem { Lead = lead, AtMs = at, Starts = [Start(step.No, CopyMove.Sell, step.OfB)], State = LeadState.Sold },
        };
    }

    private static async Task<string> Outcome(Task<Verdict> submitted)
    {
        try
        {
            var verdict = await submitted;
            return $"{verdict.Code} {verdict.CopyIndex} {verdict.TakeIndex} {verdict.Existing?.Lead} {verdict.Existing?.State}";
        }
        catch (InvariantException) { return "broken"; }
    }

    private static async Task<List<string>> Dump(IExchangeStore store, int run, LimitModel[] limits)
    {
        List<string> rows = [];
        for (var i = 0; i < LeadsPerRun; i++)
        {
            if (await store.Leads.FindAsync(LeadOf(run, i), default) is not { } lead) continue;
            rows.Add($"{lead with { Copies = [], PostHash = [], Sealed = [], Answer = null }} {Convert.ToHexString(lead.PostHash)}");
            rows.AddRange(lead.Copies.Select(copy => copy.ToString()));
            rows.AddRange((await store.Ledger.ListAsync(lead.Id, null, 500, null, default)).Rows
                .Select(row => (row with { Id = "" }).ToString()).Order(StringComparer.Ordinal));
        }
        var deliveries = await store.Deliveries.ListAsync(null, null, 500, null, default);
        rows.AddRange(deliveries.Rows.Where(row => row.Copy.Lead.CompareTo(LeadOf(run, 0)) >= 0).Select(row => row.ToString()));
        var counters = await store.Catalog.ReadCountersAsync(Now + run * Day * 1000, default);
        rows.AddRange(counters.Where(counter => limits.Any(limit => limit.Id == counter.LimitId)).Select(counter => counter.ToString()).Order(StringComparer.Ordinal));
        return rows;
    }

    /// <summary>Every counter is what the copies say, and money is what was captured.</summary>
    private static async Task HoldsTogether(IExchangeStore store, int run, LimitModel[] limits)
    {
        List<LeadRow> leads = [];
        for (var i = 0; i < LeadsPerRun; i++)
            if (await store.Leads.FindAsync(LeadOf(run, i), default) is { } lead) leads.Add(lead);
        var copies = leads.SelectMany(lead => lead.Copies).ToList();
        var counters = (await store.Catalog.ReadCountersAsync(Now + run * Day * 1000, default)).ToLookup(counter => counter.LimitId);
        foreach (var limit in limits.Where(limit => limit.Kind == LimitKind.Cap))
        {
            var own = copies.Where(copy => limit.Scope == CapScope.Publisher || copy.Campaign == limit.Owner || copy.Buyer == limit.Owner).ToList();
            var used = own.Where(copy => copy.State == CopyState.Captured).Sum(copy => limit.AmountOf(copy.Price, copy.Payout));
            var held = own.Where(copy => copy.State is CopyState.Held or CopyState.InDoubt).Sum(copy => limit.AmountOf(copy.Price, copy.Payout));
            var counter = counters[limit.Id].FirstOrDefault(counter => counter.Key == limit.KeyAt((Now + run * Day * 1000) / 1000, out _));
            (counter.Used, counter.Held).ShouldBe((used, held), limit.Id);
            (used + held).ShouldBeLessThanOrEqualTo(limit.Limit);
        }
        foreach (var lead in leads)
        {
            var booked = (await store.Ledger.ListAsync(lead.Id, null, 500, null, default)).Rows;
            booked.Count.ShouldBe(lead.Copies.Count(copy => copy.State == CopyState.Captured) * 2);
            lead.Copies.Count(copy => copy.State is CopyState.Held or CopyState.InDoubt or CopyState.Captured).ShouldBeLessThanOrEqualTo(lead.MaxCopies);
        }
    }

    [Fact]
    public async Task Cap_SixtyFourAtOnce_SellsExactlyTheCap()
    {
        var limits = Limits(capOfA: 300);
        await Store.ApplyAsync(limits);
        var next = 0;

        var verdicts = await Task.WhenAll(Enumerable.Range(0, 64).Select(_ => Task.Run(async () =>
        {
            List<Verdict> mine = [];
            for (var i = 0; i < 10; i++) mine.Add(await Store.SubmitAsync(Post(Lead(Interlocked.Increment(ref next)), [Copy(1, limits, price: Money.Parse("0.01"))])));
            return mine;
        })));

        var all = verdicts.SelectMany(mine => mine).ToList();
        all.Count(verdict => verdict.Code == VerdictCode.Done).ShouldBe(300);
        all.Count(verdict => verdict.Code == VerdictCode.Refused).ShouldBe(340);
        var cap = (await Store.CounterAsync("c:a1:leads:day:UTC"))!.Value;
        (cap.Used, cap.Held).ShouldBe((300, 0));
    }

    [Fact]
    public async Task Balance_PrepaidAndFundedUnderLoad_IsNeverNegative()
    {
        LimitModel[] limits = [Gate("open:a1:1", CapScope.Campaign, "a1"), Balance("a", Money.Zero)];
        await Store.ApplyAsync(limits);
        (await Store.SubmitAsync(Post(Lead(1), [Copy(1, limits)]))).Code.ShouldBe(VerdictCode.Refused);
        (await Store.Ledger.FundAsync("a", Money.Parse("20.00"), "wire-1", Now, default)).ShouldBeTrue();

        var sales = Enumerable.Range(2, 30).Select(n => Store.SubmitAsync(Post(Lead(n), [Copy(1, limits)]))).ToList();
        // Paid in while sales are decided; those that come after it find the money, whichever of the others did.
        (await Store.Ledger.FundAsync("a", Money.Parse("30.00"), "wire-2", Now, default)).ShouldBeTrue();
        sales.AddRange(Enumerable.Range(32, 30).Select(n => Store.SubmitAsync(Post(Lead(n), [Copy(1, limits)]))));

        // 50.00 pays four leads at 11.00.
        (await Task.WhenAll(sales)).Count(verdict => verdict.Code == VerdictCode.Done).ShouldBe(4);
        (await Store.Ledger.BalanceAsync("buyer:a", default)).ShouldBe(Money.Parse("6.00"));
        var balance = (await Store.CounterAsync("bal:a"))!.Value;
        (balance.Limit, balance.Used).ShouldBe((Money.Parse("50.00").Micros, Money.Parse("44.00").Micros));
    }

    [Fact]
    public async Task Fund_SameReference_BooksOnce()
    {
        await Store.ApplyAsync(Limits());

        (await Store.Ledger.FundAsync("a", Money.Parse("5.00"), "wire-1", Now, default)).ShouldBeTrue();
        (await Store.Ledger.FundAsync("a", Money.Parse("5.00"), "wire-1", Now, default)).ShouldBeFalse();
        await Should.ThrowAsync<ReferenceReusedException>(Store.Ledger.FundAsync("a", Money.Parse("6.00"), "wire-1", Now, default));
        (await Store.Ledger.FundAsync("b", Money.Parse("6.00"), "wire-1", Now, default)).ShouldBeTrue();

        (await Store.CounterAsync("bal:a"))!.Value.Limit.ShouldBe(Money.Parse("1005.00").Micros);
        var row = (await Store.Ledger.ListAsync(null, "buyer:a", 10, null, default)).Rows.ShouldHaveSingleItem();
        (row.Debit, row.Credit, row.Amount, row.Reference, row.Kind).ShouldBe(("bank", "buyer:a", Money.Parse("5.00"), "wire-1", "fund"));
        // Another credit limit keeps what was paid in.
        await Store.ApplyAsync(Balance("a", Money.Parse("10")));
        (await Store.CounterAsync("bal:a"))!.Value.Limit.ShouldBe(Money.Parse("15.00").Micros);
    }

    [Fact]
    public async Task Apply_LowersPausesAndReopens_HoldsFromItsCommit()
    {
        var limits = Limits(capOfA: 3);
        await Store.ApplyAsync(limits);
        for (var n = 1; n <= 2; n++) (await Store.SubmitAsync(Post(Lead(n), [Copy(1, limits)]))).Code.ShouldBe(VerdictCode.Done);

        await Store.ApplyAsync(Limits(capOfA: 2));
        (await Store.SubmitAsync(Post(Lead(3), [Copy(1, limits)]))).Code.ShouldBe(VerdictCode.Refused);
        await Store.ApplyAsync([.. Limits(capOfA: 9).Where(limit => limit.Id != "open:a1:1"), Gate("open:a1:1", CapScope.Campaign, "a1", open: false)]);
        var paused = await Store.SubmitAsync(Post(Lead(4), [Copy(1, limits)]));
        (paused.Code, paused.TakeIndex).ShouldBe((VerdictCode.Refused, 1));
        await Store.ApplyAsync(Limits(capOfA: 9));
        (await Store.SubmitAsync(Post(Lead(5), [Copy(1, limits)]))).Code.ShouldBe(VerdictCode.Done);

        var cap = (await Store.CounterAsync("c:a1:leads:day:UTC"))!.Value;
        (cap.Limit, cap.Used).ShouldBe((9, 3));
    }

    [Fact]
    public async Task Apply_LowersUnderLoad_NothingIsSoldAfterIt()
    {
        var limits = Limits(capOfA: 100_000);
        await Store.ApplyAsync(limits);
        var next = 0;
        var done = 0;
        using var stop = new CancellationTokenSource();
        var sellers = Enumerable.Range(0, 16).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
                if ((await Store.SubmitAsync(Post(Lead(Interlocked.Increment(ref next)), [Copy(1, limits, price: Money.Parse("0.01"))]))).IsSuccess)
                    Interlocked.Increment(ref done);
        })).ToArray();
        while (Volatile.Read(ref done) < 200) await Task.Yield();

        await Store.ApplyAsync(Limits(capOfA: 1));
        var sold = (await Store.CounterAsync("c:a1:leads:day:UTC"))!.Value.Used;
        var before = Volatile.Read(ref next);
        while (Volatile.Read(ref next) < before + 200) await Task.Yield();
        await stop.CancelAsync();
        await Task.WhenAll(sellers);

        (await Store.CounterAsync("c:a1:leads:day:UTC"))!.Value.Used.ShouldBe(sold);
        done.ShouldBe((int)sold);
    }

    [Fact]
    public async Task Apply_NewCapUnderLoad_StartsWithExactlyTheLiveCopies()
    {
        LimitModel[] old = [Gate("open:a1:1", CapScope.Campaign, "a1"), Balance("a", Money.Parse("100000"))];
        LimitModel[] now = [Gate("open:a1:2", CapScope.Campaign, "a1"), Balance("a", Money.Parse("100000")),
            DayCap("c:a1:leads:day", CapScope.Campaign, "a1", 400), DayCap("p:p:spend:day", CapScope.Publisher, "p", long.MaxValue / 4, CapMetric.Spend)];
        await Store.ApplyAsync(old);
        // A test's copy, yesterday's and a voided one do not count.
        await Store.SubmitAsync(Post(Lead(900_000, test: true), [Copy(1, [], price: Price)]));
        await Store.SubmitAsync(Post(Lead(900_001), [Copy(1, old)], atMs: Now - Day * 1000));
        await Store.SubmitAsync(Post(Lead(900_002), [Copy(1, old, CopyMove.Hold)]));
        await Store.SubmitAsync(End(Lead(900_002), CopyMove.Void));
        var next = 0;
        var current = old;
        var sellers = Enumerable.Range(0, 16).Select(_ => Task.Run(async () =>
        {
            List<(LeadId Lead, bool Held, bool Capped)> mine = [];
            while (true)
            {
                var n = Interlocked.Increment(ref next);
                var limits = Volatile.Read(ref current);
                var held = n % 2 == 0;
                var verdict = await Store.SubmitAsync(Post(Lead(n), [Copy(1, limits, held ? CopyMove.Hold : CopyMove.Sell)]));
                if (verdict.IsSuccess) mine.Add((Lead(n), held, limits == now));
                else if (limits == now) return mine;
                else await Task.Yield();
            }
        })).ToArray();
        while (Volatile.Read(ref next) < 150) await Task.Yield();
        await Store.ApplyAsync(now);
        Volatile.Write(ref current, now);

        var sold = (await Task.WhenAll(sellers)).SelectMany(mine => mine).ToList();

        // The cap is filled up to its last unit; where the change itself was slow, more than it allows had been sold, and nothing is afterwards.
        sold.Count.ShouldBe(Math.Max(400, sold.Count(copy => !copy.Capped)));
        var cap = (await Store.CounterAsync("c:a1:leads:day"))!.Value;
        (cap.Used, cap.Held).ShouldBe((sold.Count(copy => !copy.Held), sold.Count(copy => copy.Held)));
        // Holds from before the cap end in it too.
        var ends = await Task.WhenAll(sold.Where(copy => copy.Held).Select((copy, i) => Store.SubmitAsync(End(copy.Lead, i % 2 == 0 ? CopyMove.Capture : CopyMove.Void))));
        ends.ShouldAllBe(verdict => verdict.Code == VerdictCode.Done);
        var captured = sold.Count(copy => !copy.Held) + (sold.Count(copy => copy.Held) + 1) / 2;
        cap = (await Store.CounterAsync("c:a1:leads:day"))!.Value;
        (cap.Used, cap.Held).ShouldBe((captured, 0));
        var spend = (await Store.CounterAsync("p:p:spend:day"))!.Value;
        (spend.Used, spend.Held).ShouldBe((captured * Payout.Micros, 0));
    }

    [Fact]
    public async Task Apply_CapRemovedAndBack_CountsWhatWasSoldWithoutIt()
    {
        var with = Limits(capOfA: 10);
        LimitModel[] without = [.. Limits().Where(limit => limit.Kind != LimitKind.Cap && limit.Id != "open:a1:1"), Gate("open:a1:2", CapScope.Campaign, "a1")];
        await Store.ApplyAsync(with);
        await Store.SubmitAsync(Post(Lead(1), [Copy(1, with)]));
        await Store.SubmitAsync(Post(Lead(2), [Copy(1, with, CopyMove.Hold)]));
        await Store.ApplyAsync(without);
        (await Store.SubmitAsync(Post(Lead(3), [Copy(1, with)]))).Code.ShouldBe(VerdictCode.Refused);
        (await Store.SubmitAsync(Post(Lead(3), [Copy(1, without)]))).Code.ShouldBe(VerdictCode.Done);
        (await Store.SubmitAsync(Post(Lead(4), [Copy(1, without, CopyMove.Hold)]))).Code.ShouldBe(VerdictCode.Done);
        await Store.SubmitAsync(End(Lead(2), CopyMove.Capture));

        await Store.ApplyAsync(with);

        var cap = (await Store.CounterAsync("c:a1:leads:day:UTC"))!.Value;
        (cap.Used, cap.Held).ShouldBe((3, 1));
        await Store.SubmitAsync(End(Lead(4), CopyMove.Void));
        cap = (await Store.CounterAsync("c:a1:leads:day:UTC"))!.Value;
        (cap.Used, cap.Held).ShouldBe((3, 0));
        (await Store.SubmitAsync(Post(Lead(5), [Copy(1, without)]))).Code.ShouldBe(VerdictCode.Refused);
    }

    [Fact]
    public async Task Apply_ExpectedVersionIsNotTheLatest_ChangesNothing()
    {
        (await Store.ApplyAsync(Limits())).ShouldBe(1);
        var apply = new CatalogApply("{\"a\":1}"u8.ToArray(), "tests", 1, Limits(5));

        (await Store.Catalog.ApplyAsync(apply, Now, default)).ShouldBe(2);
        (await Store.Catalog.ApplyAsync(apply, Now, default)).ShouldBeNull();

        var latest = (await Store.Catalog.LatestAsync(default))!;
        (latest.Version, latest.Author, latest.AtMs).ShouldBe((2, "tests", Now));
        latest.Json.ShouldBe("{\"a\":1}"u8.ToArray());
        (await Store.Catalog.HistoryAsync(10, null, default)).Rows.Select(version => version.Version).ShouldBe([2, 1]);
        (await Store.Catalog.FindAsync(1, default))!.Json.ShouldBe("{}"u8.ToArray());
        (await Store.Catalog.FindAsync(3, default)).ShouldBeNull();
    }

    [Fact]
    public async Task History_OfMoreThanAPage_ReadsOnToTheFirstVersion()
    {
        for (var n = 1; n <= 5; n++) (await Store.ApplyAsync(Limits(n))).ShouldBe(n);

        var newest = await Store.Catalog.HistoryAsync(2, null, default);
        var older = await Store.Catalog.HistoryAsync(2, newest.Next, default);
        var oldest = await Store.Catalog.HistoryAsync(2, older.Next, default);

        new[] { newest, older, oldest }.Select(page => string.Join(' ', page.Rows.Select(note => note.Version))).ShouldBe(["5 4", "3 2", "1"]);
        oldest.Next.ShouldBeNull();
    }

    [Fact]
    public async Task Apply_AsChangesToAnEarlierVersion_IsReadAsThat()
    {
        await Store.ApplyAsync(Limits());
        (await Store.Catalog.ApplyAsync(new CatalogApply("{\"a\":null}"u8.ToArray(), "tests", 1, Limits()) { Base = 1 }, Now, default)).ShouldBe(2);

        var (latest, found) = ((await Store.Catalog.LatestAsync(default))!, (await Store.Catalog.FindAsync(2, default))!);
        (latest.Base, found.Base).ShouldBe((1, 1));
        latest.Json.ShouldBe("{\"a\":null}"u8.ToArray());
        (await Store.Catalog.FindAsync(1, default))!.Base.ShouldBeNull();
    }

    [Fact]
    public async Task CountersOf_SomeLimits_AreAsAllAreRead()
    {
        await Store.ApplyAsync(Limits());
        var all = await Store.Catalog.ReadCountersAsync(Now, default);
        var asked = all.Select(counter => counter.LimitId).Distinct().Order(StringComparer.Ordinal).Take(2).ToArray();
        asked.Length.ShouldBe(2);

        (await Store.Catalog.CountersOfAsync([.. asked, "nobody"], Now, default)).ShouldBe(all.Where(counter => asked.Contains(counter.LimitId)), ignoreOrder: true);
    }

    [Fact]
    public async Task Apply_ManyAtOnceOnTheSameVersion_OneIsStored()
    {
        await Store.ApplyAsync(Limits());

        var applied = await Task.WhenAll(Enumerable.Range(0, 8).Select(n => Store.Catalog.ApplyAsync(new CatalogApply("{}"u8.ToArray(), $"{n}", 1, Limits(n)), Now, default)));

        var won = Array.IndexOf(applied, 2);
        applied.ShouldBe(Enumerable.Range(0, 8).Select(n => n == won ? 2L : (long?)null));
        (await Store.Catalog.LatestAsync(default))!.Author.ShouldBe($"{won}");
    }

    [Fact]
    public async Task Fund_SameReferenceAtOnce_BooksOnce()
    {
        await Store.ApplyAsync(Limits());

        var booked = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Store.Ledger.FundAsync("a", Money.Parse("5.00"), "wire-1", Now, default)));

        booked.Count(done => done).ShouldBe(1);
        (await Store.Ledger.BalanceAsync("buyer:a", default)).ShouldBe(Money.Parse("5.00"));
        (await Store.CounterAsync("bal:a"))!.Value.Limit.ShouldBe(Money.Parse("1005.00").Micros);
    }
}
