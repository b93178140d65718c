using System.Collections.Frozen;
using CsCheck;
using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Shouldly;

namespace Exchange.Engine.Tests.Filters;

public sealed class EligibilityIndexTests
{
    [Theory]
    [InlineData("state=CA age=30", "0 2 3 4 7")]
    [InlineData("state=CA age=70", "0 3 4")]
    [InlineData("state=TX age=30", "3 4 5 7")]
    [InlineData("state=OR age=24", "0 3 4 5 6")]
    [InlineData("age=66", "3 4 6")]
    [InlineData("", "3 4 6")]
    public void Index_OfEightFilters_LeavesOutWhatCannotHold(string given, string candidates)
    {
        Condition[] filters =
        [
            ConditionTests.Compile("{ field: state, in: [CA, OR] }"),
            ConditionTests.Compile("{ field: state, is: NY }"),
            ConditionTests.Compile("{ all: [ { field: state, is: CA }, { field: age, between: [25, 65] } ] }"),
            Condition.Always,
            ConditionTests.Compile("{ any: [ { field: state, is: CA }, { not: { field: age, at_least: 99 } } ] }"),
            ConditionTests.Compile("{ field: state, not_in: [CA, WA] }"),
            ConditionTests.Compile("{ not: { any: [ { field: age, between: [25, 65] }, { field: state, is: CA } ] } }"),
            ConditionTests.Compile("{ any: [ { field: age, is: 30 }, { field: age, between: [40, 50] } ] }"),
        ];
        string.Join(' ', Candidates(Index(filters), ConditionTests.Subject(given))).ShouldBe(candidates);
    }

    [Theory]
    [InlineData("search", "0 1 4")]
    [InlineData("social", "0 2 3 4")]
    [InlineData("other", "0 2")]
    public void Index_OfPublishersAndPauses_LeavesOutWhoTakesNoPingOfThePublisher(string publisher, string candidates)
    {
        IndexedFilter[] filters =
        [
            new(Condition.Always, PublisherSet.All, false),
            new(Condition.Always, Only("search"), false),
            new(Condition.Always, AllBut("search"), false),
            new(ConditionTests.Compile("{ field: publisher, is: social }"), AllBut("search"), false),
            new(ConditionTests.Compile("{ field: state, is: CA }"), Only("search", "social"), false),
            new(Condition.Always, PublisherSet.All, true),
        ];
        var index = EligibilityIndex.Build(filters);
        string.Join(' ', Candidates(index, ConditionTests.Subject("state=CA", publisher: publisher))).ShouldBe(candidates);
        Enumerable.Range(0, 5).ShouldAllBe(position => index.IsExact(position));
    }

    [Fact]
    public void Index_OfNothing_HasNoCandidates()
    {
        var index = Index([]);
        index.Words.ShouldBe(0);
        Candidates(index, ConditionTests.Subject("state=CA")).ShouldBeEmpty();
    }

    [Theory]
    // what the index knows wholly, and what it leaves to the filter
    [InlineData("{ field: zip, in: { list: zips } }", true)]
    [InlineData("{ field: age, at_least: 26 }", true)]
    [InlineData("{ field: insured, is: true }", true)]
    [InlineData("{ field: age, exists: false }", true)]
    [InlineData("{ field: state, is_not: CA }", true)]
    [InlineData("{ field: zip, not_in: { list: zips } }", true)]
    [InlineData("{ not: { field: bill, at_least: 99 } }", true)]
    [InlineData("{ any: [ { field: age, is: 20 }, { field: age, at_least: 65 }, { field: age, exists: false } ] }", true)]
    [InlineData("{ any: [ { field: state, is: CA }, { all: [ { field: state, in: { list: west } }, { not: { field: state, is: OR } } ] } ] }", true)]
    [InlineData("{ not: { any: [ { field: age, at_least: 65 }, { field: state, is: CA } ] } }", true)]
    [InlineData("{ all: [ { field: state, in: { list: west } }, { field: state, is_not: OR }, { field: publisher, is: search } ] }", true)]
    [InlineData("{ any: [ { field: homeowner, is: own }, { field: age, at_least: 65 } ] }", true)]
    [InlineData("{ any: [ { field: age, at_least: 65 }, { field: state, is: CA } ] }", false)]
    [InlineData("{ field: make, contains: or }", false)]
    [InlineData("{ field: renewal, at_most: today+45d }", false)]
    [InlineData("{ field: hour, at_least: 5 }", false)]
    [InlineData("{ all: [ { field: state, is: CA }, { field: make, matches: \"^f\" } ] }", false)]
    public void Index_OfAFilter_KnowsWhetherItNeedsASecondQuestion(string written, bool exact)
    {
        var filters = new[] { ConditionTests.Compile(written) };
        var index = Index(filters);
        index.IsExact(0).ShouldBe(exact);
        if (!exact) return;
        Gen.Select(ConditionTests.ConditionSubjects, Publishers).Sample((given, publisher) =>
        {
            var subject = ConditionTests.Subject(given, publisher: publisher);
            Candidates(index, subject).ShouldBe(Holders(filters, subject));
        });
    }

    /// <summary>Naive twin: asking every filter and every set of publishers.</summary>
    [Fact]
    public void Index_AnyCatalogAndPing_FindsEveryFilterThatHoldsAndNoOtherWhereItIsExact() =>
        Gen.Select(Filters.Array[0, 200], Gen.Select(ConditionTests.ConditionSubjects, Publishers).Array[1, 6]).Sample((written, pings) =>
        {
            var filters = written.Select(entry => new IndexedFilter(Memo.GetOrAdd(entry.Filter, ConditionTests.Compile), entry.Publishers, entry.Paused)).ToArray();
            var index = EligibilityIndex.Build(filters);
            foreach (var (given, publisher) in pings)
            {
                var subject = ConditionTests.Subject(given, publisher: publisher);
                var candidates = Candidates(index, subject);
                var wanted = Enumerable.Range(0, filters.Length)
                    .Where(i => !filters[i].Paused && filters[i].Publishers.Has(publisher) && filters[i].Filter.Holds(subject)).ToArray();
                wanted.Except(candidates).ShouldBeEmpty();
                foreach (var position in candidates.Except(wanted)) index.IsExact(position).ShouldBeFalse(written[position].Filter);
                candidates.ShouldAllBe(position => !filters[position].Paused);
            }
        }, iter: 1_000);

    /// <summary>Naive twin, of numbers far apart and close together, in lists that touch, nest and repeat.</summary>
    [Fact]
    public void Index_OfManyRangesAndLists_AgreesWithTheNaiveTwin()
    {
        var filters = Enumerable.Range(0, 1_000).Select(i => ConditionTests.Compile(
            $"{{ all: [ {{ field: zip, in: [{string.Join(", ", Enumerable.Range(0, i % 7 + 1).Select(k => (10_000 + (i * 37 + k * 501) % 400).ToString("D5", null)))}] }}, "
            + $"{{ field: age, between: [{16 + i % 50}, {16 + i % 50 + i % 9}] }}, {{ field: bill, at_least: {i * 7919 % 90_000} }} ] }}")).ToArray();
        var index = Index(filters);
        Gen.Select(Gen.Int[9_990, 10_420], Gen.Int[10, 90], Gen.Int[0, 100_000]).Sample((zip, age, bill) =>
        {
            var subject = ConditionTests.Subject($"zip={zip:D5} age={age} bill={bill}");
            Candidates(index, subject).ShouldBe(Holders(filters, subject));
        }, iter: 1_000);
    }

    /// <summary>Twenty thousand filters with a limit each, so that rows are shared: still nobody is missed, and nobody is called exact who is not.</summary>
    [Fact]
    public void Index_OfMoreValuesThanRows_StaysASuperset()
    {
        const int Count = 40_000;
        var filters = new Condition[Count];
        for (var i = 0; i < Count; i++) filters[i] = ConditionTests.Compile($"{{ field: bill, between: [{i}.5, {i + 2}.25] }}");
        var index = Index(filters);
        index.IsExact(17).ShouldBeFalse();
        Gen.Int[0, Count * 4].Sample(quarters =>
        {
            var subject = ConditionTests.Subject($"bill={quarters / 4}.{quarters % 4 * 25:D2}");
            var candidates = Candidates(index, subject);
            Holders(filters, subject).Except(candidates).ShouldBeEmpty();
            candidates.Length.ShouldBeLessThan(200);
        }, iter: 20);
    }

    [Fact]
    public void Index_Query_AllocatesNothing()
    {
        var filters = Enumerable.Range(0, 500).Select(i => new IndexedFilter(ConditionTests.Compile(
            $"{{ all: [ {{ field: state, in: [CA, OR] }}, {{ field: age, at_least: {i % 80} }}, {{ field: bill, at_least: {i * 977} }}, {{ field: zip, in: {{ list: zips }} }} ] }}"),
            i % 2 == 0 ? Only("search") : PublisherSet.All, false)).ToArray();
        var index = EligibilityIndex.Build(filters);
        var values = ConditionTests.Subject("state=CA age=30 zip=90210 bill=500").Values;
        Span<ulong> bitmap = stackalloc ulong[8];
        index.Candidates(values, "search", bitmap);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1_000; i++) index.Candidates(values, "search", bitmap);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
    }

    private static readonly System.Collections.Concurrent.ConcurrentDictionary<string, Condition> Memo = new();

    private static readonly Gen<string> Publishers = Gen.Int[0, 2].Select(i => new[] { "search", "social", "other" }[i]);

    private static readonly Gen<(string Filter, PublisherSet Publishers, bool Paused)> Filters = Gen.Select(
        ConditionTests.ConditionTexts, Gen.Int[0, 9].Select(i => i switch { 0 => Only("search"), 1 => AllBut("social"), 2 => Only("social", "other"), _ => PublisherSet.All }),
        Gen.Int[0, 9].Select(i => i == 0));

    private static PublisherSet Only(params string[] ids) => new(false, ids.ToFrozenSet());

    private static PublisherSet AllBut(params string[] ids) => new(true, ids.ToFrozenSet());

    private static EligibilityIndex Index(Condition[] filters) => EligibilityIndex.Build([.. filters.Select(filter => new IndexedFilter(filter, PublisherSet.All, false))]);

    private static int[] Candidates(EligibilityIndex index, Subject subject)
    {
        // Garbage in the bitmap must not matter, nor words beyond the index's own.
        var bitmap = new ulong[index.Words + 1];
        Array.Fill(bitmap, 0xAAAA_5555_AAAA_5555);
        index.Candidates(subject.Values, subject.Publisher, bitmap);
        bitmap[index.Words].ShouldBe(0xAAAA_5555_AAAA_5555);
        return [.. Enumerable.Range(0, index.Words * 64).Where(i => (bitmap[i / 64] >> i % 64 & 1) != 0)];
    }

    private static int[] Holders(Condition[] filters, Subject subject) => [.. Enumerable.Range(0, filters.Length).Where(i => filters[i].Holds(subject))];
}
