namespace Exchange.LoadTests.Crash;

/// <summary>
/// The named places at which a server can be made to kill itself, as src/Exchange.Engine/FaultPoints.cs defines them: this program knows the exchange only
/// from outside. A test compares the lists.
/// </summary>
internal static class FaultPointNames
{
    /// <summary>Passed once, before anything is served.</summary>
    public const string AtStart = "start.after_schema";

    public static string[] Serving { get; } =
    [
        "journal.before_commit", "journal.after_commit", "sale.after_hold", "call.after_bytes", "call.after_answer", "doubt.after_mark", "post.before_reply",
        "delivery.after_lease", "delivery.after_sent", "pings.before_write", "pings.after_write", "ping.before_reply", "firm.after_hold", "return.after_row",
        "catalog.after_commit", AtStart,
    ];
}
