using Exchange.Engine.Fields;

namespace Exchange.Engine.Filters;

/// <summary>One question about one field: for every value the row of bits of those that take it or do not ask. Row 0: not given.</summary>
internal abstract class EligibilityDimension(int ordinal, ulong[] rows, int words)
{
    /// <summary>Ordinal of the field, or <see cref="EligibilityTerms.Publisher"/>.</summary>
    public int Field => ordinal;

    public ReadOnlySpan<ulong> RowOf(FieldValue value) => new(rows, (value.IsGiven ? RowOfGiven(value) : 0) * words, words);

    protected abstract int RowOfGiven(FieldValue value);
}

/// <summary>Row 1: a text that nobody names.</summary>
internal sealed class TextDimension(int ordinal, ulong[] rows, int words, Dictionary<string, int> rowOf) : EligibilityDimension(ordinal, rows, words)
{
    protected override int RowOfGiven(FieldValue value) => rowOf.TryGetValue(value.Text!, out var row) ? row : 1;
}

/// <param name="turns">Ascending; stretch 0 lies before the first of them, stretch i + 1 begins at turns[i].</param>
/// <param name="rowOf">By stretch.</param>
internal sealed class NumberDimension(int ordinal, ulong[] rows, int words, long[] turns, int[] rowOf) : EligibilityDimension(ordinal, rows, words)
{
    // Ages, zip codes, choices and days lie close together: their rows are found by the number itself.
    private readonly int[]? rowOfNumber = Expand(turns, rowOf);

    protected override int RowOfGiven(FieldValue value)
    {
        if (rowOfNumber is not null)
        {
            if (turns.Length == 0 || value.Number < turns[0]) return rowOf[0];
            return value.Number >= turns[^1] ? rowOf[^1] : rowOfNumber[value.Number - turns[0]];
        }
        var at = Array.BinarySearch(turns, value.Number);
        return rowOf[at < 0 ? ~at : at + 1];
    }

    private static int[]? Expand(long[] turns, int[] rowOf)
    {
        if (turns.Length == 0) return [];
        var span = (UInt128)((Int128)turns[^1] - turns[0]);
        if (span > (UInt128)turns.Length * 16 + 1_024) return null;
        var expanded = new int[(int)span];
        for (var i = 0; i + 1 < turns.Length; i++) expanded.AsSpan((int)(turns[i] - turns[0]), (int)(turns[i + 1] - turns[i])).Fill(rowOf[i + 1]);
        return expanded;
    }
}
