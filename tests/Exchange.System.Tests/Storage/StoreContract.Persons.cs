using Exchange.Engine;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Storage;
using Shouldly;
using static Exchange.System.Tests.Storage.Sample;

namespace Exchange.System.Tests.Storage;

/// <summary>Persons that a buyer or a campaign may have only once.</summary>
public abstract partial class StoreContract
{
    private static NewCopy With(NewCopy copy, params PersonClaim[] persons) => copy with { Persons = persons };

    private static PersonClaim OfBuyer(string value, string buyer = "a", long window = 30 * Day, long atMs = Now) => new("b:" + buyer, Hash(value), atMs - window * 1000);

    [Fact]
    public async Task PersonOfACopy_Seen_RefusesThatCopyAlone()
    {
        await Store.ApplyAsync(Limits());
        var a = Copy(1, Limits(), exclusive: false);
        var b = Copy(2, Limits(), buyer: "b", exclusive: false);
        await Store.SubmitAsync(Post(Lead(1), [With(a, OfBuyer("x"))]));

        var seen = await Store.SubmitAsync(Post(Lead(2), [With(b, OfBuyer("x", "b")), With(a, OfBuyer("z"), OfBuyer("x"))], maxCopies: 2));

        (seen.Code, seen.CopyIndex, seen.TakeIndex, seen.OfEnd).ShouldBe((VerdictCode.PersonSeen, 1, 1, false));
        (await Store.Leads.FindAsync(Lead(2), default)).ShouldBeNull();
        (await Store.SubmitAsync(Post(Lead(2), [With(b, OfBuyer("x", "b"))], maxCopies: 2))).Code.ShouldBe(VerdictCode.Done);
        // What the refused item wanted for its first copy was not claimed before.
        (await Store.SubmitAsync(Post(Lead(3), [With(b, OfBuyer("x", "b"))], maxCopies: 2))).CopyIndex.ShouldBe(0);
    }

    [Fact]
    public async Task NoOfADuplicate_IsWrittenOnlyWhileSomebodyElseHasThePerson()
    {
        await Store.ApplyAsync(Limits());
        JournalItem No(int lead, params string[] persons) =>
            Post(Lead(lead), [], "key-" + BlackBox.Market.Text(lead), persons: [.. persons.Select(person => Person(person))], answer: [1]) with { Reason = Reason.Duplicate, IfTaken = true };
        (await Store.SubmitAsync(No(2, "x"))).Code.ShouldBe(VerdictCode.PersonFree);
        (await Store.Leads.FindAsync(Lead(2), default)).ShouldBeNull();
        await Store.SubmitAsync(Post(Lead(1), [Copy(1, Limits(), CopyMove.Hold)], persons: [Person("x")]));

        // Of two one is enough; the other is not claimed.
        (await Store.SubmitAsync(No(2, "y", "x"))).Code.ShouldBe(VerdictCode.Done);
        (await Store.SubmitAsync(No(2, "y", "x"))).Code.ShouldBe(VerdictCode.AlreadyThere);
        var row = (await Store.Leads.FindAsync(Lead(2), default))!;
        (row.State, row.Reason).ShouldBe((LeadState.Unsold, Reason.Duplicate));
        (await Store.SubmitAsync(No(3, "y"))).Code.ShouldBe(VerdictCode.PersonFree);
        await Store.SubmitAsync(End(Lead(1), CopyMove.Void, release: true));
        (await Store.SubmitAsync(No(3, "x"))).Code.ShouldBe(VerdictCode.PersonFree);
        (await Store.SubmitAsync(Post(Lead(3), [Copy(1, Limits())], "key-3", persons: [Person("x"), Person("y")]))).Code.ShouldBe(VerdictCode.Done);
        // Its own is nobody else's.
        (await Store.SubmitAsync(No(4, "y"))).Code.ShouldBe(VerdictCode.Done);
    }

    [Theory]
    [InlineData(CopyMove.Void, VerdictCode.Done)]
    [InlineData(CopyMove.Capture, VerdictCode.PersonSeen)]
    [InlineData(CopyMove.Doubt, VerdictCode.PersonSeen)]
    public async Task PersonOfACopy_CopyEnds_IsFreeOnlyWhenItFell(CopyMove move, VerdictCode next)
    {
        await Store.ApplyAsync(Limits());
        await Store.SubmitAsync(Post(Lead(1), [With(Copy(1, Limits(), CopyMove.Hold), OfBuyer("x"))], persons: [Person("x")]));
        await Store.SubmitAsync(End(Lead(1), move, state: LeadState.Open));

        (await Store.SubmitAsync(Post(Lead(2), [With(Copy(1, Limits()), OfBuyer("x"))]))).Code.ShouldBe(next);
        // The lead's own claim is the lead's.
        (await Store.SubmitAsync(Post(Lead(3), [Copy(1, Limits())], persons: [Person("x")]))).Code.ShouldBe(VerdictCode.PersonSeen);
    }

    [Fact]
    public async Task PersonOfACopy_VoidWithTheNextOfTheSameBuyer_NextHasIt()
    {
        await Store.ApplyAsync(Limits());
        await Store.SubmitAsync(Post(Lead(1), [With(Copy(1, Limits(), CopyMove.Hold), OfBuyer("x"))]));

        (await Store.SubmitAsync(End(Lead(1), CopyMove.Void, starts: [With(Copy(2, Limits(), CopyMove.Hold), OfBuyer("x"))]))).Code.ShouldBe(VerdictCode.Done);

        (await Store.SubmitAsync(Post(Lead(2), [With(Copy(1, Limits()), OfBuyer("x"))]))).Code.ShouldBe(VerdictCode.PersonSeen);
        await Store.SubmitAsync(End(Lead(1), CopyMove.Void, 2));
        (await Store.SubmitAsync(Post(Lead(2), [With(Copy(1, Limits()), OfBuyer("x"))]))).Code.ShouldBe(VerdictCode.Done);
    }

    [Fact]
    public async Task PersonOfACopy_TookAnOldClaimsPlaceAndFell_OldClaimIsBack()
    {
        await Store.ApplyAsync(Limits());
        await Store.SubmitAsync(Post(Lead(1), [With(Copy(1, Limits()), OfBuyer("x"))]));
        // 40 days later a campaign that looks back 30 days may have the person, one that looks back 90 may not.
        var later = Now + 40 * Day * 1000;
        JournalItem After(int lead, CopyMove move, long window) =>
            Post(Lead(lead), [With(Copy(1, Limits(), move, atMs: later), OfBuyer("x", window: window, atMs: later))], atMs: later);
        (await Store.SubmitAsync(After(2, CopyMove.Sell, 90 * Day))).Code.ShouldBe(VerdictCode.PersonSeen);
        (await Store.SubmitAsync(After(2, CopyMove.Hold, 30 * Day))).Code.ShouldBe(VerdictCode.Done);
        (await Store.SubmitAsync(After(3, CopyMove.Sell, 30 * Day))).Code.ShouldBe(VerdictCode.PersonSeen);

        (await Store.SubmitAsync(End(Lead(2), CopyMove.Void))).Code.ShouldBe(VerdictCode.Done);

        (await Store.SubmitAsync(After(3, CopyMove.Sell, 90 * Day))).Code.ShouldBe(VerdictCode.PersonSeen);
        (await Store.SubmitAsync(After(3, CopyMove.Sell, 30 * Day))).Code.ShouldBe(VerdictCode.Done);
    }

    [Fact]
    public async Task PersonOfACopy_OldClaimFellMeanwhile_NothingComesBack()
    {
        await Store.ApplyAsync(Limits());
        var later = Now + 40 * Day * 1000;
        await Store.SubmitAsync(Post(Lead(1), [With(Copy(1, Limits(), CopyMove.Hold), OfBuyer("x"))]));
        await Store.SubmitAsync(Post(Lead(2), [With(Copy(1, Limits(), CopyMove.Hold, atMs: later), OfBuyer("x", atMs: later))], atMs: later));
        await Store.SubmitAsync(End(Lead(1), CopyMove.Void));
        await Store.SubmitAsync(End(Lead(2), CopyMove.Void));

        (await Store.SubmitAsync(Post(Lead(3), [With(Copy(1, Limits()), OfBuyer("x", window: 90 * Day))]))).Code.ShouldBe(VerdictCode.Done);
    }

    [Fact]
    public async Task PersonOfAHeldOffer_SeenAtThePost_RefusesThatEnd()
    {
        await Store.ApplyAsync(Limits());
        await Store.SubmitAsync(Post(Lead(1), [With(Copy(1, Limits()), OfBuyer("x"))]));
        await HoldAtPing(Lead(2), Copy(1, Limits(), CopyMove.Hold, "b", exclusive: false), Copy(2, Limits(), CopyMove.Hold, exclusive: false));

        var capture = Capture(2) with { Persons = [OfBuyer("x")] };
        var seen = await Store.SubmitAsync(PostOf(Lead(2), [Capture(1, "b") with { Persons = [OfBuyer("x", "b")] }, capture], maxCopies: 2));
        (seen.Code, seen.CopyIndex, seen.TakeIndex, seen.OfEnd).ShouldBe((VerdictCode.PersonSeen, 1, 0, true));

        (await Store.SubmitAsync(PostOf(Lead(2), [Capture(1, "b") with { Persons = [OfBuyer("x", "b")] }, Expire(2)], maxCopies: 2))).Code.ShouldBe(VerdictCode.Done);
        (await Store.SubmitAsync(Post(Lead(3), [With(Copy(1, Limits(), buyer: "b"), OfBuyer("x", "b"))]))).Code.ShouldBe(VerdictCode.PersonSeen);
    }

    [Theory]
    // What stands against an item, worst first: each line takes away what the line before was told.
    [InlineData("key lead end personOfLead personOfCopy cap free", VerdictCode.KeyReused, -1, -1)]
    [InlineData("personOfLead personOfCopy cap free", VerdictCode.PersonSeen, -1, 1)]
    [InlineData("personOfCopy cap free", VerdictCode.PersonSeen, 1, 0)]
    [InlineData("cap free", VerdictCode.Refused, 0, 2)]
    [InlineData("free", VerdictCode.NoFreeCopy, 1, -1)]
    [InlineData("", VerdictCode.Done, -1, -1)]
    public async Task Post_SeveralThingsAgainstIt_FirstInOrderIsTold(string against, VerdictCode verdict, int copyIndex, int takeIndex)
    {
        var words = against.Split(' ');
        await Store.ApplyAsync(Limits(capOfA: 1));
        await Store.SubmitAsync(Post(Lead(9), [With(Copy(1, Limits()), OfBuyer("seen", "b"))], "key", persons: [Person("seen")]));
        if (!words.Contains("cap")) await Store.ApplyAsync(Limits(capOfA: 9));
        var a = Copy(1, Limits(), exclusive: false);
        var b = With(Copy(2, Limits(), buyer: "b", exclusive: words.Contains("free")), OfBuyer(words.Contains("personOfCopy") ? "seen" : "new", "b"));

        var answer = await Store.SubmitAsync(Post(Lead(1), [a, b], words.Contains("key") ? "key" : null, "another", [Person("new"), Person(words.Contains("personOfLead") ? "seen" : "other")], 2));

        (answer.Code, answer.CopyIndex, answer.TakeIndex).ShouldBe((verdict, copyIndex, takeIndex));
    }

    [Fact]
    public async Task News_CopiesAndPersons_AreToldBeforeTheVerdictAndReadAtStart()
    {
        await Store.ApplyAsync(Limits());
        List<SoldCount> copies = [];
        List<KnownPerson> persons = [];
        Store.Journal.Sold = news => { copies.AddRange(news.Copies); persons.AddRange(news.Persons); };
        NewCopy Of(string tier, CopyMove move, string value) => With(Copy(1, Limits(), move), OfBuyer(value)) with { Tier = tier, Trees = ["main", "west"] };
        await Store.SubmitAsync(Post(Lead(1), [Of("main/first", CopyMove.Sell, "x")], persons: [Person("x")]));
        await Store.SubmitAsync(Post(Lead(2), [Of("main/first", CopyMove.Hold, "y")], atMs: Now + 1));
        await Store.SubmitAsync(Post(Lead(3), [Of("main/second", CopyMove.Sell, "z")], atMs: Now + 1_000));
        await Store.SubmitAsync(Post(Lead(4, test: true), [Of("main/second", CopyMove.Sell, "t")], atMs: Now + 1_000));
        // Refused: nothing to tell.
        await Store.SubmitAsync(Post(Lead(5), [Of("main/second", CopyMove.Sell, "x")]));

        copies.ShouldBe([new("main/first", "a1", Now, 1), new("main/first", "a1", Now + 1, 1), new("main/second", "a1", Now + 1_000, 1)]);
        persons.Select(person => (person.Scope, person.AtMs)).ShouldBe([("auto", Now), ("b:a", Now), ("b:a", Now + 1), ("b:a", Now + 1_000)]);
        (await Store.Counts.SoldSinceAsync(Now, default)).ShouldBe([new("main/first", "a1", Now, 2), new("main/second", "a1", Now + 1_000, 1)]);
        (await Store.Counts.SoldSinceAsync(Now + 1, default)).ShouldBe([new("main/first", "a1", Now, 1), new("main/second", "a1", Now + 1_000, 1)]);
        (await Store.Counts.RecentPersonsAsync(2, default)).Select(person => (person.Scope, Convert.ToHexString(person.Hmac), person.AtMs))
            .ShouldBe([("b:a", Convert.ToHexString(Hash("z")), Now + 1_000), ("b:a", Convert.ToHexString(Hash("y")), Now + 1)]);
        (await Store.Counts.RecentPersonsAsync(9, default)).Count.ShouldBe(4);

        copies.Clear();
        persons.Clear();
        await Store.SubmitAsync(End(Lead(2), CopyMove.Void));
        copies.ShouldBe([new("main/first", "a1", Now + 1, -1)]);
        persons.ShouldHaveSingleItem().AtMs.ShouldBe(0);
        (await Store.Counts.SoldSinceAsync(Now, default)).ShouldBe([new("main/first", "a1", Now, 1), new("main/second", "a1", Now + 1_000, 1)]);
        (await Store.Leads.FindAsync(Lead(1), default))!.Copies[0].ShouldSatisfyAllConditions(
            copy => copy.Tier.ShouldBe("main/first"), copy => copy.Trees.ShouldBe(["main", "west"]));
        Store.Journal.Sold = null;
    }
}
