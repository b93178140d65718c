using System.Text;
using Exchange.Delivery.Templates;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Grains.Catalog;
using Exchange.Grains.Intake;
using Exchange.Grains.Postbacks;
using Exchange.Grains.Returns;
using Exchange.Storage;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Shouldly;

namespace Exchange.System.Tests.Grains;

/// <summary>
/// A return is noted, and its money cannot be booked at that moment, or the answer is lost: nobody is told that nothing was done, and the same request that comes again gets its outcome.
/// </summary>
public sealed class ReturnDeskTests
{
    private static readonly Money Price = Money.Parse("11.00"), Payout = Money.Parse("5.50");

    private readonly FakeTimeProvider time = new(CapMarket.Noon);
    private readonly Vault vault = new(new byte[Vault.KeyBytes]);
    private readonly CopyId copy = new(LeadId.Create(CapMarket.Noon.ToUnixTimeMilliseconds(), 1, false, 7), 1);
    private readonly Dictionary<string, RecordedOperation> operations = [];
    private ReturnRow? row;
    /// <summary>So many items the journal does not take.</summary>
    private int refused;
    private int reversed;

    private long NowMs => time.GetUtcNow().ToUnixTimeMilliseconds();

    [Fact]
    public async Task Accepted_AndNotBooked_SaysSo_AndTheSameRequestGetsItsOutcome_WithTheMoney()
    {
        var desk = Desk(review: false);
        refused = 2;
        for (var tries = 0; tries < 2; tries++)
        {
            var (_, problem) = await AskAsync(desk, "one");
            (problem!.Status, problem.Code, problem.RetryAfterSeconds).ShouldBe((503, "storage_unavailable", 1));
            problem.Detail.ShouldContain("accepted");
            (row!.Status, row.IsBooked, reversed).ShouldBe((ReturnStatus.Accepted, false, 0));
        }

        (await AskAsync(desk, "one")).ShouldBe((ReturnStatus.Accepted, null));

        (row!.IsBooked, reversed).ShouldBe((true, 1));
        // Its answer was lost, and the window is over by now.
        time.Advance(TimeSpan.FromDays(30));
        (await AskAsync(desk, "one")).ShouldBe((ReturnStatus.Accepted, null));
        reversed.ShouldBe(1);
    }

    /// <summary>Once for each copy: whoever asks another time, or under no key, is told that it was.</summary>
    [Theory]
    [InlineData("two")]
    [InlineData(null)]
    public async Task Accepted_AndNotBooked_AnotherRequest_BooksIt_AndIsToldThatItWasReturnedBefore(string? request)
    {
        var desk = Desk(review: false);
        refused = 1;
        (await AskAsync(desk, request is null ? null : "one")).Problem!.Status.ShouldBe(503);

        (await AskAsync(desk, request)).Problem!.Code.ShouldBe("already_returned");

        (row!.IsBooked, reversed).ShouldBe((true, 1));
    }

    [Theory]
    [InlineData(ReturnStatus.Requested, null)]
    [InlineData(ReturnStatus.Accepted, null)]
    [InlineData(ReturnStatus.Refused, "return_refused")]
    public async Task AskedForReview_TheSameRequestAgain_IsToldHowItStands(ReturnStatus by, string? code)
    {
        var desk = Desk(review: true);
        (await AskAsync(desk, "one")).ShouldBe((ReturnStatus.Requested, null));
        if (by != ReturnStatus.Requested) (await desk.DecideAsync(copy, by == ReturnStatus.Accepted, "admin")).ShouldBeNull();

        var (status, problem) = await AskAsync(desk, "one");

        (problem?.Code).ShouldBe(code);
        if (code is null) (status, problem).ShouldBe((by, null));
    }

    [Fact]
    public async Task Decided_AndNotBooked_SaysSo_AndItsAnswerIsRecordedWithTheWord()
    {
        var desk = Desk(review: true);
        await AskAsync(desk, "one");
        refused = 1;
        var operation = new RecordedOperation("admin", "key", [1], [2]);

        (await desk.DecideAsync(copy, accept: true, "admin", operation))!.Status.ShouldBe(503);

        operations["key"].ShouldBeSameAs(operation);
        (row!.Status, row.IsBooked).ShouldBe((ReturnStatus.Accepted, false));
        // The same at another server in that moment; and another's word.
        await Should.ThrowAsync<OperationTakenException>(() => desk.DecideAsync(copy, accept: true, "admin", operation));
        (await desk.DecideAsync(copy, accept: true, "admin", new("admin", "other", [1], [2])))!.Code.ShouldBe("already_decided");
        await desk.SweepAsync(NowMs, CancellationToken.None);
        (row.IsBooked, reversed).ShouldBe((true, 1));
    }

    private Task<(ReturnStatus Status, Problem? Problem)> AskAsync(ReturnDesk desk, string? request) => desk.AskAsync("a", copy, new("renter", "says so", null) { Request = request });

    private ReturnDesk Desk(bool review)
    {
        var model = Catalog(review);
        var lead = new LeadRow(copy.Lead, "pub", "auto", null, false, LeadState.Sold, Reason.None, 1, [], [1], null, 1, NowMs,
            [new(copy, "1", "a", "a", "a", true, CopyState.Captured, Price, Payout, NowMs, Reason.None, null, null)]);
        var leads = Stub.Of<ILeadStore>((_, _) => Task.FromResult<LeadRow?>(lead));
        var journal = Stub.Of<IJournal>((_, _) =>
        {
            if (refused-- > 0) throw new StorageBusyException("full");
            reversed++;
            return Task.FromResult(new Verdict(VerdictCode.Done));
        });
        var returns = Stub.Of<IReturnStore>((name, arguments) => name switch
        {
            nameof(IReturnStore.FindAsync) => Task.FromResult(row),
            nameof(IReturnStore.AskAsync) => Task.FromResult(Ask((ReturnAsk)arguments[0]!)),
            nameof(IReturnStore.DecideAsync) => Task.FromResult(Decide((bool)arguments[1]!, (ChangeNote)arguments[2]!)),
            nameof(IReturnStore.UnbookedAsync) => Task.FromResult<IReadOnlyList<ReturnRow>>([row!]),
            nameof(IReturnStore.BookedAsync) => Task.FromResult(row = row! with { IsBooked = true }),
            _ => throw new NotSupportedException(name),
        });
        var access = Stub.Of<IAccessStore>((_, arguments) => Task.FromResult(operations.TryGetValue((string)arguments[1]!, out var known) ? ((byte[], byte[])?)(known.BodyHash, known.Answer) : null));
        var store = Stub.Of<IExchangeStore>((name, _) => name switch
        {
            "get_Leads" => leads, "get_Journal" => journal, "get_Returns" => returns, "get_Access" => access, "get_Vault" => vault, _ => throw new NotSupportedException(name),
        });
        var catalog = Stub.Of<ICatalogHost>((name, _) => name switch
        {
            "get_" + nameof(ICatalogHost.Current) => model,
            nameof(ICatalogHost.ModelAsync) => new ValueTask<CatalogModel>(model),
            _ => throw new NotSupportedException(name),
        });
        return new(store, catalog, new PostbackPump(store, catalog, null!, null!, time, NullLogger<PostbackPump>.Instance), time, NullLogger<ReturnDesk>.Instance);
    }

    private ReturnVerdict Ask(ReturnAsk ask)
    {
        if (row is not null) return ReturnVerdict.AlreadyAsked;
        row = new(ask.Copy, ask.Buyer, "a", "pub", "auto", Price, Payout, ask.Accepted ? ReturnStatus.Accepted : ReturnStatus.Requested, ask.Reason, ask.Sealed, ask.AtMs, ask.AtMs, ask.Accepted ? ask.AtMs : null, false);
        return ReturnVerdict.Noted;
    }

    private bool Decide(bool accept, ChangeNote note)
    {
        if (row is not { Status: ReturnStatus.Requested } waiting) return false;
        row = waiting with { Status = accept ? ReturnStatus.Accepted : ReturnStatus.Refused, DecidedAtMs = note.AtMs };
        if (note.Operation is { } operation) operations.Add(operation.Key, operation);
        return true;
    }

    private static CatalogModel Catalog(bool review)
    {
        const string json = """
            {
              "exchange": { "currency": "USD", "time_zone": "UTC" },
              "verticals": { "auto": { "fields": { "state": { "type": "us_state", "ping": "optional" } } } },
              "publishers": { "pub": { "verticals": ["auto"], "payout": { "share": "50%" } } },
              "buyers": { "a": { "credit_limit": "unlimited", "returns": { "within": "10d", "review": REVIEW } } },
              "campaigns": { "a": { "buyer": "a", "vertical": "auto", "bid": "11.00" } },
              "ping_trees": { "main": { "vertical": "auto", "tiers": [{ "name": "market", "campaigns": "all", "method": "auction" }] } }
            }
            """;
        var errors = new ConfigErrors();
        var root = ConfigJson.Parse(Encoding.UTF8.GetBytes(json.Replace("REVIEW", review ? "true" : "false", StringComparison.Ordinal)), errors).ShouldNotBeNull();
        var result = CatalogCompiler.Compile(root, 1, new() { Parsers = new FieldParsers((text, _) => text, text => text), ParseTemplate = Liquid.Parse }, errors);
        result.Errors.Errors.ShouldBeEmpty();
        return result.Model.ShouldNotBeNull();
    }
}
