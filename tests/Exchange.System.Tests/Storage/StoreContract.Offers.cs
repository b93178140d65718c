using Exchange.Engine;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Storage;
using Shouldly;
using static Exchange.System.Tests.Storage.Sample;

namespace Exchange.System.Tests.Storage;

/// <summary>Leads whose copies are held at their ping, before any post.</summary>
public abstract partial class StoreContract
{
    private const string CapOfA = "c:a1:leads:day:UTC";

    private async Task<(long Used, long Held)> CapAsync(string id = CapOfA) => await Store.CounterAsync(id) is { } cap ? (cap.Used, cap.Held) : (0, 0);

    private async Task HoldAtPing(LeadId lead, params NewCopy[] copies) =>
        (await Store.SubmitAsync(Offer(lead, copies, Math.Max(1, copies.Length)))).Code.ShouldBe(VerdictCode.Done);

    [Fact]
    public async Task Offer_Held_TakesItsPlaceAndIsNoLeadYet()
    {
        await Store.ApplyAsync(Limits());
        await HoldAtPing(Lead(1), Copy(1, Limits(), CopyMove.Hold));

        var row = (await Store.Leads.FindAsync(Lead(1), default))!;
        (row.State, row.IsPosted, row.OfferUntilMs, row.PostHash.Length, row.Copies[0].State, row.Copies[0].Called)
            .ShouldBe((LeadState.Open, false, Now + 300_000, 0, CopyState.Held, false));
        (await CapAsync()).ShouldBe((0, 1));
        (await Store.CounterAsync("bal:a"))!.Value.Held.ShouldBe(Price.Micros);
        (await Store.Deliveries.NextDueAsync(default)).ShouldBeNull();
        foreach (var query in new LeadQuery[] { new(null, null, null, null, 9, null), new("p", null, null, LeadState.Open, 9, null), new(null, "a1", null, null, 9, null) })
            (await Store.Leads.ListAsync(query, default)).Rows.ShouldBeEmpty();
        // The same again finds itself, also after the post.
        (await Store.SubmitAsync(Offer(Lead(1), [Copy(1, Limits(), CopyMove.Hold)]))).Code.ShouldBe(VerdictCode.AlreadyThere);
        (await Store.SubmitAsync(PostOf(Lead(1), [Capture(1)]))).Code.ShouldBe(VerdictCode.Done);
        (await Store.SubmitAsync(Offer(Lead(1), [Copy(1, Limits(), CopyMove.Hold)]))).Code.ShouldBe(VerdictCode.AlreadyThere);
        (await CapAsync()).ShouldBe((1, 0));
    }

    [Fact]
    public async Task OfferPosted_ByCapture_BooksWhatWasHeld()
    {
        await Store.ApplyAsync(Limits(capOfA: 1));
        await HoldAtPing(Lead(1), Copy(1, Limits(), CopyMove.Hold));
        // The place is promised: nobody else has it.
        (await Store.SubmitAsync(Post(Lead(2), [Copy(1, Limits())]))).Code.ShouldBe(VerdictCode.Refused);
        // Paused since: what was held stays promised.
        await Store.ApplyAsync([.. Limits(capOfA: 1).Where(limit => limit.Id != "open:a1:1"), Gate("open:a1:1", Engine.Caps.CapScope.Campaign, "a1", open: false)]);

        var post = PostOf(Lead(1), [Capture(1, "a", LeasedHook, Inbox)], "key", answer: "{}"u8.ToArray(), persons: [Person("x")]);
        (await Store.SubmitAsync(post)).Code.ShouldBe(VerdictCode.Done);

        var row = (await Store.Leads.FindAsync(Lead(1), default))!;
        (row.State, row.IsPosted, row.AtMs, row.Copies[0].State, row.Copies[0].AtMs).ShouldBe((LeadState.Sold, true, Now + 1000, CopyState.Captured, Now));
        row.PostHash.ShouldBe(Hash("post"));
        row.Sealed.ShouldBe([8]);
        row.Answer.ShouldBe("{}"u8.ToArray());
        (await CapAsync()).ShouldBe((1, 0));
        (await Store.Ledger.BalanceAsync("publisher:p", default)).ShouldBe(Payout);
        (await Store.Leads.FindRequestAsync("p", "key", default))!.Value.Lead.ShouldBe(Lead(1));
        (await Store.Deliveries.NextDueAsync(default)).ShouldBe(Now + 5_000);
        (await Store.Deliveries.CopiesOfBuyerAsync("a", null, 9, null, default)).Rows.ShouldHaveSingleItem().Delivery.ShouldBe(DeliveryStatus.Waiting);
        (await Store.Leads.ListAsync(new("p", null, null, LeadState.Sold, 9, null), default)).Rows.ShouldHaveSingleItem();
        (await Store.SubmitAsync(post)).Code.ShouldBe(VerdictCode.AlreadyThere);
        (await Store.SubmitAsync(Post(Lead(3), [Copy(1, Limits(), buyer: "b")], persons: [Person("x")]))).Code.ShouldBe(VerdictCode.PersonSeen);
    }

    [Fact]
    public async Task OfferPosted_ByCall_IsHeldUntilTheBuyerAnswers()
    {
        await Store.ApplyAsync(Limits());
        await HoldAtPing(Lead(1), Copy(1, Limits(), CopyMove.Hold, exclusive: false), Copy(2, Limits(), CopyMove.Hold, "b", exclusive: false));

        // The consumer took the first of two.
        (await Store.SubmitAsync(PostOf(Lead(1), [Call(1, LeasedHook, FreeHook), Expire(2)], state: LeadState.Open))).Code.ShouldBe(VerdictCode.Done);

        (await CapAsync()).ShouldBe((0, 1));
        (await Store.CounterAsync("bal:b"))!.Value.Held.ShouldBe(0);
        // Whoever the process was: the lease runs out, and the same buyer is asked again.
        (await Store.Deliveries.ClaimDueAsync(Now + 4_999, Now + 9_000, 9, default)).ShouldBeEmpty();
        (await Store.Deliveries.ClaimDueAsync(Now + 5_000, Now + 9_000, 9, default)).ShouldHaveSingleItem()
            .ShouldBe(new LeasedDelivery(new(Lead(1), 1), "hook", 2, 2, Now + 1000, CopyState.Held, "a1", "a", null));
        (await Store.SubmitAsync(End(Lead(1), CopyMove.Expire))).Code.ShouldBe(VerdictCode.EndedOtherwise);
        (await Store.SubmitAsync(End(Lead(1), CopyMove.Capture))).Code.ShouldBe(VerdictCode.Done);
        (await CapAsync()).ShouldBe((1, 0));
    }

    [Theory]
    // first post            second post              verdict of the second
    [InlineData("capture k1 x", "capture k1 x", VerdictCode.AlreadyThere)]
    [InlineData("capture k1 x", "capture k1 y", VerdictCode.KeyReused)]
    [InlineData("capture k1 x", "capture k2 x", VerdictCode.AlreadyThere)]
    [InlineData("capture k1 x", "capture k2 y", VerdictCode.AlreadyPosted)]
    [InlineData("capture - x", "call - x", VerdictCode.AlreadyThere)]
    [InlineData("capture - x", "call - y", VerdictCode.AlreadyPosted)]
    [InlineData("call - x", "capture - y", VerdictCode.AlreadyPosted)]
    [InlineData("unsold - x", "capture - x", VerdictCode.AlreadyThere)]
    [InlineData("unsold - x", "capture - y", VerdictCode.AlreadyPosted)]
    [InlineData("expire", "capture - x", VerdictCode.EndedOtherwise)]
    [InlineData("expire", "unsold - x", VerdictCode.Done)]
    [InlineData("expire", "again - x", VerdictCode.Done)]
    [InlineData("expire", "expire", VerdictCode.AlreadyThere)]
    [InlineData("capture - x", "expire", VerdictCode.EndedOtherwise)]
    [InlineData("call - x", "expire", VerdictCode.EndedOtherwise)]
    [InlineData("unsold - x", "expire", VerdictCode.AlreadyThere)]
    public async Task OfferPosted_AfterAnother_Verdict(string first, string second, VerdictCode verdict)
    {
        await Store.ApplyAsync(Limits());
        await HoldAtPing(Lead(1), Copy(1, Limits(), CopyMove.Hold));

        (await Store.SubmitAsync(ItemOf(first))).Code.ShouldBe(VerdictCode.Done);
        var before = await CapAsync();
        var answer = await Store.SubmitAsync(ItemOf(second));

        answer.Code.ShouldBe(verdict);
        (await CapAsync()).ShouldBe(verdict == VerdictCode.Done && second.StartsWith("again", StringComparison.Ordinal) ? (1, 0) : before);
        if (verdict != VerdictCode.Done) answer.Existing!.Lead.ShouldBe(Lead(1));
        if (verdict is VerdictCode.AlreadyPosted or VerdictCode.KeyReused) answer.Existing!.PostHash.ShouldBe(Hash("x"));

        static JournalItem ItemOf(string text)
        {
            var words = text.Split(' ');
            if (words[0] == "expire") return Swept(Lead(1), 1);
            var key = words[1] == "-" ? null : words[1];
            return words[0] switch
            {
                "capture" => PostOf(Lead(1), [Capture(1)], key, words[2]),
                "call" => PostOf(Lead(1), [Call(1, LeasedHook)], key, words[2], state: LeadState.Open),
                "again" => PostOf(Lead(1), [], key, words[2], starts: [Copy(2, Limits())]),
                _ => PostOf(Lead(1), [Expire(1)], key, words[2], state: LeadState.Unsold),
            };
        }
    }

    private static JournalItem Swept(LeadId lead, params int[] held) => new()
    {
        Lead = lead, AtMs = Now + 300_001, Ends = [.. held.Select(Expire)], State = LeadState.Unsold, Reason = Reason.Expired,
    };

    [Fact]
    public async Task ExpiredOffers_OldestFirst_AreThoseNotPosted()
    {
        await Store.ApplyAsync(Limits());
        foreach (var n in Enumerable.Range(1, 5))
            await Store.SubmitAsync(Offer(Lead(n), n == 5 ? [] : [Copy(1, Limits(), CopyMove.Hold, exclusive: false), Copy(2, Limits(), CopyMove.Hold, "b", exclusive: false)],
                maxCopies: 2, untilMs: Now + 10 - n));
        await Store.SubmitAsync(PostOf(Lead(2), [Capture(1), Expire(2)], maxCopies: 2));
        await Store.SubmitAsync(End(Lead(3), CopyMove.Expire, 2, LeadState.Open));
        await Store.SubmitAsync(Post(Lead(9), [Copy(1, Limits(), CopyMove.Hold)]));

        (await Store.Leads.ExpiredOffersAsync(Now + 5, 9, default)).ShouldBeEmpty();
        var over = await Store.Leads.ExpiredOffersAsync(Now + 100, 9, default);
        over.Select(offer => (offer.Lead, string.Join(',', offer.Held))).ShouldBe([(Lead(5), ""), (Lead(4), "1,2"), (Lead(3), "1"), (Lead(1), "1,2")]);
        (await Store.Leads.ExpiredOffersAsync(Now + 100, 2, default)).Select(offer => offer.Lead).ShouldBe([Lead(5), Lead(4)]);

        foreach (var offer in over) (await Store.SubmitAsync(Swept(offer.Lead, [.. offer.Held]))).Code.ShouldBe(VerdictCode.Done);
        (await Store.Leads.ExpiredOffersAsync(Now + 100, 9, default)).ShouldBeEmpty();
        (await CapAsync()).ShouldBe((1, 1));
        var row = (await Store.Leads.FindAsync(Lead(1), default))!;
        (row.State, row.Reason, row.IsPosted).ShouldBe((LeadState.Unsold, Reason.Expired, false));
        row.Copies.ShouldAllBe(copy => copy.State == CopyState.Expired && copy.Reason == Reason.Expired);
    }

    [Fact]
    public async Task OfferPosted_LeavesACopyHeldThatNobodyCalls_IsABug()
    {
        await Store.ApplyAsync(Limits());
        await HoldAtPing(Lead(1), Copy(1, Limits(), CopyMove.Hold, exclusive: false), Copy(2, Limits(), CopyMove.Hold, "b", exclusive: false));

        await Should.ThrowAsync<InvariantException>(Store.SubmitAsync(PostOf(Lead(1), [Capture(1)], maxCopies: 2)));
        await Should.ThrowAsync<InvariantException>(Store.SubmitAsync(Offer(Lead(2), [Copy(1, Limits())])));

        (await Store.Leads.FindAsync(Lead(1), default))!.IsPosted.ShouldBeFalse();
        (await CapAsync()).ShouldBe((0, 1));
    }

    [Fact]
    public async Task OfferPosted_ReplacedCopy_NextRankStartsInTheSameItem()
    {
        var limits = Limits(capOfA: 1);
        await Store.ApplyAsync(limits);
        await HoldAtPing(Lead(1), Copy(1, limits, CopyMove.Hold));

        // The post's own filter missed: the held copy ends, the next in rank has the very place it gave back.
        var post = PostOf(Lead(1), [Expire(1)], starts: [Copy(2, limits)]);
        (await Store.SubmitAsync(post)).Code.ShouldBe(VerdictCode.Done);
        (await Store.SubmitAsync(post)).Code.ShouldBe(VerdictCode.AlreadyThere);

        (await Store.Leads.FindAsync(Lead(1), default))!.Copies.Select(copy => copy.State).ShouldBe([CopyState.Expired, CopyState.Captured]);
        (await CapAsync()).ShouldBe((1, 0));
    }

    [Fact]
    public async Task PostsAndTheSweep_AtOnce_OneWinsEach()
    {
        await Store.ApplyAsync(Limits(capOfA: 1_000));
        var leads = Enumerable.Range(1, 60).ToArray();
        foreach (var n in leads) await HoldAtPing(Lead(n), Copy(1, Limits(), CopyMove.Hold, price: Money.Parse("0.01")));

        var race = leads.SelectMany(n => new[] { "x", "y", "sweep" }.Select(who => Task.Run(async () =>
            (Lead: n, Who: who, (await Store.SubmitAsync(who == "sweep" ? Swept(Lead(n), 1) : PostOf(Lead(n), [Capture(1)], body: who))).Code)))).ToList();
        var verdicts = await Task.WhenAll(race);

        foreach (var lead in verdicts.GroupBy(verdict => verdict.Lead))
        {
            var winner = lead.Single(verdict => verdict.Code == VerdictCode.Done);
            lead.Where(verdict => verdict.Who != winner.Who).ShouldAllBe(verdict => verdict.Code ==
                (winner.Who == "sweep" || verdict.Who == "sweep" ? VerdictCode.EndedOtherwise : VerdictCode.AlreadyPosted));
        }
        var sold = verdicts.Count(verdict => verdict is { Code: VerdictCode.Done, Who: not "sweep" });
        (await CapAsync()).ShouldBe((sold, 0));
    }
}
