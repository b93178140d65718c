namespace Exchange.Engine.Audit;

/// <summary>
/// One invariant over the facts. It is handed every fact once, in the order of <see cref="IAuditFacts"/>, and looks at those it cares for. Add one by a
/// file of its own and a line in <see cref="Auditor.Checks"/>.
/// </summary>
/// <param name="id">The invariant's number (I1 …).</param>
/// <param name="name">What must hold, as people say it.</param>
public abstract class AuditCheck(string id, string name)
{
    private readonly List<Finding> findings = [];
    private readonly List<Finding> notes = [];
    private long found;

    /// <summary>When the facts are read, Unix milliseconds. A backup's are older.</summary>
    public long NowMs { protected get; set; }

    /// <summary>How many things were looked at.</summary>
    protected long Looked { get; set; }

    public virtual void See(CounterFact counter) { }
    public virtual void See(LimitFact limit) { }
    public virtual void See(TransferFact booking) { }
    public virtual void See(LeadFacts lead) { }
    public virtual void See(RequestFact request) { }
    public virtual void See(SequenceFact sequence) { }
    public virtual void See(AccountFact account) { }

    /// <summary>After the last fact.</summary>
    protected virtual void Conclude() { }

    public CheckResult Result()
    {
        Conclude();
        return new(id, name, Looked, found, findings, notes);
    }

    /// <summary>Finds, unless it holds. The text is made only where it does not.</summary>
    protected void Require(bool holds, string subject, FormattableString what)
    {
        if (!holds) Find(subject, FormattableString.Invariant(what));
    }

    protected void Find(string subject, string what)
    {
        found++;
        if (findings.Count < Limits.FindingsPerCheck) findings.Add(new(subject, what));
    }

    protected void Note(string subject, FormattableString what)
    {
        if (notes.Count < Limits.FindingsPerCheck) notes.Add(new(subject, FormattableString.Invariant(what)));
    }
}
