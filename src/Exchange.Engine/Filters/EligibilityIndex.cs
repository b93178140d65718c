using Exchange.Engine.Fields;

namespace Exchange.Engine.Filters;

/// <summary>
/// Says for given values which of many filters may hold, without asking each: for every field one bitmap per value (or per stretch of
/// numbers) with a bit for each filter that takes it or does not care, and the answer is the AND over the fields. The answer is a superset:
/// what a bitmap cannot say (any, not, texts, the time) is left to the filter itself. Immutable; a query allocates nothing.
/// </summary>
public sealed class EligibilityIndex
{
    private readonly Dimension[] dimensions;
    private readonly ulong[] possible;
    private readonly ulong[] exact;

    private EligibilityIndex(int count, ulong[] possible, ulong[] exact, Dimension[] dimensions)
    {
        Count = count;
        this.possible = possible;
        this.exact = exact;
        this.dimensions = dimensions;
    }

    /// <summary>How many filters it knows; their positions are 0 … Count - 1.</summary>
    public int Count { get; }

    /// <summary>Length of the bitmap that <see cref="Candidates"/> fills.</summary>
    public int Words => possible.Length;

    /// <param name="filters">By position: in a vertical, the campaigns' ordinals.</param>
    public static EligibilityIndex Build(FieldSet fields, IReadOnlyList<Condition> filters)
    {
        var words = (filters.Count + 63) / 64;
        var possible = new ulong[words];
        var exact = new ulong[words];
        var sets = new SetsBuilder?[fields.Count];
        var ranges = new RangesBuilder?[fields.Count];
        var given = new GivenBuilder?[fields.Count];
        for (var position = 0; position < filters.Count; position++)
        {
            Bits.Set(possible, position);
            Bits.Set(exact, position);
            foreach (var conjunct in Conjuncts(filters[position]))
            {
                switch (conjunct)
                {
                    case AbsentCondition { Value: false }:
                        Bits.Clear(possible, position);
                        break;
                    case ExistsCondition { Operand.Ordinal: >= 0 and var ordinal } exists:
                        (given[ordinal] ??= new()).Add(position, exists.Wanted);
                        break;
                    case LeafCondition { Operand.Ordinal: >= 0 and var ordinal } leaf:
                        if (leaf.Test.Set is { } set)
                        {
                            if (!(sets[ordinal] ??= new(set.Type)).Add(position, set)) Bits.Clear(exact, position);
                        }
                        else if (leaf.Test.Range is { } range) (ranges[ordinal] ??= new()).Add(position, range);
                        else
                        {
                            (given[ordinal] ??= new()).Add(position, wanted: true);
                            Bits.Clear(exact, position);
                        }
                        break;
                    default:
                        if (conjunct != Condition.Always) Bits.Clear(exact, position);
                        break;
                }
            }
        }
        var dimensions = new List<Dimension>();
        for (var ordinal = 0; ordinal < fields.Count; ordinal++)
        {
            if (sets[ordinal] is { } byValue) dimensions.Add(byValue.Build(ordinal, filters.Count));
            if (ranges[ordinal] is { } byRange) dimensions.Add(byRange.Build(ordinal, filters.Count));
            if (given[ordinal] is { } byPresence) dimensions.Add(byPresence.Build(ordinal, filters.Count));
        }
        return new(filters.Count, possible, exact, [.. dimensions]);
    }

    /// <summary>Whether a candidate at this position is no superset: its filter holds and need not be asked.</summary>
    public bool IsExact(int position) => (exact[position / 64] >> position % 64 & 1) != 0;

    /// <summary>
    /// Fills <paramref name="bitmap"/> (at least <see cref="Words"/> long; bit n of word w is position 64·w + n) with a superset of the
    /// positions whose filter holds for a subject with these values.
    /// </summary>
    public void Candidates(FieldValue[] values, Span<ulong> bitmap)
    {
        bitmap = bitmap[..possible.Length];
        possible.CopyTo(bitmap);
        foreach (var dimension in dimensions)
            dimension.Narrow(dimension.Ordinal < values.Length ? values[dimension.Ordinal] : default, bitmap);
    }

    /// <summary>The parts that must all hold.</summary>
    private static IEnumerable<Condition> Conjuncts(Condition filter)
    {
        if (filter is not AllCondition all) return [filter];
        return all.Parts.SelectMany(Conjuncts);
    }

    /// <summary>One question about one field.</summary>
    private abstract class Dimension(int ordinal)
    {
        public int Ordinal => ordinal;
        public abstract void Narrow(FieldValue value, Span<ulong> bitmap);
    }

    private sealed class TextDimension(int ordinal, ulong[] indifferent, Dictionary<string, Bits> byText) : Dimension(ordinal)
    {
        public override void Narrow(FieldValue value, Span<ulong> bitmap)
        {
            if (value.Text is { } text && byText.TryGetValue(text, out var bits)) bits.AndTo(bitmap, indifferent);
            else Bits.And(bitmap, indifferent);
        }
    }

    private sealed class NumberDimension(int ordinal, ulong[] indifferent, Dictionary<long, Bits> byNumber) : Dimension(ordinal)
    {
        public override void Narrow(FieldValue value, Span<ulong> bitmap)
        {
            if (value.IsGiven && byNumber.TryGetValue(value.Number, out var bits)) bits.AndTo(bitmap, indifferent);
            else Bits.And(bitmap, indifferent);
        }
    }

    /// <summary><paramref name="starts"/>: ascending; stretch i runs from starts[i] up to the next start.</summary>
    private sealed class RangeDimension(int ordinal, ulong[] indifferent, long[] starts, Bits[] stretches) : Dimension(ordinal)
    {
        public override void Narrow(FieldValue value, Span<ulong> bitmap)
        {
            if (value.IsGiven)
            {
                var at = Array.BinarySearch(starts, value.Number);
                if (at < 0) at = ~at - 1;
                if (at >= 0) { stretches[at].AndTo(bitmap, indifferent); return; }
            }
            Bits.And(bitmap, indifferent);
        }
    }

    private sealed class GivenDimension(int ordinal, ulong[] ifGiven, ulong[] ifNot) : Dimension(ordinal)
    {
        public override void Narrow(FieldValue value, Span<ulong> bitmap) => Bits.And(bitmap, value.IsGiven ? ifGiven : ifNot);
    }

    /// <summary>
    /// The positions that take a value. Kept as whole words beside those that do not care where they are many, else as the few words in
    /// which they lie: forty thousand zip codes in a hundred thousand campaigns must fit.
    /// </summary>
    private sealed class Bits
    {
        private readonly ulong[]? dense;
        private readonly int[] words = [];
        private readonly ulong[] masks = [];

        public Bits(IReadOnlyList<int> ascending, ulong[] indifferent)
        {
            var touched = new List<int>();
            var parts = new List<ulong>();
            foreach (var position in ascending)
            {
                if (touched.Count == 0 || touched[^1] != position / 64) { touched.Add(position / 64); parts.Add(0); }
                parts[^1] |= 1UL << position % 64;
            }
            if (touched.Count * 4 >= indifferent.Length)
            {
                dense = (ulong[])indifferent.Clone();
                for (var i = 0; i < touched.Count; i++) dense[touched[i]] |= parts[i];
                return;
            }
            words = [.. touched];
            masks = [.. parts];
        }

        public void AndTo(Span<ulong> bitmap, ulong[] indifferent)
        {
            if (dense is not null) { And(bitmap, dense); return; }
            var next = 0;
            for (var i = 0; i < words.Length; i++)
            {
                var word = words[i];
                And(bitmap[next..word], indifferent.AsSpan(next, word - next));
                bitmap[word] &= indifferent[word] | masks[i];
                next = word + 1;
            }
            And(bitmap[next..], indifferent.AsSpan(next));
        }

        public static void And(Span<ulong> bitmap, ReadOnlySpan<ulong> with)
        {
            with = with[..bitmap.Length];
            for (var i = 0; i < bitmap.Length; i++) bitmap[i] &= with[i];
        }

        public static void Set(ulong[] bitmap, int position) => bitmap[position / 64] |= 1UL << position % 64;
        public static void Clear(ulong[] bitmap, int position) => bitmap[position / 64] &= ~(1UL << position % 64);

        public static ulong[] AllBut(IEnumerable<int> positions, int count)
        {
            var bitmap = new ulong[(count + 63) / 64];
            for (var position = 0; position < count; position++) Set(bitmap, position);
            foreach (var position in positions) Clear(bitmap, position);
            return bitmap;
        }
    }

    /// <summary>
    /// Filters that name the same list share its set, so a value is written down once per set and values that occur in the same sets share
    /// their bits.
    /// </summary>
    private sealed class SetsBuilder(FieldType type)
    {
        private readonly Dictionary<int, ValueSet> first = [];
        private readonly Dictionary<ValueSet, List<int>> positions = new(ReferenceEqualityComparer.Instance);
        private readonly SortedSet<int> constrained = [];

        /// <summary>False: a second set on one field, which is rare; the first narrows, the filter itself asks both.</summary>
        public bool Add(int position, ValueSet set)
        {
            constrained.Add(position);
            if (!first.TryAdd(position, set)) return false;
            if (!positions.TryGetValue(set, out var users)) positions[set] = users = [];
            users.Add(position);
            return true;
        }

        public Dimension Build(int ordinal, int count)
        {
            var indifferent = Bits.AllBut(constrained, count);
            var users = positions.Values.ToArray();
            return ValueSet.IsByNumber(type)
                ? new NumberDimension(ordinal, indifferent, Invert(positions.Keys.Select(set => set.Numbers), users, indifferent, EqualityComparer<long>.Default))
                : new TextDimension(ordinal, indifferent, Invert(positions.Keys.Select(set => set.Texts), users, indifferent, StringComparer.OrdinalIgnoreCase));
        }

        private static Dictionary<T, Bits> Invert<T>(
            IEnumerable<IReadOnlyCollection<T>> sets, List<int>[] users, ulong[] indifferent, IEqualityComparer<T> comparer) where T : notnull
        {
            var setsOf = new Dictionary<T, List<int>>(comparer);
            var number = 0;
            foreach (var set in sets)
            {
                foreach (var value in set)
                {
                    if (!setsOf.TryGetValue(value, out var list)) setsOf[value] = list = new(1);
                    list.Add(number);
                }
                number++;
            }
            var shared = new Dictionary<List<int>, Bits>(ListComparer.Instance);
            var bits = new Dictionary<T, Bits>(setsOf.Count, comparer);
            foreach (var (value, list) in setsOf)
            {
                if (!shared.TryGetValue(list, out var same))
                    shared[list] = same = new([.. list.SelectMany(set => users[set]).Order()], indifferent);
                bits[value] = same;
            }
            return bits;
        }
    }

    private sealed class RangesBuilder
    {
        private readonly List<(int Position, NumberRange Range)> ranges = [];

        public void Add(int position, NumberRange range) => ranges.Add((position, range));

        public RangeDimension Build(int ordinal, int count)
        {
            // Several ranges of one filter on one field (at_least and at_most) meet in one.
            var met = ranges.GroupBy(entry => entry.Position)
                .Select(group => (Position: group.Key, Range: new NumberRange(group.Max(entry => entry.Range.Low), group.Min(entry => entry.Range.High))))
                .ToArray();
            var indifferent = Bits.AllBut(met.Select(entry => entry.Position), count);
            var opens = met.Where(entry => entry.Range.Low <= entry.Range.High).ToLookup(entry => entry.Range.Low, entry => entry.Position);
            var closes = met.Where(entry => entry.Range.Low <= entry.Range.High && entry.Range.High < long.MaxValue)
                .ToLookup(entry => entry.Range.High + 1, entry => entry.Position);
            var starts = opens.Select(group => group.Key).Concat(closes.Select(group => group.Key)).Distinct().Order().ToArray();
            var stretches = new Bits[starts.Length];
            var inside = new SortedSet<int>();
            for (var i = 0; i < starts.Length; i++)
            {
                inside.ExceptWith(closes[starts[i]]);
                inside.UnionWith(opens[starts[i]]);
                stretches[i] = new([.. inside], indifferent);
            }
            return new RangeDimension(ordinal, indifferent, starts, stretches);
        }
    }

    private sealed class GivenBuilder
    {
        private readonly List<int> wantGiven = [];
        private readonly List<int> wantAbsent = [];

        public void Add(int position, bool wanted) => (wanted ? wantGiven : wantAbsent).Add(position);

        public GivenDimension Build(int ordinal, int count) => new GivenDimension(ordinal, Bits.AllBut(wantAbsent, count), Bits.AllBut(wantGiven, count));
    }

    private sealed class ListComparer : IEqualityComparer<List<int>>
    {
        public static ListComparer Instance { get; } = new();

        public bool Equals(List<int>? x, List<int>? y) => x!.SequenceEqual(y!);

        public int GetHashCode(List<int> list)
        {
            var hash = new HashCode();
            foreach (var item in list) hash.Add(item);
            return hash.ToHashCode();
        }
    }
}
