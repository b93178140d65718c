using System.Collections.Concurrent;
using System.Text;
using Exchange.Delivery;
using Exchange.Delivery.Postbacks;
using Exchange.Delivery.Templates;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Connectors;
using Exchange.Engine.Fields;
using Exchange.Engine.Ledger;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Postbacks;
using Exchange.Engine.Values;
using Exchange.Grains.Catalog;
using Exchange.Grains.Leads;
using Exchange.Grains.Postbacks;
using Exchange.Storage;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;

namespace Exchange.System.Tests.Grains;

/// <summary>Postbacks of which nobody can make a message, a call or a record: they come again as long as any other, and end where they are seen.</summary>
public sealed class PostbackPumpTests
{
    private readonly Vault vault = new(new byte[Vault.KeyBytes]);
    private readonly SureRecordTests.HastyTime time = new();

    private long NowMs => time.GetUtcNow().ToUnixTimeMilliseconds();

    private LeadId Lead => LeadId.Create(NowMs, 1, false, 7);

    /// <summary>The catalog of its sale cannot be read, now or ever.</summary>
    [Theory]
    [InlineData(1, DeliveryStatus.Waiting)]
    [InlineData(99, DeliveryStatus.Dead)]
    public async Task CannotBeMadeIntoAMessage_IsTriedAsLongAsAnyOther_AndThenADeadLetter(int hoursOld, DeliveryStatus status)
    {
        var result = await TellAsync(hoursOld, () => Row(CopyState.Reversed), Catalog(Liquid.Parse, hasVersions: false));
        (result.Status, result.Error, result.NextDueMs > NowMs).ShouldBe((status, "message_failed", status == DeliveryStatus.Waiting));
    }

    /// <summary>The rows cannot be had at that moment: nobody was called, however old it is.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(99)]
    public async Task ClaimedAndNotToBeRead_IsSetBack(int hoursOld)
    {
        var result = await TellAsync(hoursOld, static () => throw new StorageBusyException("away"), Catalog(Liquid.Parse));
        (result.Status, result.Error, result.NextDueMs > NowMs).ShouldBe((DeliveryStatus.Waiting, "no_time_left", true));
    }

    /// <summary>Its claim's commit took as long as its lease. Without a word of it, it would be told when that is over, and not now.</summary>
    [Theory]
    [InlineData(1, null, "no_time_left")]
    [InlineData(2, "http_503", "no_time_left")]
    // What may have arrived before may have arrived still.
    [InlineData(2, null, null)]
    [InlineData(3, "timeout", "timeout")]
    public async Task ClaimedAndNotCalledInItsTime_IsSetBack_AndNothingIsToldOfItThatIsNotTrue(int attempts, string? lastError, string? recorded)
    {
        var result = await TellAsync(1, static () => throw new InvalidOperationException("nobody looks"), Catalog(Liquid.Parse), attempts, lastError, claimTakes: TimeSpan.FromMinutes(1));
        (result.Status, result.NextDueMs, result.Error).ShouldBe((DeliveryStatus.Waiting, NowMs, recorded));
    }

    /// <summary>Of one publisher many more than are told at once: the rest need not wait for the end of their leases.</summary>
    [Fact]
    public async Task StoppedBeforeItWasBegun_IsSetBack()
    {
        LeasedPostback[] due = [.. Enumerable.Range(1, 100).Select(no => new LeasedPostback(new PostbackId(Lead, PostbackEvent.Sold, no), "pub", Money.Parse("5"), 1, 1, NowMs, null))];
        var claimed = false;
        var told = new ConcurrentDictionary<PostbackId, DeliveryResult>();
        var (begun, goOn) = (new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        var postbacks = Stub.Of<IPostbackStore>((name, arguments) => name switch
        {
            nameof(IPostbackStore.AdoptAsync) => Task.FromResult(0),
            nameof(IPostbackStore.NextDueAsync) => Task.FromResult<long?>(claimed ? null : 0),
            nameof(IPostbackStore.ClaimDueAsync) => Task.FromResult<IReadOnlyList<LeasedPostback>>(Interlocked.Exchange(ref claimed, true) ? [] : due),
            nameof(IPostbackStore.RecordAsync) => Task.FromResult(told.TryAdd((PostbackId)arguments[0]!, (DeliveryResult)arguments[2]!)),
            _ => throw new NotSupportedException(name),
        });
        var leads = Stub.Of<ILeadStore>((_, _) => BusyAsync());
        var store = Stub.Of<IExchangeStore>((name, _) => name == "get_Leads" ? leads : postbacks);
        using var pump = new PostbackPump(store, Catalog(Liquid.Parse), null!, null!, time, NullLogger<PostbackPump>.Instance);
        await pump.StartAsync(CancellationToken.None);
        await begun.Task.WaitAsync(TimeSpan.FromSeconds(30));

        var stopping = pump.StopAsync(CancellationToken.None);
        goOn.SetResult();
        await stopping.WaitAsync(TimeSpan.FromSeconds(30));

        told.Count.ShouldBe(due.Length);
        told.Values.ShouldAllBe(static result => result.Status == DeliveryStatus.Waiting && result.Error == "no_time_left");

        async Task<LeadRow?> BusyAsync()
        {
            begun.TrySetResult();
            await goOn.Task;
            throw new StorageBusyException("away");
        }
    }

    /// <summary>Its publisher was called: what came of it is told again until the store has it, or it would be called again for the same.</summary>
    [Fact]
    public async Task CalledWhileTheStoreIsBusy_IsRecorded_WhenItIsNotAnyMore()
    {
        var result = await TellAsync(1, () => Row(CopyState.Captured), Catalog(static text => new(new Unknown(text), null)), busyFor: 3);
        (result.Status, result.Error).ShouldBe((DeliveryStatus.Waiting, "call_failed"));
    }

    [Theory]
    [InlineData(1, DeliveryStatus.Waiting)]
    [InlineData(99, DeliveryStatus.Dead)]
    public async Task CallThatBreaks_IsTriedAsLongAsAnyOther_AndThenADeadLetter(int hoursOld, DeliveryStatus status)
    {
        // A template that no call can read.
        var result = await TellAsync(hoursOld, () => Row(CopyState.Captured), Catalog(static text => new(new Unknown(text), null)));
        (result.Status, result.Error, result.NextDueMs > NowMs).ShouldBe((status, "call_failed", status == DeliveryStatus.Waiting));
    }

    /// <param name="busyFor">How often the store is busy when it is to record.</param>
    private async Task<DeliveryResult> TellAsync(
        int hoursOld, Func<LeadRow?> lead, ICatalogHost catalog, int attempts = 1, string? lastError = null, TimeSpan claimTakes = default, int busyFor = 0)
    {
        var asked = 0;
        var due = new Queue<LeasedPostback>([new(new PostbackId(Lead, PostbackEvent.Sold, 1), "pub", Money.Parse("5"), 1, attempts, NowMs - hoursOld * 3_600_000L, lastError)]);
        var told = new TaskCompletionSource<DeliveryResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        var postbacks = Stub.Of<IPostbackStore>((name, arguments) => name switch
        {
            nameof(IPostbackStore.AdoptAsync) => Task.FromResult(0),
            nameof(IPostbackStore.NextDueAsync) => Task.FromResult<long?>(due.Count > 0 ? 0 : null),
            nameof(IPostbackStore.ClaimDueAsync) => Claimed(),
            nameof(IPostbackStore.RecordAsync) => Recorded((DeliveryResult)arguments[2]!),
            _ => throw new NotSupportedException(name),
        });
        var leads = Stub.Of<ILeadStore>((_, _) => Task.FromResult(lead()));
        var pings = Stub.Of<IPingRecords>((_, _) => Task.FromResult<PingRecord?>(null));
        var store = Stub.Of<IExchangeStore>((name, _) => name switch { "get_Leads" => leads, "get_Pings" => pings, "get_Vault" => vault, _ => postbacks });
        using var http = new OutboundHttp(new OutboundOptions());
        using var pump = new PostbackPump(store, catalog, new LeadAnswers(store, catalog), new PostbackCalls(http), time, NullLogger<PostbackPump>.Instance);
        await pump.StartAsync(CancellationToken.None);
        var result = await told.Task.WaitAsync(TimeSpan.FromSeconds(30));
        await pump.StopAsync(CancellationToken.None);
        return result;

        Task<IReadOnlyList<LeasedPostback>> Claimed()
        {
            time.Advance(claimTakes);
            return Task.FromResult<IReadOnlyList<LeasedPostback>>([due.Dequeue()]);
        }

        Task<bool> Recorded(DeliveryResult result)
        {
            if (++asked <= busyFor) throw new StorageBusyException("away");
            told.TrySetResult(result);
            return Task.FromResult(true);
        }
    }

    private LeadRow Row(CopyState state)
    {
        var lead = Lead;
        return new(lead, "pub", "auto", null, false, LeadState.Sold, Reason.None, 1, [], vault.Seal(lead, """{"fields":{}}"""u8), null, 1, NowMs,
            [new(new(lead, 1), "1", "a", "a", "a", true, state, Money.Parse("10"), Money.Parse("5"), NowMs, Reason.None, null, null)]);
    }

    /// <param name="hasVersions">False: what was sold on an earlier version cannot be read.</param>
    private static ICatalogHost Catalog(ParseTemplate parse, bool hasVersions = true)
    {
        const string json = """
            {
              "exchange": { "currency": "USD", "time_zone": "UTC" },
              "verticals": { "auto": { "fields": { "state": { "type": "us_state", "ping": "optional" } } } },
              "publishers": { "pub": { "verticals": ["auto"], "payout": { "share": "50%" }, "postback": { "url": "https://pub.example.com/pb?id={{ lead_id }}" } } },
              "buyers": { "a": { "credit_limit": "unlimited" } },
              "campaigns": { "a": { "buyer": "a", "vertical": "auto", "bid": "10.00" } },
              "ping_trees": { "main": { "vertical": "auto", "tiers": [{ "name": "market", "campaigns": "all", "method": "auction" }] } }
            }
            """;
        var errors = new ConfigErrors();
        var result = CatalogCompiler.Compile(ConfigJson.Parse(Encoding.UTF8.GetBytes(json), errors).ShouldNotBeNull(), 1, new() { Parsers = new FieldParsers((text, _) => text, text => text), ParseTemplate = parse }, errors);
        result.Errors.Errors.ShouldBeEmpty();
        return Stub.Of<ICatalogHost>((name, _) => name switch
        {
            "get_" + nameof(ICatalogHost.Current) => result.Model,
            nameof(ICatalogHost.ModelAsync) => hasVersions ? new ValueTask<CatalogModel>(result.Model!) : throw new InvalidDataException("a version that nobody can read"),
            _ => throw new NotSupportedException(name),
        });
    }

    private sealed class Unknown(string text) : Template
    {
        public override string Text => text;
        public override IReadOnlyList<string> Reads => [];
        public override IReadOnlyList<string> Maps => [];
    }
}
