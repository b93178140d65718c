using Exchange.Engine;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Storage;
using Shouldly;
using static Exchange.System.Tests.Storage.Sample;

namespace Exchange.System.Tests.Storage;

/// <summary>Deliveries that wait before they are called.</summary>
public abstract partial class StoreContract
{
    private static readonly NewDelivery Waits = new("*", Now + 60_000, 0) { Wait = DeliveryWait.Moment };
    private static readonly NewDelivery WaitsForFields = new("*", Now + 60_000, 0) { Wait = DeliveryWait.Fields };
    private static CopyId First => new(Lead(1), 1);

    private async Task<LeasedDelivery> ClaimAsync(long at) => (await Store.Deliveries.ClaimDueAsync(at, at + 9_000, 10, default)).ShouldHaveSingleItem();

    [Fact]
    public async Task Wait_IsOver_BecomesALeasedDelivery_AtItsFirstAttempt()
    {
        await SellWith(Lead(1), CopyMove.Sell, Waits);
        (await Store.Deliveries.NextDueAsync(default)).ShouldBe(Now + 60_000);
        (await Store.Deliveries.ClaimDueAsync(Now + 59_999, Now + 70_000, 10, default)).ShouldBeEmpty();

        var claim = await ClaimAsync(Now + 60_000);
        claim.ShouldBe(new LeasedDelivery(First, "*", 1, 0, Now, CopyState.Captured, "a1", "a", null) { Wait = DeliveryWait.Moment, WaitUntilMs = Now + 60_000 });
        (await Store.Deliveries.TurnAsync(First, "*", claim.Fence, [new("hook", Now + 60_000, Now + 75_000), Inbox], Now + 60_001, default)).ShouldBeTrue();
        (await Store.Deliveries.TurnAsync(First, "*", claim.Fence, [new("other", Now, Now + 75_000)], Now + 60_001, default)).ShouldBeFalse();

        var rows = (await Store.Deliveries.ListAsync(null, null, 10, null, default)).Rows.OrderBy(row => row.Endpoint, StringComparer.Ordinal).ToArray();
        rows.Select(row => (row.Endpoint, row.Status, row.Attempts, row.Wait)).ShouldBe([("hook", DeliveryStatus.Waiting, 1, DeliveryWait.None), ("inbox", DeliveryStatus.Waiting, 0, DeliveryWait.None)]);
        // Its holder may record; after the lease it is somebody else's like any other.
        var again = (await Store.Deliveries.ClaimDueAsync(Now + 75_000, Now + 80_000, 10, default)).ShouldHaveSingleItem();
        (again.Endpoint, again.Fence, again.Attempts, again.CreatedAtMs, again.LastError, again.Wait).ShouldBe(("hook", 2, 2, Now + 60_001, null, DeliveryWait.None));
        (await Store.Deliveries.RecordAsync(First, "hook", 1, new(DeliveryStatus.Delivered, null, null), Now + 75_001, default)).ShouldBeFalse();
    }

    [Fact]
    public async Task Wait_TakenOverByANewerClaim_TurnsOnlyForIt()
    {
        await SellWith(Lead(1), CopyMove.Sell, Waits);
        var old = await ClaimAsync(Now + 60_000);
        var newer = await ClaimAsync(Now + 69_000);
        (newer.Fence, newer.Attempts, newer.Wait).ShouldBe((2, 0, DeliveryWait.Moment));

        (await Store.Deliveries.TurnAsync(First, "*", old.Fence, [new("hook", Now, Now + 90_000)], Now + 69_001, default)).ShouldBeFalse();
        (await Store.Deliveries.TurnAsync(First, "*", newer.Fence, [new("hook", Now, Now + 90_000)], Now + 69_001, default)).ShouldBeTrue();
    }

    [Fact]
    public async Task Wait_ForFields_IsDueWhenFieldsCome_AlsoWhileSomebodyAsks()
    {
        await SellWith(Lead(1), CopyMove.Sell, WaitsForFields);
        (await Store.Leads.AddFieldsAsync(Lead(1), [9], [4], Now + 1_000, default)).ShouldBeFalse();
        (await Store.Deliveries.ClaimDueAsync(Now + 1_000, Now + 9_000, 10, default)).ShouldBeEmpty();
        (await Store.Leads.AddFieldsAsync(Lead(1), [1, 2, 3], [4], Now + 1_000, default)).ShouldBeTrue();

        var asking = await ClaimAsync(Now + 1_000);
        asking.WaitUntilMs.ShouldBe(Now + 60_000);
        // More come while that one is asked by the first: what it finds is void.
        (await Store.Leads.AddFieldsAsync(Lead(1), [4], [5], Now + 1_100, default)).ShouldBeTrue();
        var newer = await ClaimAsync(Now + 1_100);
        (await Store.Deliveries.TurnAsync(First, "*", asking.Fence, [WaitsForFields], Now + 1_200, default)).ShouldBeFalse();
        (await Store.Deliveries.TurnAsync(First, "*", newer.Fence, [WaitsForFields], Now + 1_200, default)).ShouldBeTrue();
        (await Store.Deliveries.NextDueAsync(default)).ShouldBe(Now + 60_000);
        (await ClaimAsync(Now + 60_000)).Fence.ShouldBe(newer.Fence + 1);
    }

    [Fact]
    public async Task Wait_OfAMoment_IsNotShortenedByFields()
    {
        await SellWith(Lead(1), CopyMove.Sell, Waits);
        (await Store.Leads.AddFieldsAsync(Lead(1), [1, 2, 3], [4], Now + 1_000, default)).ShouldBeTrue();
        (await Store.Deliveries.ClaimDueAsync(Now + 59_999, Now + 70_000, 10, default)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Wait_TurnsIntoWhatTheCopyHas_LeavesThatAsItIs()
    {
        await SellWith(Lead(1), CopyMove.Sell, Waits, LeasedHook);
        (await Store.Deliveries.RecordAsync(First, "hook", 1, new(DeliveryStatus.Delivered, null, null), Now + 1, default)).ShouldBeTrue();
        var claim = await ClaimAsync(Now + 60_000);
        (await Store.Deliveries.TurnAsync(First, "*", claim.Fence, [new("hook", Now, Now + 90_000)], Now + 60_000, default)).ShouldBeTrue();
        (await Store.Deliveries.ListAsync(null, null, 10, null, default)).Rows.ShouldHaveSingleItem().Status.ShouldBe(DeliveryStatus.Delivered);
    }

    [Fact]
    public async Task Wait_OfAHeldCopy_IsDue_AndWhatFollowsTheSaleIsNot()
    {
        await SellWith(Lead(1), CopyMove.Hold, Waits);
        var claim = await ClaimAsync(Now + 60_000);
        claim.CopyState.ShouldBe(CopyState.Held);
        (await Store.Deliveries.TurnAsync(First, "*", claim.Fence, [new("crm", Now, Now + 75_000), new("hook", Now, 0) { Wait = DeliveryWait.Sale }], Now + 60_000, default)).ShouldBeTrue();
        (await Store.Deliveries.NextDueAsync(default)).ShouldBe(Now + 75_000);
        (await Store.Deliveries.CopiesOfBuyerAsync("a", null, 10, null, default)).Rows.ShouldBeEmpty();

        await Store.SubmitAsync(End(Lead(1), CopyMove.Capture));
        var after = await ClaimAsync(Now + 1_000);
        (after.Endpoint, after.Wait, after.Attempts).ShouldBe(("hook", DeliveryWait.Sale, 0));
        (await Store.Deliveries.CopiesOfBuyerAsync("a", null, 10, null, default)).Rows.Count.ShouldBe(1);
        (await Store.Deliveries.TurnAsync(First, "hook", after.Fence, [new("hook", Now, Now + 90_000)], Now + 2_000, default)).ShouldBeTrue();
        (await Store.Deliveries.CopiesOfBuyerAsync("a", null, 10, null, default)).Rows.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData(Reason.Cancelled, DeliveryStatus.Cancelled, "cancelled")]
    [InlineData(Reason.BuyerRejected, DeliveryStatus.Failed, "rejected")]
    public async Task Wait_CopyIsVoided_EndsWithIt(Reason reason, DeliveryStatus status, string error)
    {
        await SellWith(Lead(1), CopyMove.Hold, WaitsForFields);
        await Store.SubmitAsync(End(Lead(1), CopyMove.Void, reason: reason, state: LeadState.Unsold));
        var row = (await Store.Deliveries.ListAsync(null, null, 10, null, default)).Rows.ShouldHaveSingleItem();
        (row.Status, row.Error).ShouldBe((status, error));
        (await Store.Deliveries.NextDueAsync(default)).ShouldBeNull();
    }

    /// <summary>Sold, but not to be seen before its time: and then at the end of the list, where whoever reads on finds it.</summary>
    [Fact]
    public async Task BuyersCopies_ThatWait_AreListedWhenTheirWaitIsOver_AtTheEnd()
    {
        await Store.ApplyAsync(Limits());
        await Store.SubmitAsync(Post(Lead(1), [Copy(1, Limits(), deliveries: [Waits])]));
        await Store.SubmitAsync(Post(Lead(2), [Copy(1, Limits(), deliveries: [Inbox])]));
        await Store.SubmitAsync(Post(Lead(3), [Copy(1, Limits(), deliveries: [Waits])]));
        await Store.SubmitAsync(Post(Lead(4), [Copy(1, Limits(), deliveries: [Inbox, new("hook", Now + 60_000, 0) { Wait = DeliveryWait.Moment }])]));
        var seen = await Store.Deliveries.CopiesOfBuyerAsync("a", null, 1, null, default);
        seen.Rows.Select(row => row.Copy.Id.Lead).ShouldBe([Lead(2)]);
        (await Store.Deliveries.CopiesOfBuyerAsync("a", null, 10, seen.Next, default)).Rows.Select(row => row.Copy.Id.Lead).ShouldBe([Lead(4)]);

        foreach (var claim in await Store.Deliveries.ClaimDueAsync(Now + 60_000, Now + 70_000, 10, default))
        {
            if (claim.Copy.Lead == Lead(3)) (await Store.Deliveries.RecordAsync(claim.Copy, claim.Endpoint, claim.Fence, new(DeliveryStatus.Cancelled, null, "wait_over"), Now + 60_001, default)).ShouldBeTrue();
            else (await Store.Deliveries.TurnAsync(claim.Copy, claim.Endpoint, claim.Fence, [claim.Endpoint == "*" ? Inbox : new("hook", Now, Now + 70_000)], Now + 60_001, default)).ShouldBeTrue();
        }
        var rest = (await Store.Deliveries.CopiesOfBuyerAsync("a", null, 10, seen.Next, default)).Rows.Select(row => row.Copy.Id.Lead).ToArray();
        rest[0].ShouldBe(Lead(4));
        rest[1..].ShouldBe([Lead(1), Lead(3)], ignoreOrder: true);
        (await Store.Deliveries.CopiesOfBuyerAsync("a", DeliveryStatus.Waiting, 10, null, default)).Rows.Select(row => row.Copy.Id.Lead).ShouldBe([Lead(2), Lead(4), Lead(1)]);
    }

    [Fact]
    public async Task Erase_OfALeadThatWaits_CancelsWhatIsSold_AndWakesWhatIsHeld()
    {
        await Store.ApplyAsync(Limits());
        await Store.SubmitAsync(Post(Lead(1), [Copy(1, Limits(), deliveries: [Waits])]));
        await Store.SubmitAsync(Post(Lead(2), [Copy(1, Limits(), CopyMove.Hold, deliveries: [WaitsForFields])]));
        foreach (var lead in (LeadId[])[Lead(1), Lead(2)]) await Store.Erasures.EraseAsync(new(lead, null, [], "test", Now + 1_000), default);

        (await Store.Deliveries.ListAsync(DeliveryStatus.Cancelled, null, 10, null, default)).Rows.Select(row => row.Copy.Lead).ShouldBe([Lead(1)]);
        (await ClaimAsync(Now + 1_000)).Copy.Lead.ShouldBe(Lead(2));
    }
}
