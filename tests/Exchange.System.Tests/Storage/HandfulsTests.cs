using Exchange.Storage;
using Shouldly;

namespace Exchange.System.Tests.Storage;

/// <summary>Callers of a commit are told a handful at a time, and whoever came meanwhile has a turn in between.</summary>
public sealed class HandfulsTests
{
    private readonly Queue<IThreadPoolWorkItem> queue = new();
    private readonly List<int> told = [];

    private sealed record Caller(int Number, List<int> Told) : ICompletion
    {
        public void Complete()
        {
            lock (Told) Told.Add(Number);
        }
    }

    private IEnumerable<ICompletion> Callers(int from, int count) => Enumerable.Range(from, count).Select(number => new Caller(number, told));

    [Fact]
    public void Few_AreToldInTheirOrder_ThreeATurn()
    {
        var all = new Handfuls(queue.Enqueue, atOnce: 1);
        all.Tell(Callers(0, 10));
        foreach (var toldThen in (int[])[3, 6, 9, 10])
        {
            queue.Count.ShouldBe(1);
            queue.Dequeue().Execute();
            told.ShouldBe(Enumerable.Range(0, toldThen));
        }
        queue.ShouldBeEmpty();
    }

    [Fact]
    public void Those_ThatComeLater_AreToldAfterThem_AlsoWhenAllWereToldBefore()
    {
        var all = new Handfuls(queue.Enqueue, atOnce: 2);
        all.Tell(Callers(0, 6));
        queue.Dequeue().Execute();
        all.Tell(Callers(6, 6));
        while (queue.TryDequeue(out var turn)) turn.Execute();
        all.Tell(Callers(12, 1));
        while (queue.TryDequeue(out var turn)) turn.Execute();
        told.ShouldBe(Enumerable.Range(0, 13));
    }

    [Fact]
    public void Many_BecomeFewer_HoweverManyTurnsOthersHave()
    {
        var all = new Handfuls(queue.Enqueue, atOnce: 1);
        all.Tell(Callers(0, 1_000));
        var turns = 0;
        // As many come as a turn tells of a few: what waits becomes fewer all the same.
        for (; queue.TryDequeue(out var turn); turns++)
        {
            turn.Execute();
            if (turns < 100) all.Tell(Callers(1_000 + 3 * turns, 3));
        }
        told.ShouldBe(Enumerable.Range(0, 1_300));
        turns.ShouldBeLessThan(150);
    }

    [Fact]
    public async Task FromManyThreads_EachIsToldOnce()
    {
        const int threads = 8, each = 20_000;
        var all = new Handfuls();
        await Task.WhenAll(Enumerable.Range(0, threads).Select(thread => Task.Run(() =>
        {
            for (var number = 0; number < each; number += 50) all.Tell(Callers(thread * each + number, 50));
        })));
        SpinWait.SpinUntil(() => { lock (told) return told.Count >= threads * each; }, TimeSpan.FromSeconds(30)).ShouldBeTrue();
        told.Order().ShouldBe(Enumerable.Range(0, threads * each));
    }
}
