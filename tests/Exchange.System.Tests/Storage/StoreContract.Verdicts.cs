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
    [Theory]
    // first item               second item                 verdict of the second
    [InlineData("sell 1 k1 x", "sell 1 k1 x", VerdictCode.AlreadyThere)]
    [InlineData("sell 1 k1 x", "sell 1 k1 y", VerdictCode.KeyReused)]
    [InlineData("sell 1 k1 x", "sell 2 k1 x", VerdictCode.AlreadyThere)]
    [InlineData("sell 1 k1 x", "sell 2 k1 y", VerdictCode.KeyReused)]
    [InlineData("sell 1 k1 x", "sell 1 k2 x", VerdictCode.AlreadyThere)]
    [InlineData("sell 1 k1 x", "sell 1 k2 y", VerdictCode.AlreadyPosted)]
    [InlineData("sell 1 - x", "sell 1 - x", VerdictCode.AlreadyThere)]
    [InlineData("sell 1 - x", "sell 1 - y", VerdictCode.AlreadyPosted)]
    [InlineData("sell 1 - x", "sell 2 - x", VerdictCode.Done)]
    [InlineData("unsold 1 k1 x", "sell 1 k1 x", VerdictCode.AlreadyThere)]
    [InlineData("unsold 1 - x", "sell 1 - y", VerdictCode.AlreadyPosted)]
    [InlineData("hold 1 k1 x", "hold 1 k1 x", VerdictCode.AlreadyThere)]
    // two keys of one request
    [InlineData("sell 1 k2+k1 x", "sell 2 k2+k1 x", VerdictCode.AlreadyThere)]
    [InlineData("sell 1 k2+k1 x", "sell 2 k3+k2 x", VerdictCode.AlreadyThere)]
    [InlineData("sell 1 k2+k1 x", "sell 2 k1+k0 x", VerdictCode.AlreadyThere)]
    [InlineData("sell 1 k2+k1 x", "sell 2 k1 y", VerdictCode.KeyReused)]
    [InlineData("sell 1 k2+k1 x", "sell 2 k4+k3 x", VerdictCode.Done)]
    public async Task Post_AfterAnother_Verdict(string first, string second, VerdictCode verdict)
    {
        await Store.ApplyAsync(Limits());

        (await Store.SubmitAsync(ItemOf(first))).Code.ShouldBe(VerdictCode.Done);
        var answer = await Store.SubmitAsync(ItemOf(second));

        answer.Code.ShouldBe(verdict);
        if (verdict == VerdictCode.Done) return;
        answer.Existing!.Lead.ShouldBe(Lead(1));
        answer.Existing.PostHash.ShouldBe(Hash("x"));
        answer.Existing.Answer.ShouldBe(Hash(first));
        (await Store.Leads.FindAsync(Lead(2), default)).ShouldBeNull();
        (await Store.CounterAsync("c:a1:leads:day:UTC"))?.Used.ShouldBe(first.StartsWith("sell", StringComparison.Ordinal) ? 1 : 0);

        static JournalItem ItemOf(string text)
        {
            var words = text.Split(' ');
            var copies = words[0] == "unsold" ? [] : new[] { Copy(1, Limits(), words[0] == "hold" ? CopyMove.Hold : CopyMove.Sell) };
            return Post(Lead(int.Parse(words[1], null)), copies, words[2] == "-" ? null : words[2], words[3], answer: Hash(text));
        }
    }

    /// <summary>A process that slept while others voided the copy, held the next and sold it is not told that its own no is there.</summary>
    [Fact]
    public async Task End_ThatIsThere_BesideACopyThatMovedUnseen_IsEndedOtherwise()
    {
        var limits = Limits();
        await Store.ApplyAsync(limits);
        await Store.SubmitAsync(Post(Lead(1), [Copy(1, limits, CopyMove.Hold)]));
        await Store.SubmitAsync(End(Lead(1), CopyMove.Void, starts: [Copy(2, limits, CopyMove.Hold, buyer: "b")]));
        await Store.SubmitAsync(End(Lead(1), CopyMove.Capture, no: 2));

        (await Store.SubmitAsync(End(Lead(1), CopyMove.Void, state: LeadState.Unsold) with { Seen = [] })).Code.ShouldBe(VerdictCode.EndedOtherwise);
        (await Store.SubmitAsync(End(Lead(1), CopyMove.Void, state: LeadState.Sold) with { Seen = [new(2, CopyState.Captured)] })).Code.ShouldBe(VerdictCode.AlreadyThere);
    }

    [Fact]
    public async Task Refused_UnderTwoKeys_LeavesBothFree()
    {
        await Store.ApplyAsync(Limits(capOfA: 1));
        (await Store.SubmitAsync(Post(Lead(1), [Copy(1, Limits())]))).Code.ShouldBe(VerdictCode.Done);
        (await Store.SubmitAsync(Post(Lead(2), [Copy(1, Limits())], "k2+k1"))).Code.ShouldBe(VerdictCode.Refused);

        foreach (var key in (string[])["k2", "k1"]) (await Store.Leads.FindRequestAsync("p", key, default)).ShouldBeNull();
        (await Store.SubmitAsync(Post(Lead(3), [], "k3+k2"))).Code.ShouldBe(VerdictCode.Done);
        foreach (var key in (string[])["k3", "k2"]) (await Store.Leads.FindRequestAsync("p", key, default))!.Value.Lead.ShouldBe(Lead(3));
    }

    [Theory]
    // moves of one held copy: every one but the last is done
    [InlineData(VerdictCode.Done, CopyState.Captured, CopyMove.Capture)]
    [InlineData(VerdictCode.Done, CopyState.Voided, CopyMove.Void)]
    [InlineData(VerdictCode.EndedOtherwise, CopyState.Held, CopyMove.Expire)] // its buyer may have it
    [InlineData(VerdictCode.AlreadyThere, CopyState.Held, CopyMove.Call)]
    [InlineData(VerdictCode.EndedOtherwise, CopyState.Captured, CopyMove.Capture, CopyMove.Call)]
    [InlineData(VerdictCode.EndedOtherwise, CopyState.InDoubt, CopyMove.Doubt, CopyMove.Call)]
    [InlineData(VerdictCode.Done, CopyState.InDoubt, CopyMove.Doubt)]
    [InlineData(VerdictCode.AlreadyThere, CopyState.Captured, CopyMove.Capture, CopyMove.Capture)]
    [InlineData(VerdictCode.EndedOtherwise, CopyState.Captured, CopyMove.Capture, CopyMove.Void)]
    [InlineData(VerdictCode.EndedOtherwise, CopyState.Captured, CopyMove.Capture, CopyMove.Expire)]
    [InlineData(VerdictCode.EndedOtherwise, CopyState.Captured, CopyMove.Capture, CopyMove.Doubt)]
    [InlineData(VerdictCode.AlreadyThere, CopyState.Voided, CopyMove.Void, CopyMove.Void)]
    [InlineData(VerdictCode.EndedOtherwise, CopyState.Voided, CopyMove.Void, CopyMove.Capture)]
    [InlineData(VerdictCode.EndedOtherwise, CopyState.Voided, CopyMove.Void, CopyMove.Doubt)]
    [InlineData(VerdictCode.AlreadyThere, CopyState.InDoubt, CopyMove.Doubt, CopyMove.Doubt)]
    [InlineData(VerdictCode.Done, CopyState.Captured, CopyMove.Doubt, CopyMove.Capture)]
    [InlineData(VerdictCode.Done, CopyState.Voided, CopyMove.Doubt, CopyMove.Void)]
    [InlineData(VerdictCode.EndedOtherwise, CopyState.InDoubt, CopyMove.Doubt, CopyMove.Expire)]
    public async Task HeldCopy_Moves_EndsOnce(VerdictCode verdict, CopyState state, params CopyMove[] moves)
    {
        await Store.ApplyAsync(Limits());
        await Store.SubmitAsync(Post(Lead(1), [Copy(1, Limits(), CopyMove.Hold)]));

        foreach (var move in moves[..^1]) (await Store.SubmitAsync(End(Lead(1), move))).Code.ShouldBe(VerdictCode.Done);
        (await Store.SubmitAsync(End(Lead(1), moves[^1]))).Code.ShouldBe(verdict);

        (await Store.Leads.FindAsync(Lead(1), default))!.Copies.ShouldHaveSingleItem().State.ShouldBe(state);
        var cap = (await Store.CounterAsync("c:a1:leads:day:UTC"))!.Value;
        (cap.Used, cap.Held).ShouldBe(state switch { CopyState.Captured => (1, 0), CopyState.InDoubt or CopyState.Held => (0, 1), _ => (0, 0) });
        (await Store.Ledger.BalanceAsync("publisher:p", default)).ShouldBe(state == CopyState.Captured ? Payout : Money.Zero);
    }

    [Theory]
    // the other copy as the item's author saw it, as it is by now, what the item is told
    [InlineData(CopyState.Held, CopyMove.Call, VerdictCode.Done)]
    [InlineData(CopyState.InDoubt, CopyMove.Doubt, VerdictCode.Done)]
    [InlineData(CopyState.Captured, CopyMove.Capture, VerdictCode.Done)]
    [InlineData(CopyState.Held, CopyMove.Capture, VerdictCode.EndedOtherwise)]
    [InlineData(CopyState.Held, CopyMove.Doubt, VerdictCode.EndedOtherwise)]
    [InlineData(CopyState.Held, CopyMove.Void, VerdictCode.EndedOtherwise)]
    public async Task Capture_OtherCopyMovedUnseen_IsRefusedAndChangesNothing(CopyState seen, CopyMove other, VerdictCode verdict)
    {
        await Store.ApplyAsync(Limits());
        await Store.SubmitAsync(Post(Lead(1), [Copy(1, Limits(), CopyMove.Hold, exclusive: false), Copy(2, Limits(), CopyMove.Hold, "b", exclusive: false)], maxCopies: 2));
        if (other != CopyMove.Call) (await Store.SubmitAsync(End(Lead(1), other, 2, state: LeadState.Open, buyer: "b"))).Code.ShouldBe(VerdictCode.Done);

        var item = End(Lead(1), CopyMove.Capture, answer: Hash("of all copies")) with { Seen = [new(2, seen)] };

        (await Store.SubmitAsync(item)).Code.ShouldBe(verdict);
        var lead = (await Store.Leads.FindAsync(Lead(1), default))!;
        lead.Copies[0].State.ShouldBe(verdict == VerdictCode.Done ? CopyState.Captured : CopyState.Held);
        lead.Answer.ShouldBe(verdict == VerdictCode.Done ? Hash("of all copies") : null);
        // Again, whatever became of it: nothing more.
        (await Store.SubmitAsync(item)).Code.ShouldBe(verdict == VerdictCode.Done ? VerdictCode.AlreadyThere : verdict);
    }

    [Theory]
    [InlineData(CopyState.Held, VerdictCode.EndedOtherwise)] // somebody has put it in doubt since, and asks again
    [InlineData(CopyState.InDoubt, VerdictCode.Done)]
    public async Task Void_OfANoWeighedAgainstAnotherState_IsRefused(CopyState from, VerdictCode verdict)
    {
        await Store.ApplyAsync(Limits());
        await Store.SubmitAsync(Post(Lead(1), [Copy(1, Limits(), CopyMove.Hold)]));
        await Store.SubmitAsync(End(Lead(1), CopyMove.Doubt));

        var refusal = End(Lead(1), CopyMove.Void);
        refusal = refusal with { Ends = [refusal.Ends[0] with { From = from }] };

        (await Store.SubmitAsync(refusal)).Code.ShouldBe(verdict);
        (await Store.SubmitAsync(refusal)).Code.ShouldBe(verdict == VerdictCode.Done ? VerdictCode.AlreadyThere : verdict);
    }

    [Fact]
    public async Task Takes_SeveralDoNotFit_FirstInOrderIsTold()
    {
        // The second copy's cap is full and its balance too: the cap stands first.
        LimitModel[] limits = [.. Limits(), DayCap("c:b1:leads:day:UTC", CapScope.Campaign, "b1", 0), Balance("b", Money.Zero)];
        limits = [.. limits.DistinctBy(limit => limit.Id)];
        await Store.ApplyAsync(limits);
        var b = Copy(2, limits, buyer: "b", exclusive: false);

        var verdict = await Store.SubmitAsync(Post(Lead(1), [Copy(1, limits, exclusive: false), b], "key", maxCopies: 2));

        (verdict.Code, verdict.CopyIndex).ShouldBe((VerdictCode.Refused, 1));
        b.Takes[verdict.TakeIndex].Reason.ShouldBe(Reason.CapDay);
        (await Store.Leads.FindAsync(Lead(1), default)).ShouldBeNull();
        (await Store.Leads.FindRequestAsync("p", "key", default)).ShouldBeNull();
        (await Store.CounterAsync("c:a1:leads:day:UTC"))?.Used.ShouldBe(0);
        (await Store.CounterAsync("bal:a"))!.Value.Used.ShouldBe(0);
    }

    [Theory]
    [InlineData("open:a1:2", "open:a1:2")]
    [InlineData("cap:c:gone:1795305600", "c:gone")]
    [InlineData("bal:nobody", "bal:nobody")]
    public async Task Take_LimitIsNotThere_Refused(string key, string limitId)
    {
        await Store.ApplyAsync(Limits());
        var copy = Copy(1, Limits());
        copy = copy with { Takes = [.. copy.Takes, new Take(key, 0, limitId, Reason.Stale)] };

        var verdict = await Store.SubmitAsync(Post(Lead(1), [copy]));

        (verdict.Code, verdict.CopyIndex, verdict.TakeIndex).ShouldBe((VerdictCode.Refused, 0, copy.Takes.Length - 1));
    }

    [Theory]
    [InlineData(1, false, "a", 1)] // no second copy
    [InlineData(3, true, "b", 1)]  // an exclusive one beside another
    [InlineData(3, false, "a", 1)] // the same company twice
    public async Task SecondCopy_NotFree_NoFreeCopy(int maxCopies, bool exclusive, string company, int index)
    {
        await Store.ApplyAsync(Limits());
        NewCopy[] copies = [Copy(1, Limits(), exclusive: false), Copy(2, Limits(), buyer: "b", exclusive: exclusive, company: company)];

        var together = await Store.SubmitAsync(Post(Lead(1), copies, maxCopies: maxCopies));
        (together.Code, together.CopyIndex).ShouldBe((VerdictCode.NoFreeCopy, index));
        (await Store.CounterAsync("bal:a"))!.Value.Used.ShouldBe(0);

        await Store.SubmitAsync(Post(Lead(2), [copies[0]], maxCopies: maxCopies));
        var after = await Store.SubmitAsync(new JournalItem { Lead = Lead(2), AtMs = Now, Starts = [copies[1]], State = LeadState.Sold });
        (after.Code, after.CopyIndex).ShouldBe((VerdictCode.NoFreeCopy, 0));
        (await Store.Leads.FindAsync(Lead(2), default))!.Copies.Count.ShouldBe(1);
    }

    [Fact]
    public async Task VoidWithNextHold_OfTheSameCompany_FreesTheCopyFirst()
    {
        var limits = Limits(capOfA: 1);
        await Store.ApplyAsync(limits);
        await Store.SubmitAsync(Post(Lead(1), [Copy(1, limits, CopyMove.Hold)]));

        // The only unit of the cap is the one that the void gives back.
        var item = End(Lead(1), CopyMove.Void, reason: Reason.BuyerRejected, starts: [Copy(2, limits, CopyMove.Hold)]);
        (await Store.SubmitAsync(item)).Code.ShouldBe(VerdictCode.Done);
        (await Store.SubmitAsync(item)).Code.ShouldBe(VerdictCode.AlreadyThere);

        var lead = (await Store.Leads.FindAsync(Lead(1), default))!;
        lead.Copies.Select(copy => (copy.Id.No, copy.State, copy.Reason))
            .ShouldBe([(1, CopyState.Voided, Reason.BuyerRejected), (2, CopyState.Held, Reason.None)]);
        (await Store.CounterAsync("c:a1:leads:day:UTC"))!.Value.Held.ShouldBe(1);
    }

    [Fact]
    public async Task VoidWithNextHold_NextDoesNotFit_OldHoldStays()
    {
        LimitModel[] limits = [.. Limits(), DayCap("c:b1:leads:day:UTC", CapScope.Campaign, "b1", 0)];
        await Store.ApplyAsync(limits);
        await Store.SubmitAsync(Post(Lead(1), [Copy(1, limits, CopyMove.Hold)]));

        (await Store.SubmitAsync(End(Lead(1), CopyMove.Void, starts: [Copy(2, limits, CopyMove.Hold, "b")]))).Code.ShouldBe(VerdictCode.Refused);

        (await Store.Leads.FindAsync(Lead(1), default))!.Copies.ShouldHaveSingleItem().State.ShouldBe(CopyState.Held);
        (await Store.CounterAsync("c:a1:leads:day:UTC"))!.Value.Held.ShouldBe(1);
        // And it is still there to be voided with the recorded no.
        (await Store.SubmitAsync(End(Lead(1), CopyMove.Void))).Code.ShouldBe(VerdictCode.Done);
        (await Store.CounterAsync("c:a1:leads:day:UTC"))!.Value.Held.ShouldBe(0);
    }

    [Fact]
    public async Task Person_ClaimedByAnother_SeenUntilTheWindowIsOverOrReleased()
    {
        await Store.ApplyAsync(Limits());
        await Store.SubmitAsync(Post(Lead(1), [Copy(1, Limits(), CopyMove.Hold)], persons: [Person("x"), Person("y")]));

        var seen = await Store.SubmitAsync(Post(Lead(2), [Copy(1, Limits())], persons: [Person("z"), Person("y")]));
        (seen.Code, seen.TakeIndex).ShouldBe((VerdictCode.PersonSeen, 1));
        (await Store.SubmitAsync(Post(Lead(3), [Copy(1, Limits())], persons: [Person("x", scope: "solar")]))).Code.ShouldBe(VerdictCode.Done);
        // Older than the window: the claim passes to the new lead.
        (await Store.SubmitAsync(Post(Lead(4), [Copy(1, Limits())], persons: [Person("y", window: 0) with { SinceMs = Now + 1 }]))).Code.ShouldBe(VerdictCode.Done);

        (await Store.SubmitAsync(End(Lead(1), CopyMove.Void, release: true))).Code.ShouldBe(VerdictCode.Done);
        (await Store.SubmitAsync(Post(Lead(5), [Copy(1, Limits())], persons: [Person("x")]))).Code.ShouldBe(VerdictCode.Done);
        // The release freed only what the first lead still held.
        (await Store.SubmitAsync(Post(Lead(6), [Copy(1, Limits())], persons: [Person("y")]))).Code.ShouldBe(VerdictCode.PersonSeen);
    }

    [Fact]
    public async Task Person_RefusedItem_ClaimsNobody()
    {
        var limits = Limits(capOfA: 0);
        await Store.ApplyAsync(limits);

        (await Store.SubmitAsync(Post(Lead(1), [Copy(1, limits)], persons: [Person("x")]))).Code.ShouldBe(VerdictCode.Refused);

        (await Store.SubmitAsync(Post(Lead(2), [Copy(1, limits, buyer: "b")], persons: [Person("x")]))).Code.ShouldBe(VerdictCode.Done);
    }

    [Fact]
    public async Task Unsold_Recorded_IsTheAnswerForEver()
    {
        await Store.ApplyAsync(Limits());
        var item = Post(Lead(1), [], "key", answer: "no"u8.ToArray()) with { Reason = Reason.AllRejected };

        (await Store.SubmitAsync(item)).Code.ShouldBe(VerdictCode.Done);

        var again = await Store.SubmitAsync(item);
        (again.Code, again.Existing!.State).ShouldBe((VerdictCode.AlreadyThere, LeadState.Unsold));
        again.Existing.Answer.ShouldBe("no"u8.ToArray());
        (await Store.Leads.FindAsync(Lead(1), default))!.Reason.ShouldBe(Reason.AllRejected);
    }

    [Fact]
    public async Task Answer_WrittenLater_KeepsStateAndReplaces()
    {
        await Store.ApplyAsync(Limits());
        await Store.SubmitAsync(Post(Lead(1), [Copy(1, Limits(), CopyMove.Hold)]));
        var pending = new JournalItem { Lead = Lead(1), AtMs = Now, State = LeadState.Pending, Answer = "later"u8.ToArray() };

        (await Store.SubmitAsync(pending)).Code.ShouldBe(VerdictCode.Done);
        (await Store.SubmitAsync(pending)).Code.ShouldBe(VerdictCode.AlreadyThere);
        (await Store.SubmitAsync(End(Lead(1), CopyMove.Capture))).Code.ShouldBe(VerdictCode.Done);

        var lead = (await Store.Leads.FindAsync(Lead(1), default))!;
        (lead.State, lead.Copies[0].State).ShouldBe((LeadState.Sold, CopyState.Captured));
        lead.Answer.ShouldBe("later"u8.ToArray());
    }

    [Fact]
    public async Task Unsold_WhileACopyIsHeld_IsRefused()
    {
        await Store.ApplyAsync(Limits());
        await Store.SubmitAsync(Post(Lead(1), [Copy(1, Limits(), CopyMove.Hold)]));

        (await Store.SubmitAsync(new JournalItem { Lead = Lead(1), AtMs = Now, State = LeadState.Unsold })).Code.ShouldBe(VerdictCode.EndedOtherwise);

        (await Store.Leads.FindAsync(Lead(1), default))!.State.ShouldBe(LeadState.Open);
    }

    [Fact]
    public async Task BrokenItem_AmongOthers_FailsAlone()
    {
        await Store.ApplyAsync(Limits());
        var broken = new JournalItem { Lead = Lead(99), AtMs = Now, Ends = [new(1, CopyMove.Capture, Reason.None, [])], State = LeadState.Sold };
        var zeroTransfer = Copy(1, Limits()) with { Transfers = [new("payout", "buyer:a", "publisher:p", Money.Zero)] };

        var sold = Enumerable.Range(1, 20).Select(n => Store.SubmitAsync(Post(Lead(n), [Copy(1, Limits())]))).ToList();
        var unknownLead = Store.SubmitAsync(broken);
        var noMoney = Store.SubmitAsync(Post(Lead(98), [zeroTransfer]));
        sold.AddRange(Enumerable.Range(21, 20).Select(n => Store.SubmitAsync(Post(Lead(n), [Copy(1, Limits())]))));

        await Should.ThrowAsync<InvariantException>(unknownLead);
        await Should.ThrowAsync<InvariantException>(noMoney);
        (await Task.WhenAll(sold)).ShouldAllBe(verdict => verdict.Code == VerdictCode.Done);
        (await Store.Leads.FindAsync(Lead(98), default)).ShouldBeNull();
        (await Store.CounterAsync("c:a1:leads:day:UTC"))!.Value.Used.ShouldBe(40);
    }
}
