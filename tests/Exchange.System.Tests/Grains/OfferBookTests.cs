using Exchange.Engine.Values;
using Exchange.Grains.Pings;
using Shouldly;

namespace Exchange.System.Tests.Grains;

public sealed class OfferBookTests
{
    private const long Now = 1_780_000_000_000;
    private const int Minute = 60_000;

    private readonly OfferBook book = new();

    private static LeadId Id(int n, bool isTest = false) => LeadId.Create(Now, 1, isTest, (ulong)n);

    [Fact]
    public void Offer_IsFoundUntilAMinuteAfterItsEnd()
    {
        byte[] record = [1, 2, 3];
        book.Add(Id(1), record, Now);
        book.Sweep(Now + Minute - 1);
        book.Find(Id(1)).ShouldBe(record);
        book.Find(Id(2)).ShouldBeNull();

        book.Sweep(Now + Minute);
        book.Find(Id(1)).ShouldBeNull();
        book.Count.ShouldBe(0);
    }

    [Fact]
    public void Sweep_GoesOnBehindWhatIsForgotten()
    {
        for (var n = 1; n <= 4; n++) book.Add(Id(n), [], Now + n);
        book.Forget(Id(1));
        book.Forget(Id(3));
        book.Forget(Id(3));
        book.Count.ShouldBe(2);

        book.Sweep(Now + 2 + Minute);
        book.Find(Id(2)).ShouldBeNull();
        book.Find(Id(4)).ShouldNotBeNull();
        book.Count.ShouldBe(1);
    }

    [Fact]
    public void Offer_ThatComesTwice_CountsOnce_AndStaysWhatItWas()
    {
        book.Add(Id(1), [1], Now);
        book.Add(Id(1), [2], Now + Minute);
        book.Count.ShouldBe(1);
        book.Find(Id(1)).ShouldBe([1]);
    }

    [Fact]
    public void ForcedResult_IsToldOfTestsAlone_AsLongAsTheOffer()
    {
        book.Add(Id(1, isTest: true), [], Now);
        book.ForceTest(Id(1, isTest: true), "rejected");
        book.TestResultOf(Id(1, isTest: true)).ShouldBe("rejected");
        book.TestResultOf(Id(2)).ShouldBeNull();
        book.Sweep(Now + Minute);
        book.TestResultOf(Id(1, isTest: true)).ShouldBeNull();
    }

    [Fact]
    public void FullBook_GivesUpTheOldest()
    {
        for (var n = 0; n <= Engine.Limits.OffersInBook; n++) book.Add(Id(n), [], Now);
        book.Count.ShouldBe(Engine.Limits.OffersInBook);
        book.Find(Id(0)).ShouldBeNull();
        book.Find(Id(1)).ShouldNotBeNull();
    }
}
