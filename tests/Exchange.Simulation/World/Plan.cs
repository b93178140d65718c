using Exchange.Simulation.Scheduling;

namespace Exchange.Simulation.World;

/// <summary>What goes wrong, and is counted.</summary>
internal enum Fault
{
    Crash, Restart, Pause, ClockJump, CatalogChange, DuplicateActivation, MessageLost, MessageTwice, CommitUnknown, CommitLost, QueueFull, ReadFailed,
    BuyerRefused, BuyerHung, BuyerGarbage, BuyerLied, WireCut, PostTwice, PostAltered, PostElsewhere, DeedTwice, BidLate,
}

/// <summary>What people do to a lead after its post.</summary>
internal enum Deed { Return, Erase, Resolve, Add }

/// <summary>
/// What the seed makes of one world: how many silos and leads, how often each thing goes wrong. Each kind of fault is on in about half of the worlds,
/// so that some worlds have one alone and some all together. Rates are per thousand, times milliseconds.
/// </summary>
internal sealed record Plan
{
    public required int Silos { get; init; }
    public required int Clients { get; init; }
    public required int PingsEach { get; init; }
    public required int Market { get; init; }
    public required int Phones { get; init; }
    /// <summary>Of each way between a silo and the database.</summary>
    public required int StoreMs { get; init; }
    public required int NetworkMs { get; init; }

    /// <summary>Steps between two of the nemesis' deeds; 0: it does nothing.</summary>
    public int NemesisSteps { get; init; }
    public bool Crashes { get; init; }
    public bool Pauses { get; init; }
    public bool Clocks { get; init; }
    public bool Changes { get; init; }

    public int Duplicates { get; init; }
    public int MessageLost { get; init; }
    public int MessageTwice { get; init; }
    public int CommitUnknown { get; init; }
    public int CommitLost { get; init; }
    public int QueueFull { get; init; }
    public int ReadFails { get; init; }
    public int WireCut { get; init; }
    /// <summary>A silo stops, or dies, the moment after a lead left it.</summary>
    public int StopAtSend { get; init; }
    public int DieAtSend { get; init; }
    public int PostTwice { get; init; }
    public int PostAltered { get; init; }

    /// <summary>A person is said to be somebody's, who may be anybody's or nobody's.</summary>
    public int Marks { get; init; }

    /// <summary>What is done to leads after their post, and how often in all.</summary>
    public IReadOnlyList<Deed> Deeds { get; init; } = [];
    public int DeedsInAll { get; init; }
    /// <summary>The same done twice at once, on another silo perhaps.</summary>
    public int DeedTwice { get; init; }

    /// <summary>Nothing goes wrong; buyers say yes or no and keep their word.</summary>
    public static Plan Quiet(SimRandom random) => new()
    {
        Silos = 1, Clients = random.Between(1, 3), PingsEach = random.Between(1, 2), Market = random.Next(Markets.Count), Phones = random.Between(1, 4), StoreMs = 4, NetworkMs = 6,
    };

    /// <summary>Each kind in three worlds of ten: an erased person is sold no more, so a world that erases much sells little.</summary>
    private static Deed[] Drawn(SimRandom random) => [.. Enum.GetValues<Deed>().Where(_ => random.Chance(300))];

    public static Plan Draw(SimRandom random)
    {
        int Rate(int most) => random.Chance(500) ? random.Between(1, most) : 0;
        return Quiet(random) with
        {
            Silos = random.Between(1, 3), StoreMs = random.Pick([2, 10, 60]), NetworkMs = random.Pick([2, 20, 400]), Clients = random.Between(1, 4),
            NemesisSteps = random.Pick([0, 30, 100, 300]), Crashes = random.Chance(600), Pauses = random.Chance(400), Clocks = random.Chance(400), Changes = random.Chance(500),
            Duplicates = Rate(400), MessageLost = Rate(150), MessageTwice = Rate(200), CommitUnknown = Rate(250), CommitLost = Rate(150), QueueFull = Rate(80), ReadFails = Rate(40),
            WireCut = Rate(200), StopAtSend = random.Chance(250) ? random.Between(50, 400) : 0, DieAtSend = random.Chance(250) ? random.Between(50, 300) : 0, PostTwice = Rate(500), PostAltered = Rate(250),
            Marks = random.Pick([0, 300, 1000]), Deeds = Drawn(random), DeedsInAll = random.Between(1, 6), DeedTwice = Rate(400),
        };
    }
}
