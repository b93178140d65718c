using Exchange.Engine.Deliveries;
using Exchange.Engine.Fields;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Grains.Intake;
using Exchange.Grains.Leads;
using Exchange.Simulation.Checks;
using Exchange.Simulation.Scheduling;
using Exchange.Simulation.Store;
using Exchange.Storage;

namespace Exchange.Simulation.World;

/// <summary>
/// What people do to leads after their post, at any moment: a buyer gives a copy back and an admin decides, an admin erases a person, the operator says what became
/// of a doubt, a publisher adds fields. Whoever is not answered asks again; now and then two ask at once.
/// </summary>
internal sealed class SimOffice(SimWorld world, SimProcess process)
{
    private const long PatienceMs = 6_000;
    private const int MostTries = 8;
    /// <summary>Chances to do something just when somebody else does: bounded, so that a world ends.</summary>
    private const int MostMoments = 12;

    private readonly SimClock clock = new(process);
    private int running;
    private int moments;

    public bool IsDone { get; private set; }

    public async Task RunAsync()
    {
        for (var left = world.Plan.Deeds.Count == 0 ? 0 : world.Plan.DeedsInAll; left > 0; left--)
        {
            await Wait(0, 1_200);
            Start(world.Random.Pick(world.Plan.Deeds));
        }
        while (running > 0) await Wait(50, 200);
        IsDone = true;
    }

    private void Start(Deed deed)
    {
        switch (deed)
        {
            case Deed.Return when Pick(Copies(CopyState.Captured, CopyState.Reversed)) is { Lead: not null } sold:
                Twice(() => ReturnAsync(new(sold.Lead.Id, sold.Copy.No), sold.Copy.Buyer));
                break;
            case Deed.Erase when Pick(world.Database.Leads) is { } lead:
                Twice(() => EraseAsync(lead.Id));
                // Whose publisher knows nothing of it.
                if (world.Random.Chance(300)) Do(() => AddAsync(lead, "email"));
                break;
            case Deed.Add when ((world.Random.Chance(500) ? Pick(Waiting()) : null) ?? Pick(world.Database.Leads)) is { } lead:
                Twice(() => AddAsync(lead, world.Random.Pick(["email", "note"])));
                break;
            case Deed.Resolve:
                Do(ResolveAsync);
                break;
        }
    }

    /// <summary>A copy is on its way to its buyer: somebody may erase its person, or say what became of it if it is in doubt, at this very moment.</summary>
    public void Sent(CopyId copy)
    {
        if (world.Random.Chance(200) && Does(Deed.Erase)) Do(() => EraseAsync(copy.Lead));
        if (!Does(Deed.Resolve) || world.Database.Find(copy.Lead)?.Copies.Find(row => row.No == copy.No) is not { State: CopyState.InDoubt }) return;
        Twice(() => ResolveAsync(copy));
    }

    /// <summary>Somebody has just taken up a lead, or a delivery, that waits for fields: they may come at this very moment.</summary>
    public void Claimed(LeadEntry lead)
    {
        if (Does(Deed.Add)) Do(() => AddAsync(lead, "email"));
    }

    private bool Does(Deed deed) => world.IsFaulty && !IsDone && ++moments <= MostMoments && world.Plan.Deeds.Contains(deed) && world.Random.Chance(400);

    private List<LeadEntry> Waiting() => world.Database.Leads.FindAll(lead => lead.Wait?.DueAtMs is not null || lead.Deliveries.Exists(delivery => delivery is { Status: DeliveryStatus.Waiting, Wait: DeliveryWait.Fields }));

    private IReadOnlyList<(LeadEntry Lead, CopyEntry Copy)> Copies(params CopyState[] states) =>
        [.. world.Database.Leads.SelectMany(lead => lead.Copies.Where(copy => states.Contains(copy.State)).Select(copy => (lead, copy)))];

    private T? Pick<T>(IReadOnlyList<T> among) => among.Count == 0 ? default : world.Random.Pick(among);

    private void Twice(Func<Task> deed)
    {
        Do(deed);
        if (!world.IsFaulty || !world.Random.Chance(world.Plan.DeedTwice)) return;
        world.Count(Fault.DeedTwice);
        Do(deed);
    }

    private void Do(Func<Task> deed)
    {
        running++;
        process.Start(async () =>
        {
            await deed();
            running--;
        });
    }

    private async Task ReturnAsync(CopyId copy, string buyer)
    {
        var told = await AskAsync(async silo =>
        {
            var told = await silo.Returns.AskAsync(buyer, copy, new("wrong_number", null, null));
            if (told.Problem is null) world.Laws.Returned(copy, told.Status);
            return told;
        }, static told => told.Problem is not { Status: 503 });
        if (!told.IsTold) return;
        var (status, problem) = told.What;
        process.Note("is told of its return", copy.ToString(), problem?.Status ?? 200);
        if (problem is not null) return;
        world.Witness.Returns.Add((copy, status));
        if (status != ReturnStatus.Requested) return;
        await Wait(0, 2_000);
        var accept = world.Random.Chance(600);
        await AskAsync(async silo => (await silo.Returns.DecideAsync(copy, accept, "operator"), 0), static told => told.Item1 is not { Status: 503 });
    }

    private async Task EraseAsync(LeadId lead)
    {
        await AskAsync(async silo =>
        {
            await silo.EraseAsync(lead);
            world.Laws.Erased(lead);
            return 0;
        }, static _ => true);
    }

    /// <summary>Doubts last for moments: the operator looks for one for a while.</summary>
    private async Task ResolveAsync()
    {
        for (var looks = 0; looks < 8; looks++)
        {
            if (Pick(Copies(CopyState.InDoubt)) is { Lead: not null } found)
            {
                await ResolveAsync(new(found.Lead.Id, found.Copy.No));
                return;
            }
            await Wait(100, 1_200);
        }
    }

    private async Task ResolveAsync(CopyId copy)
    {
        var accepted = world.Random.Chance(500);
        world.Witness.Resolved.Add((copy, accepted));
        await AskAsync(async silo =>
        {
            var reply = await silo.ResolveAsync(copy, accepted);
            world.Laws.Resolved(copy, accepted, reply);
            return reply;
        }, static reply => reply is not (ResolveReply.CallUnderWay or ResolveReply.Moved));
    }

    private async Task AddAsync(LeadEntry lead, string field)
    {
        var told = await AskAsync(async silo =>
        {
            var reply = await silo.Intake.AddFieldsAsync(lead.Publisher, lead.Id, [new PostedField(field, RawKind.String, field == "email" ? "somebody@example.com" : "call at noon")], CancellationToken.None);
            if (reply.Problem is null) world.Laws.Added(lead.Id, field);
            return reply;
        }, static reply => reply.Problem is not { Status: 503 } and not { Code: "idempotency_in_progress" });
        if (told is { IsTold: true, What.Problem: null }) world.Witness.Added.Add((lead.Id, field));
    }

    /// <summary>Until an answer that does not say "come again"; not told: after many tries nobody knows.</summary>
    private async Task<(bool IsTold, T What)> AskAsync<T>(Func<SimSilo, Task<T>> ask, Func<T, bool> isFinal)
    {
        for (var tries = 0; tries < MostTries; tries++)
        {
            try
            {
                var to = world.AnySilo();
                var told = await world.Network.CallAsync(process, to.Process, () => ask(to), PatienceMs, mayComeTwice: true);
                if (isFinal(told)) return (true, told);
            }
            catch (Exception fault) when (fault is not Engine.InvariantException) { }
            await Wait(50, 900);
        }
        return (false, default!);
    }

    private Task Wait(int from, int to) => Task.Delay(TimeSpan.FromMilliseconds(world.Random.Between(from, to)), clock);
}
