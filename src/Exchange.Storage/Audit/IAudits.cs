using Exchange.Engine.Audit;

namespace Exchange.Storage.Audit;

/// <summary>Runs the auditor over a database.</summary>
public interface IAudits
{
    /// <summary>All checks over one moment of the facts, beside whatever is being written. Takes seconds with a million leads; ends before that when its caller has gone.</summary>
    /// <param name="nowMs">When it is made, Unix milliseconds: what was old by then may have been removed.</param>
    Task<AuditReport> RunAsync(long nowMs, CancellationToken cancel);
}
