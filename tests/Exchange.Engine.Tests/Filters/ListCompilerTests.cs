using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.Tests.Fields;
using Shouldly;

namespace Exchange.Engine.Tests.Filters;

public sealed class ListCompilerTests
{
    [Fact]
    public void List_OfZips_IsNormalizedAndKeepsEachOnce()
    {
        var list = Compile("{ type: us_zip, values: [02139, 90210, 90210-1234] }", out var errors)!;
        errors.ShouldBe("");
        list.Values.Select(value => value.Text).ShouldBe(["02139", "90210"]);
        list.Set.Contains(new("90210", 90210)).ShouldBeTrue();
        list.Set.Contains(new("10001", 10001)).ShouldBeFalse();
    }

    [Fact]
    public void List_OfPhones_HoldsE164() =>
        Compile("{ type: phone, values: [\"(415) 555-0132\"] }", out _)!.Values.ShouldHaveSingleItem().Text.ShouldBe("+14155550132");

    [Theory]
    [InlineData("{ type: us_zip }", "lists.l.values missing_key")]
    [InlineData("{ values: [a] }", "lists.l.type missing_key")]
    [InlineData("{ type: zipcode, values: [a] }", "lists.l.type invalid_format")]
    [InlineData("{ type: us_zip, values: [90210, 9021, [a]] }", "lists.l.values[1] invalid_format, lists.l.values[2] wrong_type")]
    [InlineData("{ type: us_zip, values: [90210], more: x }", "lists.l.more unknown_key")]
    [InlineData("[a]", "lists.l wrong_type")]
    public void List_WithMistakes_TellsAll(string written, string told)
    {
        Compile(written, out var errors).ShouldBeNull();
        errors.ShouldBe(told);
    }

    private static NamedList? Compile(string written, out string told)
    {
        var errors = new ConfigErrors();
        var list = ListCompiler.Compile("l", Written.Node(written, "lists.l"), FieldReaderTests.Parsers, errors);
        told = string.Join(", ", errors.Errors.Select(error => $"{error.Pointer} {error.Code}"));
        return list;
    }
}
