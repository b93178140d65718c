using Exchange.Engine;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Grains.SoftHolds;
using Exchange.Simulation.Buyers;
using Exchange.Simulation.Checks;
using Exchange.Simulation.Scheduling;
using Exchange.Simulation.Store;
using Exchange.Storage;

namespace Exchange.Simulation.World;

/// <summary>A whole installation with its publishers and buyers, in one thread and virtual time, made by a seed.</summary>
internal sealed class SimWorld
{
    private readonly SimSilo[] silos;
    private readonly List<SimClient> clients = [];
    private readonly SimOffice office;
    private readonly SimProcess officeProcess;
    private readonly Dictionary<string, BuyerMind> minds = new(StringComparer.Ordinal);
    private readonly Dictionary<string, PromisedAmounts> promises = new(StringComparer.Ordinal);
    private readonly Dictionary<LeadId, int> directory = [];
    private readonly long[] faults = new long[Enum.GetValues<Fault>().Length];
    private int processes;

    public SimWorld(ulong seed, Plan plan, Seams seams)
    {
        (Seed, Plan, Seams) = (seed, plan, seams);
        Loop = new(seed);
        Network = new(this);
        Laws = new(this);
        Nemesis = new(this);
        Outside = NewProcess("outside");
        officeProcess = NewProcess("office");
        office = new(this, officeProcess);
        Database = seams.NewDatabase();
        Database.Applied = Laws.Committed;
        foreach (var buyer in (string[])["a", "b", "c"]) minds.Add(buyer, BuyerMind.Draw(this, Random, plan.NemesisSteps > 0));
        silos = [.. Enumerable.Range(0, plan.Silos).Select(NewSilo)];
    }

    public ulong Seed { get; }
    public Plan Plan { get; }
    public Seams Seams { get; }
    public SimLoop Loop { get; }
    public SimRandom Random => Loop.Random;
    public SimNetwork Network { get; }
    public SimDatabase Database { get; }
    public Witness Witness { get; } = new();
    public Laws Laws { get; }
    public Nemesis Nemesis { get; }
    public SimOffice Office => office;
    /// <summary>The database, the wires, the buyers: what no crash of ours touches.</summary>
    public SimProcess Outside { get; }
    public IReadOnlyList<SimSilo> Silos => silos;
    public bool IsFaulty { get; set; }
    public IReadOnlyList<long> Faults => faults;

    /// <summary>The first thing that is not as it must be; the run ends with it.</summary>
    public string? Violation { get; private set; }
    public string? ViolatedCheck { get; private set; }

    public bool ClientsAreDone => office.IsDone && clients.TrueForAll(client => client.IsDone);

    public SimSilo NewSilo(int place) => new(this, NewProcess($"silo{place}.{processes}"), place);

    public void Replace(int place) => silos[place] = NewSilo(place);

    public void StartClients()
    {
        for (var i = 0; i < Plan.Clients; i++)
        {
            var process = NewProcess("client" + i);
            var client = new SimClient(this, process, i % 2 == 1 ? "q" : "p", "order" + i / 2);
            clients.Add(client);
            process.Start(() => client.RunAsync(Plan.PingsEach));
        }
        officeProcess.Start(office.RunAsync);
    }

    public SimProcess NewProcess(string name)
    {
        var process = new SimProcess(Loop, processes++, name);
        process.Failed = fault => Saw(process, fault);
        return process;
    }

    /// <summary>Any silo that takes callers.</summary>
    public SimSilo AnySilo()
    {
        var ready = silos.Where(silo => silo.IsReady && !silo.Process.IsDead).ToArray();
        return ready.Length == 0 ? throw new NotReadyException() : Random.Pick(ready);
    }

    /// <summary>Where a lead's grain is; now and then another one is there too, as while a cluster's view of itself changes.</summary>
    public SimSilo SiloOf(LeadId lead, SimSilo from)
    {
        if (!directory.TryGetValue(lead, out var place) || silos[place].Process.IsDead || !silos[place].IsReady)
            directory[lead] = place = from.Process.IsDead ? AnySilo().Place : from.Place;
        // Who stands still is taken for dead after a while; it does not know.
        else if (silos[place].Process.IsPaused && Random.Chance(300)) directory[lead] = place = from.Place;
        if (silos.Length == 1 || !IsFaulty || !Random.Chance(Plan.Duplicates)) return silos[place];
        var other = AnySilo();
        if (other.Place != place) Count(Fault.DuplicateActivation);
        return other;
    }

    public PromisedAmounts PromisesOf(string key)
    {
        if (!promises.TryGetValue(key, out var promised)) promises.Add(key, promised = new());
        return promised;
    }

    /// <summary>Marks that may be lost, late or of somebody who was freed: whatever they say, only speed depends on it.</summary>
    public ValueTask<bool> MarkedAsync(PersonClaim[] claims) => new(Random.Chance(Plan.Marks));

    public BuyerMind MindOf(string buyer) => minds[buyer];

    /// <summary>What a commit changed, told to the other silos' live views; the message may be lost.</summary>
    public void Tell(SimProcess from, IReadOnlyList<CounterValue> counters, News news)
    {
        foreach (var silo in silos)
        {
            if (silo.Process == from || silo.Process.IsDead || Random.Chance(IsFaulty ? 300 : 0)) continue;
            Loop.After(Random.Between(0, 50), silo.Process, () =>
            {
                silo.Live.Apply(counters);
                if (news.Sold is { } sold) silo.Live.Apply(sold);
            });
        }
    }

    public void Count(Fault fault) => faults[(int)fault]++;

    public T Counted<T>(Fault fault, T value)
    {
        Count(fault);
        return value;
    }

    /// <summary>A fault that somebody caught or nobody did. The outside world may break as it likes; a bug may not be.</summary>
    public void Saw(SimProcess process, Exception fault)
    {
        if (fault is IOException or TimeoutException or StorageBusyException or NotReadyException or OperationCanceledException) return;
        Violates(fault is InvariantException ? "a bug" : "an unexpected fault", $"{process.Name}: {string.Join('\n', fault.ToString().Split('\n').Take(8))}");
    }

    public void Violates(string check, string what)
    {
        if (Violation is not null) return;
        Outside.Note("VIOLATED " + check, what);
        (ViolatedCheck, Violation) = (check, what);
    }
}
