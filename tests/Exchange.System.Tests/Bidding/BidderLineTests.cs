using Exchange.Delivery;
using Exchange.Delivery.Bidders;
using Exchange.Engine;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Filters;
using Exchange.Engine.Values;
using Exchange.System.Tests.Delivery;
using Shouldly;

namespace Exchange.System.Tests.Bidding;

/// <summary>What is asked on a line of a connected buyer is answered, late, never, or on another stream.</summary>
public sealed class BidderLineTests
{
    private static readonly DateTimeOffset Until = Samples.Now.AddSeconds(1);

    private sealed class Wire : IBidderStream
    {
        public List<BidCall> Calls { get; } = [];
        public List<CopyMessage> Copies { get; } = [];
        public bool IsFull { get; init; }
        /// <summary>Done when a copy is to be sent.</summary>
        public Action? Meanwhile { get; init; }

        public bool TrySend(BidCall call, DateTimeOffset deadline)
        {
            if (!IsFull) Calls.Add(call);
            return !IsFull;
        }

        public bool TrySend(CopyMessage copy)
        {
            Meanwhile?.Invoke();
            if (!IsFull) Copies.Add(copy);
            return !IsFull;
        }
    }

    private static BidCall Call(string id = "b-1") => new()
    {
        RequestId = id, Campaign = "c", Vertical = "v", Currency = "USD", Sharings = [Sharing.Exclusive], CopiesMax = 1, Source = "s-1", DeadlineMs = 1000, Fields = [],
    };

    private static readonly BidAnswer Yes = new([new(Money.Parse("5.00"), null)], Reason.None);

    [Fact]
    public async Task Ask_NobodyConnected_IsUnreachableAtOnce()
    {
        var line = new BidderLine();
        (await line.AskAsync(Call(), null, Until, CancellationToken.None)).Reason.ShouldBe(Reason.Unreachable);
        (await line.HandOverAsync(Samples.Message, null, CancellationToken.None)).ShouldBe(new AttemptResult(AttemptKind.NotSent, "not_connected"));
    }

    [Fact]
    public async Task Ask_AnsweredOnAnyStream_IsThatAnswer_AndOnlyOnce()
    {
        var line = new BidderLine();
        var wire = new Wire();
        line.Open(wire);
        var asking = line.AskAsync(Call(), null, Until, CancellationToken.None);
        wire.Calls.ShouldHaveSingleItem();
        line.Answer("b-2", Yes).ShouldBeFalse();
        line.Answer("b-1", Yes).ShouldBeTrue();
        (await asking).ShouldBe(Yes);
        line.Answer("b-1", Yes).ShouldBeFalse();
    }

    [Fact]
    public async Task Ask_PastItsDeadline_IsForgotten_AndTheLateAnswerCountsNothing()
    {
        var line = new BidderLine();
        line.Open(new Wire());
        using var deadline = new CancellationTokenSource();
        var asking = line.AskAsync(Call(), null, Until, deadline.Token);
        await deadline.CancelAsync();
        (await asking).Reason.ShouldBe(Reason.Timeout);
        line.Answer("b-1", Yes).ShouldBeFalse();
    }

    [Fact]
    public async Task Ask_OverItsLimit_OrFullStreams_IsUnreachable()
    {
        var line = new BidderLine();
        line.Open(new Wire());
        var first = line.AskAsync(Call(), 1, Until, CancellationToken.None);
        (await line.AskAsync(Call("b-2"), 1, Until, CancellationToken.None)).Reason.ShouldBe(Reason.Unreachable);
        line.Answer("b-1", Yes);
        await first;

        var full = new BidderLine();
        full.Open(new Wire { IsFull = true });
        (await full.AskAsync(Call(), null, Until, CancellationToken.None)).Reason.ShouldBe(Reason.Unreachable);
        (await full.HandOverAsync(Samples.Message, null, CancellationToken.None)).Kind.ShouldBe(AttemptKind.NotSent);
        // The one beside it has room.
        var free = new Wire();
        full.Open(free);
        var asking = full.AskAsync(Call(), null, Until, CancellationToken.None);
        free.Calls.ShouldHaveSingleItem();
        full.Answer("b-1", Yes);
        await asking;
    }

    [Fact]
    public async Task HandOver_StreamBreaks_TheCopyGoesOutAgainOnTheNext_AndItsAnswerCounts()
    {
        var line = new BidderLine();
        var (first, second) = (new Wire(), new Wire());
        line.Open(first);
        var handing = line.HandOverAsync(Samples.Message, null, CancellationToken.None);
        line.Close(first);
        handing.IsCompleted.ShouldBeFalse();
        line.Waiting.ShouldBe(1);
        line.Open(second);
        second.Copies.ShouldHaveSingleItem().Copy.ShouldBe(Samples.Message.Copy);
        line.Answer(Samples.Message.Copy.ToString(), new AttemptResult(AttemptKind.Accepted)).ShouldBeTrue();
        (await handing).Kind.ShouldBe(AttemptKind.Accepted);
        // Answered: nothing goes out again.
        line.Waiting.ShouldBe(0);
        var third = new Wire();
        line.Close(second);
        line.Open(third);
        third.Copies.ShouldBeEmpty();
    }

    /// <summary>Its stream breaks and the copy goes along on the next: the buyer that has it from both says so, and that is not a no of somebody else's lead.</summary>
    [Fact]
    public async Task HandOver_WentAlong_ItsDuplicateIsADoubt()
    {
        var line = new BidderLine();
        var (first, second) = (new Wire(), new Wire());
        line.Open(first);
        var handing = line.HandOverAsync(Samples.Message, null, CancellationToken.None);
        line.Close(first);
        line.Open(second);
        second.Copies.ShouldHaveSingleItem();
        line.Answer(Samples.Message.Copy.ToString(), new AttemptResult(AttemptKind.Duplicate)).ShouldBeTrue();
        (await handing).ShouldBe(new AttemptResult(AttemptKind.Unknown, "duplicate"));
    }

    /// <summary>Its buyer comes back on another stream while the first is found gone: the copy went along, so it is not "surely not sent", which would sell it to the next.</summary>
    [Fact]
    public async Task HandOver_StreamGone_ButItWentAlongOnTheNext_WaitsForItsAnswer()
    {
        var line = new BidderLine();
        var second = new Wire();
        Wire first = null!;
        first = new Wire
        {
            IsFull = true,
            Meanwhile = () =>
            {
                line.Close(first);
                line.Open(second);
            },
        };
        line.Open(first);
        using var deadline = new CancellationTokenSource();
        var handing = line.HandOverAsync(Samples.Message, null, deadline.Token);
        second.Copies.ShouldHaveSingleItem();
        handing.IsCompleted.ShouldBeFalse();
        await deadline.CancelAsync();
        (await handing).Kind.ShouldBe(AttemptKind.Unknown);
    }

    [Fact]
    public async Task HandOver_WithoutAnAnswer_IsInDoubt_NeverARefusal()
    {
        var line = new BidderLine();
        line.Open(new Wire());
        using var deadline = new CancellationTokenSource();
        var handing = line.HandOverAsync(Samples.Message, null, deadline.Token);
        await deadline.CancelAsync();
        (await handing).ShouldBe(new AttemptResult(AttemptKind.Unknown, "timeout"));
    }
}
