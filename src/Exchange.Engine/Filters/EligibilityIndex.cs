using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;

namespace Exchange.Engine.Filters;

/// <summary>What is known of a campaign before any ping: whether it takes part at all, from which publishers, and its filter.</summary>
public readonly record struct IndexedFilter(Condition Filter, PublisherSet Publishers, bool Paused)
{
    public static IndexedFilter Of(CampaignModel campaign) => new(
        campaign.Filter, campaign.Publishers, campaign.Status == EntryStatus.Paused || campaign.Buyer.Status == EntryStatus.Paused);

    /// <summary>Whether an index answers for it as for the other: they need not be one object, as long as they ask the same.</summary>
    public bool AsksAs(IndexedFilter other) => Paused == other.Paused && (ReferenceEquals(Filter, other.Filter) || Filter.Terms.Equals(other.Filter.Terms))
        && (ReferenceEquals(Publishers, other.Publishers) || Publishers.AllExcept == other.Publishers.AllExcept && Publishers.Ids.SetEquals(other.Publishers.Ids));
}

/// <summary>
/// Says for given values which of many filters may hold, without asking each: for every field one bitmap per value (or per stretch of
/// numbers) with a bit for each filter that takes it or does not care, and the answer is the AND over the fields. The answer is a superset:
/// what a bitmap cannot say is left to the filter itself. See docs/decisions/0009-eligibility-index.md. Immutable; a query allocates nothing.
/// </summary>
public sealed class EligibilityIndex
{
    private readonly EligibilityDimension[] dimensions;
    private readonly ulong[] possible;
    private readonly ulong[] exact;

    private EligibilityIndex(int count, ulong[] possible, ulong[] exact, EligibilityDimension[] dimensions)
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
    public static EligibilityIndex Build(IReadOnlyList<IndexedFilter> filters)
    {
        var (possible, exact) = (new ulong[(filters.Count + 63) / 64], new ulong[(filters.Count + 63) / 64]);
        // By field and, where a filter asks twice of one field, by the how manieth time.
        var asked = new SortedDictionary<(int Field, int Time), EligibilityDimensionBuilder>();
        for (var position = 0; position < filters.Count; position++)
        {
            var filter = filters[position];
            var terms = filter.Filter.Terms;
            if (terms.Exact) EligibilityBits.Set(exact, position);
            // A bit that is never set needs no row.
            if (terms.Never || filter.Paused) continue;
            EligibilityBits.Set(possible, position);
            for (var i = 0; i < terms.All.Length; i++) Ask(terms.All[i].Field, TimesBefore(terms, i, terms.All[i].Field), terms.All[i].Term);
            if (filter.Publishers is { } publishers && (publishers.Ids.Count > 0 || !publishers.AllExcept))
                Ask(EligibilityTerms.Publisher, TimesBefore(terms, terms.All.Length, EligibilityTerms.Publisher), TermOf(publishers));

            void Ask(int field, int time, EligibilityTerm term)
            {
                if (!asked.TryGetValue((field, time), out var dimension)) asked[(field, time)] = dimension = new(field, term is NumberTerm);
                dimension.Add(position, term);
            }
        }
        var dimensions = new List<EligibilityDimension>(asked.Count);
        foreach (var builder in asked.Values)
        {
            // Who can never be a candidate is left out of the first question's rows, and so out of every answer.
            dimensions.Add(builder.Build(filters.Count, dimensions.Count == 0 ? possible : null, out var coarse));
            if (coarse) foreach (var position in builder.Positions) EligibilityBits.Clear(exact, position);
        }
        return new(filters.Count, possible, exact, [.. dimensions]);
    }

    /// <summary>
    /// Whether a candidate at this position is no superset: its filter holds and the publisher is one of its own, and neither need be asked.
    /// </summary>
    public bool IsExact(int position) => EligibilityBits.Has(exact, position);

    /// <summary>
    /// Fills <paramref name="bitmap"/> (at least <see cref="Words"/> long; bit n of word w is position 64·w + n) with a superset of the
    /// positions that are not paused and whose publishers and filter take a ping of this publisher with these values.
    /// </summary>
    /// <param name="values">By ordinal of the vertical's fields; those of an older vertical, which had fewer, are not given.</param>
    public void Candidates(FieldValue[] values, string publisher, Span<ulong> bitmap)
    {
        bitmap = bitmap[..possible.Length];
        if (dimensions.Length == 0) possible.CopyTo(bitmap);
        for (var i = 0; i < dimensions.Length; i += 4)
        {
            var first = RowAt(i, values, publisher);
            EligibilityBits.Common(
                bitmap, first, i + 1 < dimensions.Length ? RowAt(i + 1, values, publisher) : first, i + 2 < dimensions.Length ? RowAt(i + 2, values, publisher) : first,
                i + 3 < dimensions.Length ? RowAt(i + 3, values, publisher) : first, narrow: i > 0);
        }
    }

    private ReadOnlySpan<ulong> RowAt(int at, FieldValue[] values, string publisher)
    {
        var dimension = dimensions[at];
        var field = dimension.Field;
        return dimension.RowOf(field == EligibilityTerms.Publisher ? new(publisher, 0) : field < values.Length ? values[field] : default);
    }

    private static int TimesBefore(EligibilityTerms terms, int end, int field)
    {
        var times = 0;
        for (var i = 0; i < end; i++) if (terms.All[i].Field == field) times++;
        return times;
    }

    private static EligibilityTerm TermOf(PublisherSet publishers) => TextTerm.Of(publishers.Ids).With(flipped: publishers.AllExcept, ifAbsent: publishers.AllExcept);
}
