using Exchange.Engine.Values;

namespace Exchange.Storage.Sqlite;

/// <summary>Rows of one table in the order of their leads, one ahead: what several of them have of one lead is taken together.</summary>
internal sealed class LeadCursor<T>(Statement rows, Func<Statement, T> read) : IDisposable
{
    private bool started;

    /// <summary>The lead of the next row; null after the last. The first column is the lead's id.</summary>
    public LeadId? Next { get; private set; }

    public void Start()
    {
        if (!started) Step();
        started = true;
    }

    /// <summary>The rows of this lead, if it is the next.</summary>
    public List<T> Take(LeadId lead)
    {
        List<T> taken = [];
        while (Next == lead)
        {
            taken.Add(read(rows));
            Step();
        }
        return taken;
    }

    private void Step() => Next = rows.Step() ? rows.Lead(0) : null;

    public void Dispose() => rows.Reset();
}
