using Exchange.Engine;
using Exchange.Engine.Caps;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Storage;
using Shouldly;
using static Exchange.System.Tests.Storage.Sample;

namespace Exchange.System.Tests.Storage;

/// <summary>Copies of which nobody knows whether their buyer took them.</summary>
public abstract partial class StoreContract
{
    private static readonly DoubtQuery AllDoubts = new(null, null, long.MaxValue, 99, null);

    /// <summary>A lead whose copy came into doubt so many milliseconds after the first one's.</summary>
    private async Task DoubtAsync(LeadId lead, int later, string buyer = "a", LimitModel[]? limits = null)
    {
        (await Store.SubmitAsync(Post(lead, [Copy(1, limits ?? Limits(), CopyMove.Hold, buyer, deliveries: [LeasedHook, Inbox])], body: $"post {lead}"))).Code.ShouldBe(VerdictCode.Done);
        (await Store.SubmitAsync(End(lead, CopyMove.Doubt, buyer: buyer) with { AtMs = Now + 1_000 + later })).Code.ShouldBe(VerdictCode.Done);
    }

    private async Task<ulong[]> DoubtsAsync(DoubtQuery query) => [.. (await Store.Doubts.ListAsync(query, default)).Rows.Select(row => row.Copy.Lead.Low)];

    [Fact]
    public async Task HeldTests_OfLongAgo_OldestFirst_AreThoseStillHeld()
    {
        await Store.ApplyAsync(Limits());
        foreach (var (n, test, atMs) in new[] { (1, true, Now + 30), (2, true, Now + 20), (3, true, Now + 10), (4, true, Now + 5_000), (5, false, Now), (6, true, Now), (7, true, Now) })
            await Store.SubmitAsync(Post(
                Lead(n, test), [Copy(1, [], CopyMove.Hold, exclusive: false) with { Transfers = [] }, Copy(2, [], CopyMove.Hold, "b", exclusive: false) with { Transfers = [] }], maxCopies: 2, atMs: atMs));
        // One of its two copies is sold: the other is held still. Ended, or in doubt: not held.
        await EndTestAsync(1, CopyMove.Capture, LeadState.Sold, 1);
        await EndTestAsync(6, CopyMove.Void, LeadState.Unsold, 1, 2);
        await EndTestAsync(7, CopyMove.Doubt, LeadState.InDoubt, 1, 2);

        (await Store.Leads.HeldTestsAsync(Now + 1_000, 9, default)).ShouldBe([Lead(3, test: true), Lead(2, test: true), Lead(1, test: true)]);
        (await Store.Leads.HeldTestsAsync(Now + 1_000, 2, default)).ShouldBe([Lead(3, test: true), Lead(2, test: true)]);
        (await Store.Leads.HeldTestsAsync(Now + 10_000, 9, default)).Count.ShouldBe(4);
        (await Store.Leads.HeldTestsAsync(Now + 10, 9, default)).ShouldBeEmpty();

        async Task EndTestAsync(int n, CopyMove move, LeadState state, params int[] copies) =>
            (await Store.SubmitAsync(new()
            {
                Lead = Lead(n, test: true), AtMs = Now + 100, State = state, Ends = [.. copies.Select(no => new CopyEnd(no, move, Reason.None, []))],
            })).Code.ShouldBe(VerdictCode.Done);
    }

    [Fact]
    public async Task Doubts_ByEachFilterAndPage_AreAllThere_OldestFirst()
    {
        await Store.ApplyAsync(Limits());
        // Later leads came into doubt earlier, two at the same moment; every second is of the other buyer.
        for (var n = 1; n <= 7; n++) await DoubtAsync(Lead(n), later: 10 * (7 - n) / 2, n % 2 == 0 ? "b" : "a");
        await DoubtAsync(Lead(8, test: true), later: 0, limits: []);
        await Store.SubmitAsync(Post(Lead(9), [Copy(1, Limits(), CopyMove.Hold, deliveries: [LeasedHook])], body: "held"));

        (await DoubtsAsync(AllDoubts)).ShouldBe([7UL, 6, 5, 4, 3, 2, 1]);
        (await DoubtsAsync(AllDoubts with { Buyer = "b" })).ShouldBe([6UL, 4, 2]);
        (await DoubtsAsync(AllDoubts with { Campaign = "a1" })).ShouldBe([7UL, 5, 3, 1]);
        (await DoubtsAsync(AllDoubts with { Campaign = "a1", Buyer = "b" })).ShouldBeEmpty();
        (await DoubtsAsync(AllDoubts with { BeforeMs = Now + 1_010 })).ShouldBe([7UL, 6]);
        foreach (var limit in (int[])[1, 2, 7])
        {
            List<ulong> seen = [];
            string? cursor = null;
            do
            {
                var page = await Store.Doubts.ListAsync(AllDoubts with { Limit = limit, Cursor = cursor }, default);
                page.Rows.Count.ShouldBeLessThanOrEqualTo(limit);
                seen.AddRange(page.Rows.Select(row => row.Copy.Lead.Low));
                cursor = page.Next;
            }
            while (cursor is not null);
            seen.ShouldBe([7UL, 6, 5, 4, 3, 2, 1]);
        }
        (await DoubtsAsync(AllDoubts with { Cursor = "nonsense" })).Length.ShouldBe(7);
    }

    [Fact]
    public async Task Doubt_SaysWhoIsAskedAgainAndWhen_UntilItEnds()
    {
        await Store.ApplyAsync(Limits());
        await DoubtAsync(Lead(1), later: 0);
        var copy = new CopyId(Lead(1), 1);
        (await Store.Doubts.ListAsync(AllDoubts, default)).Rows.ShouldHaveSingleItem().ShouldBe(new(copy, "a1", "a", Price, Now + 1_000, DeliveryStatus.Waiting, 1, null, Now + 5_000));

        (await Store.Deliveries.RecordAsync(copy, "hook", 1, new(DeliveryStatus.Waiting, Now + 60_000, "timeout"), Now + 2_000, default)).ShouldBeTrue();
        (await Store.Doubts.ListAsync(AllDoubts, default)).Rows.ShouldHaveSingleItem().ShouldBe(new(copy, "a1", "a", Price, Now + 1_000, DeliveryStatus.Waiting, 1, "timeout", Now + 60_000));

        var claim = (await Store.Deliveries.ClaimDueAsync(Now + 60_000, Now + 75_000, 9, default)).ShouldHaveSingleItem();
        (await Store.Deliveries.RecordAsync(copy, "hook", claim.Fence, new(DeliveryStatus.Dead, null, "duplicate"), Now + 61_000, default)).ShouldBeTrue();
        (await Store.Doubts.ListAsync(AllDoubts, default)).Rows.ShouldHaveSingleItem().ShouldBe(new(copy, "a1", "a", Price, Now + 1_000, DeliveryStatus.Dead, 2, "duplicate", null));
    }

    /// <summary>The call that asked has given up, by itself or for the operator's sake. Whoever says yes after that has the copy: dead letters that are sent again are others'.</summary>
    [Fact]
    public async Task Doubt_ThatEndsAsSold_LeavesNoDeadLetterOfItsCall()
    {
        await Store.ApplyAsync(Limits());
        for (var n = 1; n <= 7; n++)
        {
            (await Store.SubmitAsync(Post(Lead(n), [Copy(1, Limits(), CopyMove.Hold, deliveries: n <= 3 ? [LeasedHook, FreeHook, Inbox] : [LeasedHook])]))).Code.ShouldBe(VerdictCode.Done);
            (await Store.SubmitAsync(End(Lead(n), CopyMove.Doubt))).Code.ShouldBe(VerdictCode.Done);
        }
        foreach (var n in (int[])[1, 2]) (await Store.Deliveries.RecordAsync(new(Lead(n), 1), "hook", 1, new(DeliveryStatus.Dead, null, "timeout"), Now + 2_000, default)).ShouldBeTrue();
        (await Store.Deliveries.GiveUpAsync(new(Lead(3), 1), Now + 6_000, default)).ShouldBeTrue();

        foreach (var (n, error) in ((int, string)[])[(4, "http_503"), (5, "http_503_after_doubt"), (6, "smtp_451"), (7, "smtp_451_after_doubt")])
            (await Store.Deliveries.RecordAsync(new(Lead(n), 1), "hook", 1, new(DeliveryStatus.Dead, null, error), Now + 2_000, default)).ShouldBeTrue();

        foreach (var n in (int[])[1, 3, 4, 5, 6, 7]) (await Store.SubmitAsync(End(Lead(n), CopyMove.Capture))).Code.ShouldBe(VerdictCode.Done);

        // What nobody was called for has not arrived, and nobody has said anything of the second.
        (await DeliveriesAsync()).ShouldBe(
            "1 hook Delivered, 1 inbox Waiting, 1 later Waiting, 2 hook Dead timeout, 2 inbox Waiting, 2 later Waiting, 3 hook Delivered, 3 inbox Waiting, 3 later Dead resolved, "
            + "4 hook Dead http_503, 5 hook Delivered, 6 hook Dead smtp_451, 7 hook Delivered");
        (await Store.Deliveries.ReplayAsync(new CopyId(Lead(1), 1), "hook", Now + 90_000, default)).ShouldBeFalse();
        (await Store.Deliveries.ReplayAsync(new DeadLetters("a"), 9, Now + 90_000, default)).ShouldBe(4);
        (await DeliveriesAsync()).ShouldBe(
            "1 hook Delivered, 1 inbox Waiting, 1 later Waiting, 2 hook Waiting replayed, 2 inbox Waiting, 2 later Waiting, 3 hook Delivered, 3 inbox Waiting, 3 later Waiting replayed, "
            + "4 hook Waiting replayed, 5 hook Delivered, 6 hook Waiting replayed, 7 hook Delivered");
    }

    [Theory]
    [InlineData(CopyMove.Capture, CopyState.Captured, LeadState.Sold, "1+0", "11.00")]
    [InlineData(CopyMove.Void, CopyState.Voided, LeadState.Unsold, "0+0", "0.00")]
    public async Task Doubt_EndedByTheOperatorsWord_IsListedNoMore_AndEndsOnce(CopyMove move, CopyState state, LeadState lead, string used, string paid)
    {
        await Store.ApplyAsync(Limits());
        await DoubtAsync(Lead(1), later: 0);
        (await UsedAsync("c:a1:leads:day:UTC")).ShouldBe("0+1");

        (await Store.SubmitAsync(End(Lead(1), move))).Code.ShouldBe(VerdictCode.Done);

        (await DoubtsAsync(AllDoubts)).ShouldBeEmpty();
        var row = (await Store.Leads.FindAsync(Lead(1), default))!;
        (row.State, row.Copies[0].State).ShouldBe((lead, state));
        (await UsedAsync("c:a1:leads:day:UTC")).ShouldBe(used);
        (await Store.Ledger.BalanceAsync("buyer:a", default)).ShouldBe(Money.Zero - Money.Parse(paid));
        // The same word again changes nothing; the other one comes too late.
        (await Store.SubmitAsync(End(Lead(1), move))).Code.ShouldBe(VerdictCode.AlreadyThere);
        (await Store.SubmitAsync(End(Lead(1), move == CopyMove.Capture ? CopyMove.Void : CopyMove.Capture))).Code.ShouldBe(VerdictCode.EndedOtherwise);
        (await Store.Ledger.BalanceAsync("buyer:a", default)).ShouldBe(Money.Zero - Money.Parse(paid));
    }
}
