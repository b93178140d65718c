using Exchange.Engine.Ledger;
using Exchange.Engine.Values;

namespace Exchange.Engine.Audit.Checks;

/// <summary>
/// A copy came back because its return was accepted, and where that is booked it came back. Between the two commits of a return it is only accepted, which is
/// noted; for minutes that lasts only where nobody goes on with it.
/// </summary>
public sealed class ReturnsMatchCopies() : AuditCheck("I15", "returns = copies that came back")
{
    private const long BookedWithinMs = Limits.ReturnBookedMinutes * 60_000L;

    private readonly List<(CopyId Copy, long AcceptedMs)> unbooked = [];
    // What the facts are of: those of a backup are no older than it was.
    private long newestMs;

    public override void See(LeadFacts lead)
    {
        newestMs = Math.Max(newestMs, lead.Id.UnixMilliseconds);
        foreach (var asked in lead.Returns)
        {
            Looked++;
            newestMs = Math.Max(newestMs, asked.DecidedAtMs);
            var name = lead.CopyId(asked.CopyNo).ToString();
            Require(asked.State is >= ReturnFactState.Requested and <= ReturnFactState.Refused, name, $"has a return in no known state ({(int)asked.State})");
            var copy = lead.Copies.FirstOrDefault(copy => copy.No == asked.CopyNo);
            Require(copy is { IsSold: true }, name, $"has a return, and is {copy?.State.ToString() ?? "not there"}");
            if (copy is not { State: CopyState.Captured }) continue;
            Require(!asked.IsBooked, name, $"is {copy.State}, its return is booked");
            if (asked is { State: ReturnFactState.Accepted, IsBooked: false }) unbooked.Add((lead.CopyId(asked.CopyNo), asked.DecidedAtMs));
        }
        foreach (var copy in lead.Copies)
        {
            newestMs = Math.Max(newestMs, copy.AtMs);
            if (copy.State != CopyState.Reversed) continue;
            Looked++;
            Require(lead.Returns.Any(asked => asked.CopyNo == copy.No && asked.State == ReturnFactState.Accepted), lead.CopyId(copy.No).ToString(), $"came back, and no return of it was accepted");
        }
    }

    protected override void Conclude()
    {
        foreach (var (copy, acceptedMs) in unbooked)
        {
            var lasts = newestMs - acceptedMs;
            Require(lasts <= BookedWithinMs, copy.ToString(), $"is sold still, its return was accepted {lasts / 1000} s before the newest copy");
            if (lasts <= BookedWithinMs) Note(copy.ToString(), $"accepted as a return and not booked yet");
        }
    }
}
