using Exchange.Storage;
using Shouldly;

namespace Exchange.System.Tests.Storage;

public sealed class AskedTogetherTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Ask_WhileOthersAreBeingAnswered_GoesWithTheNext()
    {
        var database = new Database();
        var asked = new AskedTogether<int, int>(database.PutAsync, most: 3, lanes: 1);

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
        var asked = new AskedTogether<int, int>(database.PutAsync, most: 3, lanes: 1);

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
        var asked = new AskedTogether<int, int>(database.PutAsync, most: 2, lanes: 1);

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
    public async Task Ask_WhileAnotherGetsNoAnswer_IsAnsweredInTheOtherLane()
    {
        var asked = new AskedTogether<int, int>(questions => questions.Contains(1) ? new TaskCompletionSource<IReadOnlyList<int>>().Task
            : Task.FromResult<IReadOnlyList<int>>([.. questions.Select(question => question * 10)]), most: 10, lanes: 2);

        var stands = asked.AskAsync(1);
        for (var question = 2; question < 6; question++) (await asked.AskAsync(question).WaitAsync(Patience)).ShouldBe(10 * question);

        stands.IsCompleted.ShouldBeFalse();
    }

    /// <summary>As many ask at once as a busy server has posts: each gets its own answer.</summary>
    [Fact]
    public async Task Ask_ByManyAtOnce_GetsTheAnswerToItsOwnQuestion()
    {
        var asked = new AskedTogether<int, int>(async questions =>
        {
            await Task.Yield();
            questions.Count.ShouldBeLessThanOrEqualTo(50);
            return [.. questions.Select(question => question * 10)];
        }, most: 50, lanes: 2);

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
