using Exchange.Engine.Leads;
using Exchange.Engine.Postbacks;
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

    /// <summary>Whoever waits by it for less than a second has waited at once.</summary>
    internal sealed class HastyTime() : FakeTimeProvider(CapMarket.Noon)
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = base.CreateTimer(callback, state, dueTime, period);
            if (dueTime > TimeSpan.Zero && dueTime < TimeSpan.FromSeconds(1)) Advance(dueTime);
            return timer;
        }
    }

    [Theory]
    [InlineData(false, true, false)]
    [InlineData(true, true, false)]
    // A newer attempt holds it.
    [InlineData(false, false, false)]
    [InlineData(true, false, false)]
    // A reply was lost: under its fence it is the same again.
    [InlineData(false, true, true)]
    [InlineData(true, true, true)]
    public async Task Record_WhileTheStoreIsBusy_IsAskedAgain_AndIsWhatItSaysThen(bool ofAPostback, bool isMine, bool isUnknown)
    {
        (await RecordAsync(ofAPostback, busyFor: 3, isMine, isUnknown)).ShouldBe(isMine);
        asked.ShouldBe(4);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Record_WhileTheStoreStaysBusy_IsGivenUp_WhenTheLeaseMayBeOver(bool ofAPostback)
    {
        await Should.ThrowAsync<StorageBusyException>(RecordAsync(ofAPostback, busyFor: int.MaxValue, isMine: true));
        asked.ShouldBeGreaterThan(2);
        (time.GetUtcNow() - CapMarket.Noon).ShouldBe(TimeSpan.FromMilliseconds(LeadMachine.LeaseGraceMs));
    }

    private Task<bool> RecordAsync(bool ofAPostback, int busyFor, bool isMine, bool isUnknown = false)
    {
        var (lead, result) = (LeadId.Create(CapMarket.Noon.ToUnixTimeMilliseconds(), 1, false, 7), new DeliveryResult(DeliveryStatus.Delivered, null, null));
        return ofAPostback
            ? Stub.Of<IPostbackStore>(Answer).RecordSurelyAsync(new(lead, PostbackEvent.Sold, 1), 1, result, time)
            : Stub.Of<IDeliveryStore>(Answer).RecordSurelyAsync(new(lead, 1), "crm", 1, result, time);

        // Both are asked by the same name.
        object? Answer(string name, object?[] _) => name != nameof(IDeliveryStore.RecordAsync) ? throw new NotSupportedException(name)
            : ++asked <= busyFor ? throw (isUnknown ? new StorageFailedException("lost") : new StorageBusyException("away"))
            : Task.FromResult(isMine);
    }
}
