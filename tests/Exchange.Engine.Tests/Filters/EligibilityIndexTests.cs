using CsCheck;
using Exchange.Engine.Filters;
using Shouldly;

namespace Exchange.Engine.Tests.Filters;

public sealed class EligibilityIndexTests
{
    [Theory]
    [InlineData("state=CA age=30", "0 2 3 4")]
    [InlineData("state=CA age=70", "0 3 4")]
    [InlineData("state=TX age=30", "3 4")]
    [InlineData("", "3 4")]
    public void Index_OfFiveFilters_LeavesOutWhatCannotHold(string given, string candidates)
    {
        Condition[] filters =
        [
            ConditionTests.Compile("{ field: state, in: [CA, OR] }"),
            ConditionTests.Compile("{ field: state, is: NY }"),
            ConditionTests.Compile("{ all: [ { field: state, is: CA }, { field: age, between: [25, 65] } ] }"),
            Condition.Always,
            ConditionTests.Compile("{ any: [ { field: state, is: CA }, { field: age, at_least: 99 } ] }"),
        ];
        var index = EligibilityIndex.Build(ConditionTests.Fields, filters);
        string.Join(' ', Candidates(index, ConditionTests.Subject(given))).ShouldBe(candidates);
    }

    [Fact]
    public void Index_OfNothing_HasNoCandidates()
    {
        var index = EligibilityIndex.Build(ConditionTests.Fields, []);
        index.Words.ShouldBe(0);
        Candidates(index, ConditionTests.Subject("state=CA")).ShouldBeEmpty();
    }

    [Fact]
    public void Index_ExactFilters_NeedNoSecondQuestion()
    {
        // Each of these is wholly known to the index, so the superset is the set.
        string[] exact = ["{ field: zip, in: { list: zips } }", "{ field: age, at_least: 26 }", "{ field: insured, is: true }", "{ field: age, exists: false }"];
        var filters = exact.Select(ConditionTests.Compile).ToArray();
        var index = EligibilityIndex.Build(ConditionTests.Fields, filters);
        ConditionTests.ConditionSubjects.Sample(given =>
            Candidates(index, ConditionTests.Subject(given)).ShouldBe(Holders(filters, ConditionTests.Subject(given))));
    }

    /// <summary>Naive twin: asking every filter that the index says need not be asked.</summary>
    [Fact]
    public void Index_ExactCandidate_AlwaysHolds() =>
        Gen.Select(ConditionTests.ConditionTexts.Array[0, 200], ConditionTests.ConditionSubjects.Array[1, 5]).Sample((texts, givens) =>
        {
            var filters = texts.Select(ConditionTests.Compile).ToArray();
            var index = EligibilityIndex.Build(ConditionTests.Fields, filters);
            foreach (var given in givens)
            {
                var subject = ConditionTests.Subject(given);
                foreach (var position in Candidates(index, subject))
                    if (index.IsExact(position)) filters[position].Holds(subject).ShouldBeTrue(texts[position]);
            }
        });

    /// <summary>Naive twin: asking every filter.</summary>
    [Fact]
    public void Index_AnyCatalogAndPing_FindsEveryFilterThatHolds() =>
        Gen.Select(ConditionTests.ConditionTexts.Array[0, 300], ConditionTests.ConditionSubjects.Array[1, 5]).Sample((texts, givens) =>
        {
            var filters = texts.Select(text => Memo.GetOrAdd(text, ConditionTests.Compile)).ToArray();
            var index = EligibilityIndex.Build(ConditionTests.Fields, filters);
            foreach (var given in givens)
            {
                var subject = ConditionTests.Subject(given);
                var candidates = Candidates(index, subject);
                candidates.Where(position => filters[position].Holds(subject)).ShouldBe(Holders(filters, subject));
            }
        }, iter: 200);

    [Fact]
    public void Index_ThousandCampaignsWithHundredsOfValues_AgreesWithTheNaiveTwin()
    {
        // Sparse and dense bitmaps, ranges that nest and touch.
        var filters = Enumerable.Range(0, 1_000).Select(i => ConditionTests.Compile(
            $"{{ all: [ {{ field: zip, in: [{string.Join(", ", Enumerable.Range(0, i % 7 + 1).Select(k => (10_000 + (i * 37 + k * 501) % 400).ToString("D5", null)))}] }}, "
            + $"{{ field: age, between: [{16 + i % 50}, {16 + i % 50 + i % 9}] }} ] }}")).ToArray();
        var index = EligibilityIndex.Build(ConditionTests.Fields, filters);
        Gen.Select(Gen.Int[10_000, 10_420], Gen.Int[10, 90]).Sample((zip, age) =>
        {
            var subject = ConditionTests.Subject($"zip={zip} age={age}");
            Candidates(index, subject).ShouldBe(Holders(filters, subject));
        }, iter: 300);
    }

    [Fact]
    public void Index_Query_AllocatesNothing()
    {
        var filters = Enumerable.Range(0, 500).Select(i => ConditionTests.Compile(
            $"{{ all: [ {{ field: state, in: [CA, OR] }}, {{ field: age, at_least: {i % 80} }}, {{ field: zip, in: {{ list: zips }} }} ] }}")).ToArray();
        var index = EligibilityIndex.Build(ConditionTests.Fields, filters);
        var values = ConditionTests.Subject("state=CA age=30 zip=90210").Values;
        Span<ulong> bitmap = stackalloc ulong[8];
        index.Candidates(values, bitmap);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1_000; i++) index.Candidates(values, bitmap);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
    }

    private static readonly System.Collections.Concurrent.ConcurrentDictionary<string, Condition> Memo = new();

    private static int[] Candidates(EligibilityIndex index, Subject subject)
    {
        // Garbage in the bitmap must not matter, nor words beyond the index's own.
        var bitmap = new ulong[index.Words + 1];
        Array.Fill(bitmap, 0xAAAA_5555_AAAA_5555);
        index.Candidates(subject.Values, bitmap);
        bitmap[index.Words].ShouldBe(0xAAAA_5555_AAAA_5555);
        return [.. Enumerable.Range(0, index.Words * 64).Where(i => (bitmap[i / 64] >> i % 64 & 1) != 0)];
    }

    private static int[] Holders(Condition[] filters, Subject subject) => [.. Enumerable.Range(0, filters.Length).Where(i => filters[i].Holds(subject))];
}
