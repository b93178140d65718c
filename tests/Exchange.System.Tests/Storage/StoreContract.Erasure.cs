using System.Text;
using Exchange.Engine;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Storage;
using Shouldly;
using static Exchange.System.Tests.Storage.Sample;

namespace Exchange.System.Tests.Storage;

/// <summary>Persons who are forgotten: what goes, what stays, and by what they are known afterwards.</summary>
public abstract partial class StoreContract
{
    private static readonly byte[] Kept = Encoding.UTF8.GetBytes("""{"status":"sold"}""");

    private static LeadErasure Erasure(LeadId lead, params string[] persons) => new(lead, Kept, [.. persons.Select(Hash)], "tests", Now + 9_000);

    private async Task<string> DeliveriesAsync() => string.Join(", ", (await Store.Deliveries.ListAsync(null, null, 99, null, default)).Rows
        .OrderBy(row => row.Copy.Lead).ThenBy(row => row.Endpoint, StringComparer.Ordinal).Select(row => $"{row.Copy.Lead.Low} {row.Endpoint} {row.Status} {row.Error}".TrimEnd()));

    private async Task SellTwoAsync()
    {
        var limits = Limits();
        await Store.ApplyAsync(limits);
        (await Store.SubmitAsync(Post(Lead(1), [Copy(1, limits, CopyMove.Hold, deliveries: [LeasedHook])], "key-1", persons: [Person("one")]))).Code.ShouldBe(VerdictCode.Done);
        var sold = End(Lead(1), CopyMove.Capture, answer: Encoding.UTF8.GetBytes("""{"status":"sold","redirect_url":"https://example.com/one"}"""));
        (await Store.SubmitAsync(sold with { Ends = [sold.Ends[0] with { RedirectUrl = "https://example.com/one", BuyerRef = "ref-1" }] })).Code.ShouldBe(VerdictCode.Done);
        (await Store.SubmitAsync(Post(Lead(2), [Copy(1, limits, deliveries: [Inbox, FreeHook])], body: "second", answer: Kept))).Code.ShouldBe(VerdictCode.Done);
    }

    [Fact]
    public async Task Erase_SoldLead_TakesThePerson_AndLeavesTheBooks()
    {
        await SellTwoAsync();
        (await Store.Returns.AskAsync(new(new(Lead(1), 1), "a", "invalid_phone", [5, 6], Accepted: false, null, Now + 3_000), default)).ShouldBe(ReturnVerdict.Noted);
        (await Store.Returns.SayAsync("a", new(new(Lead(1), 1), "contacted", Money.Parse("3.00"), [7], Now + 3_000), default)).ShouldBeTrue();
        var before = await BooksAsync();

        // Twice is harmless.
        for (var i = 0; i < 2; i++) await Store.Erasures.EraseAsync(Erasure(Lead(1), "phone", "mail"), default);

        var lead = (await Store.Leads.FindAsync(Lead(1), default))!;
        (lead.IsErased, lead.State).ShouldBe((true, LeadState.Sold));
        lead.Answer.ShouldBe(Kept);
        (lead.Copies[0].State, lead.Copies[0].RedirectUrl, lead.Copies[0].BuyerRef, lead.Copies[0].Price).ShouldBe((CopyState.Captured, null, null, Price));
        var asked = (await Store.Returns.FindAsync(new(Lead(1), 1), default))!;
        (asked.Status, asked.Reason, asked.Sealed.Length).ShouldBe((ReturnStatus.Requested, "invalid_phone", 0));
        (await Store.Returns.SaidAsync([new(Lead(1), 1)], default)).ShouldHaveSingleItem().ShouldBe(new(new(Lead(1), 1), "contacted", Money.Parse("3.00"), null, Now + 3_000));
        (await BooksAsync()).ShouldBe(before);
        (await Store.Leads.FindRequestAsync("p", "key-1", default))!.Value.Lead.ShouldBe(Lead(1));
        // The same post again is the same lead; whoever read the payload before cannot put it back.
        (await Store.SubmitAsync(Post(Lead(1), [Copy(1, Limits(), CopyMove.Hold, deliveries: [LeasedHook])], "key-1", persons: [Person("one")]))).IsSuccess.ShouldBeTrue();
        (await Store.Leads.AddFieldsAsync(Lead(1), [1, 2, 3], [4], Now, default)).ShouldBeFalse();
        (await Store.Leads.FindAsync(Lead(1), default))!.IsErased.ShouldBeTrue();
        (await Store.Leads.FindAsync(Lead(2), default))!.IsErased.ShouldBeFalse();

        async Task<string> BooksAsync() => string.Join(' ', await UsedAsync("c:a1:leads:day:UTC"), await UsedAsync("bal:a"), await Store.Ledger.BalanceAsync("buyer:a", default),
            await Store.Ledger.BalanceAsync("publisher:p", default), (await Store.Deliveries.CopiesOfBuyerAsync("a", null, 9, null, default)).Rows.Count);
    }

    [Fact]
    public async Task Erased_NoTextOfItsPersonIsKeptAnyMore()
    {
        await SellTwoAsync();
        await Store.Erasures.EraseAsync(Erasure(Lead(1), "phone"), default);
        var copy = new CopyId(Lead(1), 1);

        (await Store.Returns.SayAsync("a", new(copy, "contacted", Money.Parse("3.00"), [7], Now + 3_000), default)).ShouldBeTrue();
        (await Store.Returns.AskAsync(new(copy, "a", "invalid_phone", [5, 6], Accepted: false, null, Now + 3_000), default)).ShouldBe(ReturnVerdict.Noted);

        (await Store.Returns.SaidAsync([copy], default)).ShouldHaveSingleItem().ShouldBe(new(copy, "contacted", Money.Parse("3.00"), null, Now + 3_000));
        var asked = (await Store.Returns.FindAsync(copy, default))!;
        (asked.Reason, asked.Sealed.Length).ShouldBe(("invalid_phone", 0));
    }

    [Fact]
    public async Task Erase_WhileACallIsUnderWay_ThatItArrivedIsRecorded()
    {
        await SellWith(Lead(1), CopyMove.Sell, LeasedHook, FreeHook);
        await Store.Erasures.EraseAsync(Erasure(Lead(1)), default);
        var copy = new CopyId(Lead(1), 1);
        (await Store.Deliveries.RecordAsync(copy, "hook", 1, new(DeliveryStatus.Waiting, Now + 60_000, "http_500"), Now + 9_500, default)).ShouldBeTrue();
        (await DeliveriesAsync()).ShouldBe("1 hook Cancelled cancelled, 1 later Cancelled cancelled");

        // Its buyer has it. Of the other nobody was called.
        (await Store.Deliveries.RecordAsync(copy, "hook", 1, new(DeliveryStatus.Delivered, null, null), Now + 9_500, default)).ShouldBeTrue();
        (await Store.Deliveries.RecordAsync(copy, "later", 0, new(DeliveryStatus.Delivered, null, null), Now + 9_500, default)).ShouldBeTrue();
        (await DeliveriesAsync()).ShouldBe("1 hook Delivered, 1 later Cancelled cancelled");
    }

    [Fact]
    public async Task Erase_OfALeadThatIsNotAsItWasRead_ChangesNothing()
    {
        await SellTwoAsync();
        var read = (await Store.Leads.FindAsync(Lead(1), default))!;
        (await Store.Leads.AddFieldsAsync(Lead(1), read.Sealed, [9, 9], Now, default)).ShouldBeTrue();

        (await Store.Erasures.EraseAsync(Erasure(Lead(1), "phone") with { Read = new(read.Sealed, read.Answer) }, default)).ShouldBeFalse();
        (await Store.Erasures.EraseAsync(Erasure(Lead(1), "phone") with { Read = new([9, 9], [1]) }, default)).ShouldBeFalse();
        (await Store.Erasures.EraseAsync(Erasure(Lead(9), "phone") with { Read = new([9, 9], null) }, default)).ShouldBeFalse();
        (await Store.Suppressions.AnyAsync([Hash("phone")], default)).ShouldBeFalse();
        (await Store.Leads.FindAsync(Lead(1), default))!.IsErased.ShouldBeFalse();

        (await Store.Erasures.EraseAsync(Erasure(Lead(1), "phone") with { Read = new([9, 9], read.Answer) }, default)).ShouldBeTrue();
        (await Store.Erasures.EraseAsync(Erasure(Lead(9)) with { Read = new([], null) }, default)).ShouldBeTrue();
        (await Store.Suppressions.AnyAsync([Hash("phone")], default)).ShouldBeTrue();
        (await Store.Leads.FindAsync(Lead(1), default))!.IsErased.ShouldBeTrue();
    }

    [Fact]
    public async Task Erased_IsNobodyElses_ThoughWhoSellsItHasNotHeardOfItYet()
    {
        var limits = Limits();
        await Store.ApplyAsync(limits);
        await Store.SubmitAsync(Post(Lead(1), [Copy(1, limits, CopyMove.Hold, deliveries: [LeasedHook])]));
        await Store.Erasures.EraseAsync(Erasure(Lead(1)), default);

        (await Store.SubmitAsync(End(Lead(1), CopyMove.Void, starts: [Copy(2, limits, CopyMove.Hold, buyer: "b")]))).Code.ShouldBe(VerdictCode.EndedOtherwise);
        (await Store.Leads.FindAsync(Lead(1), default))!.Copies.ShouldHaveSingleItem().State.ShouldBe(CopyState.Held);
        // What its buyer says is recorded.
        (await Store.SubmitAsync(End(Lead(1), CopyMove.Capture))).Code.ShouldBe(VerdictCode.Done);
    }

    [Theory]
    [InlineData(Reason.Cancelled, "Cancelled 0")]
    [InlineData(Reason.BuyerRejected, "Failed 1")]
    public async Task VoidOfALeasedCopy_SaysWhetherItsBuyerWasTold(Reason reason, string told)
    {
        var limits = Limits();
        await Store.ApplyAsync(limits);
        await Store.SubmitAsync(Post(Lead(1), [Copy(1, limits, CopyMove.Hold, deliveries: [LeasedHook])]));
        (await Store.SubmitAsync(End(Lead(1), CopyMove.Void, reason: reason))).Code.ShouldBe(VerdictCode.Done);
        var row = (await Store.Deliveries.ListAsync(null, null, 9, null, default)).Rows.ShouldHaveSingleItem();
        $"{row.Status} {row.Attempts}".ShouldBe(told);
    }

    [Fact]
    public async Task GiveUp_EndsWhatWouldAskAgain_UnlessACallIsUnderWay()
    {
        var limits = Limits();
        await Store.ApplyAsync(limits);
        await Store.SubmitAsync(Post(Lead(1), [Copy(1, limits, CopyMove.Hold, deliveries: [LeasedHook])]));
        await Store.SubmitAsync(End(Lead(1), CopyMove.Doubt));
        var copy = new CopyId(Lead(1), 1);
        var claim = (await Store.Deliveries.ClaimDueAsync(Now + 600_000, Now + 660_000, 9, default)).ShouldHaveSingleItem();
        (await Store.Deliveries.GiveUpAsync(copy, Now + 659_999, default)).ShouldBeFalse();
        (await DeliveriesAsync()).ShouldStartWith("1 hook Waiting");

        (await Store.Deliveries.RecordAsync(copy, "hook", claim.Fence, new(DeliveryStatus.Waiting, Now + 700_000, "timeout"), Now + 650_000, default)).ShouldBeTrue();
        for (var i = 0; i < 2; i++) (await Store.Deliveries.GiveUpAsync(copy, Now + 650_000, default)).ShouldBeTrue();
        (await DeliveriesAsync()).ShouldBe("1 hook Dead resolved");
        (await Store.Deliveries.ClaimDueAsync(Now + 900_000, Now + 960_000, 9, default)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Erase_CancelsWhatSoldCopiesWaitFor_AndLeavesHoldsToTheirEnd()
    {
        await SellTwoAsync();
        var limits = Limits();
        await Store.SubmitAsync(Post(Lead(3), [Copy(1, limits, CopyMove.Hold, deliveries: [LeasedHook])], body: "third"));
        await Store.SubmitAsync(Post(Lead(4), [Copy(1, limits, CopyMove.Hold, deliveries: [LeasedHook])], body: "fourth"));
        await Store.SubmitAsync(End(Lead(4), CopyMove.Doubt));
        var claim = (await Store.Deliveries.ClaimDueAsync(Now + 1_000, Now + 60_000, 9, default)).Single(row => row.Copy.Lead == Lead(2));
        (await DeliveriesAsync()).ShouldBe("1 hook Delivered, 2 inbox Waiting, 2 later Waiting, 3 hook Waiting, 4 hook Waiting");

        for (var n = 1; n <= 4; n++) await Store.Erasures.EraseAsync(Erasure(Lead(n)), default);

        const string After = "1 hook Delivered, 2 inbox Cancelled cancelled, 2 later Cancelled cancelled, 3 hook Waiting, 4 hook Waiting";
        (await DeliveriesAsync()).ShouldBe(After);
        // A call that was under way ends, and is not begun again.
        (await Store.Deliveries.RecordAsync(claim.Copy, "later", claim.Fence, new(DeliveryStatus.Waiting, Now + 90_000, "http_500"), Now + 10_000, default)).ShouldBeTrue();
        (await Store.Deliveries.ReplayAsync(claim.Copy, "later", Now + 10_000, default)).ShouldBeFalse();
        (await DeliveriesAsync()).ShouldBe(After);
        (await Store.Deliveries.CopiesOfBuyerAsync("a", DeliveryStatus.Waiting, 9, null, default)).Rows.ShouldBeEmpty();
        (await Store.Deliveries.ClaimDueAsync(Now + 100_000, Now + 160_000, 9, default)).Select(row => (row.Copy.Lead.Low, row.CopyState)).ShouldBe([(3UL, CopyState.Held), (4UL, CopyState.InDoubt)], ignoreOrder: true);
        (await Store.SubmitAsync(End(Lead(4), CopyMove.Capture))).Code.ShouldBe(VerdictCode.Done);
    }

    [Fact]
    public async Task Erase_SuppressesThePerson_AndNobodyElse()
    {
        await SellTwoAsync();
        (await Store.Suppressions.AnyAsync([Hash("phone"), Hash("mail")], default)).ShouldBeFalse();

        await Store.Erasures.EraseAsync(Erasure(Lead(1), "phone", "mail"), default);
        await Store.Erasures.EraseAsync(Erasure(Lead(2), "mail", "other"), default);

        foreach (var person in (string[])["phone", "mail", "other"])
        {
            Store.Suppressions.Knows(Hash(person)).ShouldBeTrue(person);
            (await Store.Suppressions.AnyAsync([Hash("nobody"), Hash(person)], default)).ShouldBeTrue(person);
        }
        Store.Suppressions.Knows(Hash("nobody")).ShouldBeFalse();
        (await Store.Suppressions.AnyAsync([Hash("nobody")], default)).ShouldBeFalse();
        (await Store.Suppressions.AnyAsync([], default)).ShouldBeFalse();
    }

    [Fact]
    public async Task Erase_TakesThePingsRecord_QueuedOrWritten_AndNoOther()
    {
        for (var n = 1; n <= 3; n++) Store.Pings.TryAppend(Ping(Lead(n)), Fields, out _).ShouldBeTrue();
        await Store.Pings.FlushAsync(default);
        Store.Pings.TryAppend(Ping(Lead(4)), Fields, out _).ShouldBeTrue();

        // Only pinged, or never heard of: there is no lead, and nothing fails.
        foreach (var n in (int[])[2, 4, 9]) await Store.Erasures.EraseAsync(Erasure(Lead(n)) with { Answer = null }, default);

        foreach (var n in (int[])[1, 3]) (await Store.Pings.FindAsync(Lead(n), Models, default)).ShouldBeEquivalentTo(Ping(Lead(n)));
        foreach (var n in (int[])[2, 4]) (await Store.Pings.FindAsync(Lead(n), Models, default)).ShouldBeNull();
        (await Store.Pings.ReadAsync(Lead(0), Lead(9), 9, Models, default)).Select(ping => ping.Id).ShouldBe([Lead(1), Lead(3)]);
        (await Store.Leads.FindAsync(Lead(9), default)).ShouldBeNull();
    }

    [Fact]
    public async Task Erase_WhileItsHoldEnds_ForgetsThePersonAndKeepsTheSale()
    {
        var limits = Limits();
        await Store.ApplyAsync(limits);
        const int Leads = 20;
        for (var n = 1; n <= Leads; n++) await Store.SubmitAsync(Post(Lead(n), [Copy(1, limits, CopyMove.Hold, deliveries: [LeasedHook])], body: $"post {n}"));

        await Task.WhenAll(Enumerable.Range(1, Leads).SelectMany(n => new Task[]
        {
            Store.Erasures.EraseAsync(Erasure(Lead(n), $"person {n}"), default),
            Store.SubmitAsync(End(Lead(n), CopyMove.Capture)),
            Store.Leads.AddFieldsAsync(Lead(n), [1, 2, 3], [4], Now, default),
        }));

        for (var n = 1; n <= Leads; n++)
        {
            var lead = (await Store.Leads.FindAsync(Lead(n), default))!;
            (lead.IsErased, lead.Copies[0].State, Store.Suppressions.Knows(Hash($"person {n}"))).ShouldBe((true, CopyState.Captured, true));
        }
        (await UsedAsync("c:a1:leads:day:UTC")).ShouldBe($"{Leads}+0");
    }
}
