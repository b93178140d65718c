using Exchange.Grains.Deliveries;
using Shouldly;

namespace Exchange.System.Tests.Grains;

public sealed class BuyerQueuesTests
{
    private readonly BuyerQueues<int> queues = new(perBuyer: 2, perSecond: 50);

    private async Task<string> TakeAsync(int count)
    {
        List<string> taken = [];
        for (var i = 0; i < count; i++)
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
            var (buyer, item) = await queues.TakeAsync(patience.Token);
            taken.Add($"{buyer}{item}");
        }
        return string.Join(' ', taken);
    }

    [Fact]
    public async Task SoldNow_GoesBeforeWhatWaited_AndBuyersTakeTurns()
    {
        for (var i = 1; i <= 2; i++) queues.Add("a", i, soldNow: false);
        queues.Add("b", 1, soldNow: false);
        queues.Add("c", 1, soldNow: true);
        queues.Add("c", 2, soldNow: true);
        (await TakeAsync(5)).ShouldBe("c1 c2 a1 b1 a2");
        queues.MayGo.ShouldBe(0);
    }

    [Fact]
    public async Task BuyerThatHasItsShare_IsPassedOver_UntilOneOfItsCallsIsOver()
    {
        for (var i = 1; i <= 4; i++) queues.Add("a", i, soldNow: true);
        queues.Add("b", 1, soldNow: false);
        (await TakeAsync(3)).ShouldBe("a1 a2 b1");
        // Two more wait for their buyer, not for a worker: others are claimed all the same.
        queues.MayGo.ShouldBe(0);
        var next = TakeAsync(1);
        next.IsCompleted.ShouldBeFalse();
        queues.Left("a");
        (await next).ShouldBe("a3");
    }

    [Fact]
    public async Task Pace_OverItsShare_ComesBackOneAfterTheOther_OtherBuyersAtOnce()
    {
        queues.Pace("a", 0, 1_000).ShouldBeNull();
        queues.Add("a", 1, soldNow: false);
        queues.Pace("a", 1, 1_000).ShouldBe(2_020);
        queues.Pace("a", 1, 1_000).ShouldBe(2_040);
        queues.Pace("a", 1, 1_500).ShouldBe(2_520);
        queues.Pace("b", 0, 1_000).ShouldBeNull();
        await TakeAsync(1);
        queues.Left("a");
        queues.Pace("a", 0, 1_600).ShouldBeNull();
    }

    /// <summary>Many at once: everything is taken once, and never more than its share of one buyer is under way.</summary>
    [Fact]
    public async Task ManyWorkers_TakeEachOnce_WithinTheShare()
    {
        const int each = 500;
        var calling = new int[4];
        var (most, taken) = (0, 0);
        using var done = new CancellationTokenSource();
        var workers = Enumerable.Range(0, 16).Select(_ => Task.Run(async () =>
        {
            try
            {
                while (true)
                {
                    var (buyer, _) = await queues.TakeAsync(done.Token);
                    var now = Interlocked.Increment(ref calling[buyer[0] - 'a']);
                    lock (calling) most = Math.Max(most, now);
                    await Task.Yield();
                    Interlocked.Decrement(ref calling[buyer[0] - 'a']);
                    queues.Left(buyer);
                    if (Interlocked.Increment(ref taken) == 4 * each) await done.CancelAsync();
                }
            }
            catch (OperationCanceledException) { }
        })).ToArray();
        for (var i = 0; i < each; i++) foreach (var buyer in (string[])["a", "b", "c", "d"]) queues.Add(buyer, i, i % 2 == 0);
        await Task.WhenAll(workers).WaitAsync(TimeSpan.FromSeconds(60));
        (taken, most, queues.MayGo).ShouldBe((4 * each, 2, 0));
    }
}
