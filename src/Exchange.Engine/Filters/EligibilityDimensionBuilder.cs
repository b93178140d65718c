using System.Runtime.InteropServices;

namespace Exchange.Engine.Filters;

/// <summary>
/// Writes down one question about one field. Positions that ask the same are one group; a value's row differs from its neighbour's by the groups
/// whose answer turns there, and values at which the same groups answer alike share one row.
/// </summary>
internal sealed class EligibilityDimensionBuilder(int field, bool byNumber)
{
    /// <summary>More bits than this for one question are not spent: then neighbouring values share a row that holds what any of them takes.</summary>
    private const long MostBytes = 64L << 20;

    private readonly Dictionary<EligibilityTerm, int> groupOf = [];
    private readonly List<EligibilityTerm> terms = [];
    private readonly List<(int Position, int Group)> members = [];

    /// <summary>Who asks. In order.</summary>
    public IEnumerable<int> Positions => members.Select(member => member.Position);

    public void Add(int position, EligibilityTerm term)
    {
        ref var group = ref CollectionsMarshal.GetValueRefOrAddDefault(groupOf, term, out var known);
        if (!known)
        {
            group = terms.Count;
            terms.Add(term);
        }
        members.Add((position, group));
    }

    /// <param name="possible">Null: all; else no row holds anybody but these.</param>
    /// <param name="coarse">True: a row may hold more than takes the value, so nobody who asks here is exactly known.</param>
    public EligibilityDimension Build(int count, ulong[]? possible, out bool coarse)
    {
        var sweep = new EligibilitySweep(count, possible, terms, members);
        var most = (int)Math.Max(64, MostBytes / (sweep.Words * sizeof(ulong)));
        if (byNumber)
        {
            var turns = Turns(out var groups, out var ends);
            var (rows, rowOf) = sweep.Run(groups, ends, keepTurns: true, most, out coarse);
            return new NumberDimension(field, rows, sweep.Words, turns, rowOf);
        }
        var listed = Listed(out var naming, out var stops);
        var (textRows, textRowOf) = sweep.Run(naming, stops, keepTurns: false, most, out coarse);
        foreach (var (text, number) in listed) listed[text] = textRowOf[number + 1];
        return new TextDimension(field, textRows, sweep.Words, listed);
    }

    /// <summary>Every number at which some group turns, ascending; <paramref name="groups"/> up to ends[i] turn at the i-th or before.</summary>
    private long[] Turns(out int[] groups, out List<int> ends)
    {
        var numbers = new long[terms.Sum(term => term.Length)];
        groups = new int[numbers.Length];
        var next = 0;
        for (var group = 0; group < terms.Count; group++)
        {
            var turns = ((NumberTerm)terms[group]).Turns;
            turns.CopyTo(numbers, next);
            groups.AsSpan(next, turns.Length).Fill(group);
            next += turns.Length;
        }
        Array.Sort(numbers, groups);
        ends = [];
        var distinct = new List<long>();
        for (var i = 0; i < numbers.Length; i++)
        {
            if (i > 0 && numbers[i] == numbers[i - 1]) ends[^1] = i + 1;
            else { distinct.Add(numbers[i]); ends.Add(i + 1); }
        }
        return [.. distinct];
    }

    /// <summary>Every text that some group names, with its number; <paramref name="groups"/> from the end of the one before up to ends[i] name the i-th.</summary>
    private Dictionary<string, int> Listed(out int[] groups, out List<int> ends)
    {
        var numbers = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
        var naming = new List<List<int>>();
        for (var group = 0; group < terms.Count; group++)
        {
            foreach (var text in ((TextTerm)terms[group]).Listed)
            {
                ref var number = ref CollectionsMarshal.GetValueRefOrAddDefault(numbers, text, out var known);
                if (!known)
                {
                    number = naming.Count;
                    naming.Add([]);
                }
                naming[number].Add(group);
            }
        }
        groups = [.. naming.SelectMany(list => list)];
        ends = new(naming.Count);
        foreach (var list in naming) ends.Add((ends.Count == 0 ? 0 : ends[^1]) + list.Count);
        return numbers;
    }
}
