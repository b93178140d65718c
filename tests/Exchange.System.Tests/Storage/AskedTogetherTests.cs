using Exchange.Storage;
using Microsoft.Extensions.Time.Testing;
using Shouldly;

namespace Exchange.System.Tests.Storage;

public sealed class AskedTogetherTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20), Stands = TimeSpan.FromMilliseconds(200);

    private static AskedTogether<int, int> Asked(Func<IReadOnlyList<int>, Task<IReadOnlyList<int>>> put, int most, int atOnce = 4, TimeProvider? clock = null) =>
        new(put, most, atOnce, Stands, clock ?? new FakeTimeProvider());

    private static Task<IReadOnlyList<int>> Tenfold(IReadOnlyList<int> questions) => Task.FromResult<IReadOnlyList<int>>([.. questions.Select(question => question * 10)]);

    [Fact]
    public async Task Ask_WhileOthersAreBeingAnswered_GoesWithTheNext()
    {
        var database = new Database();
        var asked = Asked(database.PutAsync, most: 3);

        var first = asked.AskAsync(1);
        var others = Enumerable.Range(2, 5).Select(asked.AskAsync).ToArray();
        for (var put = 0; put < 3; put++) database.Answer();

        (await first.WaitAsync(Patience)).ShouldBe(10);
        (await Task.WhenAll(others).WaitAsync(Patience)).ShouldBe([20, 30, 40, 50, 60]);
        database.Puts.ShouldBe([[1], [2, 3, 4], [5, 6]]);
    }

    [Fact]
    public async Task Ask_AfterAllWereAnswered_IsPutAgain()
    {
        var database = new Database();
        var asked = Asked(database.PutAsync, most: 3);

        for (var question = 1; question <= 2; question++)
        {
            var answer = asked.AskAsync(question);
            database.Answer();
            (await answer.WaitAsync(Patience)).ShouldBe(10 * question);
        }

        database.Puts.ShouldBe([[1], [2]]);
    }

    [Fact]
    public async Task Ask_WhatCannotBeAnswered_FailsForEachOfThemAndNoOther()
    {
        var database = new Database();
        var asked = Asked(database.PutAsync, most: 2);

        var first = asked.AskAsync(1);
        var (second, third, fourth) = (asked.AskAsync(2), asked.AskAsync(3), asked.AskAsync(4));
        database.Answer();
        database.Fail();
        database.Answer();

        (await first.WaitAsync(Patience)).ShouldBe(10);
        await Should.ThrowAsync<StorageBusyException>(() => second.WaitAsync(Patience));
        await Should.ThrowAsync<StorageBusyException>(() => third.WaitAsync(Patience));
        (await fourth.WaitAsync(Patience)).ShouldBe(40);
    }

    /// <summary>As a connection that nobody answers on any more, nor ends.</summary>
    [Fact]
    public async Task Ask_BehindOneThatStands_IsPutBesideItAfterThePatience()
    {
        var clock = new FakeTimeProvider();
        var asked = Asked(questions => questions.Contains(1) ? new TaskCompletionSource<IReadOnlyList<int>>().Task : Tenfold(questions), most: 10, clock: clock);

        var stands = asked.AskAsync(1);
        var (second, third) = (asked.AskAsync(2), asked.AskAsync(3));
        clock.Advance(Stands - TimeSpan.FromMilliseconds(1));
        second.IsCompleted.ShouldBeFalse();
        clock.Advance(TimeSpan.FromMilliseconds(1));

        (await second.WaitAsync(Patience)).ShouldBe(20);
        (await third.WaitAsync(Patience)).ShouldBe(30);
        for (var question = 4; question < 8; question++) (await asked.AskAsync(question).WaitAsync(Patience)).ShouldBe(10 * question);
        stands.IsCompleted.ShouldBeFalse();
    }

    /// <summary>Connections are not used up by those that stand; when one of them ends, the next goes.</summary>
    [Fact]
    public async Task Ask_BehindAsManyAsMayStand_WaitsUntilOneEnds()
    {
        var clock = new FakeTimeProvider();
        var standing = new TaskCompletionSource();
        var asked = Asked(async questions =>
        {
            if (questions[0] <= 2) await standing.Task;
            return await Tenfold(questions);
        }, most: 1, atOnce: 2, clock);

        var all = Enumerable.Range(1, 4).Select(asked.AskAsync).ToArray();
        for (var i = 0; i < 3; i++) clock.Advance(Stands);
        all.ShouldAllBe(one => !one.IsCompleted);
        standing.SetResult();

        (await Task.WhenAll(all).WaitAsync(Patience)).ShouldBe([10, 20, 30, 40]);
    }

    /// <summary>As many ask at once as a busy server has posts: each gets its own answer.</summary>
    [Fact]
    public async Task Ask_ByManyAtOnce_GetsTheAnswerToItsOwnQuestion()
    {
        var asked = Asked(async questions =>
        {
            await Task.Yield();
            questions.Count.ShouldBeLessThanOrEqualTo(50);
            return await Tenfold(questions);
        }, most: 50);

        var answers = await Task.WhenAll(Enumerable.Range(0, 20_000).Select(question => Task.Run(() => asked.AskAsync(question)))).WaitAsync(Patience);

        answers.ShouldBe(Enumerable.Range(0, 20_000).Select(question => question * 10));
    }

    /// <summary>Answers when the test says so, in order.</summary>
    private sealed class Database
    {
        private readonly SemaphoreSlim said = new(0);
        private readonly Queue<bool> says = new();

        public List<IReadOnlyList<int>> Puts { get; } = [];

        public void Answer() => Say(fails: false);

        public void Fail() => Say(fails: true);

        public async Task<IReadOnlyList<int>> PutAsync(IReadOnlyList<int> questions)
        {
            Puts.Add([.. questions]);
            await said.WaitAsync();
            bool fails;
            lock (says) fails = says.Dequeue();
            return fails ? throw new StorageBusyException("not now") : [.. questions.Select(question => question * 10)];
        }

        private void Say(bool fails)
        {
            lock (says) says.Enqueue(fails);
            said.Release();
        }
    }
}
