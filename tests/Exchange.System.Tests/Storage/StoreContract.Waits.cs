using Exchange.Engine;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Filters;
using Exchange.Engine.Leads;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Storage;
using Shouldly;
using static Exchange.System.Tests.Storage.Sample;

namespace Exchange.System.Tests.Storage;

/// <summary>Leads that wait before a tree is asked.</summary>
public abstract partial class StoreContract
{
    private static LeadWait WaitFor(DeliveryWait kind = DeliveryWait.Moment, long untilMs = Now + 60_000, params string[] trees) => new()
    {
        Trees = trees.Length == 0 ? ["main"] : [.. trees], IsTrees = true, AtPing = true, Until = new(kind, untilMs), MinPayout = Money.Parse("1.50"),
        Promised = [new("1", Sharing.Exclusive, Payout), new("2", Sharing.Shared, Price)],
    };

    private static JournalItem Waits(LeadId lead, LeadWait wait, PersonClaim[]? persons = null) => Post(lead, [], persons: persons, state: LeadState.Open) with { Wait = wait };

    private static JournalItem WaitOver(LeadId lead, long fence, LeadState state, params NewCopy[] starts) => new()
    {
        Lead = lead, AtMs = Now + 60_000, EndsWait = new(fence), State = state, Starts = starts, Reason = state == LeadState.Unsold ? Reason.NoBids : Reason.None,
        ReleasePersons = state == LeadState.Unsold, Answer = state == LeadState.Open ? null : "{}"u8.ToArray(),
    };

    private Task<IReadOnlyList<ClaimedWait>> ClaimWaitsAsync(long nowMs, int limit = 9) => Store.Waits.ClaimDueAsync(nowMs, nowMs + 30_000, limit, default);

    [Fact]
    public async Task Wait_IsToldAsItWasWritten_AndDueAtItsMoment()
    {
        await Store.ApplyAsync(Limits());
        (await Store.Waits.NextDueAsync(default)).ShouldBeNull();
        (await Store.SubmitAsync(Waits(Lead(1), WaitFor()))).Code.ShouldBe(VerdictCode.Done);
        (await Store.SubmitAsync(Waits(Lead(1), WaitFor()))).Code.ShouldBe(VerdictCode.AlreadyThere);

        var row = (await Store.Leads.FindAsync(Lead(1), default))!;
        (row.State, row.Wait!.BegunMs, row.Wait.Fence, row.Wait.IsOver).ShouldBe((LeadState.Open, Now, 0, false));
        var (told, wrote) = (row.Waits!, WaitFor());
        (told.IsTrees, told.AtPing, told.Until, told.MinPayout).ShouldBe((wrote.IsTrees, wrote.AtPing, wrote.Until, wrote.MinPayout));
        told.Trees.ShouldBe(wrote.Trees);
        told.Promised.ShouldBe(wrote.Promised);
        (await Store.Leads.ListAsync(new("p", null, null, LeadState.Open, 9, null), default)).Rows.ShouldHaveSingleItem().Waits.ShouldNotBeNull();
        (await Store.Waits.NextDueAsync(default)).ShouldBe(Now + 60_000);
        (await ClaimWaitsAsync(Now + 59_999)).ShouldBeEmpty();
        (await ClaimWaitsAsync(Now + 60_000)).ShouldBe([new(Lead(1), 1)]);
        // Claimed: nobody else's until the claim runs out.
        (await ClaimWaitsAsync(Now + 60_000)).ShouldBeEmpty();
        (await Store.Waits.NextDueAsync(default)).ShouldBe(Now + 90_000);
        (await ClaimWaitsAsync(Now + 90_000)).ShouldBe([new(Lead(1), 2)]);
    }

    [Fact]
    public async Task Waits_DueLongestAreClaimedFirst_SoManyAsAreAskedFor()
    {
        await Store.ApplyAsync(Limits());
        for (var n = 1; n <= 3; n++) (await Store.SubmitAsync(Waits(Lead(n), WaitFor(untilMs: Now + 10_000 - n)))).Code.ShouldBe(VerdictCode.Done);
        (await ClaimWaitsAsync(Now + 20_000, 2)).Select(claim => claim.Lead).ShouldBe([Lead(3), Lead(2)], ignoreOrder: true);
        (await ClaimWaitsAsync(Now + 20_000, 2)).ShouldHaveSingleItem().Lead.ShouldBe(Lead(1));
    }

    /// <summary>It could not be taken up: it is due later, and at once where what it waits for has come.</summary>
    [Fact]
    public async Task SetBack_UnderItsClaim_IsDueThen_UnlessFieldsComeBefore()
    {
        await Store.ApplyAsync(Limits());
        await Store.SubmitAsync(Waits(Lead(1), WaitFor(DeliveryWait.Fields)));
        var old = (await ClaimWaitsAsync(Now + 60_000)).Single();
        var claim = (await ClaimWaitsAsync(Now + 90_000)).Single();

        (await Store.Waits.SetBackAsync(old, Now + 900_000, default)).ShouldBeFalse();
        (await Store.Waits.SetBackAsync(claim, Now + 500_000, default)).ShouldBeTrue();

        (await Store.Waits.NextDueAsync(default)).ShouldBe(Now + 500_000);
        (await ClaimWaitsAsync(Now + 499_999)).ShouldBeEmpty();
        var read = (await Store.Leads.FindAsync(Lead(1), default))!;
        (await Store.Leads.AddFieldsAsync(Lead(1), read.Sealed, [9, 9], Now + 100_000, default)).ShouldBeTrue();
        (await Store.Waits.SetBackAsync(claim, Now + 900_000, default)).ShouldBeFalse();
        var last = (await ClaimWaitsAsync(Now + 100_000)).Single();
        (await Store.SubmitAsync(WaitOver(Lead(1), last.Fence, LeadState.Unsold))).Code.ShouldBe(VerdictCode.Done);
        (await Store.Waits.SetBackAsync(last, Now + 900_000, default)).ShouldBeFalse();
        (await Store.Waits.NextDueAsync(default)).ShouldBeNull();
    }

    [Fact]
    public async Task WaitOver_Sold_EndsItOnce_UnderItsClaimAlone()
    {
        await Store.ApplyAsync(Limits());
        await Store.SubmitAsync(Waits(Lead(1), WaitFor()));
        // Nobody has claimed it: neither an item of a lead that does not wait nor one of another claim is right.
        (await Store.SubmitAsync(WaitOver(Lead(1), 0, LeadState.Sold, Copy(1, Limits())) with { EndsWait = null })).Code.ShouldBe(VerdictCode.EndedOtherwise);
        var old = (await ClaimWaitsAsync(Now + 60_000)).Single().Fence;
        var claim = (await ClaimWaitsAsync(Now + 90_000)).Single().Fence;
        (await Store.SubmitAsync(WaitOver(Lead(1), old, LeadState.Sold, Copy(1, Limits())))).Code.ShouldBe(VerdictCode.EndedOtherwise);
        (await CapAsync()).ShouldBe((0, 0));

        var sold = WaitOver(Lead(1), claim, LeadState.Sold, Copy(1, Limits())) with { EndsWait = new(claim, [9, 9]) };
        (await Store.SubmitAsync(sold)).Code.ShouldBe(VerdictCode.Done);
        (await Store.SubmitAsync(sold)).Code.ShouldBe(VerdictCode.AlreadyThere);
        (await Store.SubmitAsync(WaitOver(Lead(1), claim, LeadState.Open, Copy(1, Limits(), CopyMove.Hold, "b")))).Code.ShouldBe(VerdictCode.EndedOtherwise);

        var row = (await Store.Leads.FindAsync(Lead(1), default))!;
        (row.State, row.Waits, row.Wait!.IsOver, row.Copies.Count).ShouldBe((LeadState.Sold, null, true, 1));
        row.Wait.Wait.Promised.Length.ShouldBe(2);
        row.Sealed.ShouldBe([9, 9]);
        (await CapAsync()).ShouldBe((1, 0));
        (await Store.Waits.NextDueAsync(default)).ShouldBeNull();
        (await ClaimWaitsAsync(Now + 9_000_000)).ShouldBeEmpty();
    }

    [Fact]
    public async Task WaitOver_RefusedByACap_WaitsOn()
    {
        await Store.ApplyAsync(Limits(capOfA: 0));
        await Store.SubmitAsync(Waits(Lead(1), WaitFor()));
        var claim = (await ClaimWaitsAsync(Now + 60_000)).Single().Fence;
        (await Store.SubmitAsync(WaitOver(Lead(1), claim, LeadState.Sold, Copy(1, Limits(), atMs: Now + 60_000)))).Code.ShouldBe(VerdictCode.Refused);
        (await Store.Leads.FindAsync(Lead(1), default))!.Waits.ShouldNotBeNull();
        (await Store.SubmitAsync(WaitOver(Lead(1), claim, LeadState.Sold, Copy(1, Limits(), buyer: "b", atMs: Now + 60_000)))).Code.ShouldBe(VerdictCode.Done);
    }

    [Fact]
    public async Task WaitOver_Unsold_IsRecorded_AndFreesItsPerson()
    {
        await Store.ApplyAsync(Limits());
        await Store.SubmitAsync(Waits(Lead(1), WaitFor(), [Person("x")]));
        (await Store.SubmitAsync(Post(Lead(2), [Copy(1, Limits())], persons: [Person("x")]))).Code.ShouldBe(VerdictCode.PersonSeen);
        var claim = (await ClaimWaitsAsync(Now + 60_000)).Single().Fence;
        var no = WaitOver(Lead(1), claim, LeadState.Unsold);
        (await Store.SubmitAsync(no)).Code.ShouldBe(VerdictCode.Done);
        (await Store.SubmitAsync(no)).Code.ShouldBe(VerdictCode.AlreadyThere);
        var row = (await Store.Leads.FindAsync(Lead(1), default))!;
        (row.State, row.Reason, row.Waits).ShouldBe((LeadState.Unsold, Reason.NoBids, null));
        (await Store.SubmitAsync(Post(Lead(2), [Copy(1, Limits())], persons: [Person("x")]))).Code.ShouldBe(VerdictCode.Done);
    }

    [Fact]
    public async Task WaitOver_ForAnotherWait_RaisesTheFence_AndKeepsWhenItBegan_IfItIsTheSame()
    {
        await Store.ApplyAsync(Limits());
        await Store.SubmitAsync(Waits(Lead(1), WaitFor(DeliveryWait.Fields)));
        var claim = (await ClaimWaitsAsync(Now + 60_000)).Single().Fence;
        var again = WaitOver(Lead(1), claim, LeadState.Open) with { Wait = WaitFor(DeliveryWait.Fields, Now + 99_000) };
        (await Store.SubmitAsync(again)).Code.ShouldBe(VerdictCode.Done);
        (await Store.SubmitAsync(again)).Code.ShouldBe(VerdictCode.AlreadyThere);
        var row = (await Store.Leads.FindAsync(Lead(1), default))!;
        (row.Wait!.BegunMs, row.Wait.Fence, row.Waits!.Until.UntilMs).ShouldBe((Now, 2, Now + 99_000));
        (await Store.SubmitAsync(WaitOver(Lead(1), claim, LeadState.Unsold))).Code.ShouldBe(VerdictCode.EndedOtherwise);

        claim = (await ClaimWaitsAsync(Now + 99_000)).Single().Fence;
        (await Store.SubmitAsync(WaitOver(Lead(1), claim, LeadState.Open) with { Wait = WaitFor(DeliveryWait.Moment, Now + 200_000, "main", "rest") })).Code.ShouldBe(VerdictCode.Done);
        row = (await Store.Leads.FindAsync(Lead(1), default))!;
        (row.Wait!.BegunMs, row.Waits!.Until.For).ShouldBe((Now + 60_000, DeliveryWait.Moment));
        row.Waits.Trees.ShouldBe(["main", "rest"]);
    }

    [Fact]
    public async Task WaitAfterACopyFell_IsOneItem()
    {
        await Store.ApplyAsync(Limits());
        await Store.SubmitAsync(Post(Lead(1), [Copy(1, Limits(), CopyMove.Hold)], persons: [Person("x")]));
        var fell = End(Lead(1), CopyMove.Void, reason: Reason.BuyerRejected, state: LeadState.Open) with { Wait = WaitFor(trees: ["main", "rest"]) };
        (await Store.SubmitAsync(fell)).Code.ShouldBe(VerdictCode.Done);
        (await Store.SubmitAsync(fell)).Code.ShouldBe(VerdictCode.AlreadyThere);
        var row = (await Store.Leads.FindAsync(Lead(1), default))!;
        (row.State, row.Copies.Single().State, row.Waits!.IsFirst).ShouldBe((LeadState.Open, CopyState.Voided, false));
        var claim = (await ClaimWaitsAsync(Now + 60_000)).Single().Fence;
        (await Store.SubmitAsync(WaitOver(Lead(1), claim, LeadState.Sold, Copy(2, Limits(), buyer: "b")))).Code.ShouldBe(VerdictCode.Done);
    }

    [Fact]
    public async Task FieldsAdded_MakeALeadThatWaitsDue_AndTheClaimBeforeVoid()
    {
        await Store.ApplyAsync(Limits());
        await Store.SubmitAsync(Waits(Lead(1), WaitFor(DeliveryWait.Fields)));
        var before = (await ClaimWaitsAsync(Now + 60_000)).Single().Fence;
        (await Store.Leads.AddFieldsAsync(Lead(1), [1, 2, 3], [4, 5, 6], Now + 60_001, default)).ShouldBeTrue();
        (await Store.SubmitAsync(WaitOver(Lead(1), before, LeadState.Unsold))).Code.ShouldBe(VerdictCode.EndedOtherwise);
        var claim = (await ClaimWaitsAsync(Now + 60_001)).Single().Fence;
        (await Store.SubmitAsync(WaitOver(Lead(1), claim, LeadState.Sold, Copy(1, Limits())))).Code.ShouldBe(VerdictCode.Done);
        // Nothing waits any more.
        (await Store.Leads.AddFieldsAsync(Lead(1), [4, 5, 6], [7], Now + 60_002, default)).ShouldBeTrue();
        (await Store.Waits.NextDueAsync(default)).ShouldBeNull();
    }

    [Fact]
    public async Task FieldsAdded_WhileADeliveryThatWaitsIsAsked_MakeTheAnswerVoid()
    {
        await Store.ApplyAsync(Limits());
        await Store.SubmitAsync(Post(Lead(1), [Copy(1, Limits(), deliveries: [new("*", Now + 60_000, 0) { Wait = DeliveryWait.Fields }])]));
        var copy = new CopyId(Lead(1), 1);
        var before = (await Store.Deliveries.ClaimDueAsync(Now + 60_000, Now + 90_000, 9, default)).ShouldHaveSingleItem();
        (await Store.Leads.AddFieldsAsync(Lead(1), [1, 2, 3], [4, 5, 6], Now + 60_001, default)).ShouldBeTrue();

        NewDelivery[] still = [new("*", Now + 70_000, 0) { Wait = DeliveryWait.Fields }];
        (await Store.Deliveries.TurnAsync(copy, "*", before.Fence, still, Now + 60_002, default)).ShouldBeNull();
        (await Store.Deliveries.RecordAsync(copy, "*", before.Fence, new(DeliveryStatus.Cancelled, null, "wait_over"), Now + 60_002, default)).ShouldBeFalse();
        var next = (await Store.Deliveries.ClaimDueAsync(Now + 60_002, Now + 90_000, 9, default)).ShouldHaveSingleItem();
        (next.Fence > before.Fence, next.Wait).ShouldBe((true, DeliveryWait.Fields));
        (await Store.Deliveries.TurnAsync(copy, "*", next.Fence, [new("hook", Now + 60_003, 0)], Now + 60_003, default)).ShouldBe(["hook"]);
    }

    /// <summary>Who dropped it may die before its lead knows: whoever takes it over has to see that nobody is to be called.</summary>
    [Fact]
    public async Task HeldAndDropped_IsClaimedAsDropped_AndWaitsForNoFieldsAnyMore()
    {
        await Store.ApplyAsync(Limits());
        await Store.SubmitAsync(Post(Lead(1), [Copy(1, Limits(), CopyMove.Hold, deliveries: [new("crm", Now + 60_000, 0) { Wait = DeliveryWait.Fields }])]));
        var copy = new CopyId(Lead(1), 1);
        var waited = (await Store.Deliveries.ClaimDueAsync(Now + 60_000, Now + 90_000, 9, default)).ShouldHaveSingleItem();
        (waited.Wait, waited.Attempts).ShouldBe((DeliveryWait.Fields, 0));

        (await Store.Deliveries.TurnAsync(copy, "crm", waited.Fence, [new("crm", Now + 60_000, Now + 90_000) { Wait = DeliveryWait.Drop }], Now + 60_001, default)).ShouldBe(["crm"]);
        (await Store.Leads.AddFieldsAsync(Lead(1), [1, 2, 3], [4, 5, 6], Now + 60_002, default)).ShouldBeTrue();

        (await Store.Deliveries.ClaimDueAsync(Now + 60_003, Now + 120_000, 9, default)).ShouldBeEmpty();
        var dropped = (await Store.Deliveries.ClaimDueAsync(Now + 90_000, Now + 120_000, 9, default)).ShouldHaveSingleItem();
        (dropped.Wait, dropped.Fence > waited.Fence, dropped.CopyState).ShouldBe((DeliveryWait.Drop, true, CopyState.Held));
        // Not one attempt at its buyer, whoever counts.
        dropped.Attempts.ShouldBeLessThanOrEqualTo(1);
        (await Store.SubmitAsync(End(Lead(1), CopyMove.Void))).Code.ShouldBe(VerdictCode.Done);
        (await Store.Deliveries.NextDueAsync(default)).ShouldBeNull();
    }

    [Fact]
    public async Task Erased_WhileItWaits_IsDueAtOnce()
    {
        await Store.ApplyAsync(Limits());
        await Store.SubmitAsync(Waits(Lead(1), WaitFor()));
        await Store.Erasures.EraseAsync(new(Lead(1), null, [], "admin", Now + 5), default);
        var claim = (await ClaimWaitsAsync(Now + 5)).Single().Fence;
        (await Store.SubmitAsync(WaitOver(Lead(1), claim, LeadState.Unsold) with { Reason = Reason.Cancelled })).Code.ShouldBe(VerdictCode.Done);
        (await Store.Leads.FindAsync(Lead(1), default))!.IsErased.ShouldBeTrue();
    }
}
