using Exchange.Delivery;
using Exchange.Delivery.Bidders;
using Exchange.Delivery.Connectors;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;
using Exchange.Grains.Bidding;
using Exchange.Grains.Catalog;
using Exchange.Grains.Cluster;
using Exchange.Grains.Deliveries;
using Exchange.Grains.Feed;
using Exchange.Grains.Firm;
using Exchange.Grains.Intake;
using Exchange.Grains.Leads;
using Exchange.Grains.Limits;
using Exchange.Grains.Persons;
using Exchange.Grains.Pings;
using Exchange.Grains.Postbacks;
using Exchange.Grains.Returns;
using Exchange.Grains.SoftHolds;
using Exchange.Simulation.Buyers;
using Exchange.Simulation.Scheduling;
using Exchange.Simulation.Store;
using Microsoft.Extensions.Logging.Abstractions;

namespace Exchange.Simulation.World;

/// <summary>
/// One life of one silo: the objects of the server's composition without Orleans, HTTP and sockets. When its process dies they are all gone; the
/// next life has the number and name of the next.
/// </summary>
internal sealed class SimSilo
{
    private const int HousekeepingMs = 5_000;

    private readonly SimWorld world;
    private readonly Dictionary<LeadId, LeadSeller> activations = [];
    private readonly OfferBook book = new();
    private readonly FirmOffers firm;
    private readonly SoftHoldDesk softHolds;
    private readonly LeadServices services;
    private readonly DeliveryPump pump;
    private readonly WaitPump waits;
    private readonly SimGrains grains;

    public SimSilo(SimWorld world, SimProcess process, int place)
    {
        this.world = world;
        (Process, Place) = (process, place);
        Clock = new(process);
        Store = new(world, process);
        Live = new(new CapAlerts(Clock));
        Store.Journal.Committed = Live.Apply;
        Store.Journal.Sold = Live.Apply;
        Catalog = new(Store, Live, Markets.Rules, Clock, NullLogger<CatalogHost>.Instance);
        grains = new(world, this);
        var rotations = new TierRotations();
        var rates = new PostRates();
        var answers = new LeadAnswers(Store, Catalog);
        var http = new OutboundHttp(new OutboundOptions(), new SimWire(world, this), Clock);
        var silos = new Alone(new((ushort)process.No, process.Name));
        var calls = new BuyerCalls(ConnectorList.Create(http, new(), Clock), Store.Access, Clock);
        softHolds = new(Live, rates, grains, Clock);
        firm = new(Store, Live, rotations, Clock, NullLogger<FirmOffers>.Instance);
        pump = new(Store, Catalog, calls, new(Store, Catalog, Markets.Parsers), grains, Clock, new SimLog<DeliveryPump>(world, process)) { Workers = 3, Idle = TimeSpan.FromSeconds(3) };
        waits = new(Store, grains, Clock, new SimLog<WaitPump>(world, process)) { AtOnce = 3, Idle = TimeSpan.FromSeconds(2), ClaimFor = TimeSpan.FromSeconds(20) };
        var homes = new OfferHomes(book, silos, Store, Catalog, rates, softHolds, Clock, NullLogger<OfferHomes>.Instance);
        var feed = new LiveFeed(Clock);
        var standing = new StandingBids(Markets.Parsers, silos, Clock);
        var bidding = new LiveBidding(calls, new EndpointBreakers(new BreakerOptions(), Clock), new UsualWaits(), standing, Live, rotations, Store.Vault, Clock);
        var postbacks = new PostbackPump(Store, Catalog, answers, new(http), Clock, NullLogger<PostbackPump>.Instance);
        Returns = new(Store, Catalog, postbacks, Clock, NullLogger<ReturnDesk>.Instance);
        services = new(
            Store, Catalog, book, homes, calls, pump, postbacks, waits, bidding, Markets.Parsers, Clock, Live, rotations, new PromiseCounts(), standing, new PersonMarks(Live, null, NullLogger<PersonMarks>.Instance) { Ask = world.MarkedAsync }, feed, answers, new SimLog<LeadGrain>(world, process))
        {
            Decide = world.Seams.Decide,
        };
        var desk = new PingDesk(
            Store, Catalog, Live, rotations, bidding, book, homes, new PingKeys(silos, Clock, NullLogger<PingKeys>.Instance), softHolds, firm, rates, new PingCounts(Live),
            new LeadIds((ushort)process.No, Clock, world.Random.Next), feed, Markets.Parsers);
        Intake = new LeadIntake(desk, new RateLimits(new RateLimitOptions(0, 0), null, static () => 1, Clock), grains, Store, answers, Catalog, pump, waits, Markets.Parsers, Clock, NullLogger<LeadIntake>.Instance);
    }

    public SimProcess Process { get; }
    public int Place { get; }
    public SimClock Clock { get; }
    public SimStore Store { get; }
    public LiveView Live { get; }
    public CatalogHost Catalog { get; }
    public LeadIntake Intake { get; }
    public ReturnDesk Returns { get; }
    /// <summary>Ready for callers.</summary>
    public bool IsReady { get; private set; }

    /// <summary>Reads the catalog, then lets callers in.</summary>
    public async Task StartAsync()
    {
        await Retried(() => Catalog.LoadAsync(CancellationToken.None));
        IsReady = true;
        Process.Start(() => pump.RunAsync(CancellationToken.None));
        Process.Start(() => waits.RunAsync(CancellationToken.None));
        Process.Start(KeepHouseAsync);
    }

    /// <summary>As a lead's grain: the activation that is here, or a new one; gone when nothing of it runs any more.</summary>
    public async Task<T> OnLeadAsync<T>(LeadId id, Func<LeadSeller, Task<T>> work)
    {
        if (!activations.TryGetValue(id, out var seller)) activations.Add(id, seller = new(services, id));
        try
        {
            return await work(seller);
        }
        finally
        {
            if (seller.IsIdle && activations.TryGetValue(id, out var known) && ReferenceEquals(known, seller)) activations.Remove(id);
        }
    }

    /// <summary>As the admin's request.</summary>
    public async Task EraseAsync(LeadId id)
    {
        await grains.GetGrain<ILeadGrain>(id.ToGuid()).Erase(new("admin"));
        waits.Nudge();
    }

    /// <summary>As the operator's.</summary>
    public async Task<ResolveReply> ResolveAsync(CopyId copy, bool accepted) =>
        await grains.GetGrain<ILeadGrain>(copy.Lead.ToGuid()).Resolve(new(copy.No, accepted, "operator"));

    /// <summary>As the server's: offers that ran out, a newer catalog, the live view healed.</summary>
    private async Task KeepHouseAsync()
    {
        while (true)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(HousekeepingMs), Clock);
            try
            {
                book.Sweep(Clock.NowMs);
                softHolds.Sweep(Clock.NowMs);
                await firm.SweepAsync(Clock.NowMs, CancellationToken.None);
                if (world.Seams.Sweeps) await Returns.SweepAsync(Clock.NowMs, CancellationToken.None);
                if (!await Catalog.RefreshAsync(CancellationToken.None)) await Catalog.HealAsync(CancellationToken.None);
            }
            catch (Exception fault)
            {
                world.Saw(Process, fault);
            }
        }
    }

    /// <summary>No silo tells another of its offers: whoever did not make a ping reads its record, as when its silo is gone.</summary>
    private sealed class Alone(SiloIdentity self) : ISilos
    {
        public SiloIdentity Self => self;
        public ISiloService? Find(ushort number) => null;
        public bool IsAlive(ushort number) => true;
        public ISiloService? OwnerOf(string name) => null;
    }

    private async Task Retried(Func<Task> work)
    {
        while (true)
        {
            try
            {
                await work();
                return;
            }
            catch (IOException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100), Clock);
            }
        }
    }
}
