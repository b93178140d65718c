using Exchange.Engine;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Storage;
using Shouldly;
using static Exchange.System.Tests.Storage.Sample;

namespace Exchange.System.Tests.Storage;

public abstract partial class StoreContract
{
    private static readonly NewDelivery Inbox = new("inbox", NewDelivery.NeverDue, 0);
    private static readonly NewDelivery LeasedHook = new("hook", Now, Now + 5_000);
    private static readonly NewDelivery FreeHook = new("later", Now + 1_000, 0);

    private async Task SellWith(LeadId lead, CopyMove move, params NewDelivery[] deliveries)
    {
        await Store.ApplyAsync(Limits());
        (await Store.SubmitAsync(Post(lead, [Copy(1, Limits(), move, deliveries: deliveries)]))).Code.ShouldBe(VerdictCode.Done);
    }

    [Fact]
    public async Task Claim_LeaseRunsOrNotDue_TakesNothing()
    {
        await SellWith(Lead(1), CopyMove.Sell, LeasedHook, FreeHook, Inbox);

        (await Store.Deliveries.ClaimDueAsync(Now + 999, Now + 9_000, 10, default)).ShouldBeEmpty();
        (await Store.Deliveries.NextDueAsync(default)).ShouldBe(Now + 1_000);

        var claimed = await Store.Deliveries.ClaimDueAsync(Now + 1_000, Now + 9_000, 10, default);
        claimed.ShouldHaveSingleItem().ShouldBe(new LeasedDelivery(new(Lead(1), 1), "later", 1, 1, Now, CopyState.Captured, "a1", "a", null));
        (await Store.Deliveries.NextDueAsync(default)).ShouldBe(Now + 5_000);
    }

    [Fact]
    public async Task Claim_LeaseIsOver_OldFenceIsDropped()
    {
        await SellWith(Lead(1), CopyMove.Sell, LeasedHook);
        var copy = new CopyId(Lead(1), 1);

        var claim = (await Store.Deliveries.ClaimDueAsync(Now + 5_000, Now + 9_000, 10, default)).ShouldHaveSingleItem();
        (claim.Fence, claim.Attempts, claim.LastError).ShouldBe((2, 2, null));

        (await Store.Deliveries.RecordAsync(copy, "hook", 1, new(DeliveryStatus.Delivered, null, null), Now + 5_001, default)).ShouldBeFalse();
        (await Store.Deliveries.ListAsync(DeliveryStatus.Waiting, null, 10, null, default)).Rows.Count.ShouldBe(1);
        (await Store.Deliveries.RecordAsync(copy, "hook", 2, new(DeliveryStatus.Waiting, Now + 60_000, "http_500"), Now + 5_002, default)).ShouldBeTrue();
        (await Store.Deliveries.NextDueAsync(default)).ShouldBe(Now + 60_000);

        var again = (await Store.Deliveries.ClaimDueAsync(Now + 60_000, Now + 65_000, 10, default)).ShouldHaveSingleItem();
        (again.Fence, again.LastError).ShouldBe((3, "http_500"));
        // Nothing was recorded under that lease: its holder died or hangs.
        (await Store.Deliveries.ClaimDueAsync(Now + 65_000, Now + 70_000, 10, default)).ShouldHaveSingleItem().LastError.ShouldBeNull();
        (await Store.Deliveries.RecordAsync(copy, "hook", 4, new(DeliveryStatus.Dead, null, "timeout"), Now + 66_000, default)).ShouldBeTrue();
        (await Store.Deliveries.NextDueAsync(default)).ShouldBeNull();

        var dead = (await Store.Deliveries.ListAsync(DeliveryStatus.Dead, "a", 10, null, default)).Rows.ShouldHaveSingleItem();
        (dead.Attempts, dead.Error, dead.AtMs).ShouldBe((4, "timeout", Now + 66_000));
        (await Store.Deliveries.ReplayAsync(copy, "hook", Now + 70_000, default)).ShouldBeTrue();
        (await Store.Deliveries.ReplayAsync(copy, "hook", Now + 70_000, default)).ShouldBeFalse();
        (await Store.Deliveries.ClaimDueAsync(Now + 70_000, Now + 75_000, 10, default)).ShouldHaveSingleItem().Fence.ShouldBe(6);
    }

    [Fact]
    public async Task Replay_OfOneThatWaitsForItsNextAttempt_OnlyComesSooner()
    {
        await SellWith(Lead(1), CopyMove.Sell, LeasedHook, FreeHook);
        var copy = new CopyId(Lead(1), 1);
        // Under way, and never tried.
        (await Store.Deliveries.ReplayAsync(copy, "hook", Now + 500, default)).ShouldBeFalse();
        (await Store.Deliveries.ReplayAsync(copy, "later", Now + 500, default)).ShouldBeFalse();

        (await Store.Deliveries.RecordAsync(copy, "hook", 1, new(DeliveryStatus.Waiting, Now + 90_000, "timeout"), Now + 600, default)).ShouldBeTrue();
        (await Store.Deliveries.ReplayAsync(copy, "hook", Now + 700, default)).ShouldBeTrue();
        (await Store.Deliveries.ReplayAsync(copy, "hook", Now + 700, default)).ShouldBeFalse();

        var claim = (await Store.Deliveries.ClaimDueAsync(Now + 700, Now + 5_000, 10, default)).ShouldHaveSingleItem();
        (claim.Attempts, claim.CreatedAtMs, claim.LastError).ShouldBe((2, Now, "timeout"));
    }

    /// <summary>Whoever does not know whether his result is there tells it again: an operator has sent it again meanwhile.</summary>
    [Theory]
    [InlineData(DeliveryStatus.Waiting, false)]
    [InlineData(DeliveryStatus.Dead, false)]
    [InlineData(DeliveryStatus.Dead, true)]
    public async Task Delivery_ReplayedBetweenTwoRecordsOfOneResult_StaysReplayed(DeliveryStatus status, bool amongMany)
    {
        await SellWith(Lead(1), CopyMove.Sell, LeasedHook);
        var copy = new CopyId(Lead(1), 1);
        (await RecordAsync(Now + 1)).ShouldBeTrue();
        (await RecordAsync(Now + 2)).ShouldBeTrue();

        if (amongMany) (await Store.Deliveries.ReplayAsync(new DeadLetters(), 9, Now + 10, default)).ShouldBe(1);
        else (await Store.Deliveries.ReplayAsync(copy, "hook", Now + 10, default)).ShouldBeTrue();

        (await RecordAsync(Now + 11)).ShouldBeFalse();
        (await Store.Deliveries.NextDueAsync(default)).ShouldBe(Now + 10);
        var again = (await Store.Deliveries.ClaimDueAsync(Now + 11, Now + 9_000, 10, default)).ShouldHaveSingleItem();
        (again.Fence, again.Attempts).ShouldBe((3, 2));

        Task<bool> RecordAsync(long nowMs) =>
            Store.Deliveries.RecordAsync(copy, "hook", IDeliveryStore.FirstFence, new(status, status == DeliveryStatus.Waiting ? Now + 60_000 : null, "http_500"), nowMs, default);
    }

    [Fact]
    public async Task Claim_ManyAtOnce_EachIsClaimedOnce()
    {
        await Store.ApplyAsync(Limits(1_000));
        await Task.WhenAll(Enumerable.Range(1, 90).Select(n => Store.SubmitAsync(Post(Lead(n), [Copy(1, Limits(1_000), deliveries: [FreeHook])]))));

        var claims = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Store.Deliveries.ClaimDueAsync(Now + 2_000, Now + 9_000, 7, default)));

        claims.SelectMany(claim => claim).Select(claim => claim.Copy).Distinct().Count().ShouldBe(90);
        claims.Sum(claim => claim.Count).ShouldBe(90);
    }

    [Fact]
    public async Task HeldCopy_Captured_OthersAreDueOnlyThen()
    {
        await SellWith(Lead(1), CopyMove.Hold, LeasedHook, FreeHook, Inbox);
        (await Store.Deliveries.NextDueAsync(default)).ShouldBe(Now + 5_000);
        (await Store.Deliveries.AcknowledgeAsync("a", new(Lead(1), 1), Now, default)).ShouldBeFalse();

        await Store.SubmitAsync(End(Lead(1), CopyMove.Capture));

        var rows = (await Store.Deliveries.ListAsync(null, null, 10, null, default)).Rows.ToDictionary(row => row.Endpoint, row => row.Status);
        rows.ShouldBe(new Dictionary<string, DeliveryStatus>
        {
            ["hook"] = DeliveryStatus.Delivered, ["later"] = DeliveryStatus.Waiting, ["inbox"] = DeliveryStatus.Waiting,
        }, ignoreOrder: true);
        (await Store.Deliveries.NextDueAsync(default)).ShouldBe(Now + 1_000);
    }

    [Fact]
    public async Task HeldCopy_Voided_IsNeverSentAgain()
    {
        await SellWith(Lead(1), CopyMove.Hold, LeasedHook, FreeHook, Inbox);

        await Store.SubmitAsync(End(Lead(1), CopyMove.Void, reason: Reason.BuyerRejected));

        var rows = (await Store.Deliveries.ListAsync(DeliveryStatus.Failed, null, 10, null, default)).Rows;
        rows.Select(row => (row.Endpoint, row.Error)).ShouldBe([("hook", "rejected"), ("inbox", "rejected"), ("later", "rejected")], ignoreOrder: true);
        (await Store.Deliveries.ReplayAsync(new(Lead(1), 1), "hook", Now, default)).ShouldBeFalse();
        (await Store.Deliveries.NextDueAsync(default)).ShouldBeNull();
        (await Store.Deliveries.CopiesOfBuyerAsync("a", null, 10, null, default)).Rows.ShouldBeEmpty();
    }

    [Fact]
    public async Task HeldCopy_InDoubt_IsClaimedAfterItsLease()
    {
        await SellWith(Lead(1), CopyMove.Hold, LeasedHook);
        await Store.SubmitAsync(End(Lead(1), CopyMove.Doubt));

        (await Store.Deliveries.ClaimDueAsync(Now + 4_999, Now + 9_000, 10, default)).ShouldBeEmpty();
        (await Store.Deliveries.ClaimDueAsync(Now + 5_000, Now + 9_000, 10, default)).ShouldHaveSingleItem().CopyState.ShouldBe(CopyState.InDoubt);
    }

    [Fact]
    public async Task Adopt_OwnLeases_StayAsTheyAre()
    {
        await SellWith(Lead(1), CopyMove.Sell, LeasedHook);

        (await Store.Deliveries.AdoptAsync(Now, default)).ShouldBe(0);

        (await Store.Deliveries.ClaimDueAsync(Now, Now + 9_000, 10, default)).ShouldBeEmpty();
    }

    [Fact]
    public async Task BuyersCopies_OfATest_AreNotAmongThem()
    {
        await Store.ApplyAsync(Limits());
        await Store.SubmitAsync(Post(Lead(1, test: true), [Copy(1, Limits())]));
        await Store.SubmitAsync(Post(Lead(2, test: true), [Copy(1, Limits(), CopyMove.Hold)]));
        await Store.SubmitAsync(End(Lead(2, test: true), CopyMove.Capture));

        (await Store.Deliveries.CopiesOfBuyerAsync("a", null, 10, null, default)).Rows.ShouldBeEmpty();
        (await Store.Deliveries.AcknowledgeAsync("a", new(Lead(1, test: true), 1), Now, default)).ShouldBeFalse();
    }

    [Fact]
    public async Task BuyersCopies_ReadOnFromACursor_MissNoLaterCapture()
    {
        await Store.ApplyAsync(Limits());
        await Store.SubmitAsync(Post(Lead(1), [Copy(1, Limits(), CopyMove.Hold, deliveries: [Inbox])]));
        await Store.SubmitAsync(Post(Lead(2), [Copy(1, Limits(), deliveries: [Inbox])]));
        await Store.SubmitAsync(Post(Lead(3), [Copy(1, Limits(), deliveries: [Inbox])]));
        await Store.SubmitAsync(Post(Lead(4), [Copy(1, Limits(), buyer: "b", deliveries: [Inbox])]));

        var first = await Store.Deliveries.CopiesOfBuyerAsync("a", null, 1, null, default);
        first.Rows.Select(row => row.Copy.Id.Lead).ShouldBe([Lead(2)]);
        first.Rows[0].Lead.Publisher.ShouldBe("p");
        await Store.SubmitAsync(End(Lead(1), CopyMove.Capture));
        var rest = await Store.Deliveries.CopiesOfBuyerAsync("a", null, 10, first.Next, default);
        rest.Rows.Select(row => row.Copy.Id.Lead).ShouldBe([Lead(3), Lead(1)]);
        rest.Next.ShouldBeNull();

        (await Store.Deliveries.AcknowledgeAsync("a", new(Lead(3), 1), Now, default)).ShouldBeTrue();
        (await Store.Deliveries.AcknowledgeAsync("a", new(Lead(3), 1), Now, default)).ShouldBeTrue();
        (await Store.Deliveries.AcknowledgeAsync("b", new(Lead(2), 1), Now, default)).ShouldBeFalse();
        (await Store.Deliveries.AcknowledgeAsync("a", new(Lead(9), 1), Now, default)).ShouldBeFalse();
        (await Store.Deliveries.CopiesOfBuyerAsync("a", DeliveryStatus.Waiting, 10, null, default)).Rows.Select(row => row.Copy.Id.Lead).ShouldBe([Lead(2), Lead(1)]);
        (await Store.Deliveries.CopiesOfBuyerAsync("a", DeliveryStatus.Delivered, 10, null, default)).Rows.Select(row => row.Copy.Id.Lead).ShouldBe([Lead(3)]);
    }

    [Fact]
    public async Task Deliveries_PageByPage_AreAllThereNewestFirst()
    {
        await Store.ApplyAsync(Limits());
        foreach (var n in Enumerable.Range(1, 7)) await Store.SubmitAsync(Post(Lead(n), [Copy(1, Limits(), deliveries: [Inbox, LeasedHook])]));

        List<DeliveryRow> rows = [];
        string? cursor = null;
        do
        {
            var page = await Store.Deliveries.ListAsync(null, "a", 4, cursor, default);
            rows.AddRange(page.Rows);
            cursor = page.Next;
        }
        while (cursor is not null);

        rows.Count.ShouldBe(14);
        rows.Select(row => row.Copy.Lead).ShouldBe(Enumerable.Range(1, 7).Reverse().SelectMany(n => new[] { Lead(n), Lead(n) }));
        rows.Distinct().Count().ShouldBe(14);
    }

    /// <summary>Five dead letters: of a and b, to hook, by two errors, each a second after the one before.</summary>
    private async Task DieAsync()
    {
        await Store.ApplyAsync(Limits());
        foreach (var (n, buyer, error) in ((int, string, string)[])[(1, "a", "http_500"), (2, "a", "timeout"), (3, "b", "http_500"), (4, "a", "http_500"), (5, "a", "http_500")])
        {
            await Store.SubmitAsync(Post(Lead(n), [Copy(1, Limits(), n == 5 ? CopyMove.Hold : CopyMove.Sell, buyer: buyer, deliveries: [LeasedHook])]));
            (await Store.Deliveries.RecordAsync(new(Lead(n), 1), "hook", 1, new(DeliveryStatus.Dead, null, error), Now + n * 1_000, default)).ShouldBeTrue();
        }
        // What was refused is never sent again.
        await Store.SubmitAsync(End(Lead(5), CopyMove.Void, reason: Reason.BuyerRejected));
    }

    [Theory]
    // buyer | endpoint | error | from, until (s after the first moment) | which leads
    [InlineData(null, null, null, null, null, "1 2 3 4")]
    [InlineData("a", null, null, null, null, "1 2 4")]
    [InlineData("a", "hook", "http_500", null, null, "1 4")]
    [InlineData(null, "crm", null, null, null, "")]
    [InlineData(null, null, null, 2, 4, "2 3")]
    [InlineData("c", null, null, null, null, "")]
    public async Task ReplayMany_ThatMatch_AreDueNow_Once(string? buyer, string? endpoint, string? error, int? from, int? until, string leads)
    {
        await DieAsync();
        var which = new DeadLetters(buyer, endpoint, error, Now + from * 1_000, Now + until * 1_000);
        var numbers = leads.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        (await Store.Deliveries.ReplayAsync(which, 100, Now + 10_000, default)).ShouldBe(numbers.Length);
        (await Store.Deliveries.ReplayAsync(which, 100, Now + 10_000, default)).ShouldBe(0);
        var claimed = await Store.Deliveries.ClaimDueAsync(Now + 10_000, Now + 20_000, 100, default);
        claimed.Select(claim => claim.Copy.Lead).Order().ShouldBe(numbers.Select(n => Lead(int.Parse(n, global::System.Globalization.CultureInfo.InvariantCulture))));
        claimed.ShouldAllBe(claim => claim.Attempts == 2 && claim.CreatedAtMs == Now + 10_000 && claim.LastError == "replayed");
    }

    [Fact]
    public async Task ReplayMany_PartByPart_LeavesOutWhatDiedSince()
    {
        await DieAsync();
        (await Store.Deliveries.ReplayAsync(new(), 3, Now + 10_000, default)).ShouldBe(3);
        foreach (var claim in await Store.Deliveries.ClaimDueAsync(Now + 10_000, Now + 20_000, 100, default))
            await Store.Deliveries.RecordAsync(claim.Copy, claim.Endpoint, claim.Fence, new(DeliveryStatus.Dead, null, "http_500"), Now + 10_001, default);
        (await Store.Deliveries.ReplayAsync(new(), 3, Now + 10_000, default)).ShouldBe(1);
        (await Store.Deliveries.ReplayAsync(new(), 3, Now + 10_000, default)).ShouldBe(0);
    }

    [Fact]
    public async Task Redeliver_OfASoldCopy_GoesAgain_OrSomewhereNew_AndNotTwiceAtOnce()
    {
        await SellWith(Lead(1), CopyMove.Sell, LeasedHook, Inbox);
        var copy = new CopyId(Lead(1), 1);
        (await Store.Deliveries.RedeliverAsync(copy, "hook", Now + 1_000, default)).ShouldBeFalse();
        await Store.Deliveries.RecordAsync(copy, "hook", 1, new(DeliveryStatus.Delivered, null, null), Now + 1_000, default);

        (await Store.Deliveries.RedeliverAsync(copy, "hook", Now + 2_000, default)).ShouldBeTrue();
        (await Store.Deliveries.RedeliverAsync(copy, "hook", Now + 2_000, default)).ShouldBeFalse();
        (await Store.Deliveries.RedeliverAsync(copy, "crm", Now + 3_000, default)).ShouldBeTrue();
        (await Store.Deliveries.RedeliverAsync(copy, "inbox", Now + 3_000, default)).ShouldBeFalse();
        (await Store.Deliveries.ClaimDueAsync(Now + 3_000, Now + 9_000, 10, default)).Select(claim => (claim.Endpoint, claim.Fence, claim.Attempts)).ShouldBe([("hook", 3, 2), ("crm", 1, 1)], ignoreOrder: true);
        (await Store.Deliveries.CopiesOfBuyerAsync("a", null, 10, null, default)).Rows.Count.ShouldBe(1);

        await Store.SubmitAsync(Post(Lead(2), [Copy(1, Limits(), CopyMove.Hold, deliveries: [LeasedHook])]));
        (await Store.Deliveries.RedeliverAsync(new(Lead(2), 1), "crm", Now, default)).ShouldBeFalse();
    }

    [Fact]
    public async Task Redeliver_OfWhatIsOnItsWay_ShowsTheBuyerNothingTwice()
    {
        await SellWith(Lead(1), CopyMove.Sell, FreeHook);
        var copy = new CopyId(Lead(1), 1);
        for (var i = 0; i < 3; i++) (await Store.Deliveries.RedeliverAsync(copy, "later", Now + 100, default)).ShouldBeFalse();
        (await Store.Deliveries.CopiesOfBuyerAsync("a", null, 10, null, default)).Rows.Count.ShouldBe(1);

        // One that waits, and would be seen before its turn.
        await SellWith(Lead(2), CopyMove.Sell, new NewDelivery("later", Now + 60_000, 0) { Wait = DeliveryWait.Moment });
        (await Store.Deliveries.RedeliverAsync(new(Lead(2), 1), "later", Now + 100, default)).ShouldBeFalse();
        (await Store.Deliveries.CopiesOfBuyerAsync("a", null, 10, null, default)).Rows.Count.ShouldBe(1);
    }

    /// <summary>Both deliveries of a copy are dropped by two workers at the same time.</summary>
    [Fact]
    public async Task Record_OfTwoThatWaited_AtTheSameTime_ShowsTheCopyOnce()
    {
        const int leads = 20;
        await Store.ApplyAsync(Limits());
        NewDelivery Waiting(string endpoint) => new(endpoint, Now + 1_000, 0) { Wait = DeliveryWait.Fields };
        for (var n = 1; n <= leads; n++) (await Store.SubmitAsync(Post(Lead(n), [Copy(1, Limits(), deliveries: [Waiting("one"), Waiting("two")])]))).Code.ShouldBe(VerdictCode.Done);
        var claims = await Store.Deliveries.ClaimDueAsync(Now + 1_000, Now + 60_000, 2 * leads, default);
        claims.Count.ShouldBe(2 * leads);
        (await Store.Deliveries.CopiesOfBuyerAsync("a", null, 99, null, default)).Rows.ShouldBeEmpty();

        (await Task.WhenAll(claims.Select(claim => Store.Deliveries.RecordAsync(claim.Copy, claim.Endpoint, claim.Fence, new(DeliveryStatus.Cancelled, null, "dropped"), Now + 2_000, default)))).ShouldAllBe(recorded => recorded);

        (await Store.Deliveries.CopiesOfBuyerAsync("a", null, 99, null, default)).Rows.Select(row => row.Copy.Id.Lead).Order().ShouldBe(Enumerable.Range(1, leads).Select(n => Lead(n)));
    }

    [Fact]
    public async Task RecordAll_IsOfEachUnderItsOwnFence()
    {
        await Store.ApplyAsync(Limits());
        for (var n = 1; n <= 3; n++) await Store.SubmitAsync(Post(Lead(n), [Copy(1, Limits(), deliveries: [new("files", Now, 0)])]));
        var claims = await Store.Deliveries.ClaimDueAtAsync("a", "files", Now, Now + 9_000, 9, default);
        // The first of them is another's by now.
        (await Store.Deliveries.RecordAsync(claims[0].Copy, "files", claims[0].Fence, new(DeliveryStatus.Waiting, Now, "no_time_left"), Now, default)).ShouldBeTrue();
        await Store.Deliveries.ClaimDueAtAsync("a", "files", Now, Now + 9_000, 9, default);

        await Store.Deliveries.RecordAllAsync([.. claims.Select(claim => (claim, new DeliveryResult(DeliveryStatus.Delivered, null, null)))], Now + 1_000, default);

        (await DeliveriesAsync()).ShouldBe("1 files Waiting, 2 files Delivered, 3 files Delivered");
    }

    [Fact]
    public async Task Turn_OntoAnEndpointThatHasADelivery_LeavesItOut()
    {
        await SellWith(Lead(1), CopyMove.Sell, LeasedHook, new NewDelivery("*", Now + 1_000, 0) { Wait = DeliveryWait.Moment });
        var copy = new CopyId(Lead(1), 1);
        await Store.Deliveries.RecordAsync(copy, "hook", 1, new(DeliveryStatus.Delivered, null, null), Now + 500, default);
        var claim = (await Store.Deliveries.ClaimDueAsync(Now + 1_000, Now + 60_000, 9, default)).ShouldHaveSingleItem();

        (await Store.Deliveries.TurnAsync(copy, "*", claim.Fence, [new("hook", Now + 1_000, Now + 60_000), new("crm", Now + 1_000, Now + 60_000)], Now + 1_000, default)).ShouldBe(["crm"]);

        (await DeliveriesAsync()).ShouldBe("1 crm Waiting, 1 hook Delivered");
        (await Store.Deliveries.CopiesOfBuyerAsync("a", null, 10, null, default)).Rows.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData(DeliveryWait.Moment)]
    [InlineData(DeliveryWait.Fields)]
    [InlineData(DeliveryWait.Sale)]
    public async Task Fields_AddedWhileAWaitTurns_MakeWhatWasDecidedBeforeVoid(DeliveryWait wait)
    {
        await SellWith(Lead(1), CopyMove.Sell, new NewDelivery("*", Now + 1_000, 0) { Wait = wait });
        var copy = new CopyId(Lead(1), 1);
        var claim = (await Store.Deliveries.ClaimDueAsync(Now + 1_000, Now + 60_000, 9, default)).ShouldHaveSingleItem();
        var read = (await Store.Leads.FindAsync(Lead(1), default))!;

        (await Store.Leads.AddFieldsAsync(Lead(1), read.Sealed, [9, 9], Now + 1_500, default)).ShouldBeTrue();

        (await Store.Deliveries.TurnAsync(copy, "*", claim.Fence, [new("crm", Now + 90_000, 0) { Wait = DeliveryWait.Fields }], Now + 1_600, default)).ShouldBeNull();
        // Decided again at once, with them.
        (await Store.Deliveries.ClaimDueAsync(Now + 1_600, Now + 60_000, 9, default)).ShouldHaveSingleItem().Endpoint.ShouldBe("*");
    }

    [Fact]
    public async Task ClaimAt_OneEndpoint_TakesWhatIsDueThereAndSold_AndNothingTwice()
    {
        await Store.ApplyAsync(Limits());
        foreach (var n in (int[])[3, 1, 2, 4, 5])
            await Store.SubmitAsync(Post(Lead(n), [Copy(1, Limits(), buyer: n == 4 ? "b" : "a", deliveries: [new("files", n == 5 ? Now + 60_000 : Now, 0), new("hook", Now, 0)])]));
        await Store.SubmitAsync(Post(Lead(6), [Copy(1, Limits(), deliveries: [new("files", Now, 0) { Wait = DeliveryWait.Moment }])]));

        var claims = await Store.Deliveries.ClaimDueAtAsync("a", "files", Now + 1_000, Now + 9_000, 2, default);
        claims.Select(claim => (claim.Copy.Lead, claim.Endpoint, claim.Fence, claim.Attempts, claim.CreatedAtMs)).ShouldBe([(Lead(1), "files", 1, 1, Now), (Lead(2), "files", 1, 1, Now)]);
        (await Store.Deliveries.ClaimDueAtAsync("a", "files", Now + 1_000, Now + 9_000, 9, default)).Select(claim => claim.Copy.Lead).ShouldBe([Lead(3)]);
        (await Store.Deliveries.ClaimDueAtAsync("a", "files", Now + 2_000, Now + 12_000, 9, default)).ShouldBeEmpty();
        (await Store.Deliveries.RecordAsync(claims[0].Copy, "files", 1, new(DeliveryStatus.Delivered, null, null), Now + 2_000, default)).ShouldBeTrue();
        // The others' lease is over: they come again, under a newer fence.
        (await Store.Deliveries.ClaimDueAtAsync("a", "files", Now + 10_000, Now + 20_000, 9, default)).Select(claim => (claim.Copy.Lead, claim.Fence, claim.Attempts)).ShouldBe([(Lead(2), 2, 2), (Lead(3), 2, 2)]);
    }

    /// <summary>Nine of a and then one of b: b's is reached, and a's others come back at their pace.</summary>
    [Fact]
    public async Task Claim_ManyOfOneBuyer_PostponesWhatIsOverItsShare()
    {
        await Store.ApplyAsync(Limits());
        foreach (var n in Enumerable.Range(1, 10))
            await Store.SubmitAsync(Post(Lead(n), [Copy(1, Limits(), buyer: n == 10 ? "b" : "a", deliveries: [new("hook", Now + n, 0)])]));
        var later = Now + 60_000;
        var taken = 0;
        var claimed = await Store.Deliveries.ClaimDueAsync(Now + 1_000, Now + 9_000, 5, (buyer, _) => buyer == "a" && ++taken > 2 ? later += 20 : null, default);
        claimed.Select(claim => claim.Copy.Lead).ShouldBe([Lead(1), Lead(2), Lead(10)]);
        (await Store.Deliveries.ClaimDueAsync(Now + 1_000, Now + 9_000, 5, default)).ShouldBeEmpty();
        (await Store.Deliveries.ClaimDueAsync(Now + 60_020 + 2 * 20, Now + 90_000, 50, default)).Count(claim => claim.Attempts == 1).ShouldBe(3);
    }
}
