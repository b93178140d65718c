namespace Exchange.Engine.Audit;

/// <summary>One thing that is not as it must be. <see cref="Subject"/> is an id (lead, copy, limit, account); never data of a person.</summary>
public readonly record struct Finding(string Subject, string What);

/// <summary>What one check came to.</summary>
/// <param name="Id">The invariant it holds.</param>
/// <param name="Looked">How many things it looked at.</param>
/// <param name="Found">How many findings there are; <paramref name="Findings"/> shows the first of them.</param>
/// <param name="Notes">Unusual and explained: no findings. At most as many as findings are shown.</param>
public sealed record CheckResult(string Id, string Name, long Looked, long Found, IReadOnlyList<Finding> Findings, IReadOnlyList<Finding> Notes);

/// <summary>What an audit checked, in the order of the invariants.</summary>
public sealed record AuditReport(IReadOnlyList<CheckResult> Checks)
{
    public bool IsClean => Checks.All(check => check.Found == 0);
}
