using Exchange.Grains.Deliveries;
using Shouldly;

namespace Exchange.System.Tests.Grains;

public sealed class BuyerQueuesTests
{
    // Of one buyer two go at once: a third of the eight is more than one, a third of the six that are left then is not more than two.
    private readonly BuyerQueues<int> queues = new(workers: 8, perSecond: 50);

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
        (await TakeAsync(4)).ShouldBe("c1 c2 a1 b1");
        queues.Left("c");
        queues.Left("c");
        (await TakeAsync(1)).ShouldBe("a2");
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

    /// <summary>However many hang, who comes next is called at once.</summary>
    [Theory]
    [InlineData(1, 2)]
    [InlineData(2, 3)]
    [InlineData(4, 4)]
    [InlineData(7, 7)]
    public async Task BuyersThatHang_LeaveRoomForTheNext(int hanging, int held)
    {
        for (var buyer = 0; buyer < hanging; buyer++) for (var i = 0; i < 9; i++) queues.Add($"h{buyer}:", i, soldNow: false);
        var taken = 0;
        for (; queues.MayGo > 0; taken++) await TakeAsync(1);
        taken.ShouldBe(held);
        queues.Add("next", 1, soldNow: false);
        (await TakeAsync(1)).ShouldBe("next1");
    }

    /// <summary>One call that ends may make room for several buyers, and each of them is looked for.</summary>
    [Fact]
    public async Task Left_WakesEveryoneWhoMayGoNow()
    {
        var many = new BuyerQueues<int>(workers: 12, perSecond: 50);
        foreach (var buyer in (string[])["a", "b"]) for (var i = 0; i < 9; i++) many.Add(buyer, i, soldNow: false);
        for (var i = 0; i < 4; i++) await many.TakeAsync(CancellationToken.None);
        var waiting = (many.TakeAsync(CancellationToken.None), many.TakeAsync(CancellationToken.None));
        many.MayGo.ShouldBe(0);
        many.Left("b");
        // Of a a third one, as nine workers are free; of b its second one again.
        var taken = await Task.WhenAll(waiting.Item1, waiting.Item2).WaitAsync(TimeSpan.FromSeconds(20));
        taken.Select(static one => one.Buyer).ShouldBe(["a", "b"], ignoreOrder: true);
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

    [Fact]
    public void Pace_AfterTheClockWasSetBack_GoesByTheNewTime()
    {
        const long hourMs = 3_600_000;
        queues.Pace("a", 2, hourMs + 1_000).ShouldBe(hourMs + 2_020);
        queues.Pace("a", 2, 1_000).ShouldBe(2_020);
        queues.Pace("a", 2, 1_000).ShouldBe(2_040);
    }

    /// <summary>Also where there is not enough memory to tell of it: who served it goes on with the next.</summary>
    [Theory]
    [InlineData(typeof(InvalidOperationException), false)]
    [InlineData(typeof(OutOfMemoryException), false)]
    [InlineData(typeof(OutOfMemoryException), true)]
    public async Task WorkThatBreaks_WhateverBreaksIt_EndsNoWorker(Type fault, bool alsoTelling)
    {
        List<int> served = [], told = [];
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        for (var i = 1; i <= 3; i++) queues.Add("a", i, soldNow: true);
        using var stopping = new CancellationTokenSource();
        var serving = queues.ServeAsync(1, item =>
        {
            served.Add(item);
            if (item == 3) all.SetResult();
            return item < 3 ? Task.FromException((Exception)Activator.CreateInstance(fault)!) : Task.CompletedTask;
        }, (item, _) =>
        {
            told.Add(item);
            if (alsoTelling) throw (Exception)Activator.CreateInstance(fault)!;
        }, stopping.Token);

        await Task.WhenAny(all.Task, serving).WaitAsync(TimeSpan.FromSeconds(30));
        await stopping.CancelAsync();
        await serving;

        served.ShouldBe([1, 2, 3]);
        told.ShouldBe([1, 2]);
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
        (taken, queues.MayGo).ShouldBe((4 * each, 0));
        most.ShouldBeInRange(1, 2);
    }
}
