using Exchange.Engine;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Ledger;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;
using Exchange.Simulation.Scheduling;
using Exchange.Simulation.World;
using Exchange.Storage;

namespace Exchange.Simulation.Store;

/// <summary>
/// One silo's connections to the database: every call takes time, reads may be old when they arrive or fail, commits may end unknown. What a dead
/// silo had sent still arrives; what it had not is lost.
/// </summary>
internal sealed class SimStore : IExchangeStore
{
    public SimStore(SimWorld world, SimProcess silo)
    {
        (World, Silo) = (world, silo);
        Journal = new SimJournal(this);
        Pings = new SimPings(this);
        Leads = new SimLeads(this);
        Catalog = new SimCatalog(this);
        Counts = new SimCounts(this);
        Deliveries = new SimDeliveries(this);
        Waits = new SimWaits(this);
        Ledger = new SimLedger(this);
        Returns = new SimReturns(this);
        Postbacks = new SimPostbacks();
        Access = new SimAccess(this);
        var erasures = new SimErasures(this);
        (Erasures, Suppressions) = (erasures, erasures);
        Upkeep = new SimUpkeep();
    }

    public SimWorld World { get; }
    public SimProcess Silo { get; }
    public SimDatabase Database => World.Database;
    public IJournal Journal { get; }
    public IPingRecords Pings { get; }
    public ILeadStore Leads { get; }
    public ICatalogStore Catalog { get; }
    public ILimitCounts Counts { get; }
    public IUpkeep Upkeep { get; }
    public IDeliveryStore Deliveries { get; }
    public ILeadWaits Waits { get; }
    public IAccessStore Access { get; }
    public ILedgerStore Ledger { get; }
    public IReturnStore Returns { get; }
    public IPostbackStore Postbacks { get; }
    public IDoubts Doubts { get; } = new SimDoubts();
    public IErasures Erasures { get; }
    public ISuppressions Suppressions { get; }
    public IVault Vault => SimVault.Instance;

    /// <summary>Something read: as it was at some moment between the question and the answer.</summary>
    public Task<T> ReadAsync<T>(Func<T> read)
    {
        var result = new TaskCompletionSource<T>();
        var plan = World.Plan;
        if (World.IsFaulty && World.Random.Chance(plan.ReadFails))
        {
            World.Count(Fault.ReadFailed);
            World.Loop.After(World.Random.Between(0, plan.StoreMs), Silo, () => result.TrySetException(new IOException("The connection to the database was lost")));
        }
        else if (World.Random.Chance(500))
        {
            var then = read();
            World.Loop.After(World.Random.Between(0, plan.StoreMs), Silo, () => result.TrySetResult(then));
        }
        else World.Loop.After(World.Random.Between(0, plan.StoreMs), Silo, () => result.TrySetResult(read()));
        return result.Task;
    }

    /// <summary>A small transaction of its own. It is on its way when the silo dies, and then done all the same.</summary>
    public Task<T> WriteAsync<T>(Func<T> write)
    {
        var result = new TaskCompletionSource<T>();
        World.Loop.After(World.Random.Between(0, World.Plan.StoreMs), World.Outside, () =>
        {
            var done = write();
            World.Loop.After(World.Random.Between(0, World.Plan.StoreMs), Silo, () => result.TrySetResult(done));
        });
        return result.Task;
    }

    public Task CheckAsync(CancellationToken cancel) => Task.CompletedTask;
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}

/// <summary>Leads and their copies, read.</summary>
internal sealed class SimLeads(SimStore store) : ILeadStore
{
    public Task<LeadRow?> FindAsync(LeadId id, CancellationToken cancel) => store.ReadAsync(() => store.Database.Find(id)?.ToRow());

    public Task<(LeadId Lead, byte[] BodyHash)?> FindRequestAsync(string publisher, string key, CancellationToken cancel) =>
        store.ReadAsync(() => store.Database.FindRequest(publisher, key) is { } claimed ? ((LeadId, byte[])?)(claimed.Lead, claimed.Hash) : null);

    public Task<IReadOnlyList<ExpiredOffer>> ExpiredOffersAsync(long nowMs, int limit, CancellationToken cancel) =>
        store.ReadAsync<IReadOnlyList<ExpiredOffer>>(() =>
        [
            .. store.Database.Leads.Where(lead => store.World.Seams.OfferExpires(lead, nowMs)).OrderBy(lead => lead.OfferUntilMs).Take(limit)
                .Select(lead => new ExpiredOffer(lead.Id, [.. lead.Copies.Where(copy => copy.State == CopyState.Held).Select(copy => copy.No)])),
        ]);

    public Task<bool> AddFieldsAsync(LeadId id, byte[] readSealed, byte[] newSealed, long nowMs, CancellationToken cancel) => store.WriteAsync(() =>
    {
        if (store.Database.Find(id) is not { } lead || !store.World.Seams.IsAsRead(lead, readSealed)) return false;
        lead.Sealed = newSealed;
        lead.Additions++;
        store.World.Seams.Added(lead, nowMs);
        store.Silo.Note("adds fields", id.ToString());
        return true;
    });

    public Task<Page<LeadRow>> ListAsync(LeadQuery query, CancellationToken cancel) => throw new NotSupportedException();
    public Task<IReadOnlyList<PassedOverRow>> PassedOverAsync(LeadId id, CancellationToken cancel) => throw new NotSupportedException();
    public Task<IReadOnlyList<LeadId>> HeldTestsAsync(long beforeMs, int limit, CancellationToken cancel) => throw new NotSupportedException();
    public Task<IReadOnlyList<PromiseRow>> PromisesAsync(long fromMs, long untilMs, CancellationToken cancel) => throw new NotSupportedException();
}

/// <summary>Ping records: in the silo's memory until their batch is written, a tenth of a second at most; a crash loses those.</summary>
internal sealed class SimPings(SimStore store) : IPingRecords
{
    private readonly Dictionary<LeadId, PingRecord> waiting = [];

    public bool TryAppend(PingRecord record, Engine.Fields.FieldSet fields, out byte[] bytes)
    {
        bytes = PingCodec.Encode(record, fields, store.Vault);
        waiting.Add(record.Id, record);
        store.World.Loop.After(store.World.Random.Between(0, 100), store.Silo, () =>
        {
            if (waiting.Remove(record.Id)) store.Database.Pings[record.Id] = record;
        });
        return true;
    }

    public Task<PingRecord?> FindAsync(LeadId id, CatalogModels models, CancellationToken cancel) =>
        store.ReadAsync(() => waiting.GetValueOrDefault(id) ?? store.Database.Pings.GetValueOrDefault(id));

    public Task<IReadOnlyList<PingRecord>> ReadAsync(LeadId from, LeadId to, int limit, CatalogModels models, CancellationToken cancel) => throw new NotSupportedException();
    public Task FlushAsync(CancellationToken cancel) => waiting.Count == 0 ? Task.CompletedTask : store.WriteAsync(() =>
    {
        foreach (var (id, record) in waiting) store.Database.Pings[id] = record;
        waiting.Clear();
        return 0;
    });
}

/// <summary>Catalog versions; an apply is one transaction.</summary>
internal sealed class SimCatalog(SimStore store) : ICatalogStore
{
    private List<CatalogVersion> Versions => store.Database.Versions;

    public Task<CatalogVersion?> LatestAsync(CancellationToken cancel) => store.ReadAsync(() => Versions.LastOrDefault());
    public Task<long> LatestVersionAsync(CancellationToken cancel) => store.ReadAsync(() => (long)Versions.Count);
    public Task<CatalogVersion?> FindAsync(long version, CancellationToken cancel) => store.ReadAsync(() => Versions.Find(each => each.Version == version));

    public Task<IReadOnlyList<CampaignIdentity>> IdentitiesAsync(IReadOnlyCollection<string> ids, CancellationToken cancel) =>
        store.ReadAsync<IReadOnlyList<CampaignIdentity>>(() => [.. ids.Where(store.Database.Identities.ContainsKey).Select(id => store.Database.Identities[id])]);

    public Task<IReadOnlyList<CounterValue>> ReadCountersAsync(long nowMs, CancellationToken cancel) => store.ReadAsync(() => store.Database.Counters.Values());

    public Task<IReadOnlyList<CounterValue>> CountersOfAsync(IReadOnlyCollection<string> limits, long nowMs, CancellationToken cancel) =>
        store.ReadAsync<IReadOnlyList<CounterValue>>(() => [.. store.Database.Counters.Values().Where(counter => limits.Contains(counter.LimitId))]);

    public Task<long?> ApplyAsync(CatalogApply apply, long nowMs, CancellationToken cancel) => store.WriteAsync(() => store.Database.ApplyCatalog(apply, nowMs));

    public Task<Page<CatalogNote>> HistoryAsync(int limit, string? cursor, CancellationToken cancel) => throw new NotSupportedException();
}

/// <summary>What the live view starts with. Nothing here counts pings or offers.</summary>
internal sealed class SimCounts(SimStore store) : ILimitCounts
{
    public Task AddAsync(IReadOnlyList<LimitCount> counts, CancellationToken cancel) => Task.CompletedTask;

    public Task<IReadOnlyList<SoldCount>> SoldSinceAsync(long sinceMs, CancellationToken cancel) => store.ReadAsync<IReadOnlyList<SoldCount>>(() =>
    [
        .. store.Database.Leads.Where(lead => !lead.Id.IsTest).SelectMany(lead => lead.Copies)
            .Where(copy => copy.Tier.Length > 0 && copy.AtMs >= sinceMs && copy.IsOpen).OrderBy(copy => copy.AtMs)
            .Select(copy => new SoldCount(copy.Tier, copy.Campaign, copy.AtMs, 1)),
    ]);

    public Task<IReadOnlyList<KnownPerson>> RecentPersonsAsync(int atMost, CancellationToken cancel) => store.ReadAsync(() => store.Database.Persons.Recent(atMost));
}

/// <summary>Money paid in.</summary>
internal sealed class SimLedger(SimStore store) : ILedgerStore
{
    public Task<bool> FundAsync(string buyer, Money amount, string reference, long nowMs, CancellationToken cancel) =>
        store.WriteAsync(() => store.Database.Fund(buyer, amount, reference));

    public Task<Page<TransferRow>> ListAsync(LeadId? lead, string? account, int limit, string? cursor, CancellationToken cancel) => throw new NotSupportedException();
    public Task<Money> BalanceAsync(string account, CancellationToken cancel) => throw new NotSupportedException();
    public Task<IReadOnlyList<AccountBalance>> BalancesAsync(CancellationToken cancel) => throw new NotSupportedException();
    public Task<bool> CloseAsync(int bookings, CancellationToken cancel) => throw new NotSupportedException();
}

/// <summary>Old rows stay: a world lives for minutes.</summary>
internal sealed class SimUpkeep : IUpkeep
{
    public Task<UpkeepDone> RunAsync(UpkeepRun run, CancellationToken cancel) => Task.FromResult(default(UpkeepDone));
}
