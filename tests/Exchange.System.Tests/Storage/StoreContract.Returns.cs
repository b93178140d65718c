using Exchange.Engine;
using Exchange.Engine.Caps;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Storage;
using Shouldly;
using static Exchange.System.Tests.Storage.Sample;

namespace Exchange.System.Tests.Storage;

/// <summary>Sold copies come back: the journal's Reverse, and the rows of who asked.</summary>
public abstract partial class StoreContract
{
    private static LimitModel[] KeptAndPlain(long kept = 2, long plain = 9) =>
    [
        .. Limits(plain), DayCap("c:a1:kept", CapScope.Campaign, "a1", kept, kept: true), DayCap("p:p:spend", CapScope.Publisher, "p", long.MaxValue / 4, CapMetric.Spend, kept: true),
    ];

    private async Task<string> UsedAsync(string limitId) => (await Store.CounterAsync(limitId)) is { } counter ? $"{counter.Used}+{counter.Held}" : "none";

    [Fact]
    public async Task Reverse_SoldCopy_GivesBackMoneyAndKeptPlaces_AndLeavesTheLeadAsItStands()
    {
        var limits = KeptAndPlain();
        await Store.ApplyAsync(limits);
        await Store.SubmitAsync(Post(Lead(1), [Copy(1, limits, deliveries: [new("inbox", NewDelivery.NeverDue, 0), new("hook", Now, Now + 15_000)])], answer: "{}"u8.ToArray()));
        List<CounterValue> told = [];
        Store.Journal.Committed = told.AddRange;

        (await Store.SubmitAsync(Return(Lead(1)))).Code.ShouldBe(VerdictCode.Done);

        var lead = (await Store.Leads.FindAsync(Lead(1), default))!;
        (lead.State, lead.Reason, lead.Copies[0].State, lead.Copies[0].Price, lead.Copies[0].Payout).ShouldBe((LeadState.Sold, Reason.None, CopyState.Reversed, Price, Payout));
        lead.Answer.ShouldBe("{}"u8.ToArray());
        (await UsedAsync("c:a1:kept:count:kept"), await UsedAsync("p:p:spend:count:kept"), await UsedAsync("bal:a"), await UsedAsync("c:a1:leads:day:UTC")).ShouldBe(("0+0", "0+0", "0+0", "1+0"));
        told.Select(counter => counter.LimitId).Order(StringComparer.Ordinal).ShouldBe(["bal:a", "c:a1:kept:count:kept", "p:p:spend:count:kept"]);
        foreach (var account in new[] { "buyer:a", "publisher:p", "house" }) (await Store.Ledger.BalanceAsync(account, default)).ShouldBe(Money.Zero, account);
        (await Store.Ledger.ListAsync(Lead(1), null, 9, null, default)).Rows.Select(row => (row.Kind, row.Debit, row.Credit, row.Amount))
            .ShouldBe([("reverse", "house", "buyer:a", Price - Payout), ("reverse", "publisher:p", "buyer:a", Payout), ("margin", "buyer:a", "house", Price - Payout), ("payout", "buyer:a", "publisher:p", Payout)]);
        // What was not sent yet is sent no more; the list still shows the copy.
        (await Store.Deliveries.ListAsync(null, null, 9, null, default)).Rows.ShouldAllBe(delivery => delivery.Status == DeliveryStatus.Failed && delivery.Error == "returned");
        (await Store.Deliveries.CopiesOfBuyerAsync("a", null, 9, null, default)).Rows.ShouldHaveSingleItem().Copy.State.ShouldBe(CopyState.Reversed);
        Store.Journal.Committed = null;
    }

    [Theory]
    // what happened to the copy before | what a return then comes to | its state after
    [InlineData("hold", VerdictCode.EndedOtherwise, CopyState.Held)]
    [InlineData("hold doubt", VerdictCode.EndedOtherwise, CopyState.InDoubt)]
    [InlineData("hold void", VerdictCode.EndedOtherwise, CopyState.Voided)]
    [InlineData("hold capture", VerdictCode.Done, CopyState.Reversed)]
    [InlineData("sell", VerdictCode.Done, CopyState.Reversed)]
    [InlineData("sell return", VerdictCode.AlreadyThere, CopyState.Reversed)]
    [InlineData("sell return capture", VerdictCode.AlreadyThere, CopyState.Reversed)]
    public async Task Reverse_AfterOtherMoves_Verdict(string before, VerdictCode verdict, CopyState state)
    {
        var limits = KeptAndPlain();
        await Store.ApplyAsync(limits);
        var words = before.Split(' ');
        await Store.SubmitAsync(Post(Lead(1), [Copy(1, limits, words[0] == "hold" ? CopyMove.Hold : CopyMove.Sell)]));
        foreach (var word in words[1..])
            (await Store.SubmitAsync(word switch
            {
                "return" => Return(Lead(1)),
                "doubt" => End(Lead(1), CopyMove.Doubt),
                "void" => End(Lead(1), CopyMove.Void, state: LeadState.Unsold),
                _ => End(Lead(1), CopyMove.Capture),
            })).IsSuccess.ShouldBeTrue(word);
        var (kept, balance) = (await UsedAsync("c:a1:kept:count:kept"), await Store.Ledger.BalanceAsync("buyer:a", default));

        (await Store.SubmitAsync(Return(Lead(1)))).Code.ShouldBe(verdict);

        (await Store.Leads.FindAsync(Lead(1), default))!.Copies[0].State.ShouldBe(state);
        if (verdict != VerdictCode.Done) (await UsedAsync("c:a1:kept:count:kept"), await Store.Ledger.BalanceAsync("buyer:a", default)).ShouldBe((kept, balance));
        // Nothing else ends it any more.
        if (state == CopyState.Reversed) (await Store.SubmitAsync(End(Lead(1), CopyMove.Void))).Code.ShouldBe(VerdictCode.EndedOtherwise);
    }

    [Fact]
    public async Task Reverse_ManyAtOnce_IsDoneOnce()
    {
        var limits = KeptAndPlain(kept: 5);
        await Store.ApplyAsync(limits);
        for (var n = 1; n <= 5; n++) await Store.SubmitAsync(Post(Lead(n), [Copy(1, limits)]));

        var verdicts = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => Store.SubmitAsync(Return(Lead(1 + i % 5)))));

        verdicts.Count(verdict => verdict.Code == VerdictCode.Done).ShouldBe(5);
        verdicts.ShouldAllBe(verdict => verdict.IsSuccess);
        (await UsedAsync("c:a1:kept:count:kept"), await UsedAsync("bal:a"), await UsedAsync("c:a1:leads:day:UTC")).ShouldBe(("0+0", "0+0", "5+0"));
        (await Store.Ledger.BalanceAsync("buyer:a", default)).ShouldBe(Money.Zero);
        // The places are there again, all of them and no more.
        for (var n = 11; n <= 14; n++) (await Store.SubmitAsync(Post(Lead(n), [Copy(1, limits)]))).Code.ShouldBe(VerdictCode.Done);
        (await Store.SubmitAsync(Post(Lead(15), [Copy(1, limits)]))).Code.ShouldBe(VerdictCode.Refused); // the plain cap of nine is full
    }

    [Fact]
    public async Task Reverse_PublisherKeeps_TheHousePays()
    {
        var limits = KeptAndPlain();
        await Store.ApplyAsync(limits);
        await Store.SubmitAsync(Post(Lead(1), [Copy(1, limits)]));
        (await Store.SubmitAsync(Return(Lead(1), keeps: true))).Code.ShouldBe(VerdictCode.Done);
        (await Store.Ledger.BalanceAsync("buyer:a", default), await Store.Ledger.BalanceAsync("publisher:p", default), await Store.Ledger.BalanceAsync("house", default))
            .ShouldBe((Money.Zero, Payout, Money.Zero - Payout));
    }

    [Fact]
    public async Task Reverse_AnotherDay_GivesThePlaceToTheDayItWasTakenIn()
    {
        var cap = Cap("c:a1:kept:count:kept", limit: 1, each: "sub_id");
        await Store.ApplyAsync(cap);
        var tomorrow = Now + Day * 1000;
        (await SellAsync(1, cap, value: "x")).ShouldBe(VerdictCode.Done);
        (await SellAsync(2, cap, value: "y")).ShouldBe(VerdictCode.Done);
        (await SellAsync(3, cap, tomorrow, "x")).ShouldBe(VerdictCode.Done);

        (await Store.SubmitAsync(Return(Lead(1), atMs: tomorrow))).Code.ShouldBe(VerdictCode.Done);

        ((await CounterOf(cap, value: "x")).Used, (await CounterOf(cap, value: "y")).Used, (await CounterOf(cap, tomorrow, "x")).Used).ShouldBe((0, 1, 1));
        (await SellAsync(4, cap, tomorrow, "x")).ShouldBe(VerdictCode.Refused);
        (await SellAsync(5, cap, value: "x")).ShouldBe(VerdictCode.Done);
    }

    [Fact]
    public async Task NewCap_InMidPeriod_CountsReturnsUnlessItCountsWhatWasKept()
    {
        var before = Cap("c:a1:before");
        await Store.ApplyAsync(before);
        for (var n = 1; n <= 4; n++) await SellAsync(n, before);
        await SellAsync(5, before, move: CopyMove.Hold);
        await Store.SubmitAsync(Return(Lead(1)));
        LimitModel plain = Cap("c:a1:plain"), kept = DayCap("c:a1:kept", CapScope.Campaign, "a1", 10, kept: true), money = DayCap("c:a1:spend", CapScope.Campaign, "a1", long.MaxValue / 4, CapMetric.Spend, kept: true);

        await Store.ApplyAsync(before, plain, kept, money);

        (await UsedAsync(plain.Id), await UsedAsync(kept.Id), await UsedAsync(money.Id)).ShouldBe(("4+1", "3+1", $"{3 * Price.Micros}+{Price.Micros}"));
        // What was sold before the cap gives its place back too, held or sold then.
        await Store.SubmitAsync(End(Lead(5), CopyMove.Capture));
        foreach (var n in new[] { 2, 5 }) (await Store.SubmitAsync(Return(Lead(n)))).Code.ShouldBe(VerdictCode.Done);
        (await UsedAsync(plain.Id), await UsedAsync(kept.Id), await UsedAsync(money.Id)).ShouldBe(("5+0", "2+0", $"{2 * Price.Micros}+0"));
        // Gone and back: the same as if it had been there.
        await Store.ApplyAsync(before);
        await Store.SubmitAsync(Return(Lead(3)));
        await Store.ApplyAsync(before, plain, kept, money);
        (await UsedAsync(plain.Id), await UsedAsync(kept.Id)).ShouldBe(("5+0", "1+0"));
        await Store.SubmitAsync(Return(Lead(4)));
        (await UsedAsync(kept.Id), await UsedAsync(money.Id)).ShouldBe(("0+0", "0+0"));
    }

    [Fact]
    public async Task Reverse_CountersLongGone_GivesBackTheMoneyAndNothingToAnyOther()
    {
        var old = DayCap("c:a1:kept", CapScope.Campaign, "a1", 5, kept: true);
        LimitModel[] limits = [Balance("a", Money.Parse("1000")), old];
        await Store.ApplyAsync(limits);
        await Store.SubmitAsync(Post(Lead(1), [Copy(1, limits)]));
        var later = Now + 60 * Day * 1000;
        // The copy's day was the newest counter of all: the next one made must not pass for it.
        (await Store.Upkeep.RunAsync(new(later, 0, 0, 99), default)).ShouldBe(new UpkeepDone(1, 0, 0));
        var other = DayCap("c:b1:kept", CapScope.Campaign, "b1", 5, kept: true);
        await Store.ApplyAsync([.. limits, other]);
        await Store.SubmitAsync(Post(Lead(2), [Copy(1, [other], buyer: "b", atMs: later)], atMs: later));

        (await Store.SubmitAsync(Return(Lead(1), atMs: later))).Code.ShouldBe(VerdictCode.Done);

        (await UsedAsync("bal:a"), await UsedAsync(other.Id)).ShouldBe(("0+0", "1+0"));
    }

    [Fact]
    public async Task Reversed_KeepsItsPlaceInTheLead()
    {
        var limits = Limits();
        await Store.ApplyAsync(limits);
        await Store.SubmitAsync(Post(Lead(1), [Copy(1, limits, exclusive: false)], maxCopies: 2));
        await Store.SubmitAsync(Return(Lead(1)));

        JournalItem Another(int no, string buyer, bool exclusive = false, string? company = null) =>
            new() { Lead = Lead(1), AtMs = Now + 3000, State = LeadState.Sold, Starts = [Copy(no, limits, buyer: buyer, exclusive: exclusive, company: company)] };
        (await Store.SubmitAsync(Another(2, "a"))).Code.ShouldBe(VerdictCode.NoFreeCopy);
        (await Store.SubmitAsync(Another(2, "b", exclusive: true))).Code.ShouldBe(VerdictCode.NoFreeCopy);
        (await Store.SubmitAsync(Another(2, "b"))).Code.ShouldBe(VerdictCode.Done);
        (await Store.SubmitAsync(Another(3, "b", company: "third"))).Code.ShouldBe(VerdictCode.NoFreeCopy);
        (await Store.SubmitAsync(new JournalItem { Lead = Lead(1), AtMs = Now, State = LeadState.Unsold, Reason = Reason.AllRejected })).Code.ShouldBe(VerdictCode.EndedOtherwise);
    }

    private static ReturnAsk Ask(int lead, string buyer = "a", bool accepted = true, ReturnQuota? quota = null, long atMs = Now + 1000) =>
        new(new(Lead(lead), 1), buyer, "invalid_phone", [7, 8], accepted, quota, atMs);

    [Fact]
    public async Task Ask_OnceForACopyThatIsTheBuyers_IsNoted()
    {
        await Store.ApplyAsync(Limits());
        await Store.SubmitAsync(Post(Lead(1), [Copy(1, Limits())]));
        await Store.SubmitAsync(Post(Lead(2), [Copy(1, Limits(), CopyMove.Hold)]));
        await Store.SubmitAsync(Post(Lead(3, test: true), [Copy(1, []) with { Transfers = [] }]) with { New = NewLead() with { Test = true } });

        (await Store.Returns.AskAsync(Ask(1, "b"), default)).ShouldBe(ReturnVerdict.NotSold);
        (await Store.Returns.AskAsync(Ask(2), default)).ShouldBe(ReturnVerdict.NotSold);
        (await Store.Returns.AskAsync(Ask(9), default)).ShouldBe(ReturnVerdict.NotSold);
        (await Store.Returns.AskAsync(Ask(1) with { Copy = new(Lead(3, test: true), 1) }, default)).ShouldBe(ReturnVerdict.NotSold);
        (await Store.Returns.FindAsync(new(Lead(1), 1), default)).ShouldBeNull();

        var verdicts = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Store.Returns.AskAsync(Ask(1), default)));
        verdicts.Count(verdict => verdict == ReturnVerdict.Noted).ShouldBe(1);
        verdicts.Count(verdict => verdict == ReturnVerdict.AlreadyAsked).ShouldBe(19);
        var row = (await Store.Returns.FindAsync(new(Lead(1), 1), default))!;
        row.ShouldBeEquivalentTo(new ReturnRow(new(Lead(1), 1), "a", "a1", "p", "auto", Price, Payout, ReturnStatus.Accepted, "invalid_phone", [7, 8], Now, Now + 1000, Now + 1000, false));
        // Also when its money is back.
        await Store.SubmitAsync(Return(Lead(1)));
        (await Store.Returns.AskAsync(Ask(1), default)).ShouldBe(ReturnVerdict.AlreadyAsked);
    }

    [Fact]
    public async Task Ask_ManyAtOnce_NeverAboveTheQuota()
    {
        LimitModel[] limits = [.. Limits(), Balance("a", Money.Parse("100000"))];
        await Store.ApplyAsync([.. limits.DistinctBy(limit => limit.Id)]);
        for (var n = 1; n <= 20; n++) await Store.SubmitAsync(Post(Lead(n), [Copy(1, limits)]));
        var month = new ReturnQuota(OfCampaign: false, Now - Day * 1000, Now + Day * 1000, AtMost: 3);

        var verdicts = await Task.WhenAll(Enumerable.Range(1, 20).Select(n => Store.Returns.AskAsync(Ask(n, accepted: n % 2 == 0, quota: month), default)));

        verdicts.Count(verdict => verdict == ReturnVerdict.Noted).ShouldBe(3);
        verdicts.Count(verdict => verdict == ReturnVerdict.QuotaReached).ShouldBe(17);
        // Another campaign's quota, another month's, and one more that is allowed.
        var free = Enumerable.Range(1, 20).Where(n => verdicts[n - 1] == ReturnVerdict.QuotaReached).ToArray();
        (await Store.Returns.AskAsync(Ask(free[0], quota: month with { OfCampaign = true }), default)).ShouldBe(ReturnVerdict.QuotaReached);
        (await Store.Returns.AskAsync(Ask(free[0], quota: month with { FromMs = Now + 1 }), default)).ShouldBe(ReturnVerdict.Noted);
        (await Store.Returns.AskAsync(Ask(free[1], accepted: false, quota: month with { AtMost = 5 }), default)).ShouldBe(ReturnVerdict.Noted);
        (await Store.Returns.AskAsync(Ask(free[2], quota: month with { AtMost = 5 }), default)).ShouldBe(ReturnVerdict.QuotaReached);
        // What is refused leaves its place.
        (await Store.Returns.DecideAsync(new(Lead(free[1]), 1), accept: false, Decision(new(Lead(free[1]), 1), Now), default)).ShouldBeTrue();
        (await Store.Returns.AskAsync(Ask(free[2], quota: month with { AtMost = 5 }), default)).ShouldBe(ReturnVerdict.Noted);
        (await Store.Returns.SoldAsync("a", null, Now, Now + 1, default), await Store.Returns.SoldAsync("a", "a1", Now, Now + 1, default), await Store.Returns.SoldAsync("a", "b1", Now, Now + 1, default), await Store.Returns.SoldAsync("a", null, Now + 1, Now + 2, default))
            .ShouldBe((20, 20, 0, 0));
    }

    [Fact]
    public async Task Decide_Waiting_OnceForAll()
    {
        await Store.ApplyAsync(Limits());
        for (var n = 1; n <= 3; n++) await Store.SubmitAsync(Post(Lead(n), [Copy(1, Limits())]));
        await Store.Returns.AskAsync(Ask(1, accepted: false, atMs: Now + 1), default);
        await Store.Returns.AskAsync(Ask(2, accepted: false, atMs: Now + 2), default);
        await Store.Returns.AskAsync(Ask(3, atMs: Now + 3), default);
        CopyId Id(int n) => new(Lead(n), 1);

        var words = await Task.WhenAll(Enumerable.Range(0, 10).Select(i => Store.Returns.DecideAsync(Id(1), accept: i % 2 == 0, Decision(Id(1), Now + 10), default)));
        words.Count(done => done).ShouldBe(1);
        (await Store.Returns.DecideAsync(Id(2), accept: false, Decision(Id(2), Now + 20), default)).ShouldBeTrue();
        (await Store.Returns.DecideAsync(Id(3), accept: false, Decision(Id(3), Now + 20), default)).ShouldBeFalse();
        (await Store.Returns.DecideAsync(Id(9), accept: true, Decision(Id(9), Now + 20), default)).ShouldBeFalse();
        // A line in the audit for each word that counted, and none for another.
        for (var n = 1; n <= 9; n++) (await ReadAsync($"SELECT count(*) FROM audit WHERE action = 'return.decide' AND target = '{Id(n)}'")).ShouldBe(n <= 2 ? 1 : 0);

        var first = await Store.Returns.ListAsync(null, null, 2, null, default);
        first.Rows.Select(row => row.Copy).ShouldBe([Id(3), Id(2)]);
        (await Store.Returns.ListAsync(null, null, 2, first.Next, default)).Rows.Select(row => row.Copy).ShouldBe([Id(1)]);
        (await Store.Returns.ListAsync(ReturnStatus.Refused, "a", 9, null, default)).Rows.Select(row => row.Copy).ShouldContain(Id(2));
        (await Store.Returns.ListAsync(ReturnStatus.Requested, null, 9, null, default)).Rows.ShouldBeEmpty();
        (await Store.Returns.ListAsync(null, "b", 9, null, default)).Rows.ShouldBeEmpty();
        (await Store.Returns.FindAllAsync([Id(2), Id(3), Id(9)], default)).Select(row => row.Copy).Order(Comparer<CopyId>.Create((x, y) => x.Lead.CompareTo(y.Lead))).ShouldBe([Id(2), Id(3)]);

        // Accepted and not booked: left behind after a while, until somebody says that it is.
        var left = await Store.Returns.UnbookedAsync(Now + 100, 9, default);
        left.Select(row => row.Copy).ShouldContain(Id(3));
        left.ShouldAllBe(row => row.Status == ReturnStatus.Accepted && !row.IsBooked);
        (await Store.Returns.UnbookedAsync(Now + 3, 9, default)).ShouldBeEmpty();
        foreach (var row in left) await Store.Returns.BookedAsync(row.Copy, default);
        (await Store.Returns.UnbookedAsync(Now + 100, 9, default)).ShouldBeEmpty();
        (await Store.Returns.FindAsync(Id(3), default))!.IsBooked.ShouldBeTrue();
    }

    /// <summary>Whoever was not answered asks again under its key.</summary>
    [Fact]
    public async Task Decide_UnderAKey_RecordsItsAnswerWithTheWord_OrNeither()
    {
        await Store.ApplyAsync(Limits());
        await Store.SubmitAsync(Post(Lead(1), [Copy(1, Limits())]));
        await Store.Returns.AskAsync(Ask(1, accepted: false), default);
        var copy = new CopyId(Lead(1), 1);
        ChangeNote Note(string key) => Decision(copy, Now + 10) with { Operation = new("admin", key, Hash("body"), [1, 2]) };

        (await Store.Returns.DecideAsync(copy, accept: true, Note("first"), default)).ShouldBeTrue();
        (await Store.Returns.DecideAsync(copy, accept: true, Note("second"), default)).ShouldBeFalse();

        (await Store.Access.FindOperationAsync("admin", "first", default))!.Value.Answer.ShouldBe([1, 2]);
        (await Store.Access.FindOperationAsync("admin", "second", default)).ShouldBeNull();
    }

    [Fact]
    public async Task Dispositions_OfEachWordTheNewest()
    {
        await Store.ApplyAsync(Limits());
        await Store.SubmitAsync(Post(Lead(1), [Copy(1, Limits())]));
        var copy = new CopyId(Lead(1), 1);
        DispositionRow Word(string word, string? value, long at, params byte[] note) => new(copy, word, value is null ? null : Money.Parse(value), note.Length == 0 ? null : note, Now + at);

        (await Store.Returns.SayAsync("a", Word("contacted", null, 1), default)).ShouldBeTrue();
        (await Store.Returns.SayAsync("a", Word("won", "900.00", 2, 1, 2), default)).ShouldBeTrue();
        (await Store.Returns.SayAsync("a", Word("won", "950.00", 4), default)).ShouldBeTrue();
        (await Store.Returns.SayAsync("a", Word("lost", null, 3), default)).ShouldBeTrue();
        (await Store.Returns.SayAsync("b", Word("lost", null, 5), default)).ShouldBeFalse();
        (await Store.Returns.SayAsync("a", Word("lost", null, 5) with { Copy = new(Lead(2), 1) }, default)).ShouldBeFalse();

        (await Store.Returns.SaidAsync([copy, new(Lead(2), 1)], default)).ShouldBe([Word("contacted", null, 1), Word("lost", null, 3), Word("won", "950.00", 4)]);
    }

    [Fact]
    public async Task Sums_AreOfWhatWasSoldInTheSpan()
    {
        await Store.ApplyAsync(Limits());
        for (var n = 1; n <= 4; n++) await Store.SubmitAsync(Post(Lead(n), [Copy(1, Limits())]));
        await Store.SubmitAsync(Post(Lead(5), [Copy(1, Limits(), buyer: "b")]));
        await Store.SubmitAsync(Post(Lead(6), [Copy(1, Limits(), CopyMove.Hold)]));
        await Store.SubmitAsync(Post(Lead(7, test: true), [Copy(1, []) with { Transfers = [] }]) with { New = NewLead() with { Test = true } });
        await Store.Returns.AskAsync(Ask(1), default);
        await Store.SubmitAsync(Return(Lead(1), atMs: Now + 40 * Day * 1000));
        await Store.Returns.AskAsync(Ask(2, accepted: false), default);

        (await Store.Returns.SumsAsync(Now, Now + 1, default)).ShouldBe(
            [new("a", "a1", "p", 4, 1, 1, Money.Parse("44.00"), Price), new("b", "b1", "p", 1, 0, 0, Price, Money.Zero)]);
        (await Store.Returns.SumsAsync(Now + 1, Now + 100 * Day * 1000, default)).ShouldBeEmpty();
    }
}
