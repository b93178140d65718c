using CsCheck;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Values;
using Shouldly;

namespace Exchange.Engine.Tests.Deliveries;

public sealed class RetryScheduleTests
{
    private static readonly CopyId Copy = new(LeadId.Create(1_790_000_000_000, 3, false, 0x1234_5678_9ABC_DEF0), 1);

    [Theory]
    [InlineData(1, 5)]
    [InlineData(2, 30)]
    [InlineData(3, 300)]
    [InlineData(4, 1_800)]
    [InlineData(5, 7_200)]
    [InlineData(6, 18_000)]
    [InlineData(7, 36_000)]
    [InlineData(8, 36_000)]
    [InlineData(1_000_000, 36_000)]
    public void Sold_AfterAttempt_WaitsTheTablesSecondsWithinATenth(int attempts, long seconds) =>
        RetrySchedule.Sold.WaitMs(Copy, attempts).ShouldBeInRange(seconds * 900, seconds * 1_100);

    [Theory]
    [InlineData(1, 2)]
    [InlineData(2, 5)]
    [InlineData(3, 15)]
    [InlineData(4, 60)]
    [InlineData(5, 300)]
    [InlineData(6, 1_800)]
    [InlineData(7, 1_800)]
    public void Asking_AfterAttempt_WaitsTheTablesSecondsWithinATenth(int attempts, long seconds) =>
        RetrySchedule.Asking.WaitMs(Copy, attempts).ShouldBeInRange(seconds * 900, seconds * 1_100);

    [Fact]
    public void WaitMs_SameCopyAndAttempt_IsTheSame() =>
        Ids.Sample(id => RetrySchedule.Sold.WaitMs(id, 3) == RetrySchedule.Sold.WaitMs(new(LeadId.FromBytes(id.Lead.ToBytes()), id.No), 3));

    [Fact]
    public void WaitMs_CopiesOfOneMoment_AreSpreadOverTheWholeTenth()
    {
        // Leads of one millisecond differ in their low bits only; that must be enough to spread them.
        var waits = Enumerable.Range(0, 1_000)
            .Select(i => RetrySchedule.Sold.WaitMs(new(LeadId.Create(1_790_000_000_000, 1, false, (ulong)i), 1), 2)).ToList();
        waits.Distinct().Count().ShouldBeGreaterThan(150);
        waits.Min().ShouldBeLessThan(27_300);
        waits.Max().ShouldBeGreaterThan(32_700);
        waits.Average().ShouldBeInRange(29_700, 30_300);
    }

    [Theory]
    [InlineData(60, 60_000)]
    [InlineData(3_600, 3_600_000)]
    [InlineData(90_000, 3_600_000)]
    public void WaitMs_RetryAfterLonger_IsKeptUpToAnHour(int seconds, long expected) =>
        RetrySchedule.Sold.WaitMs(Copy, 1, TimeSpan.FromSeconds(seconds)).ShouldBe(expected);

    [Theory]
    [InlineData(-5)]
    [InlineData(0)]
    [InlineData(1)]
    public void WaitMs_RetryAfterShorter_DoesNotHurryUs(int seconds) =>
        RetrySchedule.Sold.WaitMs(Copy, 1, TimeSpan.FromSeconds(seconds)).ShouldBe(RetrySchedule.Sold.WaitMs(Copy, 1));

    [Fact]
    public void WaitMs_NoAttemptYet_IsABug() => Should.Throw<InvariantException>(() => RetrySchedule.Sold.WaitMs(Copy, 0));

    private static Gen<CopyId> Ids { get; } = Gen.Select(Gen.ULong, Gen.ULong, Gen.Int[1, 20], (high, low, no) => new CopyId(new(high, low), no));
}
