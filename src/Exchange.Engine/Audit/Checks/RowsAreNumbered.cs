namespace Exchange.Engine.Audit.Checks;

/// <summary>Rows that are only ever inserted have numbers of their own, none above the last that was given, and none is missing where none can be.</summary>
public sealed class RowsAreNumbered() : AuditCheck("I13", "insert-only rows: no number twice, none gone")
{
    public override void See(SequenceFact sequence)
    {
        Looked += sequence.Rows;
        Require(sequence.Rows == sequence.Distinct, sequence.Name, $"{sequence.Rows} rows have {sequence.Distinct} numbers");
        if (sequence.Given is { } given)
            Require(sequence.Gapless ? sequence.Last == given : sequence.Last <= given, sequence.Name, $"goes to {sequence.Last}, {given} was given last");
        if (sequence.Rows == 0) return;
        Require(sequence.First > 0, sequence.Name, $"begins at {sequence.First}");
        if (sequence.Gapless) Require(sequence.Last == sequence.Rows, sequence.Name, $"{sequence.Rows} rows, the last has the number {sequence.Last}");
    }
}
