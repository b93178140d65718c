using Exchange.Engine;
using Exchange.Engine.Ledger;
using Exchange.Engine.Postbacks;
using Exchange.Engine.Values;
using Exchange.Storage;
using Shouldly;
using static Exchange.System.Tests.Storage.Sample;

namespace Exchange.System.Tests.Storage;

/// <summary>What publishers are told: written with the item that makes it so and with no other, claimed by one at a time, ended.</summary>
public abstract partial class StoreContract
{
    private static readonly NewPostback ToldSold = new(PostbackEvent.Sold, 1, Payout), ToldUnsold = new(PostbackEvent.Unsold, PostbackId.NoCopy, Money.Zero),
        ToldReturned = new(PostbackEvent.Returned, 1, Money.Zero - Payout);

    private async Task<List<PostbackRow>> PostbacksAsync(PostbackQuery? query = null)
    {
        List<PostbackRow> rows = [];
        for (string? cursor = null; ;)
        {
            var page = await Store.Postbacks.ListAsync(query ?? new(), 2, cursor, default);
            page.Rows.Count.ShouldBeLessThanOrEqualTo(2);
            rows.AddRange(page.Rows);
            if ((cursor = page.Next) is null) return rows;
        }
    }

    private Task<IReadOnlyList<LeasedPostback>> ClaimAsync(long nowMs, long leaseUntilMs, int limit = 99, Func<string, long?>? pace = null) =>
        Store.Postbacks.ClaimDueAsync(nowMs, leaseUntilMs, limit, pace, default);

    private static DeliveryResult Ended(DeliveryStatus status, string? error = null, long? next = null) => new(status, next, error);

    [Fact]
    public async Task Postback_IsThereWithItsItem_AndWithNoItemThatIsRefused()
    {
        var limits = Limits(2);
        await Store.ApplyAsync(limits);
        // New: sold, nobody takes it, refused by its cap. Together, so that one batch has them all.
        var verdicts = await Task.WhenAll(
            Store.SubmitAsync(Post(Lead(1), [Copy(1, limits)], body: "1") with { Postback = ToldSold }),
            Store.SubmitAsync(Post(Lead(2), [], body: "2") with { Postback = ToldUnsold }),
            Store.SubmitAsync(Post(Lead(3), [Copy(1, limits)], body: "3") with { Postback = ToldSold }),
            Store.SubmitAsync(Post(Lead(4), [Copy(1, limits)], body: "4") with { Postback = ToldSold }));
        verdicts.Select(verdict => verdict.Code).ShouldBe([VerdictCode.Done, VerdictCode.Done, VerdictCode.Done, VerdictCode.Refused]);
        // Sold later: the first rank falls out, the next does not fit; then it does.
        await Store.SubmitAsync(Post(Lead(5), [Copy(1, limits, CopyMove.Hold, "b")], body: "5"));
        (await Store.SubmitAsync(End(Lead(5), CopyMove.Void, starts: [Copy(2, limits)], state: LeadState.Sold) with { Postback = new(PostbackEvent.Sold, 2, Payout) })).Code.ShouldBe(VerdictCode.Refused);
        (await Store.SubmitAsync(End(Lead(5), CopyMove.Void, starts: [Copy(3, limits, buyer: "b")], state: LeadState.Sold) with { Postback = new(PostbackEvent.Sold, 3, Payout) })).Code.ShouldBe(VerdictCode.Done);
        // Held, and then sold, twice: the second comes too late.
        await Store.SubmitAsync(Post(Lead(6), [Copy(1, limits, CopyMove.Hold, "b")], body: "6"));
        (await Store.SubmitAsync(End(Lead(6), CopyMove.Capture, buyer: "b") with { Postback = ToldSold })).Code.ShouldBe(VerdictCode.Done);
        (await Store.SubmitAsync(End(Lead(6), CopyMove.Void) with { Postback = ToldUnsold })).Code.ShouldBe(VerdictCode.EndedOtherwise);
        (await Store.SubmitAsync(Return(Lead(1)) with { Postback = ToldReturned })).Code.ShouldBe(VerdictCode.Done);

        (await PostbacksAsync()).Select(row => $"{row.Id.Lead.Low} {row.Id.Event} {row.Id.No} {row.Publisher} {row.Change} {row.Status} {row.Attempts}").ShouldBe(
        [
            "6 Sold 1 p 8.80 Waiting 0", "5 Sold 3 p 8.80 Waiting 0", "3 Sold 1 p 8.80 Waiting 0", "2 Unsold 0 p 0.00 Waiting 0", "1 Returned 1 p -8.80 Waiting 0", "1 Sold 1 p 8.80 Waiting 0",
        ]);
    }

    [Fact]
    public async Task Postback_OfAnItemThatComesAgain_IsThereOnce()
    {
        var limits = Limits();
        await Store.ApplyAsync(limits);
        var item = Post(Lead(1), [Copy(1, limits)], "key") with { Postback = ToldSold };

        var verdicts = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Store.SubmitAsync(item)));

        verdicts.Count(verdict => verdict.Code == VerdictCode.Done).ShouldBe(1);
        verdicts.ShouldAllBe(verdict => verdict.IsSuccess);
        var claim = (await ClaimAsync(Now, Now + 9_000)).ShouldHaveSingleItem();
        (await Store.Postbacks.RecordAsync(claim.Id, claim.Fence, Ended(DeliveryStatus.Delivered), Now + 1, default)).ShouldBeTrue();
        (await Store.SubmitAsync(item)).Code.ShouldBe(VerdictCode.AlreadyThere);
        (await PostbacksAsync()).ShouldHaveSingleItem().Status.ShouldBe(DeliveryStatus.Delivered);
        (await Store.Postbacks.NextDueAsync(default)).ShouldBeNull();
    }

    [Fact]
    public async Task Postback_Claimed_IsFencedAndComesAgainWhenItsLeaseIsOver()
    {
        var limits = Limits();
        await Store.ApplyAsync(limits);
        (await Store.Postbacks.NextDueAsync(default)).ShouldBeNull();
        await Store.SubmitAsync(Post(Lead(1), [Copy(1, limits)]) with { Postback = ToldSold });
        var id = new PostbackId(Lead(1), PostbackEvent.Sold, 1);
        (await Store.Postbacks.NextDueAsync(default)).ShouldBe(Now);
        (await ClaimAsync(Now - 1, Now + 9_000)).ShouldBeEmpty();

        (await ClaimAsync(Now, Now + 9_000)).ShouldHaveSingleItem().ShouldBe(new(id, "p", Payout, 1, 1, Now, null));
        (await ClaimAsync(Now + 8_999, Now + 20_000)).ShouldBeEmpty();
        (await Store.Postbacks.AdoptAsync(Now + 1, default)).ShouldBe(0);
        (await Store.Postbacks.NextDueAsync(default)).ShouldBe(Now + 9_000);
        var again = (await ClaimAsync(Now + 9_000, Now + 20_000)).ShouldHaveSingleItem();
        (again.Fence, again.Attempts, again.LastError).ShouldBe((2, 2, null));

        (await Store.Postbacks.RecordAsync(id, 1, Ended(DeliveryStatus.Delivered), Now + 9_001, default)).ShouldBeFalse();
        (await Store.Postbacks.RecordAsync(id, 2, Ended(DeliveryStatus.Waiting, "http_500", Now + 60_000), Now + 9_002, default)).ShouldBeTrue();
        (await Store.Postbacks.NextDueAsync(default)).ShouldBe(Now + 60_000);
        // One that waits comes sooner if an operator says so, and is the same otherwise.
        (await Store.Postbacks.ReplayAsync(id, Now + 50_000, default)).ShouldBeTrue();
        (await Store.Postbacks.ReplayAsync(id, Now + 50_000, default)).ShouldBeFalse();
        (await ClaimAsync(Now + 50_000, Now + 70_000)).ShouldHaveSingleItem().LastError.ShouldBe("http_500");
        (await Store.Postbacks.ReplayAsync(id, Now + 50_001, default)).ShouldBeFalse();
        (await Store.Postbacks.RecordAsync(id, 4, Ended(DeliveryStatus.Dead, "http_410"), Now + 60_001, default)).ShouldBeTrue();
        var dead = (await PostbacksAsync(new(DeliveryStatus.Dead))).ShouldHaveSingleItem();
        (dead.Attempts, dead.Error, dead.AtMs).ShouldBe((3, "http_410", Now + 60_001));

        (await Store.Postbacks.ReplayAsync(id with { No = 2 }, Now + 70_000, default)).ShouldBeFalse();
        (await Store.Postbacks.ReplayAsync(id, Now + 70_000, default)).ShouldBeTrue();
        (await Store.Postbacks.ReplayAsync(id, Now + 70_000, default)).ShouldBeFalse();
        var replayed = (await ClaimAsync(Now + 70_000, Now + 80_000)).ShouldHaveSingleItem();
        (replayed.Fence, replayed.Attempts, replayed.CreatedAtMs, replayed.LastError).ShouldBe((6, 4, Now + 70_000, "replayed"));
    }

    /// <summary>Whoever does not know whether his result is there tells it again: an operator has sent it again meanwhile.</summary>
    [Theory]
    [InlineData(DeliveryStatus.Waiting, false)]
    [InlineData(DeliveryStatus.Dead, false)]
    [InlineData(DeliveryStatus.Dead, true)]
    public async Task Postback_ReplayedBetweenTwoRecordsOfOneResult_StaysReplayed(DeliveryStatus status, bool amongMany)
    {
        var limits = Limits();
        await Store.ApplyAsync(limits);
        await Store.SubmitAsync(Post(Lead(1), [Copy(1, limits)]) with { Postback = ToldSold });
        var claim = (await ClaimAsync(Now, Now + 9_000)).ShouldHaveSingleItem();
        (await RecordAsync(Now + 1)).ShouldBeTrue();
        (await RecordAsync(Now + 2)).ShouldBeTrue();

        if (amongMany) (await Store.Postbacks.ReplayAsync(new DeadPostbacks(), 9, Now + 10, default)).ShouldBe(1);
        else (await Store.Postbacks.ReplayAsync(claim.Id, Now + 10, default)).ShouldBeTrue();

        (await RecordAsync(Now + 11)).ShouldBeFalse();
        (await Store.Postbacks.NextDueAsync(default)).ShouldBe(Now + 10);
        var again = (await ClaimAsync(Now + 11, Now + 9_000)).ShouldHaveSingleItem();
        (again.Fence, again.Attempts).ShouldBe((3, 2));

        Task<bool> RecordAsync(long nowMs) =>
            Store.Postbacks.RecordAsync(claim.Id, claim.Fence, Ended(status, "http_500", status == DeliveryStatus.Waiting ? Now + 60_000 : null), nowMs, default);
    }

    [Fact]
    public async Task Postbacks_ClaimedByManyAtOnce_AreEachClaimedOnce_AndPacedByPublisher()
    {
        var limits = Limits(1_000);
        await Store.ApplyAsync(limits);
        await Task.WhenAll(Enumerable.Range(1, 90).Select(n => Store.SubmitAsync(Post(Lead(n), [Copy(1, limits)], body: $"{n}") with { Postback = ToldSold })));

        var claims = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => ClaimAsync(Now + 1, Now + 9_000, 4)));

        claims.SelectMany(claim => claim).Select(claim => claim.Id).ToHashSet().Count.ShouldBe(80);
        claims.Sum(claim => claim.Count).ShouldBe(80);
        var asked = 0;
        (await ClaimAsync(Now + 1, Now + 9_000, 99, publisher => publisher == "p" && ++asked > 3 ? Now + 5_000 : null)).Count.ShouldBe(3);
        (await Store.Postbacks.NextDueAsync(default)).ShouldBe(Now + 5_000);
        (await ClaimAsync(Now + 5_000, Now + 9_000)).Count.ShouldBe(7);
    }

    [Fact]
    public async Task DeadPostbacks_ThatMatch_AreReplayed()
    {
        var limits = Limits();
        await Store.ApplyAsync(limits);
        for (var n = 1; n <= 5; n++) await Store.SubmitAsync(Post(Lead(n), [Copy(1, limits)], body: $"{n}") with { Postback = ToldSold });
        foreach (var claim in await ClaimAsync(Now, Now + 9_000))
            await Store.Postbacks.RecordAsync(claim.Id, claim.Fence, claim.Id.Lead.Low == 5 ? Ended(DeliveryStatus.Delivered) : Ended(DeliveryStatus.Dead, claim.Id.Lead.Low < 4 ? "http_410" : "timeout"),
                Now + (long)claim.Id.Lead.Low * 10, default);

        (await Store.Postbacks.ReplayAsync(new DeadPostbacks("nobody"), 9, Now + 1_000, default)).ShouldBe(0);
        (await Store.Postbacks.ReplayAsync(new DeadPostbacks("p", "http_410", Now + 20, Now + 30), 9, Now + 1_000, default)).ShouldBe(1);
        (await PostbacksAsync(new(DeliveryStatus.Waiting))).ShouldHaveSingleItem().Id.Lead.ShouldBe(Lead(2));
        (await Store.Postbacks.ReplayAsync(new DeadPostbacks(), 2, Now + 1_000, default)).ShouldBe(2);
        (await Store.Postbacks.ReplayAsync(new DeadPostbacks(), 2, Now + 1_000, default)).ShouldBe(1);
        (await PostbacksAsync(new(null, "p"))).Select(row => row.Status).ShouldBe([DeliveryStatus.Delivered, DeliveryStatus.Waiting, DeliveryStatus.Waiting, DeliveryStatus.Waiting, DeliveryStatus.Waiting]);
        (await PostbacksAsync(new(null, "other"))).ShouldBeEmpty();
        (await PostbacksAsync(new(null, null, Lead(5)))).ShouldHaveSingleItem().Status.ShouldBe(DeliveryStatus.Delivered);
    }

    [Fact]
    public async Task Erase_CancelsWhatItsPublisherWasStillToBeTold()
    {
        var limits = Limits();
        await Store.ApplyAsync(limits);
        for (var n = 1; n <= 3; n++) await Store.SubmitAsync(Post(Lead(n), [Copy(1, limits)], body: $"{n}") with { Postback = ToldSold });
        var claims = (await ClaimAsync(Now, Now + 9_000)).ToDictionary(claim => claim.Id.Lead);
        await Store.Postbacks.RecordAsync(claims[Lead(1)].Id, 1, Ended(DeliveryStatus.Delivered), Now + 1, default);

        foreach (var n in (int[])[1, 2]) await Store.Erasures.EraseAsync(Erasure(Lead(n)), default);

        // A call that was under way ends, and is not begun again.
        (await Store.Postbacks.RecordAsync(claims[Lead(2)].Id, 1, Ended(DeliveryStatus.Waiting, "http_500", Now + 60_000), Now + 2, default)).ShouldBeTrue();
        (await Store.Postbacks.ReplayAsync(claims[Lead(2)].Id, Now + 3, default)).ShouldBeFalse();
        (await PostbacksAsync()).Select(row => $"{row.Id.Lead.Low} {row.Status} {row.Error}".TrimEnd()).ShouldBe(["3 Waiting", "2 Cancelled cancelled", "1 Delivered"]);
    }
}
