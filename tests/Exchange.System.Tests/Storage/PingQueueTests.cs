using System.Collections.Concurrent;
using Exchange.Engine.Values;
using Exchange.Storage;
using Microsoft.Extensions.Time.Testing;
using Shouldly;
using static Exchange.System.Tests.Storage.Sample;

namespace Exchange.System.Tests.Storage;

/// <summary>When ping records are written: what a killed server takes with it is what was not.</summary>
public sealed class PingQueueTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly FakeTimeProvider time = new();
    private readonly BlockingCollection<IReadOnlyList<LeadId>> written = [];
    private readonly SemaphoreSlim disk = new(0);

    private PingQueue Open(TimeSpan? gather = null) => new(batch =>
    {
        written.Add([.. batch.Keys]);
        return disk.Wait(Patience);
    }, static () => { }, time, gather);

    private IReadOnlyList<LeadId> Next() => written.TryTake(out var batch, Patience) ? batch : throw new TimeoutException("Nothing was written.");

    /// <summary>It writes once more then, if only nothing.</summary>
    private Task CloseAsync(PingQueue queue)
    {
        disk.Release(2);
        return queue.CloseAsync();
    }

    [Fact]
    public async Task FirstWrite_IsOfNothing_BeforeAnyPing()
    {
        var queue = Open();
        Next().ShouldBeEmpty();
        await CloseAsync(queue);
    }

    [Fact]
    public async Task RecordsThatCameDuringAWrite_HaveWaitedAlready()
    {
        // Who gathers again after a write stands an hour here.
        var queue = Open(TimeSpan.FromHours(1));
        Next().ShouldBeEmpty();
        queue.TryAppend(Lead(1), [1]).ShouldBeTrue();
        time.Advance(TimeSpan.FromMinutes(40));
        queue.TryAppend(Lead(2), [2]).ShouldBeTrue();
        time.Advance(TimeSpan.FromMinutes(20));

        disk.Release();
        Next().ShouldBe([Lead(1), Lead(2)], ignoreOrder: true);
        queue.TryAppend(Lead(3), [3]).ShouldBeTrue();
        time.Advance(TimeSpan.FromHours(1));
        disk.Release();
        Next().ShouldBe([Lead(3)]);
        await CloseAsync(queue);
    }

    [Fact]
    public async Task RecordThatComesToAnIdleWriter_WaitsForOthers()
    {
        var queue = Open(TimeSpan.FromHours(1));
        Next().ShouldBeEmpty();
        disk.Release();
        queue.TryAppend(Lead(1), [1]).ShouldBeTrue();
        written.TryTake(out _, TimeSpan.FromMilliseconds(200)).ShouldBeFalse();
        queue.TryAppend(Lead(2), [2]).ShouldBeTrue();

        var flushed = queue.FlushAsync(default);
        Next().ShouldBe([Lead(1), Lead(2)], ignoreOrder: true);
        disk.Release();
        await flushed.WaitAsync(Patience);
        await CloseAsync(queue);
    }
}
