namespace Exchange.Engine;

/// <summary>
/// A named place between two effects, where a test lets the process die. <see cref="Pass"/> does nothing unless somebody armed the points: one read of
/// a field.
/// </summary>
/// <param name="name">What the outside calls it.</param>
/// <param name="lost">What a death there leaves done and what not.</param>
public sealed class FaultPoint(string name, string lost)
{
    public string Name { get; } = name;
    public string Lost { get; } = lost;

    public void Pass() => FaultPoints.Armed?.Invoke(this);

    public override string ToString() => Name;
}

/// <summary>
/// Every boundary between effects that a crash can fall on. Whoever adds an effect adds its boundary here; the crash harness walks the list and fails if
/// one is never reached.
/// </summary>
public static class FaultPoints
{
    public static readonly FaultPoint BeforeCommit = new("journal.before_commit", "A batch is applied and not committed: nothing of it is there.");
    public static readonly FaultPoint AfterCommit = new("journal.after_commit", "A batch is durable; nobody was told.");
    public static readonly FaultPoint AfterHold = new("sale.after_hold", "A copy is held; its buyer was not called.");
    public static readonly FaultPoint AfterBytes = new("call.after_bytes", "The lead's bytes left; no answer was read.");
    public static readonly FaultPoint AfterAnswer = new("call.after_answer", "The buyer answered; the answer is not recorded.");
    public static readonly FaultPoint AfterDoubt = new("doubt.after_mark", "A copy is marked in doubt; when it is asked again is not recorded, or it was not asked again.");
    public static readonly FaultPoint BeforeReply = new("post.before_reply", "The outcome and its answer are durable; the publisher was not told.");
    public static readonly FaultPoint AfterLease = new("delivery.after_lease", "Due deliveries are leased to this process; none was sent.");
    public static readonly FaultPoint AfterSent = new("delivery.after_sent", "A sold copy was delivered; the result is not recorded.");
    public static readonly FaultPoint BeforePings = new("pings.before_write", "Pings were answered; their records are in memory only.");
    public static readonly FaultPoint AfterPings = new("pings.after_write", "Ping records are written; whoever waits for that was not told.");
    public static readonly FaultPoint BeforeOffer = new("ping.before_reply", "A ping is decided and on its way to disk; the publisher was not told.");
    public static readonly FaultPoint AfterFirmHold = new("firm.after_hold", "An offer's copies are held; its ping has no record and no answer.");
    public static readonly FaultPoint AfterReturn = new("return.after_row", "A return is accepted; its money is not booked.");
    public static readonly FaultPoint AfterPostback = new("postback.after_sent", "A publisher was called; the result is not recorded.");
    public static readonly FaultPoint AfterCatalog = new("catalog.after_commit", "A catalog version is stored; it is not served and nobody was told.");
    public static readonly FaultPoint AfterErasure = new("erasure.after_commit", "A person is erased and suppressed; whoever asked was not told, and of the embedded database the ping's record and the logs' older pages are still there.");
    public static readonly FaultPoint AfterGiveUp = new("resolve.after_give_up", "A copy in doubt is asked about no more; what its operator said of it is not recorded.");
    public static readonly FaultPoint AfterSchema = new("start.after_schema", "The schema is up to date; nothing was served.");

    /// <summary>Points that a serving process passes.</summary>
    public static IReadOnlyList<FaultPoint> All { get; } =
    [
        BeforeCommit, AfterCommit, AfterHold, AfterBytes, AfterAnswer, AfterDoubt, BeforeReply, AfterLease, AfterSent, BeforePings, AfterPings, BeforeOffer,
        AfterFirmHold, AfterReturn, AfterPostback, AfterCatalog, AfterErasure, AfterGiveUp, AfterSchema,
    ];

    public static readonly FaultPoint InBackup = new("backup.between_files", "Some files of a backup are copied, under a name that nobody takes for a backup.");

    /// <summary>Points that a command of its own passes, beside a serving process.</summary>
    public static IReadOnlyList<FaultPoint> OfCommands { get; } = [InBackup];

    /// <summary>What a process that dies at its point writes last to its error output, before the moment in Unix milliseconds.</summary>
    public const string LastWord = "fault point passed at ";

    internal static Action<FaultPoint>? Armed { get; private set; }

    /// <summary>Once, before anything passes a point.</summary>
    public static void Arm(Action<FaultPoint> passing) => Armed = passing;
}
