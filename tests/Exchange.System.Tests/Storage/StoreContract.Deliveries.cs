using Exchange.Engine;
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
        (await Store.Deliveries.ClaimDueAsync(Now + 70_000, Now + 75_000, 10, default)).ShouldHaveSingleItem().Fence.ShouldBe(5);
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
}
