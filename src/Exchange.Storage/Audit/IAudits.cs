using Exchange.Engine.Audit;

namespace Exchange.Storage.Audit;

/// <summary>Runs the auditor over a database.</summary>
public interface IAudits
{
    /// <summary>All checks over one moment of the facts, beside whatever is being written. Takes seconds with a million leads.</summary>
    Task<AuditReport> RunAsync(CancellationToken cancel);
}
