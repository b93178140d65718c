using BenchmarkDotNet.Attributes;
using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.LoadTests.Compare;
using Exchange.Storage;
using Exchange.Storage.Sqlite;

namespace Exchange.Benchmarks;

/// <summary>
/// How long a sale takes to be durable on SQLite (WAL, synchronous FULL), per sale, with so many callers waiting at once: the more wait, the
/// more share one commit. Each item is a whole sale: request key, lead, two person keys, one copy with all its takes, two transfers, an inbox
/// delivery. What an fsync costs is the disk's; compare only within one run.
/// </summary>
[MemoryDiagnoser]
public class JournalBenchmarks
{
    private const int SalesPerRun = 1_024;
    private static readonly long NowMs = Market.Now.ToUnixTimeMilliseconds();
    private static readonly Money Price = new(11_000_000);
    private static readonly Money Payout = new(8_800_000);

    private string _folder = "";
    private SqliteStore _store = null!;
    private Market _market = null!;
    private JournalItem[] _items = [];
    private ulong _lead;

    [Params(1, 16, 128)]
    public int Callers { get; set; }

    [GlobalSetup]
    public async Task SetUp()
    {
        _market = Market.Create(1_000);
        _folder = Directory.CreateTempSubdirectory("exchange-benchmark-").FullName;
        _store = await SqliteStore.OpenAsync(new SqliteStoreOptions { Folder = _folder });
        await _store.Catalog.ApplyAsync(new CatalogApply(_market.Canonical, "benchmark", null, _market.Model.Limits), NowMs, CancellationToken.None);
    }

    [GlobalCleanup]
    public async Task CleanUp()
    {
        await _store.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [IterationSetup]
    public void MakeItems() => _items = [.. Enumerable.Range(0, SalesPerRun).Select(_ => MakeSale(++_lead))];

    [Benchmark(OperationsPerInvoke = SalesPerRun)]
    public Task Sell()
    {
        var next = -1;
        return Task.WhenAll(Enumerable.Range(0, Callers).Select(_ => Task.Run(async () =>
        {
            for (var index = Interlocked.Increment(ref next); index < _items.Length; index = Interlocked.Increment(ref next))
            {
                var verdict = await _store.Journal.SubmitAsync(_items[index], CancellationToken.None);
                if (verdict.Code != VerdictCode.Done)
                {
                    throw new InvalidOperationException($"The sale was not made: {verdict.Code}");
                }
            }
        })));
    }

    private JournalItem MakeSale(ulong number)
    {
        var lead = LeadId.Create(NowMs + (long)number, 1, test: false, number);
        var campaigns = _market.Vertical.Campaigns;
        var campaign = campaigns[(int)(number % (ulong)campaigns.Count)];
        var publisher = _market.Model.Publishers[ComparedCatalog.Publisher];
        var hash = Hash(number, 0);
        return new JournalItem
        {
            Lead = lead,
            AtMs = NowMs,
            New = new NewLead(publisher.Id, ComparedCatalog.Vertical, null, false, 1, hash, new byte[300], 1),
            Request = new RequestClaim(publisher.Id, lead.ToString(), hash),
            Persons = [new PersonClaim(ComparedCatalog.Vertical, Hash(number, 1), 0), new PersonClaim(ComparedCatalog.Vertical, Hash(number, 2), 0)],
            Starts = [MakeCopy(publisher, campaign)],
            State = LeadState.Sold,
            Answer = new byte[200],
        };
    }

    private static NewCopy MakeCopy(PublisherModel publisher, CampaignModel campaign) => new(
        1, "1", campaign.Id, campaign.Buyer.Id, campaign.Buyer.Company, true, CopyMove.Sell, Price, Payout,
        [.. publisher.Caps.Prepend(publisher.Gate).Concat(campaign.Takes).Select(Take)],
        [
            new Transfer("payout", $"buyer:{campaign.Buyer.Id}", $"publisher:{publisher.Id}", Payout),
            new Transfer("margin", $"buyer:{campaign.Buyer.Id}", "house", new Money(Price.Micros - Payout.Micros)),
        ],
        [new NewDelivery("inbox", NewDelivery.NeverDue, 0)]);

    private static Take Take(LimitModel limit) =>
        new(limit.KeyAt(NowMs / 1_000, out _), limit.AmountOf(Price, Payout), limit.Id, limit.Reason);

    private static byte[] Hash(ulong number, byte purpose)
    {
        var hash = new byte[32];
        // As scattered as an HMAC would be, without its cost.
        BitConverter.TryWriteBytes(hash, unchecked(number * 0x9E37_79B9_7F4A_7C15UL));
        BitConverter.TryWriteBytes(hash.AsSpan(8), number);
        hash[31] = purpose;
        return hash;
    }
}
