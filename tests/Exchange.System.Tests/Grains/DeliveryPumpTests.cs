using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Exchange.Delivery;
using Exchange.Delivery.Connectors;
using Exchange.Delivery.Templates;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Fields;
using Exchange.Engine.Leads;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Grains.Catalog;
using Exchange.Grains.Deliveries;
using Exchange.Grains.Leads;
using Exchange.Storage;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Orleans;
using Shouldly;

namespace Exchange.System.Tests.Grains;

/// <summary>What is claimed and does not go out: it comes again as what it is.</summary>
public sealed class DeliveryPumpTests
{
    private readonly FakeTimeProvider time = new(CapMarket.Noon);

    private long NowMs => time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Without a word of it the next attempt would be taken for a second one: an endpoint that is not repeatable would never be called.</summary>
    [Theory]
    [InlineData(1, null, "no_time_left")]
    [InlineData(2, "http_503", "no_time_left")]
    // What may have arrived before may have arrived still.
    [InlineData(2, null, null)]
    [InlineData(3, "timeout", "timeout")]
    public async Task ClaimedAndNotSentInItsTime_IsSetBack_AndNothingIsToldOfItThatIsNotTrue(int attempts, string? lastError, string? recorded)
    {
        var due = new Queue<LeasedDelivery>([Delivery("a", attempts, lastError) with { Endpoint = "crm" }]);
        var told = new TaskCompletionSource<DeliveryResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        var pump = new DeliveryPump(Store((name, arguments) => name switch
        {
            nameof(IDeliveryStore.AdoptAsync) => Task.FromResult(0),
            nameof(IDeliveryStore.NextDueAsync) => Task.FromResult<long?>(due.Count > 0 ? 0 : null),
            nameof(IDeliveryStore.ClaimDueAsync) => Claimed(),
            nameof(IDeliveryStore.RecordAsync) => Recorded((DeliveryResult)arguments[3]!),
            _ => throw new NotSupportedException(name),
        }), Catalog(), null!, null!, null!, time, NullLogger<DeliveryPump>.Instance) { Workers = 4 };
        using var stopping = new CancellationTokenSource();
        var running = pump.RunAsync(stopping.Token);

        var result = await told.Task.WaitAsync(TimeSpan.FromSeconds(30));
        (result.Status, result.NextDueMs, result.Error).ShouldBe((DeliveryStatus.Waiting, NowMs, recorded));
        await stopping.CancelAsync();
        await running;

        Task<IReadOnlyList<LeasedDelivery>> Claimed()
        {
            // The claim's commit took as long as its lease.
            time.Advance(TimeSpan.FromMinutes(1));
            return Task.FromResult<IReadOnlyList<LeasedDelivery>>([due.Dequeue()]);
        }

        Task<bool> Recorded(DeliveryResult result)
        {
            told.TrySetResult(result);
            return Task.FromResult(true);
        }
    }

    /// <summary>A server that is stopped has not begun all that it leased: an endpoint that is not repeatable would never be called for the rest.</summary>
    [Fact]
    public async Task StoppedBeforeItWasBegun_IsSetBack_AsOneThatNobodyWasCalledFor()
    {
        LeasedDelivery[] due = [.. ((string[])["a", "b", "c"]).Select(buyer => Delivery(buyer, 1, null) with { Endpoint = "crm" })];
        var claimed = false;
        var told = new ConcurrentQueue<DeliveryResult>();
        var (begun, goOn) = (new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        var deliveries = Stub.Of<IDeliveryStore>((name, arguments) =>
        {
            if (name == nameof(IDeliveryStore.RecordAsync)) told.Enqueue((DeliveryResult)arguments[3]!);
            return name switch
            {
                nameof(IDeliveryStore.AdoptAsync) => Task.FromResult(0),
                nameof(IDeliveryStore.NextDueAsync) => Task.FromResult<long?>(claimed ? null : 0),
                nameof(IDeliveryStore.ClaimDueAsync) => Task.FromResult<IReadOnlyList<LeasedDelivery>>(Interlocked.Exchange(ref claimed, true) ? [] : due),
                nameof(IDeliveryStore.RecordAsync) => Task.FromResult(true),
                _ => throw new NotSupportedException(name),
            };
        });
        var leads = Stub.Of<ILeadStore>((_, _) => BusyAsync());
        var store = Stub.Of<IExchangeStore>((name, _) => name == "get_Leads" ? leads : deliveries);
        var pump = new DeliveryPump(store, Catalog(), null!, null!, null!, time, NullLogger<DeliveryPump>.Instance) { Workers = 1 };
        using var stopping = new CancellationTokenSource();
        var running = pump.RunAsync(stopping.Token);
        await begun.Task.WaitAsync(TimeSpan.FromSeconds(30));

        await stopping.CancelAsync();
        goOn.SetResult();
        await running.WaitAsync(TimeSpan.FromSeconds(30));

        told.Select(static result => (result.Status, result.Error)).ShouldBe(Enumerable.Repeat((DeliveryStatus.Waiting, (string?)"no_time_left"), 3));

        async Task<LeadRow?> BusyAsync()
        {
            begun.TrySetResult();
            await goOn.Task;
            throw new StorageBusyException("away");
        }
    }

    /// <summary>The rows cannot be had at that moment: it was no attempt, and is not to be taken for one that may have arrived.</summary>
    [Fact]
    public async Task ClaimedAndNotToBeRead_IsSetBack_AsOneThatNobodyWasCalledFor()
    {
        var due = new Queue<LeasedDelivery>([Delivery("a", 1, null) with { Endpoint = "crm" }]);
        var told = new TaskCompletionSource<DeliveryResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        var deliveries = Stub.Of<IDeliveryStore>((name, arguments) =>
        {
            if (name == nameof(IDeliveryStore.RecordAsync)) told.TrySetResult((DeliveryResult)arguments[3]!);
            return name switch
            {
                nameof(IDeliveryStore.AdoptAsync) => Task.FromResult(0),
                nameof(IDeliveryStore.NextDueAsync) => Task.FromResult<long?>(due.Count > 0 ? 0 : null),
                nameof(IDeliveryStore.ClaimDueAsync) => Task.FromResult<IReadOnlyList<LeasedDelivery>>([due.Dequeue()]),
                nameof(IDeliveryStore.RecordAsync) => Task.FromResult(true),
                _ => throw new NotSupportedException(name),
            };
        });
        var leads = Stub.Of<ILeadStore>((_, _) => throw new StorageBusyException("away"));
        var store = Stub.Of<IExchangeStore>((name, _) => name == "get_Leads" ? leads : deliveries);
        var pump = new DeliveryPump(store, Catalog(), null!, null!, null!, time, NullLogger<DeliveryPump>.Instance) { Workers = 4 };
        using var stopping = new CancellationTokenSource();
        var running = pump.RunAsync(stopping.Token);

        var result = await told.Task.WaitAsync(TimeSpan.FromSeconds(30));
        (result.Status, result.NextDueMs > NowMs, result.Error).ShouldBe((DeliveryStatus.Waiting, true, "no_time_left"));
        DeliveryDecision.MayHaveArrived(2, result.Error).ShouldBeFalse();
        await stopping.CancelAsync();
        await running;
    }

    [Fact]
    public async Task Beginning_WhileTheStoreIsBusy_IsTriedUntilItIsDone()
    {
        var tries = 0;
        var begun = DueLoop.UntilDoneAsync(_ => ++tries < 3 ? throw new StorageBusyException("away") : Task.FromResult(7), time, NullLogger.Instance, CancellationToken.None);
        while (!begun.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        ((await begun), tries).ShouldBe((7, 3));
    }

    /// <summary>A row that cannot be opened, now or ever: without a result of its attempts it would be tried for ever and seen by nobody.</summary>
    [Theory]
    [InlineData(true, 1, DeliveryStatus.Waiting)]
    [InlineData(true, 99, DeliveryStatus.Dead)]
    // Nor can the catalog that it was sold on be read.
    [InlineData(false, 1, DeliveryStatus.Waiting)]
    [InlineData(false, 99, DeliveryStatus.Dead)]
    public async Task CopyThatCannotBeMadeIntoAMessage_IsTriedAsLongAsAnyOther_AndThenADeadLetter(bool hasTerms, int hoursOld, DeliveryStatus status)
    {
        var delivery = Delivery("a", 1, null) with { Endpoint = "crm", CreatedAtMs = NowMs - hoursOld * 3_600_000L };
        var leads = Stub.Of<ILeadStore>((_, _) => Task.FromResult<LeadRow?>(Sold(delivery, [1, 2, 3])));
        var vault = Stub.Of<IVault>((_, _) => throw new CryptographicException("another key"));
        var told = new TaskCompletionSource<DeliveryResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        var deliveries = Stub.Of<IDeliveryStore>((_, arguments) =>
        {
            told.TrySetResult((DeliveryResult)arguments[3]!);
            return Task.FromResult(true);
        });
        var store = Stub.Of<IExchangeStore>((name, _) => name switch { "get_Leads" => leads, "get_Vault" => vault, _ => deliveries });
        var handover = new Handover(store, Catalog(hasTerms), time, NullLogger.Instance);

        var outgoing = await handover.PrepareAsync(delivery);
        outgoing.Message.ShouldBeNull();
        await handover.RecordAsync(delivery, outgoing.Ended.ShouldNotBeNull());
        var result = await told.Task;
        (result.Status, result.Error, result.NextDueMs > NowMs).ShouldBe((status, "message_failed", status == DeliveryStatus.Waiting));
    }

    /// <summary>A connector's bug, after who knows what: it may have arrived, and it comes again as long as any other that may have.</summary>
    [Theory]
    [InlineData(1, DeliveryStatus.Waiting)]
    [InlineData(99, DeliveryStatus.Dead)]
    public async Task CallThatBreaks_IsADoubt_TriedAsLongAsAnyOther_AndThenADeadLetter(int hoursOld, DeliveryStatus status)
    {
        var delivery = Delivery("a", 1, null) with { Endpoint = "crm", CreatedAtMs = NowMs - hoursOld * 3_600_000L };
        var due = new Queue<LeasedDelivery>([delivery]);
        var told = new TaskCompletionSource<DeliveryResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        var vault = new Vault(new byte[Vault.KeyBytes]);
        var row = Sold(delivery, vault.Seal(delivery.Copy.Lead, new LeadPayload(new Dictionary<string, string>(), null).ToJson()));
        var leads = Stub.Of<ILeadStore>((_, _) => Task.FromResult<LeadRow?>(row));
        var deliveries = Stub.Of<IDeliveryStore>((name, arguments) =>
        {
            if (name == nameof(IDeliveryStore.RecordAsync)) told.TrySetResult((DeliveryResult)arguments[3]!);
            return name switch
            {
                nameof(IDeliveryStore.AdoptAsync) => Task.FromResult(0),
                nameof(IDeliveryStore.NextDueAsync) => Task.FromResult<long?>(due.Count > 0 ? 0 : null),
                nameof(IDeliveryStore.ClaimDueAsync) => Task.FromResult<IReadOnlyList<LeasedDelivery>>([due.Dequeue()]),
                nameof(IDeliveryStore.RecordAsync) => Task.FromResult(true),
                _ => throw new NotSupportedException(name),
            };
        });
        var store = Stub.Of<IExchangeStore>((name, _) => name switch { "get_Leads" => leads, "get_Vault" => vault, _ => deliveries });
        using var http = new OutboundHttp(new OutboundOptions());
        var calls = new BuyerCalls(ConnectorList.Create(http, new(), time), Stub.Of<IAccessStore>((_, _) => throw new InvalidOperationException("a bug")), time);
        var pump = new DeliveryPump(store, Catalog(), calls, null!, null!, time, NullLogger<DeliveryPump>.Instance) { Workers = 4 };
        using var stopping = new CancellationTokenSource();
        var running = pump.RunAsync(stopping.Token);

        var result = await told.Task.WaitAsync(TimeSpan.FromSeconds(30));
        (result.Status, result.Error, result.NextDueMs > NowMs).ShouldBe((status, "call_failed", status == DeliveryStatus.Waiting));
        DeliveryDecision.MayHaveArrived(2, result.Error).ShouldBeTrue();
        await stopping.CancelAsync();
        await running;
    }

    /// <summary>What it becomes cannot be decided, now or ever: while it is young it comes again, then it ends where it is seen, and a held copy goes to the next in rank.</summary>
    [Theory]
    [InlineData(CopyState.Captured, "old Dead turn_failed")]
    [InlineData(CopyState.Held, "old becomes Drop, old resumed True")]
    public async Task WaitThatCannotBeDecided_ComesAgain_UntilItIsTooOld(CopyState state, string expected)
    {
        var claimed = false;
        var told = new ConcurrentQueue<string>();
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var deliveries = Stub.Of<IDeliveryStore>((name, arguments) => name switch
        {
            nameof(IDeliveryStore.AdoptAsync) => Task.FromResult(0),
            nameof(IDeliveryStore.NextDueAsync) => Task.FromResult<long?>(claimed ? null : 0),
            nameof(IDeliveryStore.ClaimDueAsync) => Task.FromResult<IReadOnlyList<LeasedDelivery>>(Interlocked.Exchange(ref claimed, true) ? [] : [Waits("a", "young", 1), Waits("b", "old", 99)]),
            nameof(IDeliveryStore.TurnAsync) => Turned((string)arguments[1]!, (IReadOnlyList<NewDelivery>)arguments[3]!),
            nameof(IDeliveryStore.RecordAsync) => Recorded((string)arguments[1]!, (DeliveryResult)arguments[3]!),
            _ => throw new NotSupportedException(name),
        });
        var leads = Stub.Of<ILeadStore>((_, _) => throw new InvalidDataException("a row that nobody can read"));
        var store = Stub.Of<IExchangeStore>((name, _) => name == "get_Leads" ? leads : deliveries);
        var lead = Stub.Of<ILeadGrain>((_, arguments) =>
        {
            var command = (ResumeCommand)arguments[0]!;
            told.Enqueue($"{command.Endpoint} resumed {command.Drop}");
            ended.TrySetResult();
            return ValueTask.CompletedTask;
        });
        var turns = new DeliveryTurns(store, Catalog(), new FieldParsers((text, _) => text, text => text));
        // One after the other, the young one first.
        var pump = new DeliveryPump(store, Catalog(), null!, turns, Stub.Of<IGrainFactory>((_, _) => lead), time, NullLogger<DeliveryPump>.Instance) { Workers = 1 };
        using var stopping = new CancellationTokenSource();
        var running = pump.RunAsync(stopping.Token);

        await ended.Task.WaitAsync(TimeSpan.FromSeconds(30));
        string.Join(", ", told).ShouldBe(expected);
        await stopping.CancelAsync();
        await running;

        LeasedDelivery Waits(string buyer, string endpoint, int hours) =>
            Delivery(buyer, 0, null) with { Endpoint = endpoint, CopyState = state, Wait = DeliveryWait.Fields, WaitUntilMs = NowMs - hours * 3_600_000L };

        Task<IReadOnlyList<string>?> Turned(string endpoint, IReadOnlyList<NewDelivery> become)
        {
            told.Enqueue($"{endpoint} becomes {become.ShouldHaveSingleItem().Wait}");
            return Task.FromResult<IReadOnlyList<string>?>([endpoint]);
        }

        Task<bool> Recorded(string endpoint, DeliveryResult result)
        {
            told.Enqueue($"{endpoint} {result.Status} {result.Error}");
            ended.TrySetResult();
            return Task.FromResult(true);
        }
    }

    /// <summary>A driver's cancellation that nobody asked for ends no pump.</summary>
    [Fact]
    public async Task CancelledByNobody_GoesOn()
    {
        var looks = 0;
        var due = new Queue<LeasedDelivery>([Delivery("a", 1, null) with { Endpoint = "gone" }]);
        var told = new TaskCompletionSource<DeliveryResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        var pump = new DeliveryPump(Store((name, arguments) =>
        {
            if (name == nameof(IDeliveryStore.RecordAsync)) told.TrySetResult((DeliveryResult)arguments[3]!);
            return name switch
            {
                nameof(IDeliveryStore.AdoptAsync) => Task.FromResult(0),
                nameof(IDeliveryStore.NextDueAsync) => Interlocked.Increment(ref looks) == 1 ? throw new OperationCanceledException() : Task.FromResult<long?>(due.Count > 0 ? 0 : null),
                nameof(IDeliveryStore.ClaimDueAsync) => Task.FromResult<IReadOnlyList<LeasedDelivery>>([due.Dequeue()]),
                nameof(IDeliveryStore.RecordAsync) => Task.FromResult(true),
                _ => throw new NotSupportedException(name),
            };
        }), Catalog(), null!, null!, null!, time, NullLogger<DeliveryPump>.Instance) { Workers = 4 };
        using var stopping = new CancellationTokenSource();
        var running = pump.RunAsync(stopping.Token);
        pump.Nudge();

        (await told.Task.WaitAsync(TimeSpan.FromSeconds(30))).Error.ShouldBe("endpoint_gone");
        await stopping.CancelAsync();
        await running;

        // Where a pump does not see to it itself, whoever runs the loop hears of it.
        var loop = new DueLoop(time).RunAsync(TimeSpan.FromSeconds(1), _ => throw new OperationCanceledException(), CancellationToken.None);
        loop.IsCanceled.ShouldBeTrue();
    }

    /// <summary>A wait that was over without its fields: who decided so died before the copy's lead knew.</summary>
    [Fact]
    public async Task ClaimedAsDropped_EndsItsCopyAtItsLead_AndCallsNobody()
    {
        var due = new Queue<LeasedDelivery>([Delivery("a", 1, null) with { Endpoint = "crm", CopyState = CopyState.Held, Wait = DeliveryWait.Drop }]);
        var told = new TaskCompletionSource<ResumeCommand>(TaskCreationOptions.RunContinuationsAsynchronously);
        var lead = Stub.Of<ILeadGrain>((name, arguments) =>
        {
            name.ShouldBe(nameof(ILeadGrain.Resume));
            told.TrySetResult((ResumeCommand)arguments[0]!);
            return ValueTask.CompletedTask;
        });
        var pump = new DeliveryPump(Store((name, _) => name switch
        {
            nameof(IDeliveryStore.AdoptAsync) => Task.FromResult(0),
            nameof(IDeliveryStore.NextDueAsync) => Task.FromResult<long?>(due.Count > 0 ? 0 : null),
            nameof(IDeliveryStore.ClaimDueAsync) => Task.FromResult<IReadOnlyList<LeasedDelivery>>([due.Dequeue()]),
            _ => throw new NotSupportedException(name),
        }), Catalog(), null!, null!, Stub.Of<IGrainFactory>((_, _) => lead), time, NullLogger<DeliveryPump>.Instance) { Workers = 4 };
        using var stopping = new CancellationTokenSource();
        var running = pump.RunAsync(stopping.Token);

        var command = await told.Task.WaitAsync(TimeSpan.FromSeconds(30));
        (command.CopyNo, command.Endpoint, command.Drop).ShouldBe((1, "crm", true));
        await stopping.CancelAsync();
        await running;
    }

    /// <summary>
    /// Files of three endpoints are due together and the rows of the second cannot be had: the first's go out, and all are asked again. What was claimed for the others is set back
    /// together: it would come when its lease is over, as other files, and as what may have arrived.
    /// </summary>
    [Fact]
    public async Task Files_OfWhichOneEndpointsRowsCannotBeHad_KeepNoEndpointBack_AndAreSetBack()
    {
        List<string> setBack = [];
        var store = Store((name, arguments) => name switch
        {
            nameof(IDeliveryStore.ClaimDueAtAsync) => (string)arguments[0]! == "a" ? Task.FromResult<IReadOnlyList<LeasedDelivery>>([]) : throw new StorageBusyException("away"),
            nameof(IDeliveryStore.RecordAllAsync) => Recorded((IReadOnlyList<(LeasedDelivery Delivery, DeliveryResult Result)>)arguments[0]!),
            _ => throw new NotSupportedException(name),
        });
        var files = new LeadFiles(store, Catalog(), null!, new Handover(store, Catalog(), time, NullLogger.Instance), NullLogger.Instance);
        LeasedDelivery[] claimed = [Delivery("a", 1, null), Delivery("b", 1, null), Delivery("b", 3, "timeout") with { Endpoint = "more" }];
        List<LeadBatch> batches = [];
        await Should.ThrowAsync<StorageBusyException>(async () =>
        {
            await foreach (var batch in files.CollectAsync(claimed, NowMs, NowMs + 30_000, CancellationToken.None)) batches.Add(batch);
        });

        setBack.ShouldBe(["b files Waiting 0 no_time_left, b more Waiting 0 timeout"]);
        batches.ShouldHaveSingleItem().Buyer.ShouldBe("a");
        Later("a").ShouldNotBeNull();
        files.Left(batches[0]);
        Later("a").ShouldBeNull();
        Later("b").ShouldBeNull();

        long? Later(string buyer)
        {
            files.Asks(buyer, "files", NowMs, out var later).ShouldBeTrue();
            return later;
        }

        Task<IReadOnlySet<CopyId>> Recorded(IReadOnlyList<(LeasedDelivery Delivery, DeliveryResult Result)> results)
        {
            setBack.Add(string.Join(", ", results.Select(each => $"{each.Delivery.Buyer} {each.Delivery.Endpoint} {each.Result.Status} {each.Result.NextDueMs - NowMs} {each.Result.Error}")));
            return Task.FromResult<IReadOnlySet<CopyId>>(results.Select(each => each.Delivery.Copy).ToHashSet());
        }
    }

    private LeadRow Sold(LeasedDelivery delivery, byte[] sealedBytes) => new(delivery.Copy.Lead, "pub", "auto", null, false, LeadState.Sold, Reason.None, 1, [], sealedBytes, null, 1, NowMs,
        [new(delivery.Copy, "1", "a", "a", "a", true, CopyState.Captured, Money.Parse("10"), Money.Parse("5"), NowMs, Reason.None, null, null)]);

    private LeasedDelivery Delivery(string buyer, int attempts, string? lastError) =>
        new(new(LeadId.Create(NowMs, 1, false, 7), 1), "files", 1, attempts, NowMs, CopyState.Captured, buyer, buyer, lastError);

    private static IExchangeStore Store(Func<string, object?[], object?> deliveries)
    {
        var stub = Stub.Of<IDeliveryStore>(deliveries);
        return Stub.Of<IExchangeStore>((name, _) => name == "get_" + nameof(IExchangeStore.Deliveries) ? stub : null);
    }

    /// <param name="hasVersions">False: what was sold on an earlier version cannot be read.</param>
    private static ICatalogHost Catalog(bool hasVersions = true)
    {
        const string buyer = """{ "credit_limit": "unlimited", "endpoints": { "crm": { "connector": "webhook", "with": { "url": "https://crm.example.com/leads", "secret": { "secret": "signing" } } }, "files": { "connector": "sftp", "with": { "host": "127.0.0.1", "user": "u", "key": { "secret": "ssh" }, "folder": "/in", "every": "1h" } } } }""";
        var json = $$"""
            {
              "exchange": { "currency": "USD", "time_zone": "UTC" },
              "verticals": { "auto": { "fields": { "state": { "type": "us_state", "ping": "optional" } } } },
              "publishers": { "pub": { "verticals": ["auto"], "payout": { "share": "50%" } } },
              "buyers": { "a": {{buyer}}, "b": {{buyer}} },
              "campaigns": { "a": { "buyer": "a", "vertical": "auto", "bid": "10.00", "delivery": { "to": ["files"] } }, "b": { "buyer": "b", "vertical": "auto", "bid": "9.00", "delivery": { "to": ["files"] } } },
              "ping_trees": { "main": { "vertical": "auto", "tiers": [{ "name": "market", "campaigns": "all", "method": "auction" }] } }
            }
            """;
        var errors = new ConfigErrors();
        var result = CatalogCompiler.Compile(ConfigJson.Parse(Encoding.UTF8.GetBytes(json), errors).ShouldNotBeNull(), 1, new() { Parsers = new FieldParsers((text, _) => text, text => text), ParseTemplate = Liquid.Parse }, errors);
        result.Errors.Errors.ShouldBeEmpty();
        return Stub.Of<ICatalogHost>((name, _) => name switch
        {
            "get_" + nameof(ICatalogHost.Current) => result.Model,
            nameof(ICatalogHost.ModelAsync) => hasVersions ? new ValueTask<CatalogModel>(result.Model!) : throw new InvalidDataException("a version that nobody can read"),
            _ => throw new NotSupportedException(name),
        });
    }
}
