using Exchange.Engine;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Storage;
using Shouldly;
using static Exchange.System.Tests.Storage.Sample;

namespace Exchange.System.Tests.Storage;

/// <summary>Whom a lead passed over: told with the item that did, and with no other; a campaign once for each reason.</summary>
public abstract partial class StoreContract
{
    private static PassedOver Passed(string campaign, int place, Reason reason, string price = "11.00") => new(campaign, campaign[..1], place, Money.Parse(price), reason);

    private async Task<string[]> PassedOverAsync(LeadId lead) =>
        [.. (await Store.Leads.PassedOverAsync(lead, default)).Select(passed => $"{passed.Campaign} of {passed.Buyer} {passed.Price} {passed.Reason.Wire()} +{passed.AtMs - Now}")];

    [Fact]
    public async Task PassedOver_IsThereWithItsItem_AndWithNoItemThatIsRefused()
    {
        var limits = Limits(2);
        await Store.ApplyAsync(limits);
        PassedOver[] passed = [Passed("c1", 1, Reason.CapDay, "12.50"), Passed("a1", 0, Reason.PostFilter, "13.00")];
        // New: sold, nobody takes it, sold again, refused by its cap. Together, so that one batch has them all.
        var verdicts = await Task.WhenAll(
            Store.SubmitAsync(Post(Lead(1), [Copy(1, limits)], body: "1") with { PassedOver = passed }),
            Store.SubmitAsync(Post(Lead(2), [], body: "2") with { PassedOver = passed }),
            Store.SubmitAsync(Post(Lead(3), [Copy(1, limits)], body: "3")),
            Store.SubmitAsync(Post(Lead(4), [Copy(1, limits)], body: "4") with { PassedOver = passed }));
        verdicts.Select(verdict => verdict.Code).ShouldBe([VerdictCode.Done, VerdictCode.Done, VerdictCode.Done, VerdictCode.Refused]);

        string[] told = ["a1 of a 13.00 post_filter +0", "c1 of c 12.50 cap_day +0"];
        (await PassedOverAsync(Lead(1))).ShouldBe(told);
        (await PassedOverAsync(Lead(2))).ShouldBe(told);
        (await PassedOverAsync(Lead(3))).ShouldBeEmpty();
        (await PassedOverAsync(Lead(4))).ShouldBeEmpty();
    }

    [Fact]
    public async Task PassedOver_GrowsWithTheLeadsItems_EachCampaignOnceForAReason()
    {
        var limits = Limits(1);
        await Store.ApplyAsync(limits);
        await Store.SubmitAsync(Post(Lead(9), [Copy(1, limits)], body: "9"));
        var held = Post(Lead(1), [Copy(1, limits, CopyMove.Hold, "b")], body: "1") with { PassedOver = [Passed("c1", 3, Reason.CapDay)] };
        for (var i = 0; i < 2; i++) (await Store.SubmitAsync(held)).IsSuccess.ShouldBeTrue();
        // The next in rank does not fit: nothing is told by an item that is not done. Then it is told with the one that is.
        var refused = End(Lead(1), CopyMove.Void, starts: [Copy(2, limits)], state: LeadState.Sold);
        (await Store.SubmitAsync(refused with { PassedOver = [Passed("d1", 4, Reason.Balance)] })).Code.ShouldBe(VerdictCode.Refused);
        (await PassedOverAsync(Lead(1))).ShouldBe(["c1 of c 11.00 cap_day +0"]);
        var end = End(Lead(1), CopyMove.Void) with { PassedOver = [Passed("a1", 5, Reason.CapDay), Passed("d1", 4, Reason.Balance), Passed("c1", 3, Reason.CapDay, "1.00"), Passed("c1", 3, Reason.NoTree)] };
        for (var i = 0; i < 2; i++) (await Store.SubmitAsync(end)).IsSuccess.ShouldBeTrue();

        (await PassedOverAsync(Lead(1))).ShouldBe(["c1 of c 11.00 cap_day +0", "c1 of c 11.00 no_tree +1000", "d1 of d 11.00 balance +1000", "a1 of a 11.00 cap_day +1000"]);
    }
}
