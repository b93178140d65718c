using Exchange.Engine.Auctions;

namespace Exchange.Engine.Filters;

/// <summary>
/// Goes through a field's values once and writes down a row of bits wherever the set of groups that take the value is a new one. Costs by how
/// often a group turns and by how many different rows there are, not by values times filters.
/// </summary>
internal sealed class EligibilitySweep
{
    private readonly List<EligibilityTerm> terms;
    private readonly int[] memberStarts;
    private readonly int[] membersByGroup;
    private readonly ulong[]?[] bitsOfLarge;
    private readonly UInt128[] marks;
    private readonly ulong[] now;
    private readonly ulong[] absent;
    private readonly List<int> turned = [];
    private readonly bool[] isTurned;

    public EligibilitySweep(int count, ulong[]? possible, List<EligibilityTerm> terms, List<(int Position, int Group)> members)
    {
        this.terms = terms;
        Words = EligibilityBits.RowWords(count);
        memberStarts = new int[terms.Count + 1];
        foreach (var (_, group) in members) memberStarts[group + 1]++;
        for (var group = 0; group < terms.Count; group++) memberStarts[group + 1] += memberStarts[group];
        membersByGroup = new int[members.Count];
        var next = memberStarts.ToArray();
        // Who does not ask here is taken by every row.
        now = new ulong[Words];
        for (var position = 0; position < count; position++) EligibilityBits.Set(now, position);
        if (possible is not null) EligibilityBits.And(now, possible);
        foreach (var (position, group) in members)
        {
            membersByGroup[next[group]++] = position;
            EligibilityBits.Clear(now, position);
        }
        absent = [.. now];
        bitsOfLarge = new ulong[]?[terms.Count];
        marks = new UInt128[terms.Count];
        isTurned = new bool[terms.Count];
        var draw = new SeededDraw(0);
        for (var group = 0; group < terms.Count; group++)
        {
            marks[group] = new UInt128(draw.Next(), draw.Next());
            if (terms[group].IfAbsent) Flip(absent, group);
            if (terms[group].IfOther) Flip(now, group);
        }
    }

    public int Words { get; }

    /// <summary>
    /// The rows: 0 for a field not given, 1 for before the first stop (or for a text nobody names), then as needed; and the row by stop, the first
    /// of them being before the first stop.
    /// </summary>
    /// <param name="groups">Whose answer turns, stop after stop.</param>
    /// <param name="ends">By stop: where its groups end.</param>
    /// <param name="keepTurns">True: what turned stays turned at the next stop (numbers); false: each stop starts anew (texts).</param>
    /// <param name="most">Rows there may be.</param>
    public (ulong[] Rows, int[] RowOf) Run(int[] groups, List<int> ends, bool keepTurns, int most, out bool coarse)
    {
        var rowOf = Assign(groups, ends, keepTurns, out var count);
        coarse = count > most;
        if (coarse)
        {
            count = most;
            for (var stop = 1; stop < rowOf.Length; stop++) rowOf[stop] = 2 + (int)((long)(stop - 1) * (most - 2) / (rowOf.Length - 1));
        }
        var rows = new ulong[(long)count * Words];
        absent.CopyTo(rows, 0);
        now.CopyTo(rows, Words);
        var written = 1;
        for (int stop = 1, from = 0; stop < rowOf.Length; stop++)
        {
            var to = ends[stop - 1];
            for (var i = from; i < to; i++) Turn(groups[i]);
            if (coarse || rowOf[stop] > written)
            {
                FlipTurned();
                EligibilityBits.Or(rows.AsSpan(rowOf[stop] * Words, Words), now);
                written = Math.Max(written, rowOf[stop]);
            }
            if (!keepTurns) for (var i = from; i < to; i++) Turn(groups[i]);
            from = to;
        }
        return (rows, rowOf);
    }

    /// <summary>A row for every stop, the same one where the same groups have turned: told by the sum (XOR) of their marks.</summary>
    private int[] Assign(int[] groups, List<int> ends, bool keepTurns, out int count)
    {
        var rowOf = new int[ends.Count + 1];
        rowOf[0] = 1;
        count = 2;
        var known = new Dictionary<UInt128, int> { [UInt128.Zero] = 1 };
        var mark = UInt128.Zero;
        for (int stop = 1, from = 0; stop < rowOf.Length; stop++)
        {
            if (!keepTurns) mark = UInt128.Zero;
            for (; from < ends[stop - 1]; from++) mark ^= marks[groups[from]];
            if (!known.TryGetValue(mark, out var row)) known[mark] = row = count++;
            rowOf[stop] = row;
        }
        return rowOf;
    }

    private void Turn(int group)
    {
        if (!isTurned[group]) turned.Add(group);
        isTurned[group] = !isTurned[group];
    }

    private void FlipTurned()
    {
        foreach (var group in turned)
        {
            // One that turned back and forth is in the list twice or more, and turned no more.
            if (!isTurned[group]) continue;
            isTurned[group] = false;
            Flip(now, group);
        }
        turned.Clear();
    }

    private void Flip(ulong[] bitmap, int group)
    {
        var members = membersByGroup.AsSpan(memberStarts[group]..memberStarts[group + 1]);
        if (members.Length <= Words)
        {
            foreach (var position in members) bitmap[position / 64] ^= 1UL << position % 64;
            return;
        }
        if (bitsOfLarge[group] is not { } bits)
        {
            bitsOfLarge[group] = bits = new ulong[Words];
            foreach (var position in members) EligibilityBits.Set(bits, position);
        }
        EligibilityBits.Xor(bitmap, bits);
    }
}
