using CsCheck;
using Exchange.Engine.Values;
using Exchange.Grains.Pings;
using Shouldly;

namespace Exchange.System.Tests.Grains;

public sealed class OfferBookTests
{
    private const long Now = 1_780_000_000_000;
    private const int Minute = 60_000;

    private readonly OfferBook book = new();

    /// <summary>So many, of a value that tells how many.</summary>
    private static byte[] Bytes(int length) => [.. Enumerable.Repeat((byte)(length % 251), length)];

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
    public void FullBook_GivesUpOneOfTheOldest()
    {
        const int oldest = 500;
        for (var n = 0; n <= Engine.Limits.OffersInBook; n++) book.Add(Id(n), [], Now);
        book.Count.ShouldBe(Engine.Limits.OffersInBook);
        Enumerable.Range(0, oldest).Count(n => book.Find(Id(n)) is null).ShouldBe(1);
        book.Find(Id(Engine.Limits.OffersInBook)).ShouldNotBeNull();
    }

    [Fact]
    public void Record_ThatIsLargerThanABlock_IsKeptWhole()
    {
        for (var n = 1; n <= 4; n++) book.Add(Id(n), Bytes(9_999 * n), Now);
        for (var n = 1; n <= 4; n++) book.Find(Id(n)).ShouldBe(Bytes(9_999 * n));
    }

    [Fact]
    public void FewThatLiveLong_AreKept_WhileTheOthersComeAndGo()
    {
        // One in fifteen lives fifteen minutes, as long as all of this; the others for one.
        const int minutes = 14, aMinute = 1500, rare = 15;
        for (var minute = 0; minute < minutes; minute++)
        {
            for (var n = minute * aMinute; n < (minute + 1) * aMinute; n++) book.Add(Id(n), Bytes(n % 200), Now + (minute + (n % rare == 0 ? rare : 1)) * Minute);
            book.Sweep(Now + (minute + 1) * Minute);
        }
        book.Sweep(Now + (minutes + 1) * Minute);
        book.Count.ShouldBe(minutes * aMinute / rare);
        for (var n = 0; n < minutes * aMinute; n++) book.Find(Id(n)).ShouldBe(n % rare == 0 ? Bytes(n % 200) : null);
        book.Sweep(Now + (minutes + rare) * Minute);
        book.Count.ShouldBe(0);
    }

    private enum Step
    {
        Add,
        Forget,
        Sweep,
    }

    /// <summary>Ids meet in one shelf, records of up to 4 KB fill blocks, ends come in another order than the offers did, and forgotten ones come again.</summary>
    [Fact]
    public void AnySteps_EndAsInADictionary() =>
        Gen.Select(Gen.Enum<Step>(), Gen.Int[0, 60], Gen.Int[0, 4000], Gen.Int[0, 100]).Array[0, 300].Sample(steps =>
        {
            var (book, twin) = (new OfferBook(), new Dictionary<int, (byte[] Record, long EndMs)>());
            var now = Now;
            foreach (var (step, n, length, seconds) in steps)
            {
                switch (step)
                {
                    case Step.Add:
                        var record = Bytes(length);
                        book.Add(Id(n), record, now + seconds * 1000);
                        twin.TryAdd(n, (record, now + seconds * 1000));
                        break;
                    case Step.Forget:
                        book.Forget(Id(n));
                        twin.Remove(n);
                        break;
                    default:
                        now += seconds * 500;
                        book.Sweep(now);
                        foreach (var ended in twin.Where(offer => offer.Value.EndMs + Minute <= now).ToList()) twin.Remove(ended.Key);
                        break;
                }
                if (book.Count != twin.Count) return false;
            }
            return Enumerable.Range(0, 61).All(n => book.Find(Id(n)) is { } found ? twin.TryGetValue(n, out var offer) && found.SequenceEqual(offer.Record) : !twin.ContainsKey(n));
        });

    [Fact]
    public void ManyThreads_EachOfferIsItsOwn()
    {
        const int offers = 20_000;
        Parallel.For(0, 4, thread =>
        {
            for (var n = 0; n < offers; n++)
            {
                book.Add(Id(n), Bytes(n % 300), Now + n);
                if (n % 4 == thread && n % 3 == 0) book.Forget(Id(n));
                if (n % 1000 == 0) book.Sweep(Now + n / 2 + Minute);
            }
        });
        var found = Enumerable.Range(0, offers).Where(n => book.Find(Id(n)) is { } record && record.SequenceEqual(Bytes(n % 300))).ToHashSet();
        found.Count.ShouldBe(book.Count);
        Enumerable.Range(offers / 2, offers / 2).Where(n => n % 3 != 0).ShouldAllBe(n => found.Contains(n));
        book.Sweep(Now + offers + Minute);
        book.Count.ShouldBe(0);
    }
}
