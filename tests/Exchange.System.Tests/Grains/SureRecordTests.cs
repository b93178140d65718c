using Exchange.Engine.Leads;
using Exchange.Engine.Values;
using Exchange.Grains.Deliveries;
using Exchange.Storage;
using Microsoft.Extensions.Time.Testing;
using Shouldly;

namespace Exchange.System.Tests.Grains;

/// <summary>What came of an attempt is recorded, however busy the store is meanwhile.</summary>
public sealed class SureRecordTests
{
    private readonly HastyTime time = new();
    private int asked;

    /// <summary>Whoever waits by it has waited at once.</summary>
    private sealed class HastyTime() : FakeTimeProvider(CapMarket.Noon)
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = base.CreateTimer(callback, state, dueTime, period);
            Advance(dueTime);
            return timer;
        }
    }

    [Theory]
    [InlineData(true, false)]
    // A newer attempt holds it.
    [InlineData(false, false)]
    // A reply was lost: under its fence it is the same again.
    [InlineData(true, true)]
    public async Task Record_WhileTheStoreIsBusy_IsAskedAgain_AndIsWhatItSaysThen(bool isMine, bool isUnknown)
    {
        (await RecordAsync(busyFor: 3, isMine, isUnknown)).ShouldBe(isMine);
        asked.ShouldBe(4);
    }

    [Fact]
    public async Task Record_WhileTheStoreStaysBusy_IsGivenUp_WhenTheLeaseMayBeOver()
    {
        await Should.ThrowAsync<StorageBusyException>(RecordAsync(busyFor: int.MaxValue, isMine: true));
        asked.ShouldBeGreaterThan(2);
        (time.GetUtcNow() - CapMarket.Noon).ShouldBe(TimeSpan.FromMilliseconds(LeadMachine.LeaseGraceMs));
    }

    private Task<bool> RecordAsync(int busyFor, bool isMine, bool isUnknown = false)
    {
        var deliveries = Stub.Of<IDeliveryStore>((name, _) => name != nameof(IDeliveryStore.RecordAsync) ? throw new NotSupportedException(name)
            : ++asked <= busyFor ? throw (isUnknown ? new StorageFailedException("lost") : new StorageBusyException("away"))
            : Task.FromResult(isMine));
        return deliveries.RecordSurelyAsync(new(LeadId.Create(CapMarket.Noon.ToUnixTimeMilliseconds(), 1, false, 7), 1), "crm", 1, new(DeliveryStatus.Delivered, null, null), time);
    }
}
