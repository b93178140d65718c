using CsCheck;
using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.Tests.Fields;
using Exchange.Engine.Values;
using Shouldly;

namespace Exchange.Engine.Tests.Filters;

public sealed class ConditionTests
{
    internal static readonly FieldSet Fields = new(
    [
        new() { Name = "zip", Type = FieldType.UsZip, Ordinal = 0, Ping = FieldUse.Required },
        new() { Name = "state", Type = FieldType.UsState, Ordinal = 1, Ping = FieldUse.Required },
        new() { Name = "age", Type = FieldType.Integer, Ordinal = 2, Ping = FieldUse.Optional },
        new() { Name = "insured", Type = FieldType.Boolean, Ordinal = 3, Ping = FieldUse.Optional },
        new() { Name = "coverage", Type = FieldType.Choice, Ordinal = 4, Values = ["minimum", "standard", "premium"], Ping = FieldUse.Optional },
        new() { Name = "renewal", Type = FieldType.Date, Ordinal = 5, Ping = FieldUse.Optional },
        new() { Name = "bill", Type = FieldType.Decimal, Ordinal = 6, Ping = FieldUse.Optional },
        new() { Name = "make", Type = FieldType.Text, Ordinal = 7, Ping = FieldUse.Optional },
        new() { Name = "email", Type = FieldType.Email, Ordinal = 8, Pii = true, Post = FieldUse.Required },
        new() { Name = "born", Type = FieldType.Date, Ordinal = 9, Sensitive = true, Ping = FieldUse.Optional },
    ]);

    internal static readonly Dictionary<string, NamedList> Lists = new[]
    {
        List("west", FieldType.UsState, "CA", "OR", "WA"),
        List("zips", FieldType.UsZip, "90210", "02139"),
        List("words", FieldType.Text, "premium", "standard"),
        List("strange", FieldType.Text, "platinum"),
    }.ToDictionary(list => list.Name);

    [Theory]
    // is the condition true of this subject?
    [InlineData("{ field: state, is: ca }", "state=CA", true)]
    [InlineData("{ field: state, is: CA }", "state=OR", false)]
    [InlineData("{ field: state, is: CA }", "", false)]
    [InlineData("{ field: state, is_not: CA }", "state=OR", true)]
    [InlineData("{ field: state, is_not: CA }", "state=CA", false)]
    [InlineData("{ field: state, is_not: CA }", "", false)]
    [InlineData("{ field: state, in: [CA, OR] }", "state=OR", true)]
    [InlineData("{ field: state, in: [CA, OR] }", "state=TX", false)]
    [InlineData("{ field: state, not_in: [CA, OR] }", "state=TX", true)]
    [InlineData("{ field: state, not_in: [CA, OR] }", "", false)]
    [InlineData("{ field: state, in: { list: west } }", "state=WA", true)]
    [InlineData("{ field: state, not_in: { list: west } }", "state=WA", false)]
    [InlineData("{ field: zip, in: { list: zips } }", "zip=02139", true)]
    [InlineData("{ field: zip, is: 90210-1234 }", "zip=90210", true)]
    [InlineData("{ field: zip, starts_with: 902 }", "zip=90210", true)]
    [InlineData("{ field: zip, starts_with: 902 }", "zip=91210", false)]
    [InlineData("{ field: zip, between: [90000, 96199] }", "zip=90210", true)]
    [InlineData("{ field: age, between: [25, 65] }", "age=25", true)]
    [InlineData("{ field: age, between: [25, 65] }", "age=65", true)]
    [InlineData("{ field: age, between: [25, 65] }", "age=66", false)]
    [InlineData("{ field: age, between: [25, 65] }", "", false)]
    [InlineData("{ field: age, at_least: 25 }", "age=24", false)]
    [InlineData("{ field: age, at_most: 25 }", "age=25", true)]
    [InlineData("{ field: age, in: [25, 30] }", "age=30", true)]
    [InlineData("{ field: bill, at_least: 99.5 }", "bill=99.50", true)]
    [InlineData("{ field: bill, at_least: 99.51 }", "bill=99.5", false)]
    [InlineData("{ field: insured, is: true }", "insured=true", true)]
    [InlineData("{ field: insured, is: false }", "insured=false", true)]
    [InlineData("{ field: insured, is: false }", "", false)]
    [InlineData("{ field: coverage, is: Premium }", "coverage=premium", true)]
    [InlineData("{ field: coverage, in: { list: words } }", "coverage=standard", true)]
    [InlineData("{ field: coverage, in: { list: words } }", "coverage=minimum", false)]
    [InlineData("{ field: make, contains: ord }", "make=FORD", true)]
    [InlineData("{ field: make, contains: ord }", "make=Audi", false)]
    [InlineData("{ field: make, matches: \"^(ford|audi)$\" }", "make=Audi", true)]
    [InlineData("{ field: make, matches: \"^(ford|audi)$\" }", "make=Audis", false)]
    [InlineData("{ field: make, exists: true }", "make=Audi", true)]
    [InlineData("{ field: make, exists: true }", "", false)]
    [InlineData("{ field: make, exists: false }", "", true)]
    [InlineData("{ field: renewal, at_most: today+45d }", "renewal=2027-01-06", true)]
    [InlineData("{ field: renewal, at_most: today+45d }", "renewal=2027-01-07", false)]
    [InlineData("{ field: renewal, at_least: today }", "renewal=2026-11-21", false)]
    [InlineData("{ field: renewal, between: [2026-12-01, today+45d] }", "renewal=2026-12-01", true)]
    [InlineData("{ field: renewal, is: 12/24/2026 }", "renewal=2026-12-24", true)]
    [InlineData("{ field: email, is: A@Example.com }", "email=a@example.com", true)]
    [InlineData("{ not: { field: state, is: CA } }", "state=OR", true)]
    [InlineData("{ not: { field: state, is: CA } }", "", true)]
    [InlineData("{ not: { field: state, is_not: CA } }", "", true)]
    [InlineData("{ all: [ { field: state, is: CA }, { field: age, at_least: 25 } ] }", "state=CA age=30", true)]
    [InlineData("{ all: [ { field: state, is: CA }, { field: age, at_least: 25 } ] }", "state=CA age=20", false)]
    [InlineData("{ any: [ { field: state, is: CA }, { field: age, at_least: 25 } ] }", "state=OR age=30", true)]
    [InlineData("{ any: [ { field: state, is: CA }, { field: age, at_least: 25 } ] }", "state=OR age=20", false)]
    [InlineData("{ field: publisher, is: Search }", "", true)]
    [InlineData("{ field: publisher, is_not: search }", "", false)]
    [InlineData("{ field: vertical, is: auto }", "", true)]
    [InlineData("{ field: sub_id, starts_with: KW }", "", true)]
    [InlineData("{ field: channel, exists: false }", "", true)]
    [InlineData("{ field: channel, is_not: web }", "", false)]
    [InlineData("{ field: hour, between: [9, 10] }", "", true)] // 15:30 UTC is 10:30 in New York
    [InlineData("{ field: hour, at_least: 11 }", "", false)]
    [InlineData("{ field: weekday, is: sun }", "", true)]
    [InlineData("{ field: weekday, in: [mon-fri] }", "", false)]
    [InlineData("{ field: weekday, in: [mon, sat-sun] }", "", true)]
    [InlineData("{ field: sharing, is: shared }", "", true)]
    [InlineData("{ field: price, at_least: \"12.50\" }", "", true)]
    [InlineData("{ field: price, at_least: \"12.51\" }", "", false)]
    [InlineData("{ field: buyer, is: acme }", "", true)]
    [InlineData("{ field: campaign, in: [acme-west] }", "", true)]
    [InlineData("{ field: homeowner, is: own }", "", false)] // a field of another vertical of the same publisher
    [InlineData("{ field: homeowner, is_not: own }", "", false)]
    [InlineData("{ not: { field: homeowner, is: own } }", "", true)]
    [InlineData("{ field: homeowner, exists: false }", "", true)]
    [InlineData("{ field: homeowner, exists: true }", "", false)]
    public void Condition_OfASubject_Holds(string written, string given, bool holds)
    {
        var condition = Compile(written);
        condition.Holds(Subject(given)).ShouldBe(holds);
        (condition.Explain(Subject(given)) is null).ShouldBe(holds);
    }

    [Theory]
    // what is wrong, and where
    [InlineData("{ field: shoe, is: 9 }", "filter.field unknown_field")]
    [InlineData("{ field: State, is: CA }", "filter.field unknown_field")]
    [InlineData("{ field: state }", "filter missing_key")]
    [InlineData("{ is: CA }", "filter missing_key")]
    [InlineData("{ field: state, equals: CA }", "filter.equals unknown_key")]
    [InlineData("{ field: state, is: CA, in: [CA] }", "filter.in unknown_key")]
    [InlineData("{ all: [ { field: state, is: CA } ], field: age }", "filter unknown_key")]
    [InlineData("{ all: [] }", "filter.all invalid_format")]
    [InlineData("{ any: { field: state, is: CA } }", "filter.any wrong_type")]
    [InlineData("[ ]", "filter wrong_type")]
    [InlineData("{ field: [state], is: CA }", "filter.field wrong_type")]
    [InlineData("{ field: state, is: [CA] }", "filter.is wrong_type")]
    [InlineData("{ field: state, in: CA }", "filter.in wrong_type")]
    [InlineData("{ field: state, in: [] }", "filter.in invalid_format")]
    [InlineData("{ field: state, in: [CA, XX, YY] }", "filter.in[1] invalid_format, filter.in[2] invalid_format")]
    [InlineData("{ field: state, in: { list: nowhere } }", "filter.in.list unknown_list")]
    [InlineData("{ field: state, in: { list: zips } }", "filter.in.list invalid_format")]
    [InlineData("{ field: state, in: { list: west, more: x } }", "filter.in unknown_key")]
    [InlineData("{ field: coverage, in: { list: strange } }", "filter.in.list invalid_format")]
    [InlineData("{ field: coverage, is: platinum }", "filter.is invalid_format")]
    [InlineData("{ field: state, at_least: CA }", "filter.at_least wrong_operator")]
    [InlineData("{ field: age, contains: 3 }", "filter.contains wrong_operator")]
    [InlineData("{ field: insured, between: [true, false] }", "filter.between wrong_operator")]
    [InlineData("{ field: age, is: old }", "filter.is invalid_format")]
    [InlineData("{ field: age, between: [65, 25] }", "filter.between invalid_format")]
    [InlineData("{ field: age, between: [25] }", "filter.between wrong_type")]
    [InlineData("{ field: renewal, at_most: today+45w }", "filter.at_most invalid_format")]
    [InlineData("{ field: age, exists: yes }", "filter.exists invalid_format")]
    [InlineData("{ field: make, matches: \"(a\" }", "filter.matches invalid_format")]
    [InlineData("{ field: make, matches: \"(?=a)b\" }", "filter.matches invalid_format")]
    [InlineData("{ field: make, matches: \"(a)\\\\1\" }", "filter.matches invalid_format")]
    [InlineData("{ field: make, matches: \"((a{100}){100}){100}\" }", "filter.matches invalid_format")]
    [InlineData("{ field: publisher, is: nobody }", "filter.is unknown_id")]
    [InlineData("{ field: score, at_least: 5 }", "filter.field field_not_here")]
    [InlineData("{ not: { any: [ { field: shoe, is: 9 }, { field: age, is: old } ] } }", "filter.not.any[0].field unknown_field, filter.not.any[1].is invalid_format")]
    public void Condition_WithMistakes_TellsAllWithTheirPaths(string written, string told)
    {
        var errors = new ConfigErrors();
        var condition = ConditionCompiler.Compile(Written.Node(written), Context(ConditionPlace.Payout), errors);
        string.Join(", ", errors.Errors.Select(error => $"{error.Pointer} {error.Code}")).ShouldBe(told);
        condition.Holds(Subject("state=CA")).ShouldBeFalse();
    }

    [Theory]
    [InlineData("sharing", ConditionPlace.Filter, false)]
    [InlineData("sharing", ConditionPlace.Price, true)]
    [InlineData("sharing", ConditionPlace.Payout, true)]
    [InlineData("buyer", ConditionPlace.Price, false)]
    [InlineData("buyer", ConditionPlace.Payout, true)]
    [InlineData("campaign", ConditionPlace.Price, false)]
    [InlineData("price", ConditionPlace.Price, false)]
    [InlineData("price", ConditionPlace.Payout, true)]
    [InlineData("publisher", ConditionPlace.Filter, true)]
    [InlineData("hour", ConditionPlace.Filter, true)]
    public void BuiltInName_AtAPlace_MayBeReadOrNot(string name, ConditionPlace place, bool may)
    {
        var errors = new ConfigErrors();
        ConditionCompiler.Compile(Written.Node($"{{ field: {name}, exists: true }}"), Context(place), errors);
        errors.Errors.Select(error => error.Code).ShouldBe(may ? [] : ["field_not_here"]);
    }

    [Fact]
    public void Filter_ReadingWhatAPingCannotCarry_IsRefused()
    {
        var errors = new ConfigErrors();
        ConditionCompiler.Compile(Written.Node("{ field: email, contains: example }"), Context(ConditionPlace.Filter) with { PingFieldsOnly = true }, errors);
        errors.Errors.ShouldHaveSingleItem().Code.ShouldBe("field_not_here");
    }

    [Fact]
    public void Condition_Missing_AlwaysHolds() =>
        ConditionCompiler.Compile(null, Context(ConditionPlace.Filter), new()).ShouldBeSameAs(Condition.Always);

    [Theory]
    [InlineData(Limits.ConditionDepth, true)]
    [InlineData(Limits.ConditionDepth + 1, false)]
    public void Condition_NestedDeep_IsBounded(int depth, bool taken)
    {
        var text = "{ field: state, is: CA }";
        for (var i = 1; i < depth; i++) text = $"{{ not: {text} }}";
        var errors = new ConfigErrors();
        ConditionCompiler.Compile(Written.Node(text), Context(ConditionPlace.Filter), errors);
        errors.Errors.Select(error => error.Code).ShouldBe(taken ? [] : ["out_of_range"]);
    }

    [Theory]
    [InlineData(Limits.ConditionLeaves, 0)]
    [InlineData(Limits.ConditionLeaves + 300, 1)]
    public void Condition_WithManyParts_IsBoundedAndToldOnce(int leaves, int told)
    {
        var errors = new ConfigErrors();
        var text = $"{{ any: [ {string.Join(", ", Enumerable.Repeat("{ field: state, is: CA }", leaves))} ] }}";
        ConditionCompiler.Compile(Written.Node(text), Context(ConditionPlace.Filter), errors);
        errors.Errors.Count(error => error.Code == "out_of_range").ShouldBe(told);
    }

    [Fact]
    public void Regex_LongerThanTheLimit_IsRefused()
    {
        var errors = new ConfigErrors();
        ConditionCompiler.Compile(Written.Node($"{{ field: make, matches: {new string('a', Limits.RegexChars + 1)} }}"), Context(ConditionPlace.Filter), errors);
        errors.Errors.ShouldHaveSingleItem().Code.ShouldBe("out_of_range");
    }

    [Theory]
    [InlineData("{ field: age, between: [25, 65] }", "age=70", "age between [25, 65] (value 70)")]
    [InlineData("{ all: [ { field: state, in: [CA, OR] }, { field: age, at_least: 25 } ] }", "state=CA age=20", "age at_least 25 (value 20)")]
    [InlineData("{ field: state, in: { list: west } }", "", "state in list west (not given)")]
    [InlineData("{ any: [ { field: state, is: CA }, { field: age, at_least: 25 } ] }", "state=TX", "state is CA (value TX)")]
    [InlineData("{ not: { field: state, is: CA } }", "state=CA", "state not is CA (value CA)")]
    [InlineData("{ not: { any: [ { field: age, at_most: 25 }, { field: state, is: CA } ] } }", "state=CA age=30", "state not is CA (value CA)")]
    [InlineData("{ field: make, exists: true }", "", "make exists true (not given)")]
    [InlineData("{ field: born, at_most: 2000-01-01 }", "born=2010-05-05", "born at_most 2000-01-01 (value hidden)")]
    [InlineData("{ field: email, contains: test }", "email=a@example.com", "email contains test (value hidden)")]
    [InlineData("{ field: homeowner, is: own }", "", "homeowner is own (not given)")]
    public void Explanation_OfAMiss_NamesFieldOperatorWantedAndGiven(string written, string given, string told) =>
        Compile(written).Explain(Subject(given))!.ToString().ShouldBe(told);

    /// <summary>What became sensitive and what has left the vertical are hidden; a built-in name is no field.</summary>
    [Theory]
    [InlineData("{ field: state, is: CA }", "state=TX", "state is CA (value hidden)")]
    [InlineData("{ field: make, exists: false }", "make=Ford", "make exists false (value hidden)")]
    [InlineData("{ field: state, is: CA }", "", "state is CA (not given)")]
    [InlineData("{ field: age, at_least: 25 }", "age=20", "age at_least 25 (value 20)")]
    [InlineData("{ field: sub_id, is: other }", "", "sub_id is other (value kw-17)")]
    public void Explanation_OfWhatTodayHides_DoesNotTellIt(string written, string given, string told)
    {
        var subject = Subject(given);
        subject.Today = new([new() { Name = "state", Type = FieldType.UsState, Ordinal = 0, Sensitive = true }, new() { Name = "age", Type = FieldType.Integer, Ordinal = 1 }]);
        Compile(written).Explain(subject)!.ToString().ShouldBe(told);
    }

    [Fact]
    public void Explanation_AnyCondition_IsThereExactlyWhenItDoesNotHold() =>
        Gen.Select(ConditionTexts, ConditionSubjects).Sample((written, given) =>
        {
            var condition = Compile(written);
            (condition.Explain(Subject(given)) is null).ShouldBe(condition.Holds(Subject(given)));
        });

    [Fact]
    public void Today_NearMidnight_IsTheLocalDate()
    {
        var condition = Compile("{ field: renewal, is: 2026-11-22 }");
        var relative = Compile("{ field: renewal, at_least: today }");
        // 02:00 UTC on the 23rd is still the 22nd in New York.
        var subject = Subject("renewal=2026-11-22", new(2026, 11, 23, 2, 0, 0, TimeSpan.Zero));
        condition.Holds(subject).ShouldBeTrue();
        relative.Holds(subject).ShouldBeTrue();
        relative.Holds(Subject("renewal=2026-11-22", new(2026, 11, 23, 5, 0, 0, TimeSpan.Zero))).ShouldBeFalse();
    }

    internal static Gen<string> ConditionTexts { get; } = Gen.OneOf(
        Leaves(), Leaves(), Gen.Select(Leaves(), Leaves(), (a, b) => $"{{ all: [ {a}, {b} ] }}"),
        Gen.Select(Leaves(), Leaves(), Leaves(), (a, b, c) => $"{{ all: [ {a}, {{ all: [ {b}, {c} ] }} ] }}"),
        Gen.Select(Leaves(), Leaves(), Leaves(), (a, b, c) => $"{{ all: [ {a}, {{ any: [ {b}, {c} ] }} ] }}"),
        Gen.Select(Leaves(), Leaves(), (a, b) => $"{{ any: [ {a}, {{ not: {b} }} ] }}"),
        Leaves().Select(a => $"{{ not: {a} }}"), Nested(3));

    /// <summary>Groups in groups, so that what is negated twice, asked twice or asked in one place only comes up.</summary>
    internal static Gen<string> Nested(int depth) => depth == 0 ? Leaves() : Gen.OneOf(
        Leaves(), Nested(depth - 1).Select(inner => $"{{ not: {inner} }}"),
        Nested(depth - 1).Array[1, 3].Select(parts => $"{{ all: [ {string.Join(", ", parts)} ] }}"),
        Nested(depth - 1).Array[1, 3].Select(parts => $"{{ any: [ {string.Join(", ", parts)} ] }}"));

    internal static Gen<string> ConditionSubjects { get; } = Pick(
        "state=CA", "state=OR", "zip=90210", "zip=02139", "zip=10001", "age=20", "age=25", "age=30", "age=65", "age=66", "insured=true", "insured=false",
        "coverage=premium", "coverage=minimum", "renewal=2026-11-22", "renewal=2027-01-10", "bill=99.5", "make=Ford").Array[0, 6]
        .Select(pairs => string.Join(' ', pairs.DistinctBy(pair => pair.Split('=')[0])));

    private static Gen<string> Leaves() => Pick(
        "{ field: state, is: CA }", "{ field: state, in: { list: west } }", "{ field: state, in: [CA, TX] }", "{ field: state, not_in: [OR] }",
        "{ field: zip, in: { list: zips } }", "{ field: zip, between: [90000, 99999] }", "{ field: zip, starts_with: 0 }", "{ field: age, between: [25, 65] }",
        "{ field: age, at_least: 26 }", "{ field: age, at_most: 25 }", "{ field: age, in: [20, 30] }", "{ field: age, exists: false }", "{ field: age, exists: true }",
        "{ field: insured, is: true }", "{ field: insured, is_not: true }", "{ field: coverage, in: { list: words } }", "{ field: coverage, is: minimum }",
        "{ field: renewal, at_most: today+45d }", "{ field: renewal, at_least: 2026-12-01 }", "{ field: bill, at_least: 99 }", "{ field: make, contains: or }",
        "{ field: homeowner, is: own }", "{ field: homeowner, exists: false }", "{ field: hour, at_least: 5 }", "{ field: publisher, is: Search }",
        "{ field: publisher, not_in: [search, social] }", "{ field: publisher, is_not: social }", "{ field: publisher, contains: s }", "{ field: state, exists: false }",
        "{ field: zip, not_in: { list: zips } }", "{ field: zip, not_in: [90210, 90211, 90212] }", "{ field: zip, exists: true }", "{ field: age, is_not: 25 }",
        "{ field: age, between: [25, 30] }", "{ field: make, is_not: ford }", "{ field: make, in: [FORD, Audi] }", "{ field: sub_id, starts_with: kw }");

    private static Gen<string> Pick(params string[] words) => Gen.Int[0, words.Length - 1].Select(i => words[i]);

    internal static Condition Compile(string written)
    {
        var errors = new ConfigErrors();
        var condition = ConditionCompiler.Compile(Written.Node(written), Context(ConditionPlace.Payout), errors);
        errors.Errors.ShouldBeEmpty();
        return condition;
    }

    internal static Subject Subject(string given, DateTimeOffset? now = null, string publisher = "search")
    {
        var raw = given.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('='))
            .ToDictionary(pair => pair[0], pair => new RawField(pair[0], RawKind.String, pair[1]));
        var values = Fields.All.Select(schema =>
            raw.TryGetValue(schema.Name, out var field) ? FieldReader.Read(schema, field, FieldReaderTests.Parsers, FieldReaderTests.Today).Value : default).ToArray();
        return new()
        {
            Vertical = "auto", Publisher = publisher, SubId = "kw-17", Values = values, Now = now ?? new(2026, 11, 22, 15, 30, 0, TimeSpan.Zero),
            Sharing = Sharing.Shared, Buyer = "acme", Campaign = "acme-west", Price = Money.Parse("12.50"),
        };
    }

    private static ConditionContext Context(ConditionPlace place) => new()
    {
        Fields = Fields,
        Place = place,
        Zone = TimeZoneInfo.FindSystemTimeZoneById("America/New_York"),
        Parsers = FieldReaderTests.Parsers,
        List = Lists.GetValueOrDefault,
        KnownElsewhere = name => name == "homeowner",
        KnownPublisher = id => id.Equals("search", StringComparison.OrdinalIgnoreCase) || id == "social",
    };

    private static NamedList List(string name, FieldType type, params string[] values) =>
        ListCompiler.Compile(name, Written.Node($"{{ type: {FieldTypes.NameOf(type)}, values: [ {string.Join(", ", values)} ] }}", $"lists.{name}"), FieldReaderTests.Parsers, new())!;
}
