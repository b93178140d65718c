using Exchange.Engine;
using Exchange.Engine.Audit;
using Exchange.Engine.Caps;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Storage;
using Exchange.Storage.Audit;
using Exchange.System.Tests.Storage;
using Shouldly;
using static Exchange.System.Tests.Storage.Sample;

namespace Exchange.System.Tests.Audit;

/// <summary>The auditor over a database's own rows, whichever it is: clean after whatever the store did, and not after somebody else wrote in it.</summary>
public abstract class AuditContract : IAsyncLifetime
{
    private IExchangeStore store = null!;

    /// <summary>An empty store.</summary>
    protected abstract Task<IExchangeStore> OpenAsync();

    /// <summary>The auditor of the store that was opened.</summary>
    protected abstract IAudits Audits { get; }

    /// <summary>Writes past the store; how many rows were touched.</summary>
    protected abstract Task<int> TamperAsync(string sql);

    public async Task InitializeAsync() => store = await OpenAsync();

    public virtual async Task DisposeAsync() => await store.DisposeAsync();

    [Fact]
    public async Task Audit_OfAllThatAStoreDoes_IsClean()
    {
        await TradeAsync();

        var report = await Audits.RunAsync(Now, default);

        report.Checks.SelectMany(check => check.Findings).ShouldBeEmpty();
        // Lowered below what was sold; two new caps that began in mid-period, one of them above its limit.
        report.Checks.SelectMany(check => check.Notes).Select(note => note.Subject.Split('@')[0]).ShouldBe(["c:a1:leads:day:UTC", "b:a:leads:day:UTC"], ignoreOrder: true);
        report.Checks.Single(check => check.Name.StartsWith("bookings", StringComparison.Ordinal)).Looked.ShouldBe(12);
    }

    [Fact]
    public async Task Audit_OfReturnsAndOfCapsThatCountWhatWasKept_IsClean()
    {
        NewDelivery[] inbox = [new("inbox", NewDelivery.NeverDue, 0)];
        LimitModel kept = DayCap("c:a1:kept", CapScope.Campaign, "a1", 9, kept: true), spend = DayCap("p:p:kept", CapScope.Publisher, "p", long.MaxValue / 4, CapMetric.Spend, kept: true);
        LimitModel[] limits = [.. Limits(), kept], more = [.. limits, spend, DayCap("c:a1:late", CapScope.Campaign, "a1", 9)];
        await store.ApplyAsync(limits);
        for (var n = 1; n <= 5; n++) await DoneAsync(Post(Lead(n), [Copy(1, limits, deliveries: inbox)], body: $"post {n}", answer: Answer("sold", "8.80", "0.00")));
        await ReturnAsync(1);
        // In mid-period, one of each kind; then out, and in again.
        await store.ApplyAsync(more);
        await DoneAsync(Post(Lead(6), [Copy(1, more, deliveries: inbox)], body: "post 6", answer: Answer("sold", "8.80", "0.00")));
        foreach (var (n, keeps) in new[] { (2, true), (6, false) }) await ReturnAsync(n, keeps: keeps);
        await store.ApplyAsync([.. limits.Where(limit => limit != kept)]);
        await ReturnAsync(3);
        await DoneAsync(Post(Lead(7), [Copy(1, Limits(), deliveries: inbox)], body: "post 7", answer: Answer("sold", "8.80", "0.00")));
        await store.ApplyAsync(more);
        foreach (var n in new[] { 4, 7 }) await ReturnAsync(n);

        var report = await Audits.RunAsync(Now, default);

        report.Checks.SelectMany(check => check.Findings).ShouldBeEmpty();
        (await store.CounterAsync(kept.Id))!.Value.Used.ShouldBe(1);
    }

    /// <summary>What waits has no place in its buyer's list, and may never get one.</summary>
    [Fact]
    public async Task Audit_OfCopiesThatWait_IsClean_WhateverBecomesOfThem()
    {
        var limits = Limits();
        await store.ApplyAsync(limits);
        NewDelivery[] waits = [new("*", Now + 60_000, 0) { Wait = DeliveryWait.Moment }];
        for (var n = 1; n <= 3; n++) await DoneAsync(Post(Lead(n), [Copy(1, limits, deliveries: waits)], body: $"post {n}", answer: Answer("sold", "8.80", "0.00")));
        await IsCleanAsync();

        await ReturnAsync(1);
        await IsCleanAsync();
        (await store.Erasures.EraseAsync(new(Lead(2), Answer("sold", "8.80", "0.00"), [], "tests", Now + 3_000), default)).ShouldBeTrue();
        await IsCleanAsync();

        var over = (await store.Deliveries.ClaimDueAsync(Now + 60_000, Now + 90_000, 9, default)).ShouldHaveSingleItem();
        (await store.Deliveries.TurnAsync(over.Copy, over.Endpoint, over.Fence, [new("inbox", NewDelivery.NeverDue, 0)], Now + 60_000, default)).ShouldBe(["inbox"]);
        await IsCleanAsync();
        (await store.Deliveries.CopiesOfBuyerAsync("a", null, 9, null, default)).Rows.ShouldHaveSingleItem().Copy.Id.Lead.ShouldBe(Lead(3));
    }

    [Fact]
    public async Task Audit_OfAnAcceptedReturn_NotesIt_UntilItLastsTooLong()
    {
        var limits = Limits();
        await store.ApplyAsync(limits);
        await DoneAsync(Post(Lead(1), [Copy(1, limits, deliveries: [new("inbox", NewDelivery.NeverDue, 0)])], answer: Answer("sold", "8.80", "0.00")));
        await AskAsync(1, "a");

        var young = await Audits.RunAsync(Now, default);
        (young.IsClean, young.Checks.SelectMany(check => check.Notes).ShouldHaveSingleItem().Subject).ShouldBe((true, new CopyId(Lead(1), 1).ToString()));

        // By the newest copy: the moment of a backup is long ago, whenever it is audited.
        (await Audits.RunAsync(Now + Day * 1000, default)).IsClean.ShouldBeTrue();
        await DoneAsync(Post(Lead(2), [Copy(1, limits, deliveries: [new("inbox", NewDelivery.NeverDue, 0)])], body: "second", answer: Answer("sold", "8.80", "0.00"), atMs: Now + 11 * 60_000));
        (await Audits.RunAsync(Now, default)).Checks.Where(check => check.Found > 0).ShouldHaveSingleItem().Id.ShouldBe("I15");
        await DoneAsync(Return(Lead(1)));
        await IsCleanAsync();
    }

    /// <summary>What stood when the limit was lowered is excused until there is room again, and no longer.</summary>
    [Fact]
    public async Task Audit_OfALoweredLimitThatFitsAgain_ExcusesNothingAnyMore()
    {
        var limits = Limits(capOfA: 5);
        await store.ApplyAsync(limits);
        for (var n = 1; n <= 2; n++) await DoneAsync(Post(Lead(n), [Copy(1, limits, deliveries: [new("inbox", NewDelivery.NeverDue, 0)])], body: $"post {n}", answer: Answer("sold", "8.80", "0.00")));
        await DoneAsync(Post(Lead(3), [Copy(1, limits, CopyMove.Hold, deliveries: [new("hook", Now, Now + 15_000)])], body: "third"));
        await store.ApplyAsync(Limits(capOfA: 2));
        (await Audits.RunAsync(Now, default)).Checks.SelectMany(check => check.Notes).ShouldHaveSingleItem();

        await DoneAsync(End(Lead(3), CopyMove.Void, answer: Answer("unsold", "0.00", "0.00")));
        var fits = await Audits.RunAsync(Now, default);
        fits.Checks.SelectMany(check => check.Findings.Concat(check.Notes)).ShouldBeEmpty();

        // As if one had been sold before the cap was in force: no copy speaks against it.
        (await TamperAsync("UPDATE counter SET used = used + 1, seeded = seeded + 1 WHERE key LIKE 'cap:c:a1%'")).ShouldBe(1);
        (await Audits.RunAsync(Now, default)).Checks.Where(check => check.Found > 0).ShouldHaveSingleItem().Name.ShouldStartWith("used + held");
    }

    [Theory]
    [InlineData("I1", "DELETE FROM counter WHERE key LIKE 'open:%'")]
    [InlineData("I1", "DELETE FROM counter WHERE key LIKE 'cap:c:a1%'")]
    [InlineData("I11", "DELETE FROM counter WHERE key = 'bal:b'")]
    [InlineData("I15", "DELETE FROM copy_return")]
    [InlineData("I15", "UPDATE copy_return SET status = 3")]
    [InlineData("I15", "UPDATE copy SET state = 3 WHERE state = 6")]
    [InlineData("I1", "UPDATE counter SET used = used + 1 WHERE key LIKE 'cap:c:b1%'")]
    [InlineData("I1", "UPDATE counter SET held = held + 1 WHERE key = 'bal:a'")]
    [InlineData("I1", "UPDATE counter SET lim = 1000, over = 0 WHERE key LIKE 'cap:c:a1%'")]
    [InlineData("I1", "UPDATE counter SET over = 0")]
    [InlineData("I1", "UPDATE counter SET seeded = seeded + 1 WHERE key LIKE 'cap:c:b1%'")]
    [InlineData("I1", "UPDATE cap SET active = false WHERE kind = 0")]
    [InlineData("I2", "UPDATE lead SET open_copies = 0, open_exclusive = false WHERE state = 2")]
    [InlineData("I2", "DROP INDEX copy_company; UPDATE copy SET company = 'same'")]
    [InlineData("I3", "UPDATE lead SET answer = NULL WHERE state = 2")]
    [InlineData("I5", "UPDATE lead SET state = 5 WHERE state = 2")]
    [InlineData("I10", "UPDATE closing SET balance = balance + 1 WHERE account = 'house'")]
    [InlineData("I10", "DELETE FROM closing")]
    [InlineData("I11", "UPDATE counter SET lim = lim + 1 WHERE key = 'bal:a'")]
    [InlineData("I12", "DELETE FROM delivery")]
    [InlineData("I12", "UPDATE copy SET state = 4 WHERE state = 3")]
    [InlineData("I16", "UPDATE delivery SET status = 1, due_at = 1 WHERE status = 3")]
    [InlineData("I16", "DELETE FROM lead WHERE state = 2")]
    public Task Audit_AfterSomebodyWroteInIt_FindsIt(string invariant, string sql) => FindsAsync(invariant, sql);

    protected async Task FindsAsync(string invariant, string sql)
    {
        await TradeAsync();
        (await Audits.RunAsync(Now, default)).IsClean.ShouldBeTrue();
        (await TamperAsync(sql)).ShouldBeGreaterThan(0);

        var report = await Audits.RunAsync(Now, default);

        report.Checks.Where(check => check.Found > 0).Select(check => check.Id).ShouldContain(invariant);
    }

    /// <summary>Money paid in, sales with and without a call, a fall-through, a doubt, a no, offers held at their ping, a test, a return; caps lowered and added, one that nobody takes of.</summary>
    protected async Task TradeAsync()
    {
        var limits = Limits();
        await store.ApplyAsync(limits);
        await store.Ledger.FundAsync("a", Money.Parse("25.00"), "wire-1", Now, default);
        await store.Access.AuditAsync("tests", "buyer.fund", "a", null, Now, default);
        await store.Access.AuditAsync("tests", "buyer.fund", "a", null, Now, default);
        NewDelivery[] called = [new("hook", Now, Now + 15_000)], inbox = [new("inbox", NewDelivery.NeverDue, 0)];
        await DoneAsync(Post(Lead(1), [Copy(1, limits, deliveries: inbox)], "key-1", answer: Answer("sold", "8.80", "0.00")));
        await DoneAsync(Post(Lead(2), [Copy(1, limits, CopyMove.Hold, deliveries: called)], "key-2", "second"));
        await DoneAsync(End(Lead(2), CopyMove.Void, state: LeadState.Open, starts: [Copy(2, limits, CopyMove.Hold, "b", deliveries: called)]));
        await DoneAsync(End(Lead(2), CopyMove.Capture, 2, buyer: "b", answer: Answer("sold", "8.80", "0.00")));
        await DoneAsync(Post(Lead(3), [Copy(1, limits, CopyMove.Hold, deliveries: called)], body: "third"));
        await DoneAsync(End(Lead(3), CopyMove.Doubt, reason: Reason.InDoubt, answer: Answer("in_doubt", "0.00", "8.80")));
        await DoneAsync(Post(Lead(4), [], body: "fourth", answer: Answer("unsold", "0.00", "0.00")));
        await DoneAsync(Offer(Lead(5), [Copy(1, limits, CopyMove.Hold)]));
        await DoneAsync(Offer(Lead(6), [Copy(1, limits, CopyMove.Hold)]));
        await DoneAsync(End(Lead(6), CopyMove.Expire, reason: Reason.Expired));

        await DoneAsync(Post(Lead(9), [Copy(1, limits, exclusive: false, deliveries: inbox), Copy(2, limits, buyer: "b", exclusive: false, deliveries: inbox)],
            body: "shared", maxCopies: 2, answer: Answer("sold", "17.60", "0.00")));

        // The cap of a1 is lowered below its two sales and two holds; its buyer's cap begins above its limit; b1's begins in mid-period.
        LimitModel[] changed =
        [
            .. limits.Where(limit => limit.Kind != LimitKind.Cap), DayCap("c:a1:leads:day:UTC", CapScope.Campaign, "a1", 2),
            DayCap("b:a:leads:day:UTC", CapScope.Buyer, "a", 2), DayCap("c:b1:leads:day:UTC", CapScope.Campaign, "b1", 10), DayCap("c:idle:leads:day:UTC", CapScope.Campaign, "idle", 10),
        ];
        await store.ApplyAsync(changed);
        // Some of what is booked stands in closing rows from here on.
        await store.Ledger.CloseAsync(4, default);
        await DoneAsync(Post(Lead(7), [Copy(1, changed, buyer: "b", deliveries: inbox)], body: "seventh", answer: Answer("sold", "8.80", "0.00")));
        await DoneAsync(Post(Lead(8, test: true), [Copy(1, [], deliveries: []) with { Transfers = [] }], body: "test", answer: Answer("sold", "8.80", "0.00")));
        await DoneAsync(Post(Lead(10), [Copy(1, changed, buyer: "b", deliveries: inbox)], body: "tenth", answer: Answer("sold", "8.80", "0.00")));
        await ReturnAsync(10, "b");
    }

    /// <summary>As a buyer's return goes: accepted, reversed, noted as booked.</summary>
    private async Task ReturnAsync(int n, string buyer = "a", bool keeps = false)
    {
        await AskAsync(n, buyer);
        await DoneAsync(Return(Lead(n), buyer: buyer, keeps: keeps));
        await store.Returns.BookedAsync(new(Lead(n), 1), default);
    }

    private async Task AskAsync(int n, string buyer) =>
        (await store.Returns.AskAsync(new(new(Lead(n), 1), buyer, "wrong_number", [], Accepted: true, null, Now), default)).ShouldBe(ReturnVerdict.Noted);

    private async Task IsCleanAsync() => (await Audits.RunAsync(Now, default)).Checks.SelectMany(check => check.Findings).ShouldBeEmpty();

    private async Task DoneAsync(JournalItem item) => (await store.SubmitAsync(item)).Code.ShouldBe(VerdictCode.Done);

    private static byte[] Answer(string status, string payout, string pending) => global::System.Text.Encoding.UTF8.GetBytes(
        $$"""{"lead_id":"x","status":"{{status}}","payout":"{{payout}}","payout_pending":"{{pending}}","copies":[{"offer_id":"1","status":"rejected","payout":"1.00"}],"test":false}""");
}
